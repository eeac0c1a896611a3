//! `kycmart mart vacuum`: files that are not needed, listed or deleted.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use indicatif::HumanBytes;

use super::info::Format;
use super::{json, lines};
use crate::cli::print::plain_table;
use crate::cli::{Context, MartArgument};
use crate::error::{Error, Result};
use crate::mart::vacuum::{Vacuum, Why};
use crate::mart::{Mart, MartLock};
use crate::record::Micros;

/// How long a file is kept that its table has no more.
pub const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// Readers that began before a commit must be able to finish.
const LEAST_KEEP: Duration = Duration::from_secs(24 * 3600);

const EXAMPLES: &str = "\
Examples:
  kycmart mart vacuum --mart mart                              what would be deleted
  kycmart mart vacuum --mart mart --delete
  kycmart mart vacuum --mart mart --delete --keep 0h --force   after an erasure: no byte of it is left

Deleted are only files that the newest version of no table needs: those that were merged, rewritten or erased longer ago
than --keep, and what killed runs left behind. Earlier versions of a table can be read only as long as their files are there.
Below 24h a report or another program that is still reading may lose its files, therefore --force.";

/// List the files that no version worth keeping needs; with --delete, delete them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// Delete; without it nothing is changed.
    #[arg(long)]
    delete: bool,
    /// Keep what was needed within this time, such as 7d, 36h, 2weeks.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = humantime::parse_duration)]
    keep: Duration,
    /// Allow less than 24h.
    #[arg(long)]
    force: bool,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    if arguments.keep < LEAST_KEEP && !arguments.force {
        return Err(Error::usage("--keep below 24h takes files from readers that are under way")
            .hint("make sure that nothing reads the mart, then add --force"));
    }
    let root = arguments.mart.path(&context.config)?;
    // A mart that is not there is not made.
    let mut mart = Mart::open(&root)?;
    let _lock = if arguments.delete { Some(MartLock::take(&root, "mart vacuum")?) } else { None };
    if arguments.delete {
        // What was erased is gone from the newest version only when the erasure is finished.
        mart = Mart::open_or_create(&root)?;
    }
    let vacuum = mart.vacuum(arguments.keep, arguments.delete)?;
    match arguments.format {
        Format::Json => json(&vacuum)?,
        Format::Table => lines(|out| print(&vacuum, out))?,
    }
    Ok(0)
}

fn print(vacuum: &Vacuum, out: &mut dyn Write) -> std::io::Result<()> {
    if !vacuum.files.is_empty() {
        let mut table = plain_table();
        table.set_header(["file", "size", "why", "since"]);
        for file in &vacuum.files {
            let why = match file.why {
                Why::Removed => "removed from its table",
                Why::NeverCommitted => "never committed",
            };
            let since = Micros(file.since_us).utc().format("%Y-%m-%d %H:%M:%S").to_string();
            let size = HumanBytes(file.bytes).to_string();
            table.add_row([file.path.display().to_string(), size, why.to_owned(), since]);
        }
        writeln!(out, "{table}\n")?;
    }
    let did = if vacuum.deleted { "deleted" } else { "to delete" };
    writeln!(out, "{did}: {} files, {}", vacuum.files.len(), HumanBytes(vacuum.bytes))?;
    if vacuum.waiting_files > 0 {
        let size = HumanBytes(vacuum.waiting_bytes);
        writeln!(out, "younger than --keep: {} files, {size}", vacuum.waiting_files)?;
    }
    let after = if vacuum.deleted { "" } else { " afterwards" };
    let bounded: Vec<_> = vacuum.time_travel.iter().filter(|reach| reach.version > 0).collect();
    if bounded.is_empty() {
        writeln!(out, "time travel{after}: every version of every table")?;
    } else {
        writeln!(out, "time travel{after}: every version, but")?;
    }
    for reach in bounded {
        let time = reach.time.as_ref().map_or(String::new(), |time| format!(" ({time})"));
        writeln!(out, "  {} from version {} of {}{time}", reach.table, reach.version, reach.newest)?;
    }
    match &vacuum.as_of_from {
        Some(from) => {
            writeln!(out, "report --as-of{after}: from {from}, before it only where nothing was replaced or erased")?
        }
        None => writeln!(out, "report --as-of{after}: every batch")?,
    }
    if !vacuum.deleted && !vacuum.files.is_empty() {
        writeln!(out, "nothing was deleted; run again with --delete")?;
    }
    Ok(())
}
