//! What a mart holds already: payloads by their keys, inputs by their content, and beginnings of inputs that may have grown.
//!
//! Read file by file and column by column, so that it costs little more memory than the keys themselves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use arrow::array::{Array, RecordBatch};

use crate::error::Result;
use crate::key_set::{KeySet, short_key};
use crate::mart::Mart;
use crate::mart::erase::Tombstones;
use crate::mart::read::{integers, read_file, texts};
use crate::record::{Input, Receipt, Table};
use crate::source::Mark;

/// What the mart holds already.
pub(super) struct Known {
    pub(super) payloads: KeySet,
    pub(super) erased: Tombstones,
    pub(super) inputs: KnownInputs,
}

impl Known {
    /// Reads it from the batches that count.
    pub(super) fn of(mart: &Mart) -> Result<Self> {
        let listed = mart.listed_batches()?;
        let files = mart.files(Receipt::NAME)?;
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let mut keys = Vec::with_capacity(usize::try_from(rows).unwrap_or(0));
        for_each_row::<Receipt>(mart, &listed, &["payload_key"], |rows, row| {
            keys.push(short_key(texts(rows, "payload_key")?.value(row)));
            Ok(())
        })?;
        let mut inputs = KnownInputs::default();
        for_each_row::<Input>(mart, &listed, &INPUT_COLUMNS, |rows, row| inputs.add_row(rows, row))?;
        Ok(Known { payloads: KeySet::of(keys), erased: mart.tombstones()?, inputs })
    }
}

/// Calls for every row of a table whose batch counts.
fn for_each_row<T: Table>(
    mart: &Mart,
    listed: &HashSet<String>,
    columns: &[&str],
    mut take: impl FnMut(&RecordBatch, usize) -> Result<()>,
) -> Result<()> {
    let columns: Vec<&str> = columns.iter().copied().chain(["batch_id"]).collect();
    for file in mart.files(T::NAME)? {
        for rows in read_file(&file.path, &T::schema(), Some(&columns))? {
            let rows = rows?;
            let batches = texts(&rows, "batch_id")?;
            let (mut last, mut counts) = ("", false);
            for row in 0..rows.num_rows() {
                if batches.value(row) != last {
                    last = batches.value(row);
                    counts = listed.contains(last);
                }
                if counts {
                    take(&rows, row)?;
                }
            }
        }
    }
    Ok(())
}

const INPUT_COLUMNS: [&str; 6] =
    ["input_digest", "payloads", "format", "resume_offset", "resume_index", "resume_digest"];

/// A beginning of an input: complete rows that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) digest: String,
    pub(super) index: u64,
    pub(super) format: String,
}

/// Inputs that were read, known by content.
#[derive(Default)]
pub(super) struct KnownInputs {
    /// Payloads by the digest of the input they were found in.
    whole: HashMap<String, u64>,
    /// Beginnings by their length.
    beginnings: BTreeMap<u64, Vec<Beginning>>,
}

impl KnownInputs {
    fn add_row(&mut self, rows: &RecordBatch, row: usize) -> Result<()> {
        let text = |name: &str| -> Result<Option<String>> {
            let column = texts(rows, name)?;
            Ok(column.is_valid(row).then(|| column.value(row).to_owned()))
        };
        let number = |name: &str| -> Result<Option<u64>> {
            let column = integers(rows, name)?;
            Ok(if column.is_valid(row) { u64::try_from(column.value(row)).ok() } else { None })
        };
        let Some(digest) = text("input_digest")? else { return Ok(()) };
        self.add(digest, number("payloads")?.unwrap_or(0));
        if let (Some(format), Some(offset), Some(index), Some(digest)) =
            (text("format")?, number("resume_offset")?, number("resume_index")?, text("resume_digest")?)
        {
            self.add_beginning(offset, Beginning { digest, index, format });
        }
        Ok(())
    }

    /// An input was read.
    pub(super) fn add(&mut self, digest: String, payloads: u64) {
        let found = self.whole.entry(digest).or_default();
        *found = payloads.max(*found);
    }

    /// Reading can go on here.
    pub(super) fn add_beginning(&mut self, offset: u64, beginning: Beginning) {
        let same_length = self.beginnings.entry(offset).or_default();
        if !same_length.contains(&beginning) {
            same_length.push(beginning);
        }
    }

    /// The payloads of an input of this content, if it was read.
    pub(super) fn payloads(&self, digest: &str) -> Option<u64> {
        self.whole.get(digest).copied()
    }

    /// Lengths of beginnings that are greater than one and not greater than another.
    pub(super) fn lengths(&self, above: u64, up_to: u64) -> impl Iterator<Item = u64> {
        let between = (Bound::Excluded(above), Bound::Included(up_to.max(above)));
        self.beginnings.range(between).map(|(length, _)| *length)
    }

    /// The beginning of this length and digest.
    pub(super) fn beginning(&self, length: u64, digest: &str) -> Option<(Mark, &str)> {
        let found = self.beginnings.get(&length)?.iter().find(|b| b.digest == digest)?;
        Some((Mark { offset: length, index: found.index }, &found.format))
    }
}
