//! Tables of a SQLite file as lines of JSON, one object per row in the order in which they are stored, that is by rowid
//! (a table WITHOUT ROWID: by its primary key).
//!
//! A value is left out where it is NULL; a BLOB is its text where it is UTF-8, else base64. The file is only read, never
//! locked or written, and nothing in it is run: no views, virtual tables, triggers or generated columns.
//!
//! In memory at a time: three parts of 64 KiB or one row each.
//!
//! Not here: which table holds payloads.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::{Map, Value};

use super::columnar::{write_bytes, write_text};

/// Largest row.
const LARGEST_ROW: i32 = 256 << 20;
/// Text of rows that is handed on at a time; one row may be longer.
const TEXT: usize = 64 << 10;
/// Rows in a sample.
const SAMPLE_ROWS: usize = 20;
/// Text in a sample after which no further row is taken.
const SAMPLE_BYTES: usize = 4 << 20;
/// What a WAL holds before its first page.
const WAL_HEADER: u64 = 32;
/// The first bytes of a journal that must be rolled back.
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// A SQLite file.
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
}

/// A table that people made, with its first rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) name: String,
    /// In the order of the table; generated columns are not among them.
    pub(super) columns: Vec<String>,
    /// At most 20 rows.
    pub(super) sample: Vec<Map<String, Value>>,
}

/// Opens a SQLite file.
///
/// # Errors
/// When it is no SQLite file or is damaged (`InvalidData`), or has changes beside it that are not in it yet
/// (`ResourceBusy`).
pub(super) fn open(path: &Path) -> io::Result<Database> {
    File::open(path)?;
    check_neighbours(path)?;
    Ok(Database { path: path.to_owned(), connection: connect(path)? })
}

impl Database {
    /// The tables in the order of their names.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(super) fn tables(&self) -> io::Result<Vec<Table>> {
        let real = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 \
                    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
        let names = texts(&self.connection, real, None)?;
        names.into_iter().map(|name| self.table(name)).collect()
    }

    fn table(&self, name: String) -> io::Result<Table> {
        let columns = columns(&self.connection, &name)?;
        let mut sample = Vec::new();
        let mut bytes = 0;
        each_row(&self.connection, &name, &columns, &mut Vec::new(), &mut |line| {
            bytes += line.len();
            sample.extend(serde_json::from_slice(line).ok());
            line.clear();
            sample.len() < SAMPLE_ROWS && bytes < SAMPLE_BYTES
        })?;
        Ok(Table { name, columns, sample })
    }

    /// The rows of a table as lines of JSON.
    ///
    /// # Errors
    /// When the file is damaged or has no such table.
    pub(super) fn rows(&self, name: &str) -> io::Result<Rows> {
        let connection = connect(&self.path)?;
        let columns = columns(&connection, name)?;
        let name = name.to_owned();
        let (send, parts) = sync_channel(1);
        thread::Builder::new().name("sqlite".into()).spawn(move || {
            if let Err(cause) = send_rows(&connection, &name, &columns, &send) {
                let _ = send.send(Err(cause));
            }
        })?;
        Ok(Rows { parts, part: Vec::new(), read: 0 })
    }
}

/// The rows of one table as lines of JSON. They are read on a thread of their own, which ends when this is dropped.
pub(super) struct Rows {
    parts: Receiver<io::Result<Vec<u8>>>,
    part: Vec<u8>,
    read: usize,
}

impl Read for Rows {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.part.len() {
            self.part = Vec::new();
            self.read = 0;
            self.part = self.parts.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
        }
        let read = (&self.part[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

fn send_rows(
    connection: &Connection,
    table: &str,
    columns: &[String],
    send: &SyncSender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let mut text = Vec::new();
    let read = each_row(connection, table, columns, &mut text, &mut |text| {
        text.len() < TEXT || send.send(Ok(std::mem::take(text))).is_ok()
    });
    if !text.is_empty() {
        // Whoever no longer reads does not need the rest.
        let _ = send.send(Ok(text));
    }
    read
}

/// Appends each row of a table to a text and shows the text to `take`, which may empty it, until that says `false`.
fn each_row(
    connection: &Connection,
    table: &str,
    columns: &[String],
    text: &mut Vec<u8>,
    take: &mut dyn FnMut(&mut Vec<u8>) -> bool,
) -> io::Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    let list = columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    // Without an order, and without an index to take it from, rows come as they are stored; nothing is sorted.
    let select = format!("SELECT {list} FROM {} NOT INDEXED", quoted(table));
    let mut statement = connection.prepare(&select).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        write_row(row, columns, text).map_err(failed)?;
        if !take(text) {
            break;
        }
    }
    Ok(())
}

fn write_row(row: &rusqlite::Row<'_>, columns: &[String], out: &mut Vec<u8>) -> rusqlite::Result<()> {
    let start = out.len();
    for (index, name) in columns.iter().enumerate() {
        let value = row.get_ref(index)?;
        if matches!(value, ValueRef::Null) || matches!(value, ValueRef::Real(real) if !real.is_finite()) {
            continue;
        }
        out.push(if out.len() == start { b'{' } else { b',' });
        write_text(name, out);
        out.push(b':');
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            ValueRef::Real(number) => out.extend_from_slice(Value::from(number).to_string().as_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => write_bytes(bytes, out),
        }
    }
    if out.len() == start {
        out.push(b'{');
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// The columns of a table that are stored.
fn columns(connection: &Connection, table: &str) -> io::Result<Vec<String>> {
    // Hidden: 1 in virtual tables, 2 computed when read, 3 computed when written.
    texts(connection, "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden IN (0, 3) ORDER BY cid", Some(table))
}

fn texts(connection: &Connection, select: &str, parameter: Option<&str>) -> io::Result<Vec<String>> {
    let mut statement = connection.prepare(select).map_err(failed)?;
    let mut texts = Vec::new();
    let mut rows = statement.query(rusqlite::params_from_iter(parameter)).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        texts.push(row.get(0).map_err(failed)?);
    }
    Ok(texts)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Opens the file so that nothing is written beside it and nothing in it is run.
fn connect(path: &Path) -> io::Result<Connection> {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    let path = std::path::absolute(path)?;
    let uri = format!("file://{}?mode=ro&immutable=1", percent_encode(path.as_os_str().as_bytes(), KEPT));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(failed)?;
    harden(&connection).map_err(failed)?;
    Ok(connection)
}

fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Looks for changes that SQLite keeps beside the file until they are in it.
fn check_neighbours(path: &Path) -> io::Result<()> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    if std::fs::metadata(beside("-wal")).is_ok_and(|wal| wal.len() > WAL_HEADER) {
        return Err(busy(
            "the SQLite file has rows in the -wal file beside it that are not in it yet. \
             Run `PRAGMA wal_checkpoint(TRUNCATE)` on it, or ingest a copy made with `.backup`",
        ));
    }
    let mut magic = [0; 8];
    let journal = File::open(beside("-journal")).and_then(|journal| journal.read_exact_at(&mut magic, 0));
    if journal.is_ok() && magic == JOURNAL_MAGIC {
        return Err(busy(
            "the SQLite file was left in the middle of a change; the -journal file beside it takes that back. \
             Open it once with `sqlite3`, or ingest a copy made with `.backup`",
        ));
    }
    Ok(())
}

/// The error in fixed words: SQLite's own texts may quote the file.
fn failed(cause: rusqlite::Error) -> io::Error {
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => invalid("the file is no SQLite file, or it is encrypted"),
        Some(ErrorCode::TooBig) => invalid("a row of the SQLite file is larger than 256 MiB"),
        Some(ErrorCode::CannotOpen) => io::Error::other("the SQLite file cannot be opened"),
        Some(ErrorCode::SystemIoFailure) => io::Error::other("reading the SQLite file failed"),
        Some(ErrorCode::OutOfMemory) => io::ErrorKind::OutOfMemory.into(),
        _ => invalid("the SQLite file is damaged"),
    }
}

/// The file is whole only with what stands beside it.
fn busy(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, words)
}

fn invalid(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
#[path = "tests/sqlite.rs"]
mod tests;
