//! The mart: a folder of Delta tables, and batches that are either wholly in it or not at all.
//!
//! A batch stages its Parquet files, then commits table by table, `batches` last; readers count only rows of batches
//! that are listed there, so a batch that was killed half-way is invisible and the next run reads its inputs again.
//! Not here: how one table is written (`delta`), what the rows mean (`queries/models`).

pub mod as_of;
pub mod delta;
pub mod erase;
pub mod history;
pub mod info;
pub mod parquet_file;
pub(crate) mod read;
pub mod reprocess;
pub mod rewrap;
pub mod rewrite;
pub mod vacuum;
pub mod verify;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use self::delta::{Change, DataFile, DeltaTable, LogEngine, Purpose, TableSpec};
use self::parquet_file::{Sizes, TableWriter};
use self::read::{batch_rows, read_file};
use crate::engine::{Engine, text};
use crate::error::{Error, Result};
use crate::provider::catalogue::Catalogue;
use crate::record::{
    AuthorityStatus, Batch, Check, Code, Input, Observation, Receipt, Reject, Submission, Table, Tombstone,
    UnknownField,
};

/// The table that is created last and committed last: what it lists counts.
pub const FIRST_TABLE: &str = Batch::NAME;

/// Rows of one table that are held before they are turned into columns.
const FLUSH_ROWS: usize = 4_096;

/// Application id of ingests in the tables' logs.
const INGEST_ID: &str = "kycmart";

/// Application id of erasures: first in the log of `tombstones`, last in that of `receipts`.
const ERASE_ID: &str = "kycmart-erase";

/// Every table, `batches` first: who opens them in this order sees all rows of every batch that is listed.
pub fn table_specs() -> Vec<TableSpec> {
    fn spec<T: Table>(sort: &'static [&'static str]) -> TableSpec {
        TableSpec { name: T::NAME, columns: T::columns(), partition: T::PARTITION, sort }
    }
    vec![
        spec::<Batch>(&[]),
        spec::<Observation>(&["provider_job_id", "payload_key", "position"]),
        spec::<Check>(&["provider_job_id", "payload_key", "position"]),
        spec::<Receipt>(&["payload_digest", "payload_key"]),
        spec::<AuthorityStatus>(&["country", "id_type", "checked_at_us"]),
        spec::<Submission>(&["payload_key"]),
        spec::<Reject>(&["payload_digest", "payload_key"]),
        spec::<UnknownField>(&["payload_key"]),
        spec::<Code>(&[]),
        spec::<Input>(&["input_digest"]),
        spec::<Tombstone>(&["payload_key"]),
    ]
}

/// Tables whose rows belong to a payload: those that an erasure touches. `receipts` is last: what it has done is done.
pub const PAYLOAD_TABLES: [&str; 7] = [
    Observation::NAME,
    Check::NAME,
    AuthorityStatus::NAME,
    Submission::NAME,
    Reject::NAME,
    UnknownField::NAME,
    Receipt::NAME,
];

/// Tables that marts of older formats lack, and the format since which they are there; to read, they are empty.
const ADDED_TABLES: [(&str, i64); 2] = [(Tombstone::NAME, 2), (UnknownField::NAME, 3)];

/// Whether every mart of a format has a table.
fn has_table(format: i64, name: &str) -> bool {
    ADDED_TABLES.iter().all(|(added, since)| *added != name || format >= *since)
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
        Self::open_at(root, &BTreeMap::new())
    }

    /// Opens a mart for reading, some tables at an earlier version.
    ///
    /// # Errors
    /// When there is none at this path or a log cannot be read as of then.
    pub fn open_at(root: &Path, versions: &BTreeMap<String, u64>) -> Result<Self> {
        if !delta::exists(root, FIRST_TABLE) {
            return Err(Error::usage(format!("there is no mart at {}", root.display()))
                .hint(format!("make one with: kycmart ingest SOURCE --mart {}", root.display())));
        }
        let lost = |spec: &TableSpec| !delta::exists(root, spec.name) && has_table(1, spec.name);
        if let Some(spec) = table_specs().iter().find(|spec| lost(spec)) {
            return Err(damaged(root, spec.name));
        }
        let log = LogEngine::new(root)?;
        let open = |spec: TableSpec| DeltaTable::open_at(&log, root, spec.clone(), versions.get(spec.name).copied());
        let tables = table_specs().into_iter().map(open).collect::<Result<_>>()?;
        let mart = Mart { root: root.to_owned(), log, tables };
        let format = mart.table(FIRST_TABLE)?.transaction_number(&mart.log, delta::FORMAT_ID)?.unwrap_or(1);
        match ADDED_TABLES.iter().find(|(name, _)| has_table(format, name) && !delta::exists(root, name)) {
            Some((name, _)) => Err(damaged(root, name)),
            None => Ok(mart),
        }
    }

    /// Opens a mart for writing, or makes it; an older mart gets the columns and tables that it lacks, and an erasure that
    /// was interrupted is finished. The caller holds the lock.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open_or_create(root: &Path) -> Result<Self> {
        std::fs::create_dir_all(root).map_err(|e| Error::io("create the mart", root, &e))?;
        let log = LogEngine::new(root)?;
        if delta::exists(root, FIRST_TABLE) {
            // Refuses a mart of a newer program before anything is written to it.
            Self::open(root)?;
        } else if table_specs().iter().any(|spec| delta::was_written(root, spec.name)) {
            return Err(damaged(root, FIRST_TABLE));
        }
        // `batches` is created last, so that a mart that has it has all tables.
        let mut tables = Vec::new();
        for spec in table_specs().into_iter().rev() {
            tables.push(DeltaTable::open_or_create(&log, root, spec)?);
        }
        tables.reverse();
        let mut mart = Mart { root: root.to_owned(), log, tables };
        mart.finish_erasure()?;
        Ok(mart)
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

    /// Makes the stored tables known to an engine, without those named. Rows that an erasure has not reached yet are left
    /// out.
    ///
    /// # Errors
    /// When a log cannot be replayed or the engine refuses a file.
    pub fn register_stored(&self, engine: &mut dyn Engine, without: &[&str]) -> Result<()> {
        let erasing = self.erasure_pending()?;
        for table in self.tables.iter().rev().filter(|t| !without.contains(&t.spec().name)) {
            let (name, columns) = (table.spec().name, &table.spec().columns);
            let files: Vec<PathBuf> = table.files(&self.log)?.into_iter().map(|f| f.path).collect();
            if erasing && PAYLOAD_TABLES.contains(&name) {
                engine.register_files(&format!("{name}_stored"), columns, &files)?;
                let rest = "WHERE payload_key NOT IN (SELECT payload_key FROM tombstones)";
                engine.define(name, &format!("SELECT * FROM {name}_stored {rest}"), false)?;
            } else {
                engine.register_files(name, columns, &files)?;
            }
        }
        Ok(())
    }

    /// Whether an erasure was begun and not finished.
    ///
    /// # Errors
    /// When a log cannot be replayed.
    pub fn erasure_pending(&self) -> Result<bool> {
        let begun = self.table(Tombstone::NAME)?.transaction_number(&self.log, ERASE_ID)?;
        let done = self.table(Receipt::NAME)?.transaction_number(&self.log, ERASE_ID)?;
        Ok(begun > done)
    }

    /// The version of every table, by name.
    pub fn versions(&self) -> Vec<(&'static str, u64)> {
        self.tables.iter().map(|t| (t.spec().name, t.version())).collect()
    }

    /// The files of a table.
    ///
    /// # Errors
    /// When there is no such table or its log cannot be replayed.
    pub fn files(&self, table: &str) -> Result<Vec<DataFile>> {
        self.table(table)?.files(&self.log)
    }

    /// The batches that count, oldest first.
    ///
    /// # Errors
    /// When the table `batches` cannot be read.
    pub fn batches(&self) -> Result<Vec<Batch>> {
        let mut batches = Vec::new();
        for file in self.files(FIRST_TABLE)? {
            for rows in read_file(&file.path, &Batch::schema(), None)? {
                batches.extend(batch_rows(&rows?)?);
            }
        }
        batches.sort_by(|a: &Batch, b| (a.finished_at, &a.batch_id).cmp(&(b.finished_at, &b.batch_id)));
        Ok(batches)
    }

    /// Their identifiers.
    ///
    /// # Errors
    /// When the table `batches` cannot be read.
    pub fn listed_batches(&self) -> Result<HashSet<String>> {
        Ok(self.batches()?.into_iter().map(|b| b.batch_id).collect())
    }

    /// Starts a batch.
    ///
    /// # Errors
    /// When a table is missing.
    pub fn batch(&mut self, batch_id: String) -> Result<BatchWriter<'_>> {
        Ok(BatchWriter {
            observations: Buffer::new(self)?,
            checks: Buffer::new(self)?,
            receipts: Buffer::new(self)?,
            authority: Buffer::new(self)?,
            submissions: Buffer::new(self)?,
            rejects: Buffer::new(self)?,
            unknown_fields: Buffer::new(self)?,
            inputs: Buffer::new(self)?,
            codes: Buffer::new(self)?,
            mart: self,
            batch_id,
        })
    }

    fn writer(&self, table: &str, sizes: Sizes) -> Result<TableWriter> {
        let table = self.table(table)?;
        Ok(TableWriter::new(table.spec().clone(), table.root().to_owned(), sizes))
    }

    fn commit(&mut self, table: &str, change: Change, purpose: Purpose) -> Result<()> {
        let index = self.tables.iter().position(|t| t.spec().name == table).ok_or_else(|| no_table(table))?;
        self.tables[index].commit(&self.log, change, purpose)
    }

    fn table(&self, name: &str) -> Result<&DeltaTable> {
        self.tables.iter().find(|t| t.spec().name == name).ok_or_else(|| no_table(name))
    }
}

fn damaged(root: &Path, table: &str) -> Error {
    Error::failed(format!("the mart {} has lost its table {table}", root.display()))
        .hint("bring its folder back from a backup, or ingest the sources into a new mart; see kycmart mart verify")
}

fn no_table(name: &str) -> Error {
    Error::failed(format!("the mart has no table {name}"))
}

/// `table=number` joined by `,`.
fn numbered<N: std::fmt::Display>(numbers: impl IntoIterator<Item = (&'static str, N)>) -> String {
    numbers.into_iter().map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(",")
}

/// Reads `table=number` joined by `,`, as a batch keeps it.
pub fn numbers(text: &str) -> BTreeMap<String, u64> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(k, v)| Some((k.to_owned(), v.parse().ok()?)))
        .collect()
}

/// Rows on their way into one table.
struct Buffer<T> {
    rows: Vec<T>,
    writer: TableWriter,
    count: u64,
}

impl<T: Table> Buffer<T> {
    fn new(mart: &Mart) -> Result<Self> {
        Ok(Buffer { rows: Vec::new(), writer: mart.writer(T::NAME, Sizes::INGEST)?, count: 0 })
    }

    fn extend(&mut self, rows: impl IntoIterator<Item = T>) -> Result<()> {
        self.rows.extend(rows);
        if self.rows.len() >= FLUSH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if !self.rows.is_empty() {
            self.writer.write(&T::batch(&self.rows))?;
            self.count += self.rows.len() as u64;
            self.rows.clear();
        }
        Ok(())
    }

    /// Commits the rows and says how many there were.
    fn commit(mut self, mart: &mut Mart, number: i64) -> Result<(&'static str, u64)> {
        self.flush()?;
        let add = self.writer.finish()?;
        if !add.is_empty() {
            let purpose = Purpose { operation: "WRITE", writer: INGEST_ID, number };
            mart.commit(T::NAME, Change { add, remove: Vec::new() }, purpose)?;
        }
        Ok((T::NAME, self.count))
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
    unknown_fields: Buffer<UnknownField>,
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
        self.observations.extend(stamped!(rows.observations, &self.batch_id))?;
        self.checks.extend(stamped!(rows.checks, &self.batch_id))?;
        self.authority.extend(stamped!(rows.authority, &self.batch_id))?;
        self.submissions.extend(stamped!(rows.submission, &self.batch_id))
    }

    /// Adds one delivery of a payload, new or known.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn delivery(&mut self, receipt: Receipt) -> Result<()> {
        self.receipts.extend(stamped!([receipt], &self.batch_id))
    }

    /// Adds what could not be read.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn reject(&mut self, reject: Reject) -> Result<()> {
        self.rejects.extend(stamped!([reject], &self.batch_id))
    }

    /// Adds the fields of a new payload that nobody knows.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn unknown_fields(&mut self, fields: Vec<UnknownField>) -> Result<()> {
        self.unknown_fields.extend(stamped!(fields, &self.batch_id))
    }

    /// Adds an input file that was read to its end.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn input(&mut self, input: Input) -> Result<()> {
        self.inputs.extend(stamped!([input], &self.batch_id))
    }

    /// Commits table by table, `batches` last; fills in what the batch wrote and which versions it leaves behind.
    ///
    /// # Errors
    /// When a commit fails; the batch then does not count.
    pub fn finish(mut self, codes: Vec<Code>, mut batch: Batch) -> Result<()> {
        let number = batch.finished_at.0;
        self.codes.extend(codes)?;
        let mart = self.mart;
        batch.table_rows = numbered([
            self.observations.commit(mart, number)?,
            self.checks.commit(mart, number)?,
            self.receipts.commit(mart, number)?,
            self.authority.commit(mart, number)?,
            self.submissions.commit(mart, number)?,
            self.rejects.commit(mart, number)?,
            self.unknown_fields.commit(mart, number)?,
            self.inputs.commit(mart, number)?,
            self.codes.commit(mart, number)?,
        ]);
        mart.list(vec![batch], Vec::new(), Purpose { operation: "WRITE", writer: INGEST_ID, number })
    }
}

impl Mart {
    /// Lists batches in one commit, in the place of those in `remove`; from then on they count.
    fn list(&mut self, mut batches: Vec<Batch>, remove: Vec<DataFile>, purpose: Purpose) -> Result<()> {
        let after = |(name, version)| (name, if name == FIRST_TABLE { version + 1 } else { version });
        let versions = numbered(self.versions().into_iter().map(after));
        batches.iter_mut().filter(|b| b.table_versions.is_empty()).for_each(|b| b.table_versions.clone_from(&versions));
        let mut writer = self.writer(FIRST_TABLE, Sizes::COMPACT)?;
        writer.write(&Batch::batch(&batches))?;
        let add = writer.finish()?;
        self.commit(FIRST_TABLE, Change { add, remove }, purpose)
    }
}

/// How often a held lock is looked at for the name of its holder, and the pause before each look.
const LOCK_LOOKS: usize = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

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
        let failed = |e: std::io::Error| Error::io("lock the mart with", &path, &e);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        for _ in 0..LOCK_LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    let who = format!("kycmart {command}, process {}", std::process::id());
                    let named =
                        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(who.as_bytes()));
                    named.map_err(failed)?;
                    return Ok(MartLock { file });
                }
                Err(std::fs::TryLockError::Error(e)) => return Err(failed(e)),
                Err(std::fs::TryLockError::WouldBlock) => {}
            }
            // Who has just taken it writes its name next; who is about to let it go has removed it.
            std::thread::sleep(LOCK_PAUSE);
            let mut who = String::new();
            file.rewind().and_then(|()| file.read_to_string(&mut who)).map_err(failed)?;
            if !who.is_empty() {
                return Err(held_by(root, &who));
            }
        }
        Err(held_by(root, "another program"))
    }
}

fn held_by(root: &Path, who: &str) -> Error {
    Error::failed(format!("the mart {} is being written by {who}", root.display()))
        .hint("wait until it has finished, then run again")
}

impl Drop for MartLock {
    fn drop(&mut self) {
        let _ = self.file.rewind().and_then(|()| self.file.set_len(0));
    }
}
