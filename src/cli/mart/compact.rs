//! `kycmart mart compact`: small files merged, rows that never counted dropped.

use clap::Args;
use comfy_table::Table;

use crate::cli::print::{lines, plain_table};
use crate::cli::report::resources;
use crate::cli::{Context, MartArgument};
use crate::error::{Error, Result};
use crate::mart::parquet_file::Sizes;
use crate::mart::rewrite::Compacted;
use crate::mart::{Mart, MartLock};

const EXAMPLES: &str = "\
Examples:
  kycmart mart compact --mart mart --dry-run
  kycmart mart compact --mart mart && kycmart mart vacuum --mart mart --delete

No answer changes. What is replaced stays on disk for readers that are under way, until `mart vacuum`.";

/// Merge small files, sorted for lookups, and drop rows of ingests that were killed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// Rows that a file should hold; files with less than half of it are merged.
    #[arg(long, value_name = "N", default_value_t = Sizes::COMPACT.file_rows)]
    target_rows: usize,
    /// Say what would be merged, change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    if arguments.target_rows == 0 {
        return Err(Error::usage("--target-rows 0: a file holds at least one row"));
    }
    let root = arguments.mart.path(&context.config)?;
    let sizes = Sizes { file_rows: arguments.target_rows, ..Sizes::COMPACT };
    let resources = resources(&context.config);
    let done = if arguments.dry_run {
        Mart::open(&root)?.compact(sizes, &resources, true)?
    } else {
        Mart::open(&root)?;
        let _lock = MartLock::take(&root, "mart compact")?;
        Mart::open_or_create(&root)?.compact(sizes, &resources, false)?
    };
    lines(|out| match done.as_slice() {
        [] => writeln!(out, "nothing to merge"),
        done => writeln!(out, "{}", table(done, arguments.dry_run)),
    })?;
    Ok(0)
}

fn table(done: &[Compacted], dry_run: bool) -> Table {
    let mut table: Table = plain_table();
    if dry_run {
        table.set_header(["table", "files to merge", "bytes"]);
    } else {
        table.set_header(["table", "files before", "after", "bytes before", "after", "rows dropped"]);
    }
    for one in done {
        let before = [one.table.to_owned(), one.files_before.to_string()];
        if dry_run {
            table.add_row(before.into_iter().chain([one.bytes_before.to_string()]));
        } else {
            let rest = [one.files_after as u64, one.bytes_before, one.bytes_after, one.rows_dropped];
            table.add_row(before.into_iter().chain(rest.map(|n| n.to_string())));
        }
    }
    table
}
