//! A buffer of consecutive rows: cut on the reading thread, parsed on any other.
//!
//! Not here: where rows end.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::csv::Columns;
use super::{Broken, Item, Options, Payload, row};
use crate::envelope::Envelope;
use crate::record::{Micros, RejectReason};

/// Consecutive rows of one input.
#[derive(Debug)]
pub struct Chunk {
    pub(super) buffer: Vec<u8>,
    /// Where the buffer begins in the decompressed file.
    pub(super) offset: u64,
    /// Number of the first row.
    pub(super) first_index: u64,
    pub(super) slots: Vec<Slot>,
    pub(super) shape: Arc<Shape>,
}

/// One row of a chunk.
#[derive(Debug)]
pub(super) enum Slot {
    /// Its bytes in the buffer.
    Row(Range<usize>),
    Broken(Broken),
}

/// What all rows of an input have in common.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) options: Options,
    /// Time of the file, where it may stand for `received_at`.
    pub(super) modified: Option<Micros>,
    /// The columns of a CSV file.
    pub(super) columns: Option<Columns>,
}

/// A row as parsed: its body and envelope, or why it has no body.
pub(super) type Parsed<'a> = Result<(Cow<'a, [u8]>, Envelope), &'static str>;

impl Chunk {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no row; chunks that are handed on have one.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Parses the rows, in order.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.slots.iter().zip(self.first_index..).map(|(slot, index)| match slot {
            Slot::Row(range) => self.parse(range, index),
            Slot::Broken(broken) => Item::Broken(broken.clone()),
        })
    }

    fn parse(&self, range: &Range<usize>, index: u64) -> Item<'_> {
        let row = &self.buffer[range.clone()];
        let offset = self.offset + range.start as u64;
        let parsed = match &self.shape.columns {
            Some(columns) => columns.parse(row, &self.shape.options),
            None => row::parse(row, &self.shape.options),
        };
        match parsed {
            Ok((body, mut envelope)) => {
                envelope.received_at = envelope.received_at.or(self.shape.modified);
                Item::Payload(Payload { body, envelope, offset, index })
            }
            Err(detail) => Item::Broken(Broken {
                reason: RejectReason::NoPayload,
                detail: detail.into(),
                digest: *blake3::hash(row).as_bytes(),
                bytes: row.len() as u64,
                offset,
                index,
            }),
        }
    }
}
