//! `kycmart mart reprocess`: decode again what was ingested, after something was mended.

use std::io::Write;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::{json, lines};
use crate::cli::ingest::KnownArguments;
use crate::cli::query::balanced;
use crate::cli::report::resources;
use crate::cli::{Context, MartArgument};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ingest::Source;
use crate::mart::reprocess::{Summary, Wish};
use crate::mart::{Mart, MartLock};
use crate::normalise::Normaliser;

/// Payloads that keep their rows and are named one by one; `--format json` names all.
const NAMED: usize = 20;

const EXAMPLES: &str = "\
Examples:
  kycmart mart reprocess --mart mart --dry-run                    what could be decoded again, and what not
  kycmart mart reprocess --mart mart --where \"provider = 'jumio' AND received_month >= '2026-01'\"
  kycmart mart reprocess --mart mart --where \"payload_key IN (SELECT payload_key FROM rejects)\"

Payloads are read again from the sources that the mart has recorded, so run it in the folder in which they were ingested,
and with what was said of them then: the sources of kycmart.toml are found by their paths, the flags below hold for all
payloads that are selected. All rows are replaced in one commit: killed before it, nothing has changed. Payloads whose
source is gone or holds other bytes, or is divided into payloads in another way now, keep their rows and are named; the
exit code is 0 then too.";

/// Decode payloads again from their sources, after a decoder, a mapping or a setting was mended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// Only payloads with a delivery of which this holds: a condition over the columns of the table receipts.
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Change nothing: say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    known: KnownArguments,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let config = &context.config;
    let root = arguments.mart.path(config)?;
    let condition = arguments.condition.as_deref().map(str::trim);
    if let Some(condition) = condition {
        balanced(condition).map_err(|what| Error::usage(format!("--where is not one condition: {what}")))?;
        if condition.is_empty() {
            return Err(Error::usage("--where is empty").hint("leave it out to select every payload"));
        }
    }
    let key = config.key(arguments.known.key_file.as_deref())?;
    let rules = Normaliser {
        catalogue: &context.catalogue,
        key: key.as_ref(),
        dimensions: &config.dimensions.names,
        show_personal: false,
    };
    // A mart that is not there is not made.
    let mut mart = Mart::open(&root)?;
    let _lock = if arguments.dry_run { None } else { Some(MartLock::take(&root, "mart reprocess")?) };
    if !arguments.dry_run {
        mart = Mart::open_or_create(&root)?;
    }
    let source_of = |path: &Path| source_of(path, &arguments.known, config);
    let wish = Wish { condition, source_of: &source_of, dry_run: arguments.dry_run };
    let summary = mart.reprocess(&wish, &rules, &resources(config))?;
    match arguments.format {
        Format::Json => json(&summary)?,
        Format::Table => lines(|out| print_summary(&summary, out))?,
    }
    Ok(0)
}

/// A recorded source as it is to be read now: as that of the configuration below which it lies, else as the flags say.
fn source_of(path: &Path, known: &KnownArguments, config: &Config) -> Source {
    match config.source_of(path) {
        Some(source) => Source { path: path.to_owned(), ..known.configured(source, config) },
        None => known.source(path.to_owned(), config),
    }
}

fn print_summary(summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{} payloads selected: {} {} decoded again, {} keep their rows",
        summary.payloads_selected,
        summary.payloads_decoded,
        if summary.dry_run { "would be" } else { "were" },
        summary.left.len()
    )?;
    if summary.payloads_decoded > 0 {
        writeln!(
            out,
            "readable: {} before, {} now; {} have another identity",
            summary.readable_before, summary.readable_after, summary.payloads_renamed
        )?;
    }
    for batch in &summary.batches {
        match &batch.by {
            Some(by) => writeln!(out, "batch {} is replaced by {by}", batch.batch_id)?,
            None => writeln!(out, "batch {} would be replaced", batch.batch_id)?,
        }
    }
    for left in summary.left.iter().take(NAMED) {
        let why = left.why.replace('_', " ");
        writeln!(out, "kept as it was: {} (payload {}, byte {}): {why}", left.source, left.index, left.offset)?;
    }
    if summary.left.len() > NAMED {
        writeln!(out, "kept as they were: {} more; --format json names all", summary.left.len() - NAMED)?;
    }
    Ok(())
}
