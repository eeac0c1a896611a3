//! One Delta table on the local file system: create, append, list.
//!
//! The transaction log is written by `delta_kernel`, the Parquet files by the `parquet` crate. A table contains what its
//! log says, never what lies in its folder. Not here: which tables there are and what a batch is (`mart`).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Field, Schema};
use delta_kernel::arrow::datatypes::Schema as ArrowSchema;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::engine::arrow_conversion::TryFromArrow;
use delta_kernel::expressions::Scalar;
use delta_kernel::schema::StructType;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use delta_kernel::transaction::{CommitResult, WriteState};
use delta_kernel::{FileMeta, Snapshot, SnapshotRef};
use delta_kernel_default_engine::executor::tokio::TokioBackgroundExecutor;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use delta_kernel_default_engine::stats::collect_stats;
use delta_kernel_default_engine::storage::store_from_url;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder, build_add_file_metadata};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use url::Url;

use crate::error::{Error, Result};
use crate::record::{Column, arrow_schema};

/// Columns that single lookups go by: they get Bloom filters.
const LOOKUP_COLUMNS: [&str; 4] = ["payload_key", "payload_digest", "provider_job_id", "partner_job_id"];

/// What a table is: its name, columns and partition column.
#[derive(Clone, Debug)]
pub struct TableSpec {
    pub name: &'static str,
    pub columns: Vec<Column>,
    pub partition: Option<&'static str>,
}

/// The engine that the log is read and written with.
pub struct LogEngine(DefaultEngine<TokioBackgroundExecutor>);

impl LogEngine {
    /// An engine for the local file system.
    ///
    /// # Errors
    /// When the path cannot be a URL.
    pub fn new(root: &Path) -> Result<Self> {
        Ok(LogEngine(DefaultEngineBuilder::new(store_from_url(&folder_url(root)?)?).build()))
    }
}

/// A Delta table at one version.
pub struct DeltaTable {
    spec: TableSpec,
    root: PathBuf,
    snapshot: SnapshotRef,
}

/// Files that were written but are not in the log yet.
pub struct Staged {
    files: Vec<(BTreeMap<String, String>, FileMeta, arrow::array::StructArray)>,
}

impl DeltaTable {
    /// Opens the table, or creates it empty.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub fn open_or_create(engine: &LogEngine, mart: &Path, spec: TableSpec) -> Result<Self> {
        let root = mart.join(spec.name);
        if !exists(mart, spec.name) {
            std::fs::create_dir_all(&root).map_err(|e| Error::io("create", &root, &e))?;
            create(engine, &root, &spec)?;
        }
        Self::open(engine, mart, spec)
    }

    /// Opens an existing table at its newest version.
    ///
    /// # Errors
    /// When there is none or its log cannot be read.
    pub fn open(engine: &LogEngine, mart: &Path, spec: TableSpec) -> Result<Self> {
        let root = mart.join(spec.name);
        let snapshot = Snapshot::builder_for(folder_url(&root)?.as_str()).build(&engine.0)?;
        Ok(DeltaTable { spec, root, snapshot })
    }

    /// The table's definition.
    pub fn spec(&self) -> &TableSpec {
        &self.spec
    }

    /// The version that is open.
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The Parquet files of this version, sorted by path.
    ///
    /// # Errors
    /// When the log cannot be replayed.
    pub fn files(&self, engine: &LogEngine) -> Result<Vec<PathBuf>> {
        let scan = self.snapshot.clone().scan_builder().build()?;
        let mut paths: Vec<String> = Vec::new();
        for metadata in scan.scan_metadata(&engine.0)? {
            paths = metadata?.visit_scan_files(paths, |paths, file| paths.push(file.path))?;
        }
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let decoded = percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned();
            files.push(self.root.join(decoded));
        }
        files.sort();
        Ok(files)
    }

    /// Writes rows to new Parquet files, one per partition, and leaves the log alone.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn stage(&self, rows: &RecordBatch) -> Result<Staged> {
        let mut files = Vec::new();
        for (values, part) in split(rows, self.spec.partition)? {
            let mut folder = self.root.clone();
            for (column, value) in &values {
                folder.push(format!("{column}={value}"));
            }
            std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
            let path = folder.join(format!("part-{}.parquet", uuid::Uuid::new_v4()));
            let size = write_parquet(&path, &part)?;
            let physical = StructType::try_from_arrow(nullable(&self.spec.columns).as_ref())?;
            let stats_columns: Vec<_> = self.stats_columns();
            let stats = collect_stats(&part, &stats_columns, &physical)?;
            let modified = chrono::Utc::now().timestamp_millis();
            files.push((values, FileMeta::new(file_url(&path)?, modified, size), stats));
        }
        Ok(Staged { files })
    }

    /// Adds staged files in one commit that carries the writer's batch number.
    ///
    /// # Errors
    /// When the commit fails, or another writer committed in between.
    pub fn commit(&mut self, engine: &LogEngine, staged: Vec<Staged>, writer: &str, number: i64) -> Result<()> {
        let committer = Box::new(FileSystemCommitter::new());
        let mut transaction = self
            .snapshot
            .clone()
            .transaction(committer, &engine.0)?
            .with_engine_info(concat!("kycmart/", env!("CARGO_PKG_VERSION")))
            .with_operation("WRITE".to_owned())
            .with_blind_append()
            .with_transaction_id(writer.to_owned(), number);
        let state = transaction.write_state()?;
        for (values, meta, stats) in staged.into_iter().flat_map(|s| s.files) {
            let context = bind(&state, &values)?;
            transaction.add_files(build_add_file_metadata(DataFileMetadata::new(meta, stats), &context)?);
        }
        match transaction.commit(&engine.0)? {
            CommitResult::Committed(_) => {
                let url = folder_url(&self.root)?;
                self.snapshot = Snapshot::builder_for(url.as_str()).build(&engine.0)?;
                Ok(())
            }
            CommitResult::Conflicted(_) => {
                Err(Error::failed(format!("another program wrote to {} meanwhile", self.spec.name))
                    .hint("run again: nothing was lost and nothing counts twice"))
            }
            CommitResult::Retryable(_) => {
                Err(Error::failed(format!("the commit to {} did not go through", self.spec.name)).hint("run again"))
            }
        }
    }

    fn stats_columns(&self) -> Vec<delta_kernel::expressions::ColumnName> {
        let partition = self.spec.partition;
        let columns = self.spec.columns.iter().filter(|c| Some(c.name) != partition);
        columns.take(32).map(|c| delta_kernel::expressions::ColumnName::new([c.name])).collect()
    }
}

/// Whether a table is there: its first version is. A run that was killed while it made the table leaves only folders.
pub fn exists(mart: &Path, name: &str) -> bool {
    mart.join(name).join("_delta_log/00000000000000000000.json").is_file()
}

fn create(engine: &LogEngine, root: &Path, spec: &TableSpec) -> Result<()> {
    let schema = StructType::try_from_arrow(nullable(&spec.columns).as_ref())?;
    let url = folder_url(root)?;
    let mut builder = create_table(url.as_str(), Arc::new(schema), concat!("kycmart/", env!("CARGO_PKG_VERSION")));
    if let Some(partition) = spec.partition {
        builder = builder
            .with_data_layout(DataLayout::partitioned([partition]))
            .with_table_properties([("delta.feature.materializePartitionColumns", "supported")]);
    }
    match builder.build(&engine.0, Box::new(FileSystemCommitter::new()))?.commit(&engine.0)? {
        CommitResult::Committed(_) => Ok(()),
        _ => Err(Error::failed(format!("the table {} could not be created", spec.name)).hint("run again")),
    }
}

fn bind(
    state: &Arc<WriteState>,
    values: &BTreeMap<String, String>,
) -> Result<delta_kernel::transaction::BoundWriteContext> {
    let builder = state.write_context_builder();
    if values.is_empty() {
        return Ok(builder.build()?);
    }
    let scalars: HashMap<String, Scalar> = values.iter().map(|(k, v)| (k.clone(), Scalar::from(v.as_str()))).collect();
    Ok(builder.with_partition_values(scalars).build()?)
}

/// The Arrow schema with every column nullable, as the log declares it: foreign writers need no `invariants` feature.
fn nullable(columns: &[Column]) -> Arc<ArrowSchema> {
    let fields: Vec<Field> =
        arrow_schema(columns).fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// Splits rows by the value of the partition column.
fn split(rows: &RecordBatch, partition: Option<&str>) -> Result<Vec<(BTreeMap<String, String>, RecordBatch)>> {
    let Some(column) = partition else {
        return Ok(vec![(BTreeMap::new(), rows.clone())]);
    };
    let values = rows
        .column_by_name(column)
        .and_then(|c| c.as_any().downcast_ref::<StringArray>())
        .ok_or_else(|| Error::failed(format!("the partition column {column} is not text")))?;
    let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for row in 0..values.len() {
        groups.entry(values.value(row)).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    let mut parts = Vec::with_capacity(groups.len());
    for (value, indices) in groups {
        let part = take_record_batch(rows, &UInt32Array::from(indices))?;
        parts.push((BTreeMap::from([(column.to_owned(), value.to_owned())]), part));
    }
    Ok(parts)
}

/// Writes one Parquet file and returns its size. A file that could not be finished is removed.
fn write_parquet(path: &Path, rows: &RecordBatch) -> Result<u64> {
    let written = (|| {
        let file = File::create_new(path).map_err(|e| Error::io("write", path, &e))?;
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(writer_properties(rows)))?;
        writer.write(rows)?;
        let file = writer.into_inner()?;
        file.sync_all().map_err(|e| Error::io("write", path, &e))?;
        Ok(file.metadata().map_err(|e| Error::io("read", path, &e))?.len())
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

fn writer_properties(rows: &RecordBatch) -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    let mut builder = WriterProperties::builder().set_compression(Compression::ZSTD(level));
    for name in LOOKUP_COLUMNS {
        if rows.schema().column_with_name(name).is_some() {
            builder = builder
                .set_column_bloom_filter_enabled(ColumnPath::from(name), true)
                .set_column_bloom_filter_ndv(ColumnPath::from(name), rows.num_rows() as u64);
        }
    }
    builder.build()
}

fn folder_url(path: &Path) -> Result<Url> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io("find", path, &e))?;
    Url::from_directory_path(&absolute).map_err(|()| Error::usage(format!("{} cannot be a path", path.display())))
}

fn file_url(path: &Path) -> Result<Url> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io("find", path, &e))?;
    Url::from_file_path(&absolute).map_err(|()| Error::usage(format!("{} cannot be a path", path.display())))
}
