//! The mart as it was at an earlier moment, for reports that must come out as they did then.
//!
//! A batch's rows stay its rows, so in most cases today's tables do, with `batches` restricted to those of then and the code
//! catalogue that was stored then. Where a reprocessing came between, the tables are opened at the versions that it found.
//! Not here: what an erasure or a vacuum removed; then the past cannot be seen, and it is said why.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::delta::{DataFile, DeltaTable};
use super::read::{batch_rows, read_file, texts, times};
use super::{FIRST_TABLE, Mart, numbers, table_specs};
use crate::engine::Engine;
use crate::engine::duckdb::quote;
use crate::error::{Error, Result};
use crate::provider::catalogue::Catalogue;
use crate::record::{Batch, Code, Micros, Table, Tombstone};

/// Batches that a hint names.
const NAMED_BATCHES: usize = 5;

/// What a report is made from.
pub enum View<'a> {
    /// The mart as it is, with a catalogue.
    Now(&'a Mart, &'a Catalogue),
    /// The mart as it was, with the catalogue of then.
    Then(&'a Past),
}

impl View<'_> {
    /// Makes all tables known to an engine.
    ///
    /// # Errors
    /// When a log cannot be replayed or the engine refuses a file.
    pub fn register(&self, engine: &mut dyn Engine) -> Result<()> {
        match self {
            View::Now(mart, catalogue) => mart.register(engine, catalogue),
            View::Then(past) => past.register(engine),
        }
    }

    /// The mart, at the versions that are seen.
    pub fn mart(&self) -> &Mart {
        match self {
            View::Now(mart, _) => mart,
            View::Then(past) => &past.mart,
        }
    }

    /// Version of the code catalogue.
    pub fn catalogue_version(&self) -> &str {
        match self {
            View::Now(_, catalogue) => catalogue.version(),
            View::Then(past) => &past.last.catalogue_version,
        }
    }

    /// The past that is seen, if it is one.
    pub fn past(&self) -> Option<&Past> {
        match self {
            View::Now(..) => None,
            View::Then(past) => Some(past),
        }
    }
}

/// A mart at an earlier moment.
pub struct Past {
    mart: Mart,
    batches: Vec<Batch>,
    /// What was written last: its catalogue was in force.
    last: Batch,
    moment: Micros,
    asked: String,
}

impl Past {
    /// Opens a mart as of a batch (its identifier or the beginning of it), a time (RFC 3339) or the end of a day in UTC.
    ///
    /// # Errors
    /// When there is no such batch, nothing had been ingested by then, or what was there then has been erased or vacuumed.
    pub fn open(root: &Path, wish: &str) -> Result<Self> {
        let mart = Mart::open(root)?;
        let listed = mart.batches()?;
        let moment = moment(&mart, &listed, wish)?;
        mart.refuse_erased(&listed, moment)?;
        let replaced_since = listed.iter().any(|batch| was_replaced_after(batch, moment));
        let (mart, batches) = if replaced_since {
            mart.before_reprocessing(moment)?
        } else {
            (mart, listed.iter().filter(|batch| written(batch) <= moment).cloned().collect())
        };
        match batches.iter().max_by_key(|batch| (written(batch), batch.batch_id.clone())).cloned() {
            Some(last) => Ok(Past { mart, batches, last, moment, asked: wish.to_owned() }),
            None => {
                let error = Error::usage(format!("the mart had no batch at {}", moment.rfc3339()));
                Err(listed.first().map_or_else(
                    || Error::usage("the mart has no batch"),
                    |first| error.hint(format!("the first one is of {}", first.finished_at.rfc3339())),
                ))
            }
        }
    }

    /// What was asked for.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// The moment that is seen.
    pub fn moment(&self) -> Micros {
        self.moment
    }

    /// The batches that counted then.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    fn register(&self, engine: &mut dyn Engine) -> Result<()> {
        self.mart.register_stored(engine, &[FIRST_TABLE, Code::NAME])?;
        engine.register_rows(FIRST_TABLE, &Batch::batch(&self.batches))?;
        let files: Vec<_> = self.mart.files(Code::NAME)?.into_iter().map(|file| file.path).collect();
        engine.register_files("codes_stored", &Code::columns(), &files)?;
        let of_then = format!("SELECT * FROM codes_stored WHERE batch_id = {}", quote(&self.last.batch_id));
        engine.define(Code::NAME, &of_then, false)
    }
}

/// When the row of a batch was written.
fn written(batch: &Batch) -> Micros {
    batch.replaced_at.unwrap_or(batch.finished_at)
}

/// Whether a batch was there at a moment, and its rows were replaced later.
fn was_replaced_after(batch: &Batch, moment: Micros) -> bool {
    batch.finished_at <= moment && batch.replaced_at.is_some_and(|at| at > moment)
}

/// The identifier of the ingest that a batch goes back to: a reprocessing adds to it.
pub(super) fn ingest_of(batch_id: &str) -> &str {
    batch_id.split("-r").next().unwrap_or(batch_id)
}

/// The moment that a user names.
fn moment(mart: &Mart, listed: &[Batch], wish: &str) -> Result<Micros> {
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(wish) {
        return Ok(Micros(time.timestamp_micros()));
    }
    if let Ok(day) = wish.parse::<chrono::NaiveDate>() {
        let next = day.succ_opt().unwrap_or(day).and_time(chrono::NaiveTime::MIN);
        return Ok(Micros(next.and_utc().timestamp_micros() - 1));
    }
    if let Some(batch) = listed.iter().find(|batch| batch.batch_id == wish) {
        return Ok(written(batch));
    }
    // Of a batch that was replaced, the first part of the identifier names the ingest.
    let ingests: Vec<&Batch> = listed.iter().filter(|batch| ingest_of(&batch.batch_id).starts_with(wish)).collect();
    match ingests.as_slice() {
        [one] if !wish.is_empty() => return Ok(one.finished_at),
        [_, _, ..] if !wish.is_empty() => {
            return Err(Error::usage(format!("--as-of {wish}: {} batches begin so", ingests.len()))
                .hint("give more of the identifier; see kycmart mart history"));
        }
        _ => {}
    }
    let known = listed.iter().any(|batch| ingest_of(&batch.batch_id) == ingest_of(wish));
    match if known { mart.replaced_batch(wish)? } else { None } {
        Some(batch) => Ok(written(&batch)),
        None => {
            let newest: Vec<&str> =
                listed.iter().rev().take(NAMED_BATCHES).map(|batch| batch.batch_id.as_str()).collect();
            Err(Error::usage(format!("--as-of {wish} is neither a batch of this mart, nor a time, nor a day")).hint(
                format!("such as 2026-10-15, 2026-10-15T04:00:00Z, or a batch; the newest are {}", newest.join(", ")),
            ))
        }
    }
}

impl Mart {
    /// Refuses a moment after which rows of then were erased.
    fn refuse_erased(&self, listed: &[Batch], moment: Micros) -> Result<()> {
        let then = listed.iter().filter(|batch| batch.finished_at <= moment);
        let then: HashSet<&str> = then.map(|batch| ingest_of(&batch.batch_id)).collect();
        let columns = ["erasure_id", "batch_id", "operation", "erased_at"];
        for file in self.files(Tombstone::NAME)? {
            for rows in read_file(&file.path, &Tombstone::schema(), Some(&columns))? {
                let rows = rows?;
                let (erasures, batches) = (texts(&rows, "erasure_id")?, texts(&rows, "batch_id")?);
                let (operations, times) = (texts(&rows, "operation")?, times(&rows, "erased_at")?);
                for row in 0..rows.num_rows() {
                    let at = Micros(times.value(row));
                    if at > moment && then.contains(ingest_of(batches.value(row))) {
                        return Err(Error::failed(format!(
                            "the mart cannot be seen as of {}: the {} {} of {} removed rows of then for good",
                            moment.rfc3339(),
                            operations.value(row),
                            erasures.value(row),
                            at.rfc3339(),
                        ))
                        .hint("what was erased comes back in no report; a moment after it can be seen"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The mart and its batches at a moment after which a reprocessing replaced some of them. What it replaced is still in
    /// the tables at the versions that the first such reprocessing left behind.
    fn before_reprocessing(&self, moment: Micros) -> Result<(Mart, Vec<Batch>)> {
        let replaced = |batch: &&Batch| was_replaced_after(batch, moment);
        let mut versions = BTreeMap::new();
        let mut version = self.table(FIRST_TABLE)?.version();
        let mut batches = self.batches_at(version)?;
        while let Some(batch) = batches.iter().find(replaced) {
            versions = numbers(&batch.table_versions);
            version = version.saturating_sub(1);
            batches = self.batches_at(version)?;
        }
        batches.retain(|batch| written(batch) <= moment);
        versions.retain(|name, _| name != FIRST_TABLE && name != Tombstone::NAME);
        let mart = Mart::open_at(&self.root, &versions)?;
        let names = versions.keys();
        let files: Vec<DataFile> = names.map(|name| mart.files(name)).collect::<Result<Vec<_>>>()?.concat();
        refuse_missing(&files)?;
        Ok((mart, batches))
    }

    fn batches_at(&self, version: u64) -> Result<Vec<Batch>> {
        let Some(spec) = table_specs().into_iter().find(|spec| spec.name == FIRST_TABLE) else { return Ok(Vec::new()) };
        let files = DeltaTable::open_at(&self.log, &self.root, spec, Some(version))?.files(&self.log)?;
        refuse_missing(&files)?;
        let mut batches = Vec::new();
        for file in files {
            for rows in read_file(&file.path, &Batch::schema(), None)? {
                batches.extend(batch_rows(&rows?)?);
            }
        }
        Ok(batches)
    }

    /// A batch that was listed once.
    fn replaced_batch(&self, batch_id: &str) -> Result<Option<Batch>> {
        for version in (0..=self.table(FIRST_TABLE)?.version()).rev() {
            let found = self.batches_at(version)?.into_iter().find(|batch| batch.batch_id == batch_id);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn refuse_missing(files: &[DataFile]) -> Result<()> {
    match files.iter().filter(|file| !file.path.is_file()).count() {
        0 => Ok(()),
        missing => Err(Error::failed(format!(
            "the mart cannot be seen as it was then: vacuum removed {missing} files of that version"
        ))
        .hint("a reprocessing replaced rows of then; moments after it can be seen")),
    }
}
