//! Rows of Parquet and Arrow files as lines of JSON, one object per row, which the reader of lines then takes.
//!
//! Binary values become text where they are UTF-8, else base64; timestamps RFC 3339 in UTC (those without a zone count
//! as UTC); nulls are left out; structs, lists and maps stay what they are.
//!
//! In memory at a time: for Parquet a few pages per column and one batch of rows, for Arrow one record batch (at most
//! 1 GiB), and the text of one row. Damaged files are errors in fixed words, also where a crate would panic.
//!
//! Not here: which column is the payload.

mod ipc;
mod measured;
mod pages;
mod parquet_file;
mod thrift;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};

use arrow::array::{Array, ArrayAccessor, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{
    DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};

/// Text of rows that is made at a time; one row may be longer.
const TEXT: usize = 64 << 10;

/// Where batches of rows come from.
trait Batches {
    fn next_batch(&mut self) -> io::Result<Option<RecordBatch>>;
}

/// The rows of a Parquet file as lines of JSON.
///
/// # Errors
/// When the file is damaged or reading it fails.
pub(super) fn parquet(file: File) -> io::Result<Box<dyn Read + Send>> {
    const DAMAGED: &str = "the Parquet file is damaged";
    let batches = contain(DAMAGED, || parquet_file::Groups::open(file))?;
    Ok(Box::new(Rows::new(batches, DAMAGED)))
}

/// The rows of an Arrow IPC file, or of an Arrow IPC stream, as lines of JSON.
///
/// # Errors
/// When the file is damaged or reading it fails.
pub(super) fn arrow(file: File) -> io::Result<Box<dyn Read + Send>> {
    const DAMAGED: &str = "the Arrow file is damaged";
    let batches = contain(DAMAGED, || ipc::Messages::open(file))?;
    Ok(Box::new(Rows::new(batches, DAMAGED)))
}

thread_local! {
    /// Whether a panic of this thread is contained.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may panic on a damaged file; a panic is the damage then. Nothing is printed about it, for its words may
/// quote the file.
fn contain<T>(damaged: &'static str, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                usual(panic);
            }
        }));
    });
    let outside = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(outside);
    result.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, damaged)))
}

/// Lines of JSON from batches of rows.
struct Rows<B> {
    batches: B,
    damaged: &'static str,
    options: EncoderOptions,
    batch: Option<(FieldRef, StructArray)>,
    /// The next row of the batch.
    next: usize,
    text: Vec<u8>,
    /// Bytes of `text` that were read.
    read: usize,
    ended: bool,
}

impl<B: Batches> Rows<B> {
    fn new(batches: B, damaged: &'static str) -> Self {
        let options = EncoderOptions::default().with_encoder_factory(Arc::new(Texts));
        Rows { batches, damaged, options, batch: None, next: 0, text: Vec::new(), read: 0, ended: false }
    }

    /// Makes the text of the next rows; none at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.text.shrink_to(2 * TEXT);
        self.read = 0;
        while self.text.is_empty() {
            let Some((field, rows)) = &self.batch else {
                match self.batches.next_batch()? {
                    None => return Ok(()),
                    Some(batch) => self.batch = Some(as_struct(batch)),
                }
                self.next = 0;
                continue;
            };
            let mut encoder = make_encoder(field, rows, &self.options).map_err(|_| without_json())?;
            while self.next < rows.len() && self.text.len() < TEXT {
                encoder.encode(self.next, &mut self.text);
                self.text.push(b'\n');
                self.next += 1;
            }
            if self.next == rows.len() {
                drop(encoder);
                self.batch = None;
            }
        }
        Ok(())
    }
}

fn as_struct(batch: RecordBatch) -> (FieldRef, StructArray) {
    let rows = StructArray::from(batch);
    (Arc::new(Field::new("", rows.data_type().clone(), false)), rows)
}

/// The error for a column that JSON cannot hold.
fn without_json() -> io::Error {
    let words = "the file has a column that has no JSON form (a union, or a map whose keys are not text). Leave it out";
    io::Error::new(io::ErrorKind::InvalidData, words)
}

impl<B: Batches> Read for Rows<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() && !self.ended {
            let damaged = self.damaged;
            let filled = contain(damaged, || self.fill());
            if filled.is_err() {
                self.text.clear();
                self.read = 0;
            }
            self.ended = self.text.is_empty();
            filled?;
        }
        let part = (&self.text[self.read..]).read(buffer)?;
        self.read += part;
        Ok(part)
    }
}

/// Writes bytes as a JSON string: the text where they are UTF-8, else base64.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return write_text(text, out);
    }
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

/// Writes a JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing text to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Makes the encoders that differ from those of the crate: binary values and timestamps.
#[derive(Debug)]
struct Texts;

impl EncoderFactory for Texts {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Binary => Box::new(Bytes(array.as_binary::<i32>())),
            DataType::LargeBinary => Box::new(Bytes(array.as_binary::<i64>())),
            DataType::BinaryView => Box::new(Bytes(array.as_binary_view())),
            DataType::FixedSizeBinary(_) => Box::new(Bytes(array.as_fixed_size_binary())),
            DataType::Timestamp(unit, _) => Box::new(Timestamps { values: ticks(array, *unit), unit: *unit }),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Bytes<A>(A);

impl<'a, A: ArrayAccessor<Item = &'a [u8]>> Encoder for Bytes<A> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        write_bytes(self.0.value(row), out);
    }
}

struct Timestamps<'a> {
    values: &'a [i64],
    unit: TimeUnit,
}

fn ticks(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}

impl Encoder for Timestamps<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let ticks = self.values[row];
        let time: Option<DateTime<Utc>> = match self.unit {
            TimeUnit::Second => DateTime::from_timestamp(ticks, 0),
            TimeUnit::Millisecond => DateTime::from_timestamp_millis(ticks),
            TimeUnit::Microsecond => DateTime::from_timestamp_micros(ticks),
            TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(ticks)),
        };
        // Writing to memory cannot fail. A time outside the calendar is none.
        let _ = match time {
            Some(time) => write!(out, "\"{}\"", time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => out.write_all(b"null"),
        };
    }
}

#[cfg(test)]
#[path = "tests/columnar.rs"]
mod tests;
