//! Files that grew: where reading stopped, and reading on from there as if the whole file were read.
//!
//! Only lines and CSV records of plain files can be taken up again: of anything else, what follows may change what was
//! read. The reader jumps; of what lies before, it looks at no more than the format and the CSV header need.
//!
//! Not here: whether the earlier bytes are the same (the caller knows by their digest), and what was read of them before.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use super::decompress::{Budget, Stream};
use super::sniff::{Format, sniff};
use super::window::Window;
use super::{Chunk, Input, InputSummary, Options, SourceError, file_name, modified, read_rows};

/// Where reading stopped: behind the last row that was ended by a line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes before.
    pub offset: u64,
    /// Rows before: the number of the next.
    pub index: u64,
}

/// Where to begin in a file whose first bytes are known.
#[derive(Clone, Debug)]
pub struct Start {
    pub mark: Mark,
    /// The format in which the bytes before were read, as in [`InputSummary`].
    pub format: String,
    /// The digest of the bytes before, ready to go on.
    pub hasher: blake3::Hasher,
}

/// Stored bytes in which one can jump.
pub(super) trait Stored: Read + Seek {}

impl<T: Read + Seek> Stored for T {}

/// Opens the same stored bytes, each time from their beginning.
pub(super) type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Stored>>;

/// Reads the first `length` bytes of a file like [`read_chunks`](super::read_chunks), but only what comes after `start`;
/// where the rows before could read differently today, from the beginning. The summary says which it was, and counts
/// the whole file.
///
/// # Errors
/// When the input cannot be opened or reading it fails; chunks before the failure were handed on.
pub fn read_grown(
    input: &Input,
    options: &Options,
    length: u64,
    start: Option<&Start>,
    send: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> Result<InputSummary, SourceError> {
    let failed = |cause| SourceError::of(input, cause);
    let path = input.path.as_deref().unwrap_or(Path::new("-"));
    let open = || File::open(path).map(|file| Box::new(file) as Box<dyn Stored>);
    read_stored(&open, input, options, length, start, send).map_err(failed)
}

pub(super) fn read_stored(
    open: Open<'_>,
    input: &Input,
    options: &Options,
    length: u64,
    start: Option<&Start>,
    send: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
) -> io::Result<InputSummary> {
    let budget = Budget::new(&options.limits);
    let sniffed = |length| sniffed(open, input, options, length, &budget);
    let (mut window, format) = sniffed(length)?;
    let plain = window.stream.is_plain();
    let mut from = None;
    if let Some(start) = start.filter(|start| plain && format.is_lasting() && format.word() == start.format)
        && says_before(&format, start.mark, &sniffed)?
    {
        let mut stored = open()?;
        stored.seek(SeekFrom::Start(start.mark.offset))?;
        let rest = stored.take(length.saturating_sub(start.mark.offset));
        let stream = Stream::resumed(Box::new(rest), start.hasher.clone(), start.mark.offset, &budget);
        window = Window { offset: start.mark.offset, ..Window::new(stream) };
        from = Some(start.mark);
    }
    let modified = if options.trust_mtime { input.path.as_deref().and_then(modified) } else { None };
    let mut summary = read_rows(window, &budget, format.clone(), from, modified, input, options, send)?;
    if let Some(stop) = summary.stop
        && stop.offset < summary.bytes
        && !says_before(&format, stop, &sniffed)?
    {
        summary.stop = None;
    }
    Ok(summary)
}

/// The first bytes of a file, and the format that they tell.
fn sniffed<'r>(
    open: Open<'_>,
    input: &Input,
    options: &Options,
    length: u64,
    budget: &Rc<Budget>,
) -> io::Result<(Window<'r>, Format)> {
    let mut window = Window::new(Stream::new(Box::new(open()?.take(length)), budget)?);
    let format = sniff(&mut window, &file_name(input), options);
    Ok((window, format))
}

/// Whether the bytes before a mark alone tell the same columns as the file does: the rows in sight choose among several.
fn says_before<'r>(
    format: &Format,
    mark: Mark,
    sniffed: &dyn Fn(u64) -> io::Result<(Window<'r>, Format)>,
) -> io::Result<bool> {
    Ok(*format == Format::Ndjson || sniffed(mark.offset)?.1 == *format)
}
