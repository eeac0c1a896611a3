//! The report as one page: a self-contained HTML file without scripts, from the frames of a set.
//!
//! Its figures are those of the CSV files of the same set: nothing is computed here but sums and shares of what is shown,
//! so a withheld cell cannot be had back from a bar, a title or an order. Nothing volatile is in it: the same set gives
//! the same bytes. Text from outside is escaped by the template (or by `svg` inside of charts) and loses the marks that
//! turn lines around.
//!
//! The charts are drawn with `svg`, a writer of SVG, and a few lines of scales, not with a library of charts. Three were
//! judged by their output: `charts-rs` 2.3 has a title per mark, but fixed colours on a painted ground (no light and dark),
//! a `<style>` per chart that a strict policy refuses, and its hover texts doubled as hidden text; `kuva` 0.6 takes CSS
//! colours, but has no titles on lines and Pareto bars, no `viewBox`, a `<style>` per chart, and numbers its clip paths by
//! a counter of the process, so that bytes depend on what was drawn before; `poloto` has no titles at all. None merges
//! runs of a heat map, without which 200 authorities are too many bytes.

mod attention;
mod cells;
mod chart;
mod content;
mod dates;
mod heat;
mod pareto;
mod sections;
mod sources;
mod trend;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use sha2::{Digest, Sha256};

use self::content::Section;
use super::set::{Disclosure, Set};
use crate::error::{Error, Result};

const TEMPLATE: &str = include_str!("page/report.html");
const STYLE: &str = include_str!("page/report.css");

/// The page of a set.
///
/// # Errors
/// When the template does not fit what it is given.
pub fn page(set: &Set) -> Result<String> {
    let sections: Vec<Section> = sections::all(set);
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(broken)?);
    environment.add_template("report.html", TEMPLATE).map_err(broken)?;
    let template = environment.get_template("report.html").map_err(broken)?;
    let style = STYLE.trim();
    let values = context! {
        style,
        policy => policy(style),
        heading => heading(set),
        circulation => set.disclosure == Disclosure::Circulation,
        threshold => set.facts.threshold,
        facts => Serde(sources::facts(set)),
        sections => Serde(sections),
    };
    template.render(values).map_err(broken)
}

fn broken(error: minijinja::Error) -> Error {
    Error::failed(format!("the page cannot be written: {error}"))
}

/// Nothing is loaded and nothing runs; the one style is known by its digest.
fn policy(style: &str) -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(style.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

fn heading(set: &Set) -> String {
    match (set.facts.from, set.facts.to) {
        (Some(from), Some(to)) => format!("KYC report, {from} to {to}"),
        (None, Some(to)) => format!("KYC report up to {to}"),
        (Some(from), None) => format!("KYC report from {from}"),
        (None, None) => "KYC report".to_owned(),
    }
}
