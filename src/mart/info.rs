//! What a mart holds, in numbers, and which care it needs.
//!
//! Rows are counted in the files themselves. Not here: whether it is all as it should be (`verify`).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::delta::{DataFile, FORMAT_ID};
use super::history::LogFiles;
use super::parquet_file::Sizes;
use super::read::{integers, texts};
use super::{FIRST_TABLE, Mart};
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, Resources, quote};
use crate::error::Result;
use crate::record::{Batch, Column, Table, Tombstone};

/// Files that a compaction must save to be advised.
const WORTH_COMPACTING: u64 = 16;

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableInfo {
    pub table: &'static str,
    pub version: u64,
    /// Rows of batches that are listed.
    pub rows: u64,
    pub rows_stored: u64,
    pub files: u64,
    pub bytes: u64,
    pub partitions: u64,
    pub last_checkpoint: Option<u64>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatchInfo {
    pub batch_id: String,
    pub finished_at: String,
}

/// Payloads by fate, over all batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Payloads {
    pub seen: i64,
    pub new: i64,
    pub known: i64,
    pub rejected: i64,
    pub erased: i64,
}

/// Rows by the key that their pseudonyms were made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    pub key_id: Option<String>,
    pub observations: i64,
}

/// A mart in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    pub mart: String,
    pub format: i64,
    pub tables: Vec<TableInfo>,
    pub batches: u64,
    pub batches_reprocessed: u64,
    pub first_batch: Option<BatchInfo>,
    pub newest_batch: Option<BatchInfo>,
    pub payloads: Payloads,
    pub pseudonym_keys: Vec<KeyInfo>,
    pub tombstones: u64,
    pub erasure_pending: bool,
    /// Rows of batches that are not listed: of runs that were killed, or replaced by a reprocessing.
    pub garbage_rows: u64,
    pub garbage_batches: u64,
    /// What maintenance is advisable, and the command.
    pub advice: Vec<String>,
}

impl Mart {
    /// Counts what is in the mart. `keep` is the retention of a vacuum, for what it advises.
    ///
    /// # Errors
    /// When a log or a file cannot be read.
    pub fn info(&self, keep: Duration, resources: &Resources) -> Result<Info> {
        let mut engine = DuckDb::open(resources)?;
        let batches = self.batches()?;
        let listed: HashSet<&str> = batches.iter().map(|b| b.batch_id.as_str()).collect();
        let (mut tables, mut garbage, mut unlisted) = (Vec::new(), 0, HashSet::new());
        for table in &self.tables {
            let name = table.spec().name;
            let files = table.files(&self.log)?;
            let stored: u64 = files.iter().map(|f| f.rows).sum();
            let mut rows = stored;
            if name != FIRST_TABLE && name != Tombstone::NAME && !files.is_empty() {
                let by_batch = by_batch(&mut engine, name, &files)?;
                for (batch, count) in by_batch.into_iter().filter(|(batch, _)| !listed.contains(batch.as_str())) {
                    rows = rows.saturating_sub(count);
                    garbage += count;
                    unlisted.insert(batch);
                }
            }
            tables.push(TableInfo {
                table: name,
                version: table.version(),
                rows,
                rows_stored: stored,
                files: files.len() as u64,
                bytes: files.iter().map(|f| f.bytes).sum(),
                partitions: files.iter().map(|f| &f.partition).collect::<HashSet<_>>().len() as u64,
                last_checkpoint: LogFiles::of(table.root())?.checkpoints.last().copied(),
            });
        }
        let tombstones = self.tombstones()?.len();
        let mut info = Info {
            mart: self.root.display().to_string(),
            format: self.table(FIRST_TABLE)?.transaction_number(&self.log, FORMAT_ID)?.unwrap_or(1),
            tables,
            batches: batches.len() as u64,
            batches_reprocessed: batches.iter().filter(|b| b.replaces.is_some()).count() as u64,
            first_batch: batches.first().map(batch_info),
            newest_batch: batches.last().map(batch_info),
            payloads: payloads(&batches, tombstones),
            pseudonym_keys: self.key_ids(&mut engine, &listed)?,
            tombstones: self.files(Tombstone::NAME)?.iter().map(|f| f.rows).sum(),
            erasure_pending: self.erasure_pending()?,
            garbage_rows: garbage,
            garbage_batches: unlisted.len() as u64,
            advice: Vec::new(),
        };
        info.advice = self.advice(&info, keep)?;
        Ok(info)
    }

    fn key_ids(&self, engine: &mut DuckDb, listed: &HashSet<&str>) -> Result<Vec<KeyInfo>> {
        let files = self.files("observations")?;
        if files.is_empty() {
            return Ok(Vec::new());
        }
        register(engine, "key_ids", "observations", &["batch_id", "pseudonym_key_id"], &files)?;
        let listed: Vec<String> = listed.iter().map(|id| quote(id)).collect();
        let sql = format!(
            "SELECT pseudonym_key_id, COUNT(*) AS n FROM key_ids WHERE batch_id IN ({}) GROUP BY 1 ORDER BY 2 DESC, 1",
            if listed.is_empty() { "NULL".to_owned() } else { listed.join(", ") }
        );
        let mut found = Vec::new();
        for rows in engine.select(&sql)? {
            let (ids, counts) = (texts(&rows, "pseudonym_key_id")?, integers(&rows, "n")?);
            let of_row = |(id, n): (Option<&str>, Option<i64>)| KeyInfo {
                key_id: id.map(str::to_owned),
                observations: n.unwrap_or(0),
            };
            found.extend(ids.iter().zip(counts.iter()).map(of_row));
        }
        Ok(found)
    }

    fn advice(&self, info: &Info, keep: Duration) -> Result<Vec<String>> {
        let mut advice = Vec::new();
        if info.erasure_pending {
            advice.push(
                "an erasure was interrupted: any command that writes finishes it, such as mart compact".to_owned(),
            );
        }
        let (mut before, mut after) = (0, 0);
        for table in &self.tables {
            let small = self.worth_merging(table.spec().name, &[], Sizes::COMPACT)?;
            let mut partitions: BTreeMap<_, u64> = BTreeMap::new();
            small.iter().for_each(|f| *partitions.entry(&f.partition).or_default() += f.rows);
            before += small.len() as u64;
            after += partitions.values().map(|rows| rows.div_ceil(Sizes::COMPACT.file_rows as u64).max(1)).sum::<u64>();
        }
        if before >= after + WORTH_COMPACTING {
            advice.push(format!("mart compact would merge {before} files into {after}"));
        }
        if info.garbage_rows > 0 {
            advice.push(format!("mart compact would drop {} rows that count nowhere", info.garbage_rows));
        }
        let unneeded = self.vacuum(keep, false)?;
        if !unneeded.files.is_empty() {
            let bytes = indicatif::HumanBytes(unneeded.bytes);
            advice.push(format!("mart vacuum --delete would free {bytes} of {} files", unneeded.files.len()));
        }
        Ok(advice)
    }
}

fn batch_info(batch: &Batch) -> BatchInfo {
    BatchInfo { batch_id: batch.batch_id.clone(), finished_at: batch.finished_at.rfc3339() }
}

fn payloads(batches: &[Batch], erased: usize) -> Payloads {
    let sum = |of: fn(&Batch) -> i64| batches.iter().map(of).sum();
    Payloads {
        seen: sum(|b| b.payloads_seen),
        new: sum(|b| b.payloads_new),
        known: sum(|b| b.payloads_known),
        rejected: sum(|b| b.payloads_rejected),
        erased: i64::try_from(erased).unwrap_or(i64::MAX),
    }
}

fn by_batch(engine: &mut DuckDb, table: &str, files: &[DataFile]) -> Result<Vec<(String, u64)>> {
    register(engine, &format!("{table}_batches"), table, &["batch_id"], files)?;
    let mut found = Vec::new();
    for rows in engine.select(&format!("SELECT batch_id, COUNT(*) AS n FROM {table}_batches GROUP BY batch_id"))? {
        let (ids, counts) = (texts(&rows, "batch_id")?, integers(&rows, "n")?);
        found.extend((0..rows.num_rows()).map(|row| (ids.value(row).to_owned(), counts.value(row).unsigned_abs())));
    }
    Ok(found)
}

fn register(engine: &mut DuckDb, name: &str, table: &str, columns: &[&str], files: &[DataFile]) -> Result<()> {
    let spec = super::table_specs().into_iter().find(|spec| spec.name == table);
    let own = spec.into_iter().flat_map(|spec| spec.columns);
    let columns: Vec<Column> = own.filter(|c| columns.contains(&c.name)).collect();
    let paths: Vec<_> = files.iter().map(|f| f.path.clone()).collect();
    engine.register_files(name, &columns, &paths)
}
