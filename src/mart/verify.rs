//! Everything in a mart read again: logs, files, rows, accounts and, where asked for, the recorded sources.
//!
//! A check says what it looked at and what is not as it should be; it mends nothing. What depends on a part that is damaged
//! is left out and said to be, so that one fault is not told ten times. Not here: whether what a payload states was decoded
//! rightly.

mod files;
mod log;
mod rows;
mod sources;

use std::path::Path;

use serde::Serialize;

pub use self::sources::{OptionsOf, Place, SourceCheck, Tally};
use super::delta::LogEngine;
use super::{FIRST_TABLE, Mart};
use crate::engine::duckdb::{DuckDb, Resources};
use crate::error::{Error, Result};

/// Problems that a check names; the rest is counted.
pub const NAMED: usize = 20;

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A file below the mart, a table or a batch.
    pub place: String,
    pub says: String,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    /// What it makes sure of.
    pub what: &'static str,
    /// Things that were looked at, in words.
    pub looked_at: String,
    pub problems: u64,
    /// The first of them.
    pub named: Vec<Problem>,
    /// Worth to know, and no problem.
    pub notes: Vec<String>,
    /// Why it, or a part of it, was left out.
    pub left_out: Option<String>,
}

impl Check {
    fn new(name: &'static str, what: &'static str) -> Self {
        let (looked_at, named, notes) = (String::new(), Vec::new(), Vec::new());
        Check { name, what, looked_at, problems: 0, named, notes, left_out: None }
    }

    fn problem(&mut self, place: impl Into<String>, says: impl Into<String>) {
        self.problems += 1;
        if self.named.len() < NAMED {
            self.named.push(Problem { place: place.into(), says: says.into() });
        }
    }
}

/// The outcome of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether there is no problem.
    pub ok: bool,
    pub checks: Vec<Check>,
    /// NULL where the sources were not asked for.
    pub sources: Option<SourceCheck>,
}

/// What happens while it runs, for whoever shows it.
pub trait Watch: Sync {
    /// A step of so many parts begins.
    fn begin(&self, step: &'static str, parts: u64);
    /// Parts were done.
    fn advance(&self, parts: u64);
}

/// Verifies a mart; the sources too, where it is said how they are read.
///
/// # Errors
/// When there is no mart, a newer program wrote it, or a check cannot be finished.
pub fn verify(
    root: &Path,
    sources: Option<OptionsOf>,
    resources: &Resources,
    watch: &dyn Watch,
) -> Result<Verification> {
    let engine = LogEngine::new(root)?;
    watch.begin("logs", super::table_specs().len() as u64);
    let mut log_check = Check::new("log", "every log is contiguous and can be replayed");
    let tables = log::check(&engine, root, &mut log_check, watch)?;
    let mut file_check =
        Check::new("files", "every listed file is there, with the bytes, columns and rows it was written with");
    let damaged = files::check(root, &tables, &mut file_check, watch);
    let whole = |name: &str| tables.iter().any(|t| t.name() == name) && !damaged.contains(name);
    let mut checks = vec![log_check, file_check];
    let mut found_sources = None;
    if whole(FIRST_TABLE) {
        let names: Vec<&'static str> = tables.iter().map(log::Opened::name).filter(|name| whole(name)).collect();
        let mart = Mart { root: root.to_owned(), log: engine, tables: tables.into_iter().map(|t| t.table).collect() };
        let mut duckdb = DuckDb::open(resources)?;
        checks.extend(rows::check(&mart, &names, &mut duckdb, watch)?);
        found_sources = match sources {
            Some(options_of) if names.contains(&"receipts") => Some(sources::check(&mut duckdb, options_of, watch)?),
            Some(_) => return Err(unchecked_sources(&checks)),
            None => None,
        };
    } else {
        let mut rows = Check::new("rows", rows::WHAT);
        rows.left_out = Some(format!("the table {FIRST_TABLE} says which rows count, and is damaged"));
        checks.push(rows);
    }
    let ok = checks.iter().all(|c| c.problems == 0) && found_sources.as_ref().is_none_or(SourceCheck::is_good);
    Ok(Verification { ok, checks, sources: found_sources })
}

fn unchecked_sources(checks: &[Check]) -> Error {
    let first = checks.iter().flat_map(|c| &c.named).next();
    let first = first.map_or(String::new(), |p| format!(" ({}: {})", p.place, p.says));
    Error::failed(format!("the sources cannot be checked: the table receipts is damaged{first}"))
        .hint("see all of it without --sources")
}
