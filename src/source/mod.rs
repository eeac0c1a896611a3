//! Where payload bytes come from: files, folders, archives, tables and standard input, plain or compressed, one payload or
//! many in each.
//!
//! ```text
//! inputs      paths, globs      → inputs                 window   stored bytes → decompressed bytes, a window of them
//! decompress  gz, zst, bz2, xz  → bytes, with limits     sniff    first bytes  → format
//! members     tar, zip          → files, each like an input
//! columnar, sqlite, cassette    Parquet, Arrow; SQLite; recorded HTTP → rows as lines of JSON
//! split       bytes             → where a row ends       cutter   rows         → chunks (one thread, bounded memory)
//! page        a document        → the list of rows in it
//! find, csv, log                one row → its payload, wherever it is, and what stands around it (any thread)
//! context, text, path           the parts of an envelope; encodings of a payload; the way to a field
//! survey      names of the fields beside the payloads, for people
//! grown       a file whose beginning was read before → its new rows
//! ```
//!
//! A broken row never ends the reading of its file, and a broken file never that of the run: what cannot be read becomes
//! a [`Broken`] in its place. Memory for reading one input is bounded by twice the largest payload allowed plus one
//! chunk, whatever the size of the file or of its lines (a zstd stream adds its window, at most 128 MiB; xz 256 MiB).
//!
//! Not here: what a payload means (`provider`), and whether it was seen before (`mart`).

mod cassette;
mod chunk;
mod columnar;
mod context;
mod csv;
mod cutter;
mod decompress;
mod find;
mod grown;
mod inputs;
mod log;
mod members;
mod page;
mod path;
mod sniff;
mod split;
mod sqlite;
mod survey;
mod text;
mod window;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

pub use chunk::Chunk;
pub use grown::{Mark, Start, read_grown};
pub use inputs::{Input, covers, find_inputs};
pub use survey::{Beside, Looks};

use crate::envelope::Envelope;
use crate::record::{Micros, RejectReason};
use decompress::{Budget, Stream};
use members::{Place, Reading};
use path::Path as FieldPath;
use sniff::Format;
use window::Window;

/// One stored payload: its bytes and where they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a> {
    /// The body as the provider sent it, without white space around it.
    pub body: Cow<'a, [u8]>,
    /// What the store knows beside the body.
    pub envelope: Envelope,
    /// The way to the member of an archive, or the table of a database, that holds its row.
    pub member: Option<Arc<str>>,
    /// The field or column that it was found in; `None` where the row is the payload itself.
    pub field: Option<String>,
    /// Byte offset of its row in the decompressed file or member (of rows that others read: in their lines of JSON); a byte
    /// order mark and a CSV header count.
    pub offset: u64,
    /// Number of its row in the input, from 0, over all its members; broken rows count, blank ones do not.
    pub index: u64,
}

/// A part of an input that could not be read as a payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    pub reason: RejectReason,
    /// What was looked for or where it broke; never a part of the payload.
    pub detail: String,
    /// BLAKE3 of the bytes, as far as read.
    pub digest: [u8; 32],
    /// Their number.
    pub bytes: u64,
    /// The way to the member of an archive, or the table of a database, where they are.
    pub member: Option<Arc<str>>,
    /// Where they begin in the decompressed file or member.
    pub offset: u64,
    /// Number of the row in the input, from 0.
    pub index: u64,
}

/// One row of an input.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // looked at one by one, never stored in numbers
pub enum Item<'a> {
    Payload(Payload<'a>),
    Broken(Broken),
}

/// What an input may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest payload, row or line, in bytes.
    pub max_payload_bytes: usize,
    /// Decompressed bytes below which nothing counts as a decompression bomb.
    pub bomb_floor_bytes: u64,
    /// Decompressed bytes per stored byte above which, beyond the floor, an input is a decompression bomb.
    pub bomb_ratio: u64,
    /// Bytes of rows after which a chunk is handed on.
    pub chunk_bytes: usize,
    /// Rows after which a chunk is handed on.
    pub chunk_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_payload_bytes: 64 << 20,
            bomb_floor_bytes: 256 << 20,
            bomb_ratio: 200,
            chunk_bytes: 2 << 20,
            chunk_rows: 1_000,
        }
    }
}

/// What an envelope calls its parts. Compared without case, `_` and `-`.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvelopeNames {
    pub received_at: String,
    pub provider: String,
    pub kind: String,
    pub remote_ip: String,
    pub headers: String,
    pub request: String,
    pub body: String,
}

impl Default for EnvelopeNames {
    fn default() -> Self {
        EnvelopeNames {
            received_at: "received_at".into(),
            provider: "provider".into(),
            kind: "kind".into(),
            remote_ip: "remote_ip".into(),
            headers: "headers".into(),
            request: "request".into(),
            body: "body".into(),
        }
    }
}

/// How inputs are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub limits: Limits,
    pub names: EnvelopeNames,
    /// The field or column that holds the payload, where the user names it; a way through fields is parted by dots.
    pub body_field: Option<String>,
    /// Take a file's time of modification as `received_at` where nothing else tells.
    pub trust_mtime: bool,
}

impl Options {
    /// The way to the field that holds the body, where the user named one.
    fn chosen_field(&self) -> Option<FieldPath> {
        let renamed = (self.names.body != "body").then_some(&self.names.body);
        self.body_field.as_ref().or(renamed).map(|name| FieldPath::parse(name))
    }
}

/// What was read of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSummary {
    /// BLAKE3 of the stored bytes, before decompression, hexadecimal. Of standard input that was not read to its end
    /// (a bomb, or the caller had enough): of the bytes read.
    pub digest: String,
    /// Number of stored bytes.
    pub bytes: u64,
    /// Rows of the whole input, broken ones included; those before `start` were not handed on.
    pub payloads: u64,
    /// Lines of a log that hold no payload.
    pub passed_over: u64,
    /// `single`, `ndjson`, `json_array`, `json_values`, `json_page`, `csv`, `tsv`, `copy_text`, `log`, `tar`, `zip`,
    /// `parquet`, `arrow`, `sqlite`, `cassette`, `foreign` or `empty`.
    pub format: &'static str,
    /// Where reading began, if not at the beginning.
    pub start: Option<Mark>,
    /// Where reading can go on when the file has grown. `None` where it cannot (compressed, a single document, an array,
    /// nothing read), and from [`read_chunks`].
    pub stop: Option<Mark>,
}

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{path}: no such file or folder. Check the path, or remove it from the sources")]
    Missing { path: String },
    #[error("{path}: cannot be read ({cause}). Check the permissions of the file and of the folders above it")]
    Unreadable { path: String, cause: io::Error },
    #[error("{path}: {cause}")]
    NotYet { path: String, cause: io::Error },
}

impl SourceError {
    /// An input that cannot be read; what is only not yet whole says itself what to do.
    fn of(input: &Input, cause: io::Error) -> Self {
        let path = input.display.clone();
        match cause.kind() {
            io::ErrorKind::ResourceBusy => SourceError::NotYet { path, cause },
            _ => SourceError::Unreadable { path, cause },
        }
    }
}

/// Reads one input row by row; see [`read_chunks`].
///
/// # Errors
/// When the input cannot be opened or reading it fails.
pub fn read_input(
    input: &Input,
    options: &Options,
    sink: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<InputSummary, SourceError> {
    read_chunks(input, options, &mut |chunk| chunk.items().try_for_each(&mut *sink))
}

/// Reads one input and hands its rows on in chunks, so that they can be parsed and decoded on other threads. After a
/// `Break` nothing more is handed on; a file is still read to its end for its digest.
///
/// # Errors
/// When the input cannot be opened or reading it fails; chunks before the failure were handed on.
pub fn read_chunks(
    input: &Input,
    options: &Options,
    send: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<InputSummary, SourceError> {
    let failed = |cause| SourceError::of(input, cause);
    match &input.path {
        None => read_stream(Box::new(io::stdin()), None, input, options, send).map_err(failed),
        Some(path) => {
            let file = File::open(path).map_err(failed)?;
            let modified = if options.trust_mtime { modified(path) } else { None };
            read_stream(Box::new(file), modified, input, options, send).map_err(failed)
        }
    }
}

fn modified(path: &Path) -> Option<Micros> {
    let time: chrono::DateTime<chrono::Utc> = std::fs::metadata(path).ok()?.modified().ok()?.into();
    Some(Micros(time.timestamp_micros()))
}

/// Reads bytes that come once.
fn read_stream<'r>(
    stored: Box<dyn Read + 'r>,
    modified: Option<Micros>,
    input: &Input,
    options: &Options,
    send: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> io::Result<InputSummary> {
    let budget = Budget::new(&options.limits);
    let mut window = Window::new(Stream::new(stored, &budget)?);
    let format = sniff::sniff(&mut window, &file_name(input), options);
    let summary = read_rows(window, &budget, format, None, modified, input, options, send)?;
    Ok(InputSummary { stop: None, ..summary })
}

fn file_name(input: &Input) -> String {
    let name = input.path.as_deref().and_then(Path::file_name).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Reads the rows of a window that stands before a row, the first of the input or that of the mark.
#[allow(clippy::too_many_arguments)] // what two callers know of one input
fn read_rows(
    mut window: Window,
    budget: &Rc<Budget>,
    format: Format,
    start: Option<Mark>,
    modified: Option<Micros>,
    input: &Input,
    options: &Options,
    send: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> io::Result<InputSummary> {
    let word = format.word();
    let resumable = window.stream.is_plain() && format.is_lasting();
    let mut reading = Reading::new(input, options, budget, send);
    let stop = reading.read(&mut window, format, start, &Place::input(modified))?;
    let (payloads, passed_over) = (reading.next_index, reading.passed_over);
    let unfinished = reading.flow.is_break() || matches!(window.end, Some(decompress::End::Broken(_)));
    if !(unfinished && input.path.is_none()) {
        window.stream.drain()?;
    }
    let (digest, bytes) = window.stream.stored();
    let stop = stop.filter(|_| resumable);
    Ok(InputSummary { digest, bytes, payloads, passed_over, format: word, start, stop })
}

#[cfg(test)]
mod tests;
