//! A buffer of consecutive rows: cut on the reading thread, parsed on any other.
//!
//! Not here: where rows end.

use std::ops::Range;
use std::sync::Arc;

use super::csv::{Columns, Dialect};
use super::find::{self, Found};
use super::log;
use super::window::trimmed;
use super::{Broken, Item, Options, Payload};
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

/// What all rows of an input, or of a member of it, have in common.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) options: Arc<Options>,
    /// The way to the member inside its archive or database.
    pub(super) member: Option<Arc<str>>,
    /// Time of the file, where it may stand for `received_at`.
    pub(super) modified: Option<Micros>,
    /// The columns of a table in text.
    pub(super) columns: Option<Columns>,
    /// Whether lines without a payload are passed over, as in a log.
    pub(super) is_log: bool,
}

impl Shape {
    /// The part of a row that counts; none of a row that is passed over.
    pub(super) fn inner(&self, row: &[u8]) -> Range<usize> {
        let inner = self.columns.as_ref().map_or_else(|| trimmed(row), |columns| columns.dialect.trimmed(row));
        let ends_copy =
            self.columns.as_ref().is_some_and(|c| c.dialect == Dialect::Copy) && row[inner.clone()] == *b"\\.";
        let passed_over = ends_copy || (self.is_log && !log::may_hold(&row[inner.clone()]));
        if passed_over { 0..0 } else { inner }
    }
}

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
            Slot::Broken(broken) => Item::Broken(Broken { member: self.shape.member.clone(), ..broken.clone() }),
        })
    }

    fn parse(&self, range: &Range<usize>, index: u64) -> Item<'_> {
        let row = &self.buffer[range.clone()];
        let offset = self.offset + range.start as u64;
        let parsed = match &self.shape.columns {
            Some(columns) => columns.parse(row, &self.shape.options),
            None => find::parse(row, &self.shape.options),
        };
        let member = self.shape.member.clone();
        match parsed {
            Ok(Found { body, mut envelope, field }) => {
                envelope.received_at = envelope.received_at.or(self.shape.modified);
                Item::Payload(Payload { body, envelope, member, field, offset, index })
            }
            Err(detail) => Item::Broken(Broken {
                reason: RejectReason::NoPayload,
                detail: detail.into(),
                digest: *blake3::hash(row).as_bytes(),
                bytes: row.len() as u64,
                member,
                offset,
                index,
            }),
        }
    }
}
