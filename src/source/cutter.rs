//! Cuts the bytes of an input into rows and hands them on in chunks, in bounded memory: of a row that is too large, only
//! its digest and length are kept.
//!
//! Not here: what is in a row.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::chunk::{Chunk, Shape, Slot};
use super::decompress::{End, Trouble};
use super::split::{Rest, Splitter};
use super::window::{Window, is_blank, trimmed};
use super::{Broken, Limits, Mark};
use crate::record::RejectReason;

/// What cutting came to.
pub(super) struct Outcome {
    /// Number of the next row.
    pub(super) next_index: u64,
    /// Lines that were passed over because they hold no payload.
    pub(super) passed_over: u64,
    /// The caller has enough.
    pub(super) flow: ControlFlow<()>,
    /// Behind the last row that a cut ended.
    pub(super) stop: Option<Mark>,
}

/// Bytes that are passed over.
struct Skipped {
    trouble: Trouble,
    hasher: blake3::Hasher,
    bytes: u64,
    offset: u64,
}

impl Skipped {
    fn new(trouble: Trouble, offset: u64) -> Self {
        Skipped { trouble, hasher: blake3::Hasher::new(), bytes: 0, offset }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

pub(super) struct Cutter<'a, 'r> {
    window: &'a mut Window<'r>,
    splitter: Splitter,
    shape: Arc<Shape>,
    send: &'a mut dyn FnMut(Chunk) -> ControlFlow<()>,
    slots: Vec<Slot>,
    /// Where the current row begins in the window, and how far it was scanned.
    row_start: usize,
    scanned: usize,
    /// The current row, where it is passed over.
    skipped: Option<Skipped>,
    next_index: u64,
    passed_over: u64,
    stop: Option<Mark>,
}

impl<'a, 'r> Cutter<'a, 'r> {
    /// `whole` says why the rows as a whole are no payloads, where that is known beforehand; `next_index` is the number of
    /// the first row.
    pub(super) fn new(
        window: &'a mut Window<'r>,
        splitter: Splitter,
        whole: Option<Trouble>,
        shape: Arc<Shape>,
        next_index: u64,
        send: &'a mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Self {
        let skipped = whole.map(|trouble| Skipped::new(trouble, window.offset));
        let slots = Vec::new();
        let (row_start, scanned, passed_over, stop) = (0, 0, 0, None);
        Cutter { window, splitter, shape, send, slots, row_start, scanned, skipped, next_index, passed_over, stop }
    }

    /// The same, when rows before were read already.
    pub(super) fn resumed(self, start: Option<Mark>) -> Self {
        Cutter { stop: start, ..self }
    }

    /// Reads to the end of the rows, or as far as they go.
    pub(super) fn run(mut self) -> io::Result<Outcome> {
        let flow = match self.cut() {
            ControlFlow::Continue(()) => self.finish(),
            stopped => stopped,
        };
        match self.window.end.take() {
            Some(End::Failed(cause)) => return Err(cause),
            end => self.window.end = end,
        }
        let Cutter { next_index, passed_over, stop, .. } = self;
        Ok(Outcome { next_index, passed_over, flow, stop })
    }

    fn limits(&self) -> &Limits {
        &self.shape.options.limits
    }

    fn cut(&mut self) -> ControlFlow<()> {
        loop {
            if let Some(cut) = self.splitter.find(&self.window.bytes[self.scanned..]) {
                self.end_row(self.scanned + cut.end);
                self.scanned += cut.next;
                self.row_start = self.scanned;
                if self.next_index > 0 {
                    let offset = self.window.offset + self.row_start as u64;
                    self.stop = Some(Mark { offset, index: self.next_index });
                }
                if self.slots.len() >= self.limits().chunk_rows || self.row_start >= self.limits().chunk_bytes {
                    self.hand_on()?;
                }
                continue;
            }
            self.scanned = self.window.bytes.len();
            if self.skipped.is_some() || self.scanned - self.row_start > self.limits().max_payload_bytes {
                self.pass_over()?;
            }
            if !self.window.fill() {
                return ControlFlow::Continue(());
            }
        }
    }

    /// The current row ends here.
    fn end_row(&mut self, end: usize) {
        let row = &self.window.bytes[self.row_start..end];
        let offset = self.window.offset + self.row_start as u64;
        let skipped = match self.skipped.take() {
            None if row.len() > self.limits().max_payload_bytes => Some(Skipped::new(self.too_large(), offset)),
            skipped => skipped,
        };
        match skipped {
            Some(mut skipped) => {
                skipped.add(row);
                self.push_broken(skipped);
            }
            None => {
                let inner = self.shape.inner(row);
                if !inner.is_empty() {
                    self.slots.push(Slot::Row(self.row_start + inner.start..self.row_start + inner.end));
                    self.next_index += 1;
                } else if self.shape.is_log && row.iter().any(|byte| !is_blank(*byte)) {
                    self.passed_over += 1;
                }
            }
        }
    }

    /// The current row is not kept: what there is of it goes into its digest.
    fn pass_over(&mut self) -> ControlFlow<()> {
        self.hand_on()?;
        let mut skipped = self.skipped.take().unwrap_or_else(|| Skipped::new(self.too_large(), self.window.offset));
        skipped.add(&self.window.bytes);
        self.skipped = Some(skipped);
        self.window.discard(self.window.bytes.len());
        self.scanned = 0;
        ControlFlow::Continue(())
    }

    /// Nothing more comes: what is left is a row, or broken.
    fn finish(&mut self) -> ControlFlow<()> {
        let (row, trouble) = match &self.window.end {
            Some(End::Failed(_)) => (false, None),
            Some(End::Broken(trouble)) => (false, Some(trouble.clone())),
            _ => match self.splitter.rest() {
                Rest::Row => (true, None),
                Rest::Broken(reason, detail) => (false, Some((reason, detail.into()))),
                Rest::RowThenBroken(reason, detail) => (true, Some((reason, detail.into()))),
            },
        };
        if row {
            self.end_row(self.window.bytes.len());
            self.row_start = self.window.bytes.len();
        }
        if let Some(trouble) = trouble {
            let rest = &self.window.bytes[self.row_start..];
            let inner = trimmed(rest);
            let offset = self.window.offset + (self.row_start + inner.start) as u64;
            let mut skipped = self.skipped.take().unwrap_or_else(|| Skipped::new(trouble.clone(), offset));
            skipped.trouble = trouble;
            skipped.add(&rest[inner]);
            self.push_broken(skipped);
        }
        self.hand_on()
    }

    fn push_broken(&mut self, skipped: Skipped) {
        let Skipped { trouble: (reason, detail), hasher, bytes, offset } = skipped;
        let digest = *hasher.finalize().as_bytes();
        self.slots.push(Slot::Broken(Broken {
            reason,
            detail,
            digest,
            bytes,
            member: None,
            offset,
            index: self.next_index,
        }));
        self.next_index += 1;
    }

    /// Hands the rows before the current one on, if there are any, and forgets their bytes.
    fn hand_on(&mut self) -> ControlFlow<()> {
        let offset = self.window.offset;
        let buffer = self.window.take(self.row_start);
        self.scanned -= self.row_start;
        self.row_start = 0;
        if self.slots.is_empty() {
            return ControlFlow::Continue(());
        }
        let slots = std::mem::take(&mut self.slots);
        let first_index = self.next_index - slots.len() as u64;
        (self.send)(Chunk { buffer, offset, first_index, slots, shape: Arc::clone(&self.shape) })
    }

    fn too_large(&self) -> Trouble {
        let limit = self.limits().max_payload_bytes;
        (RejectReason::TooLarge, format!("larger than the limit of {limit} bytes"))
    }
}
