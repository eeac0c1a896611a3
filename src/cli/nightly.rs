//! `kycmart nightly`: take in what is new, then report.

use std::path::PathBuf;

use clap::Args;

use super::ingest::{KnownArguments, all_read, print_summary, take_in};
use super::report::{FINDINGS, OutputArguments, write_run};
use super::{Context, MartArgument};
use crate::error::{Error, Result};
use crate::ingest::Source;
use crate::mart::as_of::View;
use crate::mart::{Mart, MartLock};

const EXAMPLES: &str = "\
Examples:
  kycmart nightly                                       all from kycmart.toml
  kycmart nightly payloads/ --mart mart --out reports   without one
  kycmart nightly --fail-on rejects=100,alarms || alert

Reports are in OUT/latest, which is switched only when the run is whole.";

/// Take in what is new, then write every report: the scheduled job.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, folders or patterns; without any, the sources of the configuration.
    #[arg(value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    mart: MartArgument,
    #[command(flatten)]
    known: KnownArguments,
    #[command(flatten)]
    output: OutputArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let started = chrono::Utc::now();
    let config = &context.config;
    let root = arguments.mart.path(config)?;
    arguments.output.out(config)?;
    arguments.output.fail_on.wishes(&FINDINGS, config)?;
    // A wrong invoice is said before an hour of ingest, not after.
    arguments.output.invoice()?;
    let sources: Vec<Source> = if arguments.sources.is_empty() {
        config.sources.iter().map(|source| arguments.known.configured(source, config)).collect()
    } else {
        arguments.sources.iter().map(|path| arguments.known.source(path.clone(), config)).collect()
    };
    if sources.is_empty() {
        return Err(
            Error::usage("there is no source").hint("name one on the command line, or [[sources]] in kycmart.toml")
        );
    }
    let key = config.key(arguments.known.key_file.as_deref())?;
    let _lock = MartLock::take(&root, "nightly")?;
    let mut mart = Mart::open_or_create(&root)?;
    let summary = take_in(&mut mart, &sources, key.as_ref(), context)?;
    print_summary(&summary);
    let code = write_run(
        &View::Now(&mart, &context.catalogue),
        &arguments.output,
        context,
        "nightly",
        started,
        Some(&summary),
    )?;
    all_read(&summary)?;
    Ok(code)
}
