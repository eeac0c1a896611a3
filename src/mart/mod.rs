//! The mart: a folder of Delta tables, and batches that are either wholly in it or not at all.
//!
//! A batch stages its Parquet files, then commits table by table, `batches` last; readers count only rows of batches
//! that are listed there, so a batch that was killed half-way is invisible and the next run reads its inputs again.
//! Not here: how one table is written (`delta`), what the rows mean (`queries/models`).

pub mod delta;

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use self::delta::{DeltaTable, LogEngine, Staged, TableSpec};
use crate::engine::{Engine, text};
use crate::error::{Error, Result};
use crate::provider::catalogue::Catalogue;
use crate::record::{AuthorityStatus, Batch, Check, Code, Input, Observation, Receipt, Reject, Submission, Table};

/// Rows of one table that are held before they are written to a file.
const FLUSH_ROWS: usize = 25_000;

/// Every table, `batches` first: who opens them in this order sees all rows of every batch that is listed.
pub fn table_specs() -> Vec<TableSpec> {
    fn spec<T: Table>() -> TableSpec {
        TableSpec { name: T::NAME, columns: T::columns(), partition: T::PARTITION }
    }
    vec![
        spec::<Batch>(),
        spec::<Observation>(),
        spec::<Check>(),
        spec::<Receipt>(),
        spec::<AuthorityStatus>(),
        spec::<Submission>(),
        spec::<Reject>(),
        spec::<Code>(),
        spec::<Input>(),
    ]
}

/// An open mart.
pub struct Mart {
    root: PathBuf,
    log: LogEngine,
    tables: Vec<DeltaTable>,
}

impl Mart {
    /// Opens a mart for reading.
    ///
    /// # Errors
    /// When there is none at this path or its log cannot be read.
    pub fn open(root: &Path) -> Result<Self> {
        if !delta::exists(root, Batch::NAME) {
            return Err(Error::usage(format!("there is no mart at {}", root.display()))
                .hint(format!("make one with: kycmart ingest SOURCE --mart {}", root.display())));
        }
        let log = LogEngine::new(root)?;
        let tables = table_specs().into_iter().map(|spec| DeltaTable::open(&log, root, spec)).collect::<Result<_>>()?;
        Ok(Mart { root: root.to_owned(), log, tables })
    }

    /// Opens a mart for writing, or makes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open_or_create(root: &Path) -> Result<Self> {
        std::fs::create_dir_all(root).map_err(|e| Error::io("create the mart", root, &e))?;
        let log = LogEngine::new(root)?;
        // `batches` is created last, so that a mart that has it has all tables.
        let mut tables = Vec::new();
        for spec in table_specs().into_iter().rev() {
            tables.push(DeltaTable::open_or_create(&log, root, spec)?);
        }
        tables.reverse();
        Ok(Mart { root: root.to_owned(), log, tables })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes all tables known to an engine, each at the version that is open here, and the code catalogue in force now:
    /// a corrected code changes past reports without touching what is stored.
    ///
    /// # Errors
    /// When a log cannot be replayed or the engine refuses a file.
    pub fn register(&self, engine: &mut dyn Engine, catalogue: &Catalogue) -> Result<()> {
        self.register_stored(engine, &[Code::NAME])?;
        let newest = text(engine, "SELECT MAX(batch_id) FROM batches")?.unwrap_or_default();
        engine.register_rows(Code::NAME, &Code::batch(&catalogue.rows(&newest)))
    }

    /// Makes the stored tables known to an engine, without those named.
    ///
    /// # Errors
    /// When a log cannot be replayed or the engine refuses a file.
    pub fn register_stored(&self, engine: &mut dyn Engine, without: &[&str]) -> Result<()> {
        for table in self.tables.iter().filter(|t| !without.contains(&t.spec().name)) {
            engine.register_files(table.spec().name, &table.spec().columns, &table.files(&self.log)?)?;
        }
        Ok(())
    }

    /// The version of every table, by name.
    pub fn versions(&self) -> Vec<(&'static str, u64)> {
        self.tables.iter().map(|t| (t.spec().name, t.version())).collect()
    }

    /// Starts a batch.
    pub fn batch(&mut self, batch_id: String) -> BatchWriter<'_> {
        BatchWriter {
            mart: self,
            batch_id,
            observations: Buffer::default(),
            checks: Buffer::default(),
            receipts: Buffer::default(),
            authority: Buffer::default(),
            submissions: Buffer::default(),
            rejects: Buffer::default(),
            inputs: Buffer::default(),
            codes: Buffer::default(),
        }
    }

    fn table(&mut self, name: &str) -> Result<&mut DeltaTable> {
        let missing = || Error::failed(format!("the mart has no table {name}"));
        self.tables.iter_mut().find(|t| t.spec().name == name).ok_or_else(missing)
    }
}

/// Rows on their way into one table.
struct Buffer<T> {
    rows: Vec<T>,
    staged: Vec<Staged>,
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Buffer { rows: Vec::new(), staged: Vec::new() }
    }
}

impl<T: Table> Buffer<T> {
    fn extend(&mut self, mart: &mut Mart, rows: impl IntoIterator<Item = T>) -> Result<()> {
        self.rows.extend(rows);
        if self.rows.len() >= FLUSH_ROWS { self.stage(mart) } else { Ok(()) }
    }

    fn stage(&mut self, mart: &mut Mart) -> Result<()> {
        if !self.rows.is_empty() {
            let staged = mart.table(T::NAME)?.stage(&T::batch(&self.rows))?;
            self.staged.push(staged);
            self.rows.clear();
        }
        Ok(())
    }

    fn commit(mut self, mart: &mut Mart, number: i64) -> Result<()> {
        self.stage(mart)?;
        if self.staged.is_empty() {
            return Ok(());
        }
        let index = mart.tables.iter().position(|t| t.spec().name == T::NAME);
        let Some(index) = index else {
            return Err(Error::failed(format!("the mart has no table {}", T::NAME)));
        };
        mart.tables[index].commit(&mart.log, self.staged, "kycmart", number)
    }
}

/// A batch that is being written: nothing of it counts before [`finish`](Self::finish).
pub struct BatchWriter<'m> {
    mart: &'m mut Mart,
    batch_id: String,
    observations: Buffer<Observation>,
    checks: Buffer<Check>,
    receipts: Buffer<Receipt>,
    authority: Buffer<AuthorityStatus>,
    submissions: Buffer<Submission>,
    rejects: Buffer<Reject>,
    inputs: Buffer<Input>,
    codes: Buffer<Code>,
}

macro_rules! stamped {
    ($rows:expr, $batch:expr) => {
        $rows.into_iter().map(|mut row| {
            row.batch_id.clone_from($batch);
            row
        })
    };
}

impl BatchWriter<'_> {
    /// Adds the facts of a payload that is new.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn facts(&mut self, rows: crate::normalise::Rows) -> Result<()> {
        self.observations.extend(self.mart, stamped!(rows.observations, &self.batch_id))?;
        self.checks.extend(self.mart, stamped!(rows.checks, &self.batch_id))?;
        self.authority.extend(self.mart, stamped!(rows.authority, &self.batch_id))?;
        self.submissions.extend(self.mart, stamped!(rows.submission, &self.batch_id))
    }

    /// Adds one delivery of a payload, new or known.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn delivery(&mut self, receipt: Receipt) -> Result<()> {
        self.receipts.extend(self.mart, stamped!([receipt], &self.batch_id))
    }

    /// Adds what could not be read.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.extend(self.mart, stamped!([reject], &self.batch_id))
    }

    /// Adds an input file that was read to its end.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn input(&mut self, input: Input) -> Result<()> {
        self.inputs.extend(self.mart, stamped!([input], &self.batch_id))
    }

    /// Commits table by table, `batches` last, and returns the versions that the batch leaves behind.
    ///
    /// # Errors
    /// When a commit fails; the batch then does not count.
    pub fn finish(self, codes: Vec<Code>, mut batch: Batch) -> Result<()> {
        let number = batch.finished_at.0;
        let mart = self.mart;
        let mut code_buffer = self.codes;
        code_buffer.extend(mart, codes)?;
        self.observations.commit(mart, number)?;
        self.checks.commit(mart, number)?;
        self.receipts.commit(mart, number)?;
        self.authority.commit(mart, number)?;
        self.submissions.commit(mart, number)?;
        self.rejects.commit(mart, number)?;
        self.inputs.commit(mart, number)?;
        code_buffer.commit(mart, number)?;
        let versions: Vec<String> = mart.versions().iter().skip(1).map(|(name, v)| format!("{name}={v}")).collect();
        batch.table_versions = versions.join(",");
        let mut last = Buffer::<Batch>::default();
        last.extend(mart, [batch])?;
        last.commit(mart, number)
    }
}

/// Held while a program writes to a mart; a second one is told who holds it.
pub struct MartLock {
    file: File,
}

impl MartLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// When another program holds it, or the mart cannot be written.
    pub fn take(root: &Path, command: &str) -> Result<Self> {
        std::fs::create_dir_all(root).map_err(|e| Error::io("create the mart", root, &e))?;
        let path = root.join(".lock");
        let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(|e| Error::io("lock the mart with", &path, &e))?;
        match file.try_lock() {
            Ok(()) => {
                let who = format!("kycmart {command}, process {}", std::process::id());
                let write = file.set_len(0).and_then(|()| file.write_all(who.as_bytes()));
                write.map_err(|e| Error::io("lock the mart with", &path, &e))?;
                Ok(MartLock { file })
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut who = String::new();
                let _ = file.read_to_string(&mut who);
                let who = if who.is_empty() { "another program".to_owned() } else { who };
                Err(Error::failed(format!("the mart {} is being written by {who}", root.display()))
                    .hint("wait until it has finished, then run again"))
            }
            Err(std::fs::TryLockError::Error(e)) => Err(Error::io("lock the mart with", &path, &e)),
        }
    }
}

impl Drop for MartLock {
    fn drop(&mut self) {
        let _ = self.file.rewind().and_then(|()| self.file.set_len(0));
    }
}
