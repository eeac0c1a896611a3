//! Rows into Parquet files of one table: one row group after the other, a file per partition, each of a target size.
//!
//! A file's name ends in the BLAKE3 of its bytes, so that a mart can be verified without anything else. Not here: when
//! files count (`delta`), which rows they hold (`mart`, `rewrite`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray, UInt32Array};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use delta_kernel::engine::arrow_conversion::TryFromArrow;
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema::StructType;
use delta_kernel_default_engine::stats::collect_stats;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::delta::TableSpec;
use crate::error::{Error, Result};
use crate::fault;

/// Columns that single lookups go by: they get Bloom filters.
const LOOKUP_COLUMNS: [&str; 5] =
    ["payload_key", "payload_digest", "provider_job_id", "partner_job_id", "user_pseudonym"];

/// Columns whose least and greatest values stay out of the log: it keeps what was once in a table, and what is erased must be
/// gone from it too.
const IDENTIFYING_COLUMNS: [&str; 20] = [
    "source_member",
    "payload_key",
    "payload_digest",
    "statement_digest",
    "provider_job_id",
    "partner_job_id",
    "user_pseudonym",
    "id_number_pseudonym",
    "withheld_digest",
    "input_digest",
    "resume_digest",
    "signature_digest",
    "signature_timestamp",
    "source",
    "sender_address",
    "receipt_job_id",
    "dimension_1",
    "dimension_2",
    "dimension_3",
    "merchant_reporting_criteria",
];

/// How files are cut.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of a row group, as they are sorted and compressed together.
    pub group_rows: usize,
    /// Rows after which a file is closed.
    pub file_rows: usize,
    /// Bytes after which a file is closed.
    pub file_bytes: usize,
}

impl Sizes {
    /// For rows as they come in: small groups, so that many partitions fit in memory.
    pub const INGEST: Sizes = Sizes { group_rows: 20_000, file_rows: 500_000, file_bytes: 128 << 20 };
    /// For rows that are put in order.
    pub const COMPACT: Sizes = Sizes { group_rows: 100_000, file_rows: 1_000_000, file_bytes: 128 << 20 };
}

/// Row groups whose statistics are held before they are made one: each takes tens of kilobytes.
const MERGE_STATS: usize = 8;

/// Files that may be open at a time: hostile times could ask for a partition per row.
const OPEN_FILES: usize = 32;

/// A finished file that is not in the log yet. It is removed unless a commit keeps it.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    partition: BTreeMap<String, String>,
    bytes: u64,
    rows: u64,
    modified: i64,
    stats: StructArray,
    kept: bool,
}

impl StagedFile {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn partition(&self) -> &BTreeMap<String, String> {
        &self.partition
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Milliseconds since the epoch.
    pub fn modified(&self) -> i64 {
        self.modified
    }

    /// One row: `numRecords`, `nullCount`, `minValues`, `maxValues`, `tightBounds`.
    pub fn stats(&self) -> &StructArray {
        &self.stats
    }

    /// The log lists it now.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Rows on their way into the files of one table.
pub struct TableWriter {
    spec: TableSpec,
    root: PathBuf,
    sizes: Sizes,
    /// By the value of the partition column; `""` where the table has none.
    parts: BTreeMap<String, Part>,
    waiting_rows: usize,
    finished: Vec<StagedFile>,
}

#[derive(Default)]
struct Part {
    waiting: Vec<RecordBatch>,
    rows: usize,
    file: Option<OpenFile>,
}

impl TableWriter {
    /// A writer for a table whose folder is `root`.
    pub fn new(spec: TableSpec, root: PathBuf, sizes: Sizes) -> Self {
        TableWriter { spec, root, sizes, parts: BTreeMap::new(), waiting_rows: 0, finished: Vec::new() }
    }

    /// Takes rows in, in the order of the table's columns.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for (value, rows) in split(rows, self.spec.partition)? {
            let part = self.parts.entry(value.clone()).or_default();
            part.rows += rows.num_rows();
            self.waiting_rows += rows.num_rows();
            part.waiting.push(rows);
            if part.rows >= self.sizes.group_rows {
                self.write_group(&value)?;
            }
        }
        while self.waiting_rows > self.sizes.group_rows {
            let Some(largest) = self.parts.iter().max_by_key(|(_, p)| p.rows).map(|(v, _)| v.clone()) else { break };
            self.write_group(&largest)?;
        }
        Ok(())
    }

    /// Writes what waits and closes every file.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self) -> Result<Vec<StagedFile>> {
        for value in self.parts.keys().cloned().collect::<Vec<_>>() {
            self.write_group(&value)?;
            self.close(&value)?;
        }
        Ok(self.finished)
    }

    /// Writes the waiting rows of a partition as a row group.
    fn write_group(&mut self, value: &str) -> Result<()> {
        if self.parts.values().filter(|p| p.file.is_some()).count() >= OPEN_FILES {
            for open in self.parts.keys().cloned().collect::<Vec<_>>() {
                self.close(&open)?;
            }
        }
        let Some(part) = self.parts.get_mut(value).filter(|p| p.rows > 0) else { return Ok(()) };
        let rows = concat_batches(&part.waiting[0].schema(), &part.waiting)?;
        part.waiting.clear();
        self.waiting_rows -= std::mem::take(&mut part.rows);
        let file = match &mut part.file {
            Some(file) => file,
            none => none.insert(OpenFile::create(&self.spec, &self.root, value, self.sizes.group_rows)?),
        };
        file.write(&sorted(&rows, self.spec.sort)?)?;
        if file.rows >= self.sizes.file_rows || file.bytes() >= self.sizes.file_bytes {
            self.close(value)?;
        }
        Ok(())
    }

    fn close(&mut self, value: &str) -> Result<()> {
        let Some(part) = self.parts.get_mut(value) else { return Ok(()) };
        if let Some(file) = part.file.take() {
            self.finished.push(file.finish()?);
            fault::step(&format!("stage {}", self.spec.name));
        }
        if part.rows == 0 {
            self.parts.remove(value);
        }
        Ok(())
    }
}

/// A file while it is written, under a name of its own.
struct OpenFile {
    writer: Option<ArrowWriter<Hashing>>,
    temporary: PathBuf,
    folder: PathBuf,
    partition: BTreeMap<String, String>,
    rows: usize,
    stats_columns: Vec<ColumnName>,
    schema: SchemaRef,
    stats: Vec<StructArray>,
}

impl OpenFile {
    fn create(spec: &TableSpec, root: &Path, value: &str, group_rows: usize) -> Result<Self> {
        let mut folder = root.to_owned();
        let mut partition = BTreeMap::new();
        if let Some(column) = spec.partition {
            folder.push(format!("{column}={value}"));
            partition.insert(column.to_owned(), value.to_owned());
        }
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
        let temporary = folder.join(format!(".part-{}.tmp", uuid::Uuid::new_v4().simple()));
        let file = File::create_new(&temporary).map_err(|e| Error::io("write", &temporary, &e))?;
        let schema = spec.schema();
        let hashing = Hashing { file, hasher: blake3::Hasher::new() };
        let writer = ArrowWriter::try_new(hashing, schema.clone(), Some(properties(spec, group_rows)))?;
        let counted = spec.columns.iter().map(|c| c.name);
        let counted = counted.filter(|c| Some(*c) != spec.partition && !IDENTIFYING_COLUMNS.contains(c));
        Ok(OpenFile {
            writer: Some(writer),
            temporary,
            folder,
            partition,
            rows: 0,
            stats_columns: counted.map(|c| ColumnName::new([c])).collect(),
            schema,
            stats: Vec::new(),
        })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec())?;
        self.stats.push(self.statistics(&rows)?);
        self.rows += rows.num_rows();
        if self.stats.len() >= MERGE_STATS {
            self.stats = vec![self.merged()?];
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let written = writer.write(&rows).and_then(|()| writer.flush());
        written.map_err(|e| Error::from(e).within(&format!("cannot write below {}", self.folder.display())))
    }

    fn statistics(&self, rows: &RecordBatch) -> Result<StructArray> {
        let physical = StructType::try_from_arrow(self.schema.as_ref())?;
        Ok(collect_stats(rows, &self.stats_columns, &physical)?)
    }

    fn bytes(&self) -> usize {
        self.writer.as_ref().map_or(0, ArrowWriter::bytes_written)
    }

    fn finish(mut self) -> Result<StagedFile> {
        let Some(writer) = self.writer.take() else { return Err(Error::failed("a file was finished twice")) };
        let written = writer.into_inner();
        let Hashing { file, hasher } =
            written.map_err(|e| Error::from(e).within(&format!("cannot write below {}", self.folder.display())))?;
        let failed = |e: std::io::Error| Error::io("write", &self.temporary, &e);
        file.sync_all().map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let id = &uuid::Uuid::new_v4().simple().to_string()[..8];
        let path = self.folder.join(format!("part-{id}-{}.parquet", hasher.finalize().to_hex()));
        std::fs::rename(&self.temporary, &path).map_err(failed)?;
        let modified = chrono::Utc::now().timestamp_millis();
        let stats = self.merged()?;
        let (partition, rows) = (std::mem::take(&mut self.partition), self.rows as u64);
        Ok(StagedFile { path, partition, bytes, rows, modified, stats, kept: false })
    }

    /// The statistics of all row groups as those of one file: least of the least, greatest of the greatest, sums of counts.
    fn merged(&self) -> Result<StructArray> {
        if let [only] = self.stats.as_slice() {
            return Ok(only.clone());
        }
        let mut bounds = Vec::new();
        for name in ["minValues", "maxValues"] {
            for group in &self.stats {
                bounds.push(bounds_as_rows(group, name, &self.schema)?);
            }
        }
        let bounds = self.statistics(&concat_batches(&self.schema, &bounds)?)?;
        let columns: Vec<ArrayRef> = bounds
            .column_names()
            .into_iter()
            .zip(bounds.columns())
            .map(|(name, bound)| match name {
                "numRecords" => Ok(Arc::new(Int64Array::from(vec![self.rows as i64])) as ArrayRef),
                "nullCount" => summed(&self.stats),
                _ => Ok(Arc::clone(bound)),
            })
            .collect::<Result<_>>()?;
        Ok(StructArray::try_new(bounds.fields().clone(), columns, None)?)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // Of a file that was finished nothing is left under this name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Hashes what is written to a file.
struct Hashing {
    file: File,
    hasher: blake3::Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The bounds of a row group as one row of the table; columns without bounds are NULL.
fn bounds_as_rows(stats: &StructArray, name: &str, schema: &SchemaRef) -> Result<RecordBatch> {
    let bounds = stats.column_by_name(name).and_then(|c| c.as_any().downcast_ref::<StructArray>());
    let columns = schema.fields().iter().map(|field| {
        let bound = bounds.and_then(|b| b.column_by_name(field.name())).cloned();
        bound.unwrap_or_else(|| arrow::array::new_null_array(field.data_type(), 1))
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}

/// The sums of the row groups' counts of NULLs.
fn summed(stats: &[StructArray]) -> Result<ArrayRef> {
    let counts: Vec<&StructArray> =
        stats.iter().filter_map(|s| s.column_by_name("nullCount")?.as_any().downcast_ref()).collect();
    let Some(first) = counts.first() else { return Err(Error::failed("a row group has no counts")) };
    let sum = |column: usize| {
        let of = |c: &&StructArray| c.column(column).as_any().downcast_ref::<Int64Array>().map_or(0, |c| c.value(0));
        Arc::new(Int64Array::from(vec![counts.iter().map(of).sum::<i64>()])) as ArrayRef
    };
    let columns = (0..first.num_columns()).map(sum).collect();
    Ok(Arc::new(StructArray::try_new(first.fields().clone(), columns, None)?))
}

/// Splits rows by the value of the partition column.
fn split(rows: &RecordBatch, partition: Option<&str>) -> Result<Vec<(String, RecordBatch)>> {
    let Some(column) = partition else {
        return Ok(vec![(String::new(), rows.clone())]);
    };
    let values = rows
        .column_by_name(column)
        .and_then(|c| c.as_any().downcast_ref::<StringArray>())
        .ok_or_else(|| Error::failed(format!("the partition column {column} is not text")))?;
    let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for row in 0..values.len() {
        groups.entry(values.value(row)).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    let part = |(value, rows_of): (&str, Vec<u32>)| {
        Ok((value.to_owned(), take_record_batch(rows, &UInt32Array::from(rows_of))?))
    };
    groups.into_iter().map(part).collect()
}

/// The rows in the order of some columns; NULL comes last.
fn sorted(rows: &RecordBatch, by: &[&str]) -> Result<RecordBatch> {
    let options = Some(arrow::compute::SortOptions { descending: false, nulls_first: false });
    let columns: Vec<SortColumn> = by
        .iter()
        .filter_map(|name| rows.column_by_name(name))
        .map(|values| SortColumn { values: values.clone(), options })
        .collect();
    if columns.is_empty() {
        return Ok(rows.clone());
    }
    Ok(take_record_batch(rows, &lexsort_to_indices(&columns, None)?)?)
}

fn properties(spec: &TableSpec, group_rows: usize) -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    let position = |name: &str| spec.columns.iter().position(|c| c.name == name).and_then(|i| i32::try_from(i).ok());
    let sorting = spec.sort.iter().filter_map(|name| position(name));
    let sorting = sorting.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false });
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(group_rows * 2))
        .set_sorting_columns(Some(sorting.collect()));
    for column in &spec.columns {
        let path = ColumnPath::from(column.name);
        if LOOKUP_COLUMNS.contains(&column.name) {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_ndv(path.clone(), group_rows as u64);
        }
        // Digests never repeat: a dictionary of them costs time and space.
        if column.name == "payload_key" || column.name.ends_with("_digest") {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::Chunk);
        }
    }
    builder.build()
}
