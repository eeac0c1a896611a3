//! The logs: contiguous, readable, replayable, and none cut off at its end.

use std::path::Path;

use super::super::delta::{self, DataFile, DeltaTable, LogEngine};
use super::super::history::{LogFiles, read_commit};
use super::super::{FIRST_TABLE, has_table, table_specs};
use super::{Check, Watch};
use crate::error::{Error, Result};

/// A table whose log can be replayed.
pub(super) struct Opened {
    pub(super) table: DeltaTable,
    pub(super) files: Vec<DataFile>,
}

impl Opened {
    pub(super) fn name(&self) -> &'static str {
        self.table.spec().name
    }
}

/// Checks every log and opens the tables that can be.
pub(super) fn check(engine: &LogEngine, root: &Path, check: &mut Check, watch: &dyn Watch) -> Result<Vec<Opened>> {
    if !table_specs().iter().any(|spec| root.join(spec.name).join("_delta_log").is_dir()) {
        return Err(Error::usage(format!("there is no mart at {}", root.display()))
            .hint(format!("make one with: kycmart ingest SOURCE --mart {}", root.display())));
    }
    let (mut opened, mut commits, mut tables) = (Vec::new(), 0, 0);
    for spec in table_specs() {
        let name = spec.name;
        let log = LogFiles::of(&root.join(name))?;
        commits += log.commits.len();
        watch.advance(1);
        if !delta::exists(root, name) {
            missing(engine, root, name, &log, check);
            continue;
        }
        tables += 1;
        let contiguous = contiguous(root, name, &log, check);
        let replayed = DeltaTable::open(engine, root, spec).and_then(|table| {
            let files = table.files(engine)?;
            Ok(Opened { table, files })
        });
        match replayed {
            Ok(table) => opened.push(table),
            Err(error) if error.to_string().contains(delta::NEWER) => return Err(error),
            Err(_) if !contiguous => {}
            Err(error) => check.problem(format!("{name}/_delta_log"), format!("cannot be replayed: {error}")),
        }
    }
    check.looked_at = format!("{tables} tables, {commits} commits");
    Ok(opened)
}

fn missing(engine: &LogEngine, root: &Path, name: &str, log: &LogFiles, check: &mut Check) {
    if !log.commits.is_empty() || !log.checkpoints.is_empty() {
        check.problem(format!("{name}/_delta_log"), "neither its first version nor a checkpoint is there");
    } else if super::files::has_data(&root.join(name)) {
        check.problem(name, "it has files and no log");
    } else if is_needed(engine, root, name) {
        check.problem(name, "is not there, and the mart had it");
    } else {
        check.notes.push(format!("{name} is not there; the next command that writes makes it"));
    }
}

/// Whether a mart that has lost this table has lost something: all tables are made together, before any is written, but for
/// those that marts of older programs lack.
fn is_needed(engine: &LogEngine, root: &Path, name: &str) -> bool {
    let specs = table_specs();
    if !delta::exists(root, FIRST_TABLE) {
        return specs.iter().any(|spec| delta::was_written(root, spec.name));
    }
    let batches = specs.into_iter().find(|spec| spec.name == FIRST_TABLE);
    let batches = batches.and_then(|spec| DeltaTable::open(engine, root, spec).ok());
    let format = batches.and_then(|table| table.transaction_number(engine, delta::FORMAT_ID).ok().flatten());
    has_table(format.unwrap_or(1), name)
}

/// Looks at the commits that a reader needs; true where nothing is wrong with them.
fn contiguous(root: &Path, name: &str, log: &LogFiles, check: &mut Check) -> bool {
    let before = check.problems;
    let place = |version: u64| format!("{name}/_delta_log/{version:020}.json");
    let first = log.checkpoints.last().copied();
    let newest = log.commits.keys().next_back().copied().max(first).unwrap_or(0);
    if let Some(hint) = log.last_checkpoint.filter(|hint| !log.checkpoints.contains(hint)) {
        check.problem(format!("{name}/_delta_log/_last_checkpoint"), format!("checkpoint {hint} is not there"));
    }
    let mut old_gaps = 0;
    for version in 0..=newest {
        let needed = first.is_none_or(|first| version > first);
        match log.commits.get(&version).map(|path| read_commit(version, path)) {
            Some(Ok(_)) => {}
            Some(Err(says)) => check.problem(place(version), says),
            None if needed => check.problem(place(version), "is not there"),
            None => old_gaps += 1,
        }
    }
    if old_gaps > 0 {
        check
            .notes
            .push(format!("{name}: {old_gaps} commits before its newest checkpoint are gone; its past cannot be seen"));
    }
    for (version, path) in checkpoint_files(&root.join(name)) {
        if let Err(says) = super::files::readable(&path) {
            check.problem(format!("{name}/_delta_log/{version}"), says);
        }
    }
    check.problems == before
}

/// The checkpoints of a table that are plain Parquet files, by name.
fn checkpoint_files(table: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = std::fs::read_dir(table.join("_delta_log")).into_iter().flatten().flatten();
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    let mut files: Vec<_> = named.filter(|(name, _)| name.ends_with(".checkpoint.parquet")).collect();
    files.sort();
    files
}
