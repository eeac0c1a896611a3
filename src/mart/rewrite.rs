//! Rows of a table written anew: some dropped, some changed, small files merged. Each table changes in one commit.
//!
//! No answer changes by merging, and none by dropping rows of batches that are not listed. Not here: which payloads are
//! erased and why (`erase`), what a row means.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::delta::{Change, DataFile, Purpose};
use super::parquet_file::Sizes;
use super::read::{read_file, texts};
use super::{FIRST_TABLE, Mart};
use crate::engine::duckdb::{DuckDb, Resources, quote};
use crate::error::Result;
use crate::record::{Table, Tombstone};

/// What merging did to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    pub table: &'static str,
    pub files_before: usize,
    pub files_after: usize,
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Rows of batches that are not listed: of ingests that were killed, or replaced by a reprocessing.
    pub rows_dropped: u64,
}

impl Mart {
    /// Writes files of a table anew, row by row as `map` says, and replaces them in one commit.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the commit fails; the table is then as it was.
    pub(super) fn rewrite(
        &mut self,
        table: &str,
        files: Vec<DataFile>,
        purpose: Purpose,
        map: &mut dyn FnMut(RecordBatch) -> Result<RecordBatch>,
    ) -> Result<()> {
        let schema = self.table(table)?.spec().schema();
        let mut writer = self.writer(table, Sizes::COMPACT)?;
        for file in &files {
            for rows in read_file(&file.path, &schema, None)? {
                writer.write(&map(rows?)?)?;
            }
        }
        let add = writer.finish()?;
        self.commit(table, Change { add, remove: files }, purpose)
    }

    /// The files of a table in which a row has a text that is wanted in some column.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn files_with(&self, table: &str, column: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<DataFile>> {
        let schema = self.table(table)?.spec().schema();
        let mut found = Vec::new();
        for file in self.files(table)? {
            for rows in read_file(&file.path, &schema, Some(&[column]))? {
                let rows = rows?;
                if texts(&rows, column)?.iter().flatten().any(wanted) {
                    found.push(file);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Drops the rows of batches that are not listed. The caller holds the lock, so that no batch is on its way.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a commit fails.
    pub(super) fn drop_garbage(&mut self, purpose: Purpose) -> Result<()> {
        let listed = self.listed_batches()?;
        for table in batch_tables(self) {
            let files = self.files_with(table, "batch_id", &|id| !listed.contains(id))?;
            if !files.is_empty() {
                self.rewrite(table, files, purpose, &mut |rows| keep(&rows, "batch_id", &|id| listed.contains(id)))?;
            }
        }
        Ok(())
    }

    /// Merges small files and drops the rows of batches that are not listed; puts what it writes in the order of lookups.
    /// `dry_run` only counts. The caller holds the lock.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a commit fails; tables that were done stay done.
    pub fn compact(&mut self, sizes: Sizes, resources: &Resources, dry_run: bool) -> Result<Vec<Compacted>> {
        let listed = self.listed_batches()?;
        let tables: Vec<&'static str> = self.tables.iter().map(|t| t.spec().name).collect();
        let mut all = Vec::new();
        for table in tables {
            let has_batches = batch_tables(self).contains(&table);
            let garbage =
                if has_batches { self.files_with(table, "batch_id", &|id| !listed.contains(id))? } else { Vec::new() };
            let files = self.worth_merging(table, &garbage, sizes)?;
            if files.is_empty() {
                continue;
            }
            let mut done = Compacted {
                table,
                files_before: files.len(),
                bytes_before: files.iter().map(|f| f.bytes).sum(),
                ..Compacted::default()
            };
            let rows_before: u64 = files.iter().map(|f| f.rows).sum();
            if !dry_run {
                let kept = self.merge(table, files, has_batches.then_some(&listed), sizes, resources)?;
                done.files_after = kept.len();
                done.bytes_after = kept.iter().map(|(_, bytes)| bytes).sum();
                done.rows_dropped = rows_before - kept.iter().map(|(rows, _)| rows).sum::<u64>();
            }
            all.push(done);
        }
        Ok(all)
    }

    /// Of each partition the files with garbage, and the small ones if there are two or more.
    pub(super) fn worth_merging(&self, table: &str, garbage: &[DataFile], sizes: Sizes) -> Result<Vec<DataFile>> {
        let mut partitions: BTreeMap<BTreeMap<String, String>, Vec<DataFile>> = BTreeMap::new();
        for file in self.files(table)? {
            let full = file.rows * 2 > sizes.file_rows as u64 || file.bytes * 2 > sizes.file_bytes as u64;
            if !full || garbage.contains(&file) {
                partitions.entry(file.partition.clone()).or_default().push(file);
            }
        }
        let worth = |files: &Vec<DataFile>| files.len() > 1 || files.iter().any(|f| garbage.contains(f));
        Ok(partitions.into_values().filter(worth).flatten().collect())
    }

    /// Replaces files by their listed rows in order; returns rows and bytes of each new file.
    fn merge(
        &mut self,
        table: &str,
        files: Vec<DataFile>,
        listed: Option<&HashSet<String>>,
        sizes: Sizes,
        resources: &Resources,
    ) -> Result<Vec<(u64, u64)>> {
        let spec = self.table(table)?.spec().clone();
        let mut writer = self.writer(table, sizes)?;
        let mut partitions: BTreeMap<&BTreeMap<String, String>, Vec<&Path>> = BTreeMap::new();
        for file in &files {
            partitions.entry(&file.partition).or_default().push(&file.path);
        }
        for paths in partitions.into_values() {
            let engine = DuckDb::open(&Resources { keep_order: true, ..resources.clone() })?;
            let sorted = sort_files(&engine, &paths, spec.sort)?;
            for rows in read_file(&sorted, &spec.schema(), None)? {
                let rows = rows?;
                writer.write(&match listed {
                    Some(listed) => keep(&rows, "batch_id", &|id| listed.contains(id))?,
                    None => rows,
                })?;
            }
        }
        let add = writer.finish()?;
        let sizes = add.iter().map(|f| (f.rows(), f.bytes())).collect();
        self.commit(table, Change { add, remove: files }, Purpose::now("OPTIMIZE", "kycmart-compact"))?;
        Ok(sizes)
    }
}

/// The tables whose rows name the batch that wrote them.
fn batch_tables(mart: &Mart) -> Vec<&'static str> {
    let names = mart.tables.iter().map(|t| t.spec().name);
    names.filter(|name| *name != FIRST_TABLE && *name != Tombstone::NAME).collect()
}

/// Writes the rows of some files in order to one file in the engine's temporary folder: the sort spills to disk.
fn sort_files(engine: &DuckDb, files: &[&Path], by: &[&str]) -> Result<PathBuf> {
    let target = engine.temporary_folder().join("sorted.parquet");
    let list: Vec<String> = files.iter().map(|f| quote(&f.to_string_lossy())).collect();
    let order: Vec<String> = by.iter().map(|column| format!("{column} NULLS LAST")).collect();
    let order = if order.is_empty() { String::new() } else { format!("ORDER BY {}", order.join(", ")) };
    engine.execute(&format!(
        "COPY (SELECT * FROM read_parquet([{}], hive_partitioning = false, union_by_name = true) {order}) TO {} (FORMAT parquet)",
        list.join(", "),
        quote(&target.to_string_lossy())
    ))?;
    Ok(target)
}

/// The rows whose text in a column is wanted.
pub(super) fn keep(rows: &RecordBatch, column: &str, wanted: &dyn Fn(&str) -> bool) -> Result<RecordBatch> {
    let values = texts(rows, column)?;
    let mask: BooleanArray =
        (0..values.len()).map(|row| Some(values.is_valid(row) && wanted(values.value(row)))).collect();
    Ok(filter_record_batch(rows, &mask)?)
}
