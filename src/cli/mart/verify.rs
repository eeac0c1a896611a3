//! `kycmart mart verify`: everything read again.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::info::Format;
use super::{json, lines};
use crate::cli::ingest::source_options;
use crate::cli::report::resources;
use crate::cli::{Context, MartArgument};
use crate::config::Config;
use crate::error::Result;
use crate::mart::verify::{NAMED, SourceCheck, Tally, Verification, Watch, verify};
use crate::source;

const EXAMPLES: &str = "\
Examples:
  kycmart mart verify --mart mart
  kycmart mart verify --mart mart --sources        the recorded payloads too
  kycmart mart verify --mart mart --format json > verified.json

--sources looks for the payloads where the mart has recorded them, so run it in the folder in which they were ingested, with
the same configuration. What came by a pipe cannot be looked for and is counted. Nothing is changed.

Exit codes: 0 all is as it should be, 1 it is not, 2 usage, 3 could not finish.";

/// Read everything in a mart again and say what is not as it should be.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// Also read the recorded sources, and compare every payload byte for byte.
    #[arg(long)]
    sources: bool,
    /// Field or CSV column that holds the payload, as it was given to ingest.
    #[arg(long, value_name = "NAME", requires = "sources")]
    body_field: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let config = &context.config;
    let root = arguments.mart.path(config)?;
    let options_of = |path: &Path| options_of(path, arguments.body_field.as_deref(), config);
    let sources: Option<&dyn Fn(&Path) -> source::Options> = if arguments.sources { Some(&options_of) } else { None };
    let shown = Shown(Mutex::new(None));
    let found = verify(&root, sources, &resources(config), &shown);
    shown.finish();
    let found = found?;
    match arguments.format {
        Format::Json => json(&found)?,
        Format::Table => lines(|out| print(&found, out))?,
    }
    Ok(u8::from(!found.ok))
}

/// How a source is read: as that of the configuration below which it lies, else as the flag says.
fn options_of(path: &Path, body_field: Option<&str>, config: &Config) -> source::Options {
    let own = config.source_of(path).and_then(|source| source.body_field.clone());
    source_options(config, body_field.map(str::to_owned).or(own), false)
}

fn print(found: &Verification, out: &mut dyn Write) -> std::io::Result<()> {
    for check in &found.checks {
        let verdict = match (check.problems, &check.left_out) {
            (0, None) => "ok".to_owned(),
            (0, Some(_)) => "left out".to_owned(),
            (1, _) => "1 problem".to_owned(),
            (n, _) => format!("{n} problems"),
        };
        writeln!(out, "{:<9} {verdict}: {} ({})", check.name, check.what, check.looked_at)?;
        for problem in &check.named {
            writeln!(out, "            {}: {}", problem.place, problem.says)?;
        }
        more(check.problems, check.named.len(), out)?;
        for note in check.notes.iter().chain(&check.left_out) {
            writeln!(out, "            note: {note}")?;
        }
    }
    if let Some(sources) = &found.sources {
        print_sources(sources, out)?;
    }
    match found.ok {
        true if found.checks.iter().all(|c| c.left_out.is_none()) => writeln!(out, "all is as it should be"),
        true => writeln!(out, "no problem was found in what could be checked"),
        false => writeln!(out, "not all is as it should be; {ADVICE}"),
    }
}

const ADVICE: &str = "damaged files: put them back from a copy, or ingest their sources into a new mart";

fn print_sources(found: &SourceCheck, out: &mut dyn Write) -> std::io::Result<()> {
    let verdict = if found.is_good() { "ok" } else { "problems" };
    writeln!(
        out,
        "sources   {verdict}: {} payloads recorded in {} sources = {} unchanged + {} missing + {} changed + {} not checked",
        found.recorded,
        found.sources,
        found.unchanged,
        found.missing.payloads,
        found.changed.payloads,
        found.unchecked.payloads
    )?;
    for (word, tally) in [("missing", &found.missing), ("changed", &found.changed), ("not checked", &found.unchecked)] {
        print_tally(word, tally, out)?;
    }
    Ok(())
}

fn print_tally(word: &str, tally: &Tally, out: &mut dyn Write) -> std::io::Result<()> {
    for place in &tally.named {
        let at = match (place.index, place.offset) {
            (Some(index), Some(offset)) => format!(" (payload {index}, byte {offset})"),
            _ => String::new(),
        };
        writeln!(out, "            {word}: {}{at}: {}", place.source, place.why)?;
    }
    if tally.named.len() >= NAMED {
        writeln!(out, "            {word}: {} payloads in all", tally.payloads)?;
    }
    Ok(())
}

fn more(all: u64, named: usize, out: &mut dyn Write) -> std::io::Result<()> {
    match all - named as u64 {
        0 => Ok(()),
        rest => writeln!(out, "            and {rest} more"),
    }
}

/// A bar on a terminal, a line per step otherwise; on standard error.
struct Shown(Mutex<Option<ProgressBar>>);

impl Shown {
    fn finish(&self) {
        if let Some(bar) = self.0.lock().ok().and_then(|mut bar| bar.take()) {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Shown {
    fn begin(&self, step: &'static str, parts: u64) {
        self.finish();
        if !std::io::stderr().is_terminal() {
            eprintln!("verify: {step}");
            return;
        }
        let bar = ProgressBar::new(parts);
        let style = ProgressStyle::with_template("verify: {msg} {bar:24} {percent}%  {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(step);
        if let Ok(mut shown) = self.0.lock() {
            *shown = Some(bar);
        }
    }

    fn advance(&self, parts: u64) {
        if let Ok(shown) = self.0.lock()
            && let Some(bar) = shown.as_ref()
        {
            bar.inc(parts);
        }
    }
}
