//! The reading thread of an ingest: each input is digested, and read if its content is not known; of one that grew, only
//! what is new.
//!
//! What was digested is what is read: bytes that are appended meanwhile are left to the next run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use blake3::Hasher;

use super::known::{Beginning, KnownInputs};
use super::{Done, InputSummary, Source, UnreadInput, Work, from_source};
use crate::error::{Error, Result};
use crate::source::{self, Mark, Start, read_grown};

/// An input that was read to its end, or was known.
pub(super) struct ReadInput {
    pub(super) summary: InputSummary,
    /// Payloads that were known without reading them again.
    pub(super) passed: u64,
    /// Lines of a log that hold no payload.
    pub(super) passed_over: u64,
    pub(super) resume: Option<Resume>,
}

/// Where reading can go on when the input has grown.
pub(super) struct Resume {
    pub(super) mark: Mark,
    /// Digest of the bytes before.
    pub(super) digest: String,
}

/// Reads all inputs, one after the other.
pub(super) fn read_inputs<'s>(
    inputs: Vec<(source::Input, &'s Source)>,
    mut known: KnownInputs,
    work: &SyncSender<Work<'s>>,
    done: &SyncSender<Done>,
) {
    for (input, source) in inputs {
        let mut payloads = 0;
        let read = match read_one(&input, source, &mut known, work, &mut payloads) {
            Ok(Some(read)) => Done::Input(read),
            Ok(None) => return,
            Err(error) => Done::Unread(UnreadInput { source: input.display, error: error.to_string(), payloads }),
        };
        if done.send(read).is_err() {
            return;
        }
    }
}

/// Reads one input unless its content is known, and counts what it hands on; `None` when nobody listens any more.
fn read_one<'s>(
    input: &source::Input,
    source: &'s Source,
    known: &mut KnownInputs,
    work: &SyncSender<Work<'s>>,
    payloads: &mut u64,
) -> Result<Option<ReadInput>> {
    let spool = spool(input)?;
    let path = spool.as_ref().map(|s| s.path.as_path()).or(input.path.as_deref()).unwrap_or(Path::new("-"));
    let content = Content::of(path, known)?;
    let (digest, bytes) = (content.digest.clone(), content.bytes);
    if let Some(payloads) = known.payloads(&digest) {
        let source = input.display.clone();
        let summary = InputSummary { source, digest, bytes, payloads, format: "known", known: true, resumed_at: None };
        return Ok(Some(ReadInput { summary, passed: payloads, passed_over: 0, resume: None }));
    }
    let (name, shared): (Arc<str>, Arc<str>) = (input.display.as_str().into(), digest.as_str().into());
    let mut listening = true;
    let stored = source::Input { path: Some(path.to_owned()), display: input.display.clone() };
    let read = read_grown(&stored, &source.options, bytes, content.start.as_ref(), &mut |chunk| {
        *payloads += chunk.len() as u64;
        let sent = work.send(Work { chunk, name: name.clone(), digest: shared.clone(), source });
        listening = sent.is_ok();
        if listening { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .map_err(from_source)?;
    if !listening {
        return Ok(None);
    }
    if read.digest != digest {
        return Err(Error::failed(format!("{}: changed while it was read", input.display)));
    }
    let resume = match read.stop {
        Some(mark) => Some(Resume { mark, digest: content.digest_to(path, mark.offset)? }),
        None => None,
    };
    known.add(digest.clone(), read.payloads);
    if let Some(Resume { mark, digest }) = &resume {
        let beginning = Beginning { digest: digest.clone(), index: mark.index, format: read.format.to_owned() };
        known.add_beginning(mark.offset, beginning);
    }
    let summary = InputSummary {
        source: input.display.clone(),
        digest,
        bytes,
        payloads: read.payloads,
        format: read.format,
        known: false,
        resumed_at: read.start.map(|mark| mark.offset),
    };
    let passed = read.start.map_or(0, |mark| mark.index);
    Ok(Some(ReadInput { summary, passed, passed_over: read.passed_over, resume }))
}

/// Bytes after which the state of a digest is kept, so that it can be told of any beginning without reading all again.
const CHECKPOINT: u64 = 64 << 20;

/// What an input holds, by its digest.
struct Content {
    digest: String,
    bytes: u64,
    /// States of the digest on the way, with the bytes before each.
    checkpoints: Vec<(u64, Hasher)>,
    /// The longest beginning that is known.
    start: Option<Start>,
}

impl Content {
    /// Digests a file, and looks on the way for beginnings that were read before.
    fn of(path: &Path, known: &KnownInputs) -> Result<Self> {
        let failed = |e: io::Error| Error::io("read", path, &e);
        let mut file = File::open(path).map_err(failed)?;
        let (mut hasher, mut buffer, mut bytes) = (Hasher::new(), vec![0; 1 << 20], 0);
        let (mut checkpoints, mut start) = (vec![(0, hasher.clone())], None);
        loop {
            let count = match file.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            if count == 0 {
                break;
            }
            let (block, mut hashed) = (&buffer[..count], 0);
            for length in known.lengths(bytes, bytes + count as u64) {
                let end = usize::try_from(length - bytes).unwrap_or(count);
                // A beginning ends with a line break: most others are told from it without a digest.
                if block[end - 1] != b'\n' {
                    continue;
                }
                hasher.update(&block[hashed..end]);
                hashed = end;
                if let Some((mark, format)) = known.beginning(length, hasher.finalize().to_hex().as_str()) {
                    start = Some(Start { mark, format: format.to_owned(), hasher: hasher.clone() });
                }
            }
            hasher.update(&block[hashed..]);
            bytes += count as u64;
            if checkpoints.last().is_none_or(|(at, _)| bytes - at >= CHECKPOINT) {
                checkpoints.push((bytes, hasher.clone()));
            }
        }
        Ok(Content { digest: hasher.finalize().to_hex().to_string(), bytes, checkpoints, start })
    }

    /// The digest of the first bytes of the same file.
    fn digest_to(&self, path: &Path, length: u64) -> Result<String> {
        if length == self.bytes {
            return Ok(self.digest.clone());
        }
        let failed = |e: io::Error| Error::io("read", path, &e);
        let nearest = self.checkpoints.iter().rev().find(|(at, _)| *at <= length);
        let (at, mut hasher) = nearest.cloned().unwrap_or_default();
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        io::copy(&mut file.take(length - at), &mut hasher).map_err(failed)?;
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// Standard input and pipes are kept in a temporary file first: their content decides whether they are read at all.
fn spool(input: &source::Input) -> Result<Option<Spool>> {
    let mut pipe: Box<dyn Read> = match &input.path {
        None => Box::new(io::stdin().lock()),
        Some(path) => {
            let failed = |e: io::Error| Error::io("read", path, &e);
            let kind = std::fs::metadata(path).map_err(failed)?;
            if kind.is_file() || kind.is_dir() {
                return Ok(None);
            }
            Box::new(File::open(path).map_err(failed)?)
        }
    };
    Spool::of(&mut pipe).map(Some)
}

/// A temporary copy of a pipe. On Linux it has no name, so that nothing of it stays, however the program ends.
struct Spool {
    path: PathBuf,
    #[cfg(target_os = "linux")]
    _file: File,
    #[cfg(not(target_os = "linux"))]
    _file: tempfile::NamedTempFile,
}

impl Spool {
    #[cfg(target_os = "linux")]
    fn of(pipe: &mut dyn Read) -> Result<Self> {
        use std::os::fd::AsRawFd;
        let mut file = tempfile::tempfile()?;
        io::copy(pipe, &mut file)?;
        Ok(Spool { path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(), _file: file })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(pipe: &mut dyn Read) -> Result<Self> {
        let mut file = tempfile::Builder::new().prefix("kycmart-pipe-").tempfile()?;
        io::copy(pipe, file.as_file_mut())?;
        Ok(Spool { path: file.path().to_owned(), _file: file })
    }
}
