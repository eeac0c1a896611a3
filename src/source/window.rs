//! A window on the decompressed bytes of one input: what was read and is not yet handed on.
//!
//! Not here: where rows begin and end.

use std::io::{self, Read};

use super::decompress::{End, Stream, torn};

/// Bytes asked for at a time.
const BLOCK: usize = 256 << 10;

/// Consecutive bytes of the decompressed file. Whoever looks bounds its growth by handing on or dropping bytes.
pub(super) struct Window<'r> {
    pub(super) stream: Stream<'r>,
    pub(super) bytes: Vec<u8>,
    /// Where `bytes` begins in the decompressed file.
    pub(super) offset: u64,
    /// Why no more bytes come, once none do.
    pub(super) end: Option<End>,
}

impl<'r> Window<'r> {
    pub(super) fn new(stream: Stream<'r>) -> Self {
        Window { stream, bytes: Vec::new(), offset: 0, end: None }
    }

    /// Reads on; false when nothing more comes.
    pub(super) fn fill(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let length = self.bytes.len();
        self.bytes.resize(length + BLOCK, 0);
        let read = self.stream.read(&mut self.bytes[length..]);
        self.bytes.truncate(length + *read.as_ref().unwrap_or(&0));
        self.end = read.err();
        self.end.is_none()
    }

    /// Drops the first bytes.
    pub(super) fn discard(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.offset += count as u64;
    }

    /// Takes the first bytes out.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.bytes[count..].to_vec();
        self.bytes.truncate(count);
        self.offset += count as u64;
        std::mem::replace(&mut self.bytes, rest)
    }

    /// Drops white space at the front, however much there is.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            let blanks = self.bytes.iter().take_while(|byte| is_blank(**byte)).count();
            self.discard(blanks);
            if !self.bytes.is_empty() || !self.fill() {
                return;
            }
        }
    }

    /// Reads on until this many bytes are in sight or nothing more comes.
    pub(super) fn look_ahead(&mut self, count: usize) {
        while self.bytes.len() < count && self.fill() {}
    }

    /// Where the first byte that is wanted lies, from `from` on and before `limit`, reading on as far as that.
    pub(super) fn find(&mut self, from: usize, limit: usize, wanted: impl Fn(u8) -> bool) -> Found {
        let mut at = from;
        loop {
            let seen = self.bytes.len().min(limit);
            if let Some(n) = self.bytes[at..seen].iter().position(|byte| wanted(*byte)) {
                return Found::At(at + n);
            }
            at = seen;
            if at == limit {
                return Found::BeyondLimit;
            }
            if !self.fill() {
                return Found::Nowhere;
            }
        }
    }
}

/// The rest of a window as a reader, for formats that are read by others; leaves the window empty.
pub(super) struct Rest<'w, 'r>(pub(super) &'w mut Window<'r>);

impl Read for Rest<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let window = &mut *self.0;
        if !window.bytes.is_empty() {
            let count = buffer.len().min(window.bytes.len());
            buffer[..count].copy_from_slice(&window.bytes[..count]);
            window.discard(count);
            return Ok(count);
        }
        if window.end.is_none() {
            match window.stream.read(buffer) {
                Ok(count) => {
                    window.offset += count as u64;
                    return Ok(count);
                }
                Err(end) => window.end = Some(end),
            }
        }
        match window.end.take() {
            Some(End::Failed(error)) => Err(error),
            Some(End::Broken(trouble)) => {
                window.end = Some(End::Broken(trouble.clone()));
                Err(torn(trouble))
            }
            end => {
                window.end = end;
                Ok(0)
            }
        }
    }
}

/// Answer of [`Window::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    At(usize),
    /// Not before the end of the input.
    Nowhere,
    /// Not before the limit.
    BeyondLimit,
}

/// White space between payloads, as JSON defines it.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The part of the bytes without white space around it, as a range.
pub(super) fn trimmed(bytes: &[u8]) -> std::ops::Range<usize> {
    let start = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    start..end
}
