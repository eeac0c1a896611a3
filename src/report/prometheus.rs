//! `kycmart.prom`: the figures of a set in the text format of Prometheus, for the textfile collector.
//!
//! Gauges only: a report states how things are over its range. Withheld cells are left out. Nothing volatile: the
//! collector itself says how old the file is. Format: Prometheus, "Exposition formats", text version 0.0.4.

use std::fmt::Write;

use polars::prelude::DataFrame;

use super::columns::{fractions, integers, texts, truths};
use super::set::Set;
use super::spec::OUTCOMES;
use super::workbook::disclosure_line;
use crate::error::Result;

/// The file's text.
///
/// # Errors
/// When a report has not the columns it should have.
pub fn exposition(set: &Set) -> Result<String> {
    let mut out = format!("# kycmart: {}\n", disclosure_line(set.disclosure, set.facts.threshold));
    if let Some(frame) = set.frame("pass_rates_by_provider") {
        outcomes(&mut out, frame)?;
        ratios(&mut out, frame)?;
    }
    if let Some(frame) = set.frame("authority_incidents") {
        incidents(&mut out, frame)?;
    }
    if let Some(frame) = set.frame("inputs") {
        inputs(&mut out, frame)?;
    }
    alerts(&mut out, set);
    Ok(out)
}

fn head(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

/// One sample; a value that is not there has none.
fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: Option<f64>) {
    let Some(value) = value else { return };
    let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
    let _ = writeln!(out, "{name}{{{}}} {value}", labels.join(","));
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn outcomes(out: &mut String, frame: &DataFrame) -> Result<()> {
    let providers = texts(frame, "provider")?;
    head(out, "kycmart_verifications", "Verifications in the range of the report, by outcome.");
    for outcome in OUTCOMES {
        for (provider, count) in providers.iter().zip(integers(frame, outcome)?) {
            let labels = [("provider", provider.as_deref().unwrap_or("")), ("outcome", outcome)];
            sample(out, "kycmart_verifications", &labels, count.map(|n| n as f64));
        }
    }
    Ok(())
}

fn ratios(out: &mut String, frame: &DataFrame) -> Result<()> {
    let providers = texts(frame, "provider")?;
    let ratios = [
        ("pass_rate", "kycmart_pass_ratio", "Passed of passed and failed."),
        ("pass_rate_low", "kycmart_pass_ratio_low", "Lower Wilson bound (95 %) of the pass ratio."),
        ("pass_rate_high", "kycmart_pass_ratio_high", "Upper Wilson bound (95 %) of the pass ratio."),
    ];
    for (column, name, help) in ratios {
        head(out, name, help);
        for (provider, rate) in providers.iter().zip(fractions(frame, column)?) {
            sample(out, name, &[("provider", provider.as_deref().unwrap_or(""))], rate);
        }
    }
    Ok(())
}

fn incidents(out: &mut String, frame: &DataFrame) -> Result<()> {
    let columns = [texts(frame, "provider")?, texts(frame, "country")?, texts(frame, "id_type")?];
    let open = truths(frame, "still_open")?;
    head(out, "kycmart_authority_incident_open", "1 for every ID authority whose newest lookups are in an incident.");
    for row in (0..frame.height()).filter(|row| open[*row]) {
        let text = |column: usize| columns[column][row].as_deref().unwrap_or("");
        let labels = [("provider", text(0)), ("country", text(1)), ("id_type", text(2))];
        sample(out, "kycmart_authority_incident_open", &labels, Some(1.0));
    }
    Ok(())
}

fn inputs(out: &mut String, frame: &DataFrame) -> Result<()> {
    let columns = [texts(frame, "provider")?, texts(frame, "kind")?, texts(frame, "partner")?];
    let silent = truths(frame, "silent")?;
    head(out, "kycmart_input_silent", "1 where an input that usually has payloads had none in the newest 24 hours.");
    for row in 0..frame.height() {
        let text = |column: usize| columns[column][row].as_deref().unwrap_or("");
        let labels = [("provider", text(0)), ("kind", text(1)), ("partner", text(2))];
        sample(out, "kycmart_input_silent", &labels, Some(f64::from(u8::from(silent[row]))));
    }
    Ok(())
}

fn alerts(out: &mut String, set: &Set) {
    head(out, "kycmart_alerts", "Alerts of the report, by rule.");
    for rule in super::alerts::RULES {
        let found = set.alerts.iter().filter(|alert| alert.rule == rule).count();
        sample(out, "kycmart_alerts", &[("rule", rule)], Some(found as f64));
    }
}
