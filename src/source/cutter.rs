//! Cuts the bytes of an input into rows and hands them on in chunks, in bounded memory: of a row that is too large, only
//! its digest and length are kept.
//!
//! Not here: what is in a row.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::chunk::{Chunk, Shape, Slot};
use super::decompress::End;
use super::split::{Rest, Splitter};
use super::window::{Window, trimmed};
use super::{Broken, Limits, Mark};
use crate::record::RejectReason;

/// Why a row, or the whole input, is not a payload.
pub(super) type Trouble = (RejectReason, String);

/// What cutting came to.
pub(super) struct Outcome {
    pub(super) payloads: u64,
    /// Stopped by a bomb or by the caller.
    pub(super) unfinished: bool,
    /// Behind the last row that a cut ended.
    pub(super) stop: Option<Mark>,
    pub(super) window: Window,
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

pub(super) struct Cutter<'a> {
    window: Window,
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
    stop: Option<Mark>,
}

impl<'a> Cutter<'a> {
    /// `whole` says why the input as a whole is no payload, where that is known beforehand; `start` where the window
    /// stands, if not before the first row.
    pub(super) fn new(
        window: Window,
        splitter: Splitter,
        whole: Option<Trouble>,
        shape: Arc<Shape>,
        start: Option<Mark>,
        send: &'a mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Self {
        let skipped = whole.map(|trouble| Skipped::new(trouble, window.offset));
        let next_index = start.map_or(0, |mark| mark.index);
        let (slots, stop) = (Vec::new(), start);
        Cutter { window, splitter, shape, send, slots, row_start: 0, scanned: 0, skipped, next_index, stop }
    }

    /// Reads to the end of the input, or as far as it goes.
    pub(super) fn run(mut self) -> io::Result<Outcome> {
        let flow = match self.cut() {
            ControlFlow::Continue(()) => self.finish(),
            stopped => stopped,
        };
        let bomb = matches!(self.window.end, Some(End::Bomb));
        match self.window.end.take() {
            Some(End::Failed(cause)) => Err(cause),
            _ => Ok(Outcome {
                payloads: self.next_index,
                unfinished: bomb || flow.is_break(),
                stop: self.stop,
                window: self.window,
            }),
        }
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
                let inner = trimmed(row);
                if !inner.is_empty() {
                    self.slots.push(Slot::Row(self.row_start + inner.start..self.row_start + inner.end));
                    self.next_index += 1;
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
            Some(End::Bomb) => (false, Some(self.bomb())),
            Some(End::Damaged(format)) => (false, Some(damaged(format))),
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
        self.slots.push(Slot::Broken(Broken { reason, detail, digest, bytes, offset, index: self.next_index }));
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

    fn bomb(&self) -> Trouble {
        let Limits { bomb_floor_bytes: floor, bomb_ratio: ratio, .. } = self.limits();
        let detail = format!("decompresses to more than {floor} bytes and more than {ratio} times its stored size");
        (RejectReason::DecompressionBomb, detail)
    }
}

fn damaged(format: &str) -> Trouble {
    (RejectReason::DamagedArchive, format!("the {format} data is damaged or cut off"))
}
