//! `kycmart mart history`: what was done to a mart, newest first.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use clap::Args;

use super::lines;
use crate::cli::print::{self, Style, plain_table};
use crate::cli::{Context, MartArgument};
use crate::error::Result;
use crate::mart::Mart;
use crate::mart::history::{Commit, Event};
use crate::record::{Batch, Micros};

const EXAMPLES: &str = "\
Examples:
  kycmart mart history --mart mart --limit 20
  kycmart mart history --mart mart --format csv > history.csv

A batch stands for all commits of its ingest. Every other commit of a table stands for itself: its creation, compaction,
erasure, reprocessing. Times are UTC; a batch is named by --as-of of `kycmart report`.";

/// Show every batch and every maintenance of a mart, newest first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// Only so many of the newest.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to print; only the table is shortened.
    #[arg(long, value_enum, default_value = "table")]
    format: Style,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let mart = Mart::open(&arguments.mart.path(&context.config)?)?;
    let mut events = mart.history()?;
    events.truncate(arguments.limit.unwrap_or(usize::MAX));
    match arguments.format {
        Style::Table => lines(|out| table(&events, out))?,
        style => print::print(&[rows(&events)?], style, &mut std::io::BufWriter::new(std::io::stdout()))?,
    }
    Ok(0)
}

fn table(events: &[Event], out: &mut dyn Write) -> std::io::Result<()> {
    let mut table = plain_table();
    table.set_header(["time", "event", "of", "what", "tool", "catalogue"]);
    for event in events {
        let time = event.time().utc().format("%Y-%m-%d %H:%M:%S").to_string();
        table.add_row(match event {
            Event::Batch(batch) => {
                let (id, tool) = (batch.batch_id.clone(), batch.tool_version.clone());
                [time, "ingest".to_owned(), id, counts(batch), tool, batch.catalogue_version.clone()]
            }
            Event::Commit(name, commit) => {
                let of = format!("{name}, version {}", commit.version);
                [time, commit.operation.clone(), of, files(commit), tool(commit), String::new()]
            }
        });
    }
    writeln!(out, "{table}")
}

fn counts(batch: &Batch) -> String {
    let Batch { payloads_seen, payloads_new, payloads_known, payloads_rejected, .. } = batch;
    let counts =
        format!("{payloads_seen} = {payloads_new} new + {payloads_known} known + {payloads_rejected} rejected");
    match (&batch.replaces, batch.replaced_at) {
        (Some(old), Some(at)) => format!("{counts}; reprocessed {}, was {old}", at.utc().format("%Y-%m-%d")),
        _ => counts,
    }
}

fn files(commit: &Commit) -> String {
    match (commit.files_added, commit.removed.len()) {
        (0, 0) => String::new(),
        (added, 0) => format!("{added} files"),
        (added, removed) => format!("{removed} files into {added}"),
    }
}

/// `kycmart/0.1.0` as `0.1.0`; another program by its name.
fn tool(commit: &Commit) -> String {
    commit.engine.strip_prefix("kycmart/").unwrap_or(&commit.engine).to_owned()
}

/// All that is known of the events, one row each.
fn rows(events: &[Event]) -> Result<RecordBatch> {
    let batch = |event: &Event| match event {
        Event::Batch(batch) => Some(batch.clone()),
        Event::Commit(..) => None,
    };
    let commit = |event: &Event| match event {
        Event::Commit(name, commit) => Some((*name, commit.clone())),
        Event::Batch(_) => None,
    };
    let text = |of: &dyn Fn(&Event) -> Option<String>| -> ArrayRef {
        Arc::new(events.iter().map(of).collect::<StringArray>())
    };
    let number =
        |of: &dyn Fn(&Event) -> Option<i64>| -> ArrayRef { Arc::new(events.iter().map(of).collect::<Int64Array>()) };
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let columns = [
        ("time", text(&|e| Some(e.time().rfc3339()))),
        ("event", text(&|e| Some(commit(e).map_or("ingest".to_owned(), |(_, c)| c.operation)))),
        ("batch_id", text(&|e| Some(batch(e)?.batch_id))),
        ("table_name", text(&|e| Some(commit(e)?.0.to_owned()))),
        ("version", number(&|e| Some(whole(commit(e)?.1.version)))),
        ("payloads_seen", number(&|e| Some(batch(e)?.payloads_seen))),
        ("payloads_new", number(&|e| Some(batch(e)?.payloads_new))),
        ("payloads_known", number(&|e| Some(batch(e)?.payloads_known))),
        ("payloads_rejected", number(&|e| Some(batch(e)?.payloads_rejected))),
        ("files_added", number(&|e| Some(whole(commit(e)?.1.files_added)))),
        ("files_removed", number(&|e| Some(whole(commit(e)?.1.removed.len() as u64)))),
        (
            "tool_version",
            text(&|e| commit(e).map_or_else(|| batch(e).map(|b| b.tool_version), |(_, c)| Some(tool(&c)))),
        ),
        ("catalogue_version", text(&|e| Some(batch(e)?.catalogue_version))),
        ("replaces", text(&|e| batch(e)?.replaces)),
        ("replaced_at", text(&|e| batch(e)?.replaced_at.map(Micros::rfc3339))),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))?)
}
