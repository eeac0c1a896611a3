//! One Delta table on the local file system: create, open at a version, list its files, commit a change.
//!
//! The transaction log is written by `delta_kernel`. A table contains what its log says, never what lies in its folder. Not
//! here: Parquet files (`parquet_file`), which tables there are and what a batch is (`mart`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use delta_kernel::arrow::array::{Array, StringArray};
use delta_kernel::arrow::datatypes::{Field, Schema as ArrowSchema};
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::engine::arrow_conversion::TryFromArrow;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::expressions::Scalar;
use delta_kernel::schema::{StructField, StructType};
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use delta_kernel::transaction::{BoundWriteContext, CommitResult, WriteState};
use delta_kernel::{FileMeta, Snapshot, SnapshotRef};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use delta_kernel_default_engine::storage::store_from_url;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder, build_add_file_metadata};
use url::Url;

use super::parquet_file::StagedFile;
use crate::error::{Error, Result};
use crate::fault;
use crate::record::{Column, arrow_schema};

/// What wrote a commit, as its history shows it.
const ENGINE: &str = concat!("kycmart/", env!("CARGO_PKG_VERSION"));

/// Commits of a table between two checkpoints, after which readers need not replay the log from its beginning.
pub const CHECKPOINT_EVERY: u64 = 10;

/// Application id under which `batches` carries the version of the mart's format.
pub(super) const FORMAT_ID: &str = "kycmart-format";

/// Version of the format that this program writes. 1: without tombstones and resumable inputs; 2: without unknown fields.
pub const FORMAT: i64 = 3;

/// Begins the refusal of a mart that a newer program has changed.
pub const NEWER: &str = "this mart was written by a newer kycmart";

/// What a table is.
#[derive(Clone, Debug)]
pub struct TableSpec {
    pub name: &'static str,
    pub columns: Vec<Column>,
    /// The partition column, which also stands in the files.
    pub partition: Option<&'static str>,
    /// Columns by which the rows of a row group are sorted, for lookups.
    pub sort: &'static [&'static str],
}

impl TableSpec {
    /// The Arrow schema with every column nullable, as the log declares it: foreign writers need no `invariants` feature.
    pub fn schema(&self) -> Arc<ArrowSchema> {
        let own = arrow_schema(&self.columns);
        let fields: Vec<Field> = own.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
        Arc::new(ArrowSchema::new(fields))
    }
}

/// The engine that logs are read and written with.
pub struct LogEngine(DefaultEngine<TokioMultiThreadExecutor>);

impl LogEngine {
    /// An engine for the local file system.
    ///
    /// # Errors
    /// When the path cannot be a URL.
    pub fn new(root: &Path) -> Result<Self> {
        // A checkpoint waits on tasks of its own: one thread would wait on itself for ever.
        let executor = TokioMultiThreadExecutor::new_owned_runtime(Some(2), Some(2))?;
        let store = store_from_url(&folder_url(root)?)?;
        Ok(LogEngine(DefaultEngineBuilder::new(store).with_task_executor(Arc::new(executor)).build()))
    }
}

/// A file that a version of a table consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the log.
    name: String,
    /// Its partition, by column.
    pub partition: BTreeMap<String, String>,
    pub bytes: u64,
    /// Rows, as the log states them.
    pub rows: u64,
}

/// A change to a table: all of it in one commit.
#[derive(Default)]
pub struct Change {
    pub add: Vec<StagedFile>,
    pub remove: Vec<DataFile>,
}

/// What a commit is for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// Delta's word for the operation, as the history shows it.
    pub operation: &'static str,
    /// Application id of the `txn` action.
    pub writer: &'static str,
    /// Its version: of an ingest, the batch's end in microseconds.
    pub number: i64,
}

impl Purpose {
    /// A commit of maintenance, numbered by the clock.
    pub fn now(operation: &'static str, writer: &'static str) -> Self {
        Purpose { operation, writer, number: chrono::Utc::now().timestamp_micros() }
    }

    /// Whether the commit only rearranges rows, so that who follows the log need not read them again.
    fn rearranges(self) -> bool {
        self.operation == "OPTIMIZE"
    }
}

/// A Delta table at one version; of an older mart's table that is not there yet, an empty one.
pub struct DeltaTable {
    spec: TableSpec,
    root: PathBuf,
    snapshot: Option<SnapshotRef>,
}

impl DeltaTable {
    /// Opens the table for writing at its newest version: creates it if it is missing, adds columns that it lacks.
    ///
    /// # Errors
    /// When the log cannot be read or written, or a newer program wrote it.
    pub fn open_or_create(engine: &LogEngine, mart: &Path, spec: TableSpec) -> Result<Self> {
        if !exists(mart, spec.name) {
            let root = mart.join(spec.name);
            std::fs::create_dir_all(&root).map_err(|e| Error::io("create", &root, &e))?;
            create(engine, &root, &spec)?;
        }
        let mut table = Self::open(engine, mart, spec)?;
        table.add_missing_columns(engine)?;
        Ok(table)
    }

    /// Opens the table for reading at its newest version.
    ///
    /// # Errors
    /// When its log cannot be read, or a newer program wrote it.
    pub fn open(engine: &LogEngine, mart: &Path, spec: TableSpec) -> Result<Self> {
        Self::open_at(engine, mart, spec, None)
    }

    /// Opens the table for reading at a version; `None` is the newest.
    ///
    /// # Errors
    /// When its log cannot be read as of then, or a newer program wrote it.
    pub fn open_at(engine: &LogEngine, mart: &Path, spec: TableSpec, version: Option<u64>) -> Result<Self> {
        let root = mart.join(spec.name);
        if !exists(mart, spec.name) {
            return Ok(DeltaTable { spec, root, snapshot: None });
        }
        let mut builder = Snapshot::builder_for(folder_url(&root)?.as_str());
        if let Some(version) = version {
            builder = builder.at_version(version);
        }
        let snapshot = builder.build(&engine.0).map_err(|e| Error::from(e).within(spec.name))?;
        let table = DeltaTable { spec, root, snapshot: Some(snapshot) };
        table.refuse_newer(engine)?;
        Ok(table)
    }

    /// The table's definition.
    pub fn spec(&self) -> &TableSpec {
        &self.spec
    }

    /// The table's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The version that is open.
    pub fn version(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |s| s.version())
    }

    /// The files of this version, sorted by path.
    ///
    /// # Errors
    /// When the log cannot be replayed.
    pub fn files(&self, engine: &LogEngine) -> Result<Vec<DataFile>> {
        let Some(snapshot) = &self.snapshot else { return Ok(Vec::new()) };
        let scan = snapshot.clone().scan_builder().build()?;
        let mut found = Vec::new();
        for metadata in scan.scan_metadata(&engine.0)? {
            found = metadata?.visit_scan_files(found, |found, file| found.push(file))?;
        }
        let mut files: Vec<DataFile> = found
            .into_iter()
            .map(|file| DataFile {
                path: self.root.join(&*percent_encoding::percent_decode_str(&file.path).decode_utf8_lossy()),
                name: file.path,
                partition: file.partition_values.into_iter().collect(),
                bytes: u64::try_from(file.size).unwrap_or(0),
                rows: file.stats.map_or(0, |s| s.num_records),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The newest number that an application committed to the table.
    ///
    /// # Errors
    /// When the log cannot be replayed.
    pub fn transaction_number(&self, engine: &LogEngine, application: &str) -> Result<Option<i64>> {
        match &self.snapshot {
            Some(snapshot) => Ok(snapshot.get_app_id_version(application, &engine.0)?),
            None => Ok(None),
        }
    }

    /// Commits a change, and a checkpoint when one is due.
    ///
    /// # Errors
    /// When the commit fails, or another writer committed in between.
    pub fn commit(&mut self, engine: &LogEngine, change: Change, purpose: Purpose) -> Result<()> {
        let name = self.spec.name;
        fault::step(&format!("commit {name}"));
        let snapshot = self.snapshot.clone().ok_or_else(|| Error::failed(format!("the mart has no table {name}")))?;
        let mut transaction = snapshot
            .clone()
            .transaction(Box::new(FileSystemCommitter::new()), &engine.0)?
            .with_engine_info(ENGINE)
            .with_operation(purpose.operation.to_owned())
            .with_data_change(!purpose.rearranges())
            .with_transaction_id(purpose.writer.to_owned(), purpose.number);
        if name == super::FIRST_TABLE {
            transaction = transaction.with_transaction_id(FORMAT_ID.to_owned(), FORMAT);
        }
        if change.remove.is_empty() && !change.add.is_empty() {
            transaction = transaction.with_blind_append();
        }
        for files in self.selected(engine, &snapshot, &change.remove)? {
            transaction.remove_files(files);
        }
        let state = transaction.write_state()?;
        for file in &change.add {
            let context = bind(&state, file.partition())?;
            let meta = FileMeta::new(file_url(file.path())?, file.modified(), file.bytes());
            let data = DataFileMetadata::new(meta, file.stats().clone());
            transaction.add_files(build_add_file_metadata(data, &context)?);
        }
        let committed = transaction.commit(&engine.0);
        let committed =
            committed.map_err(|e| Error::from(e).within(&format!("cannot write to {}", self.root.display())))?;
        let snapshot = self.after(engine, committed)?;
        self.sync_log(snapshot.version())?;
        self.snapshot = Some(snapshot);
        change.add.into_iter().for_each(StagedFile::keep);
        fault::step(&format!("committed {name}"));
        self.checkpoint_when_due(engine)
    }

    fn after<S: std::fmt::Debug>(&self, engine: &LogEngine, result: CommitResult<S>) -> Result<SnapshotRef> {
        let name = self.spec.name;
        match result {
            CommitResult::Committed(committed) => match committed.post_commit_snapshot() {
                Some(snapshot) => Ok(snapshot.clone()),
                None => Ok(Snapshot::builder_for(folder_url(&self.root)?.as_str()).build(&engine.0)?),
            },
            CommitResult::Conflicted(_) => Err(Error::failed(format!("another program wrote to {name} meanwhile"))
                .hint("run again: nothing was lost and nothing counts twice")),
            CommitResult::Retryable(_) => {
                Err(Error::failed(format!("the commit to {name} did not go through")).hint("run again"))
            }
        }
    }

    /// The rows of the log that stand for these files, to remove them.
    fn selected(
        &self,
        engine: &LogEngine,
        snapshot: &SnapshotRef,
        remove: &[DataFile],
    ) -> Result<Vec<FilteredEngineData>> {
        let names: HashSet<&str> = remove.iter().map(|f| f.name.as_str()).collect();
        let mut selected = Vec::new();
        if names.is_empty() {
            return Ok(selected);
        }
        for metadata in snapshot.clone().scan_builder().build()?.scan_metadata(&engine.0)? {
            let (data, was_selected) = metadata?.scan_files.into_parts();
            let data = ArrowEngineData::try_from_engine_data(data)?;
            let rows = data.record_batch();
            let paths = rows.column_by_name("path").and_then(|c| c.as_any().downcast_ref::<StringArray>());
            let paths = paths.ok_or_else(|| Error::failed("the log's files have no path"))?;
            let chosen: Vec<bool> = (0..rows.num_rows())
                .map(|row| was_selected.get(row).copied().unwrap_or(true) && names.contains(paths.value(row)))
                .collect();
            if chosen.contains(&true) {
                selected.push(FilteredEngineData::try_new(data, chosen)?);
            }
        }
        Ok(selected)
    }

    /// A commit must be on disk before the next one says that it is there.
    fn sync_log(&self, version: u64) -> Result<()> {
        let log = self.root.join("_delta_log");
        let commit = log.join(format!("{version:020}.json"));
        for path in [&commit, &log] {
            let synced = File::open(path).and_then(|file| file.sync_all());
            synced.map_err(|e| Error::io("write", path, &e))?;
        }
        Ok(())
    }

    fn checkpoint_when_due(&mut self, engine: &LogEngine) -> Result<()> {
        let due = |s: &&SnapshotRef| s.version() > 0 && s.version().is_multiple_of(CHECKPOINT_EVERY);
        if let Some(snapshot) = self.snapshot.as_ref().filter(due).cloned() {
            fault::step(&format!("checkpoint {}", self.spec.name));
            let (_, snapshot) = snapshot.checkpoint(&engine.0, None)?;
            self.snapshot = Some(snapshot);
        }
        Ok(())
    }

    /// Refuses a table that a newer program has changed: to write or read it without knowing how would lose something.
    fn refuse_newer(&self, engine: &LogEngine) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let newer = |what: String| {
            Err(Error::failed(format!("{NEWER}: {what}"))
                .hint(concat!("update kycmart; this is ", env!("CARGO_PKG_VERSION"))))
        };
        if self.spec.name == super::FIRST_TABLE {
            let format = snapshot.get_app_id_version(FORMAT_ID, &engine.0)?.unwrap_or(1);
            if format > FORMAT {
                return newer(format!("its format is {format}, and this program knows formats up to {FORMAT}"));
            }
        }
        let known = |field: &&StructField| !self.spec.columns.iter().any(|c| c.name == field.name());
        match snapshot.schema().fields().find(known) {
            Some(field) => newer(format!("the column {} of {} is not known here", field.name(), self.spec.name)),
            None => Ok(()),
        }
    }

    /// Adds the columns that a newer program knows to an older table, in one commit.
    fn add_missing_columns(&mut self, engine: &LogEngine) -> Result<()> {
        let Some(snapshot) = self.snapshot.clone() else { return Ok(()) };
        let own = StructType::try_from_arrow(self.spec.schema().as_ref())?;
        let there = snapshot.schema();
        let mut missing = own.fields().filter(|f| there.field(f.name()).is_none());
        let Some(first) = missing.next() else { return Ok(()) };
        let builder = missing.fold(snapshot.alter_table().add_column(first.clone()), |b, f| b.add_column(f.clone()));
        let transaction = builder.build(&engine.0, Box::new(FileSystemCommitter::new()))?.with_engine_info(ENGINE);
        let committed = transaction.commit(&engine.0)?;
        self.snapshot = Some(self.after(engine, committed)?);
        Ok(())
    }
}

/// Whether a table is there: its first version or a checkpoint is. A run that was killed while it made the table leaves
/// only folders.
pub fn exists(mart: &Path, name: &str) -> bool {
    let log = mart.join(name).join("_delta_log");
    log.join("00000000000000000000.json").is_file() || log.join("_last_checkpoint").is_file()
}

/// Whether rows were ever committed to a table.
pub fn was_written(mart: &Path, name: &str) -> bool {
    let log = mart.join(name).join("_delta_log");
    log.join("00000000000000000001.json").is_file() || log.join("_last_checkpoint").is_file()
}

fn create(engine: &LogEngine, root: &Path, spec: &TableSpec) -> Result<()> {
    let schema = StructType::try_from_arrow(spec.schema().as_ref())?;
    let mut builder = create_table(folder_url(root)?.as_str(), Arc::new(schema), ENGINE);
    if let Some(partition) = spec.partition {
        builder = builder
            .with_data_layout(DataLayout::partitioned([partition]))
            .with_table_properties([("delta.feature.materializePartitionColumns", "supported")]);
    }
    let transaction = builder.build(&engine.0, Box::new(FileSystemCommitter::new()))?;
    match transaction.with_transaction_id(FORMAT_ID.to_owned(), FORMAT).commit(&engine.0)? {
        CommitResult::Committed(_) => Ok(()),
        _ => Err(Error::failed(format!("the table {} could not be created", spec.name)).hint("run again")),
    }
}

fn bind(state: &Arc<WriteState>, values: &BTreeMap<String, String>) -> Result<BoundWriteContext> {
    let builder = state.write_context_builder();
    if values.is_empty() {
        return Ok(builder.build()?);
    }
    let scalars: HashMap<String, Scalar> = values.iter().map(|(k, v)| (k.clone(), Scalar::from(v.as_str()))).collect();
    Ok(builder.with_partition_values(scalars).build()?)
}

/// The path from the root, without `..`, which no URL of a log may have.
fn from_root(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io("find", path, &e))?;
    let mut found = PathBuf::new();
    for part in absolute.components() {
        if part == Component::ParentDir {
            // `link/..` is the folder above the link's target.
            found = found.canonicalize().unwrap_or(found);
            found.pop();
        } else {
            found.push(part);
        }
    }
    Ok(found)
}

fn folder_url(path: &Path) -> Result<Url> {
    let absolute = from_root(path)?;
    Url::from_directory_path(&absolute).map_err(|()| Error::usage(format!("{} cannot be a path", path.display())))
}

fn file_url(path: &Path) -> Result<Url> {
    let absolute = from_root(path)?;
    Url::from_file_path(&absolute).map_err(|()| Error::usage(format!("{} cannot be a path", path.display())))
}
