//! `kycmart mart info`: what a mart holds, in numbers.

use std::io::Write;

use clap::{Args, ValueEnum};
use indicatif::HumanBytes;

use super::vacuum::KEEP;
use super::{json, lines};
use crate::cli::print::plain_table;
use crate::cli::report::resources;
use crate::cli::{Context, MartArgument};
use crate::error::Result;
use crate::mart::Mart;
use crate::mart::info::{BatchInfo, Info};

const EXAMPLES: &str = "\
Examples:
  kycmart mart info --mart mart
  kycmart mart info --mart mart --format json | jq '.advice[]'

`rows` are those that count, `stored` all that are in the files of the newest version: rows of a run that was killed lie
there until `mart compact`. Nothing is changed.";

/// Show what a mart holds, and which care it needs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How an answer is printed that is more than one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let mart = Mart::open(&arguments.mart.path(&context.config)?)?;
    let info = mart.info(KEEP, &resources(&context.config))?;
    match arguments.format {
        Format::Json => json(&info)?,
        Format::Table => lines(|out| print(&info, out))?,
    }
    Ok(0)
}

fn print(info: &Info, out: &mut dyn Write) -> std::io::Result<()> {
    let mut table = plain_table();
    table.set_header(["table", "version", "rows", "stored", "files", "size", "partitions", "checkpoint"]);
    for t in &info.tables {
        let checkpoint = t.last_checkpoint.map_or("-".to_owned(), |version| version.to_string());
        let numbers = [t.version, t.rows, t.rows_stored, t.files].map(|n| n.to_string());
        let rest = [HumanBytes(t.bytes).to_string(), t.partitions.to_string(), checkpoint];
        table.add_row([t.table.to_owned()].into_iter().chain(numbers).chain(rest));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    writeln!(out, "{table}\n")?;
    writeln!(out, "mart       {}, format {}", info.mart, info.format)?;
    let batch = |batch: &Option<BatchInfo>| batch.as_ref().map_or("-".to_owned(), |b| b.batch_id.clone());
    let reprocessed = match info.batches_reprocessed {
        0 => String::new(),
        n => format!(", {n} of them reprocessed"),
    };
    writeln!(out, "batches    {}{reprocessed}", info.batches)?;
    if let Some(newest) = &info.newest_batch {
        writeln!(out, "           first {}", batch(&info.first_batch))?;
        writeln!(out, "           newest {}, finished {}", newest.batch_id, newest.finished_at)?;
    }
    let p = &info.payloads;
    writeln!(out, "payloads   {} seen = {} new + {} already known + {} rejected", p.seen, p.new, p.known, p.rejected)?;
    for key in &info.pseudonym_keys {
        let id = key.key_id.as_ref().map_or("without a key".to_owned(), |id| format!("under key {id}"));
        writeln!(out, "pseudonyms {} observations {id}", key.observations)?;
    }
    if info.tombstones > 0 {
        writeln!(out, "erased     {} payloads, {} tombstones", p.erased, info.tombstones)?;
    }
    if info.garbage_rows > 0 {
        writeln!(out, "garbage    {} rows of {} batches that are not listed", info.garbage_rows, info.garbage_batches)?;
    }
    for line in &info.advice {
        writeln!(out, "advisable  {line}")?;
    }
    if info.advice.is_empty() {
        writeln!(out, "advisable  nothing")?;
    }
    Ok(())
}
