//! The rows of the batches that are replaced, written again under new identifiers: most of them copied, those of payloads
//! that are decoded anew made from their sources.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;

use super::super::delta::{Change, Purpose};
use super::super::erase::with_column;
use super::super::parquet_file::{Sizes, TableWriter};
use super::super::read::{integers, read_file, texts};
use super::super::{FLUSH_ROWS, Mart, numbered};
use super::deliveries::{Deliveries, Delivery, key_of};
use crate::error::Result;
use crate::normalise::Rows;
use crate::privacy::hex;
use crate::record::{
    AuthorityStatus, Check, Code, Input, Observation, Receipt, Reject, Submission, Table, UnknownField,
};

/// What is made of a stored row.
enum Kept {
    No,
    Yes,
    /// With another identity of its payload.
    As(String),
}

/// Rows on their way into one table.
struct Sink<T> {
    rows: Vec<T>,
    writer: TableWriter,
    /// Rows by the number of their batch.
    counts: BTreeMap<u32, u64>,
}

impl<T: Table> Sink<T> {
    fn new(mart: &Mart) -> Result<Self> {
        Ok(Sink { rows: Vec::new(), writer: mart.writer(T::NAME, Sizes::INGEST)?, counts: BTreeMap::new() })
    }

    fn extend(&mut self, batch: u32, rows: impl IntoIterator<Item = T>) -> Result<()> {
        let before = self.rows.len();
        self.rows.extend(rows);
        *self.counts.entry(batch).or_default() += (self.rows.len() - before) as u64;
        if self.rows.len() >= FLUSH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let rows = T::batch(&self.rows);
        self.rows.clear();
        // As stored rows are read: every column may hold NULL.
        let fields = rows.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        self.writer.write(&RecordBatch::try_new(schema, rows.columns().to_vec())?)
    }

    /// Copies the stored rows of the batches that are replaced, as `keep` says of each.
    fn copy(
        &mut self,
        mart: &Mart,
        all: &Deliveries,
        replaced: &HashMap<u32, String>,
        keep: &mut dyn FnMut(&RecordBatch, usize, u32) -> Result<Kept>,
    ) -> Result<()> {
        let number = |id: &str| all.batch(id).filter(|number| replaced.contains_key(number));
        for file in mart.files_with(T::NAME, "batch_id", &|id| number(id).is_some())? {
            for rows in read_file(&file.path, &T::schema(), None)? {
                let rows = rows?;
                let ids = texts(&rows, "batch_id")?;
                let (mut mask, mut batches, mut keys) = (Vec::new(), Vec::new(), HashMap::new());
                for row in 0..rows.num_rows() {
                    let Some(batch) = number(ids.value(row)) else {
                        mask.push(false);
                        continue;
                    };
                    let kept = keep(&rows, row, batch)?;
                    mask.push(!matches!(kept, Kept::No));
                    if !matches!(kept, Kept::No) {
                        *self.counts.entry(batch).or_default() += 1;
                        if let Kept::As(key) = kept {
                            keys.insert(batches.len(), key);
                        }
                        batches.push(replaced[&batch].as_str());
                    }
                }
                if batches.is_empty() {
                    continue;
                }
                let rows = filter_record_batch(&rows, &BooleanArray::from(mask))?;
                let ids: ArrayRef = Arc::new(StringArray::from(batches));
                let mut rows = with_column(&rows, "batch_id", ids)?;
                if !keys.is_empty() {
                    let old = texts(&rows, "payload_key")?;
                    let new = (0..rows.num_rows()).map(|row| keys.get(&row).map_or(old.value(row), String::as_str));
                    let new: ArrayRef = Arc::new(StringArray::from_iter_values(new));
                    rows = with_column(&rows, "payload_key", new)?;
                }
                self.writer.write(&rows)?;
            }
        }
        Ok(())
    }

    /// Commits the rows; returns their numbers by batch.
    fn commit(mut self, mart: &mut Mart, purpose: Purpose) -> Result<(&'static str, BTreeMap<u32, u64>)> {
        self.flush()?;
        let add = self.writer.finish()?;
        if !add.is_empty() {
            mart.commit(T::NAME, Change { add, remove: Vec::new() }, purpose)?;
        }
        Ok((T::NAME, self.counts))
    }
}

/// The batches that are replaced, while they are written.
pub(super) struct Replacement {
    /// The new identifier of each, by its number.
    pub(super) ids: HashMap<u32, String>,
    observations: Sink<Observation>,
    checks: Sink<Check>,
    receipts: Sink<Receipt>,
    authority: Sink<AuthorityStatus>,
    submissions: Sink<Submission>,
    rejects: Sink<Reject>,
    unknown_fields: Sink<UnknownField>,
    inputs: Sink<Input>,
    codes: Sink<Code>,
}

macro_rules! stamped {
    ($rows:expr, $id:expr) => {
        $rows.clone().into_iter().map(|mut row| {
            row.batch_id.clone_from($id);
            row
        })
    };
}

impl Replacement {
    pub(super) fn new(mart: &Mart, ids: HashMap<u32, String>) -> Result<Self> {
        Ok(Replacement {
            ids,
            observations: Sink::new(mart)?,
            checks: Sink::new(mart)?,
            receipts: Sink::new(mart)?,
            authority: Sink::new(mart)?,
            submissions: Sink::new(mart)?,
            rejects: Sink::new(mart)?,
            unknown_fields: Sink::new(mart)?,
            inputs: Sink::new(mart)?,
            codes: Sink::new(mart)?,
        })
    }

    /// Copies what stays: all rows but the facts of payloads that are decoded anew and the deliveries that were found.
    pub(super) fn copy(&mut self, mart: &Mart, all: &Deliveries) -> Result<()> {
        let ids = &self.ids;
        let stays = |rows: &RecordBatch, row: usize| -> Result<bool> {
            Ok(!all.is_moved(&key_of(texts(rows, "payload_key")?.value(row))?))
        };
        let mut fact =
            |rows: &RecordBatch, row: usize, _: u32| Ok(if stays(rows, row)? { Kept::Yes } else { Kept::No });
        self.observations.copy(mart, all, ids, &mut fact)?;
        self.checks.copy(mart, all, ids, &mut fact)?;
        self.authority.copy(mart, all, ids, &mut fact)?;
        self.submissions.copy(mart, all, ids, &mut fact)?;
        self.rejects.copy(mart, all, ids, &mut fact)?;
        self.unknown_fields.copy(mart, all, ids, &mut fact)?;
        self.inputs.copy(mart, all, ids, &mut |_, _, _| Ok(Kept::Yes))?;
        self.receipts.copy(mart, all, ids, &mut |rows, row, batch| {
            let (source, index) = (texts(rows, "source")?.value(row), integers(rows, "source_index")?.value(row));
            Ok(match all.find(batch, source, index) {
                Some(delivery) if delivery.state.is_found() => Kept::No,
                Some(delivery) if delivery.new_key != delivery.key => Kept::As(hex(&delivery.new_key)),
                _ => Kept::Yes,
            })
        })
    }

    /// Takes one delivery that was decoded anew, and the facts if it gives them.
    pub(super) fn take(&mut self, delivery: &Delivery, rows: &Rows, input: &str) -> Result<()> {
        let mut receipt = rows.receipt.clone();
        receipt.batch_id.clone_from(&self.ids[&delivery.batch]);
        input.clone_into(&mut receipt.input_digest);
        self.receipts.extend(delivery.batch, [receipt])?;
        let Some(batch) = delivery.facts_for else { return Ok(()) };
        let id = &self.ids[&batch];
        self.unknown_fields.extend(batch, stamped!(rows.unknown_fields, id))?;
        if let Some(reject) = &rows.reject {
            let reject = Reject { batch_id: id.clone(), input_digest: input.to_owned(), ..reject.clone() };
            return self.rejects.extend(batch, [reject]);
        }
        self.observations.extend(batch, stamped!(rows.observations, id))?;
        self.checks.extend(batch, stamped!(rows.checks, id))?;
        self.authority.extend(batch, stamped!(rows.authority, id))?;
        self.submissions.extend(batch, stamped!(rows.submission, id))
    }

    /// Adds the code catalogue that is in force now to every batch.
    pub(super) fn codes(&mut self, rows: impl Fn(&str) -> Vec<Code>) -> Result<()> {
        for (batch, id) in &self.ids {
            self.codes.extend(*batch, rows(id))?;
        }
        Ok(())
    }

    /// Commits table by table; returns `table=rows` of each batch. Nothing of it counts before the batches are listed.
    pub(super) fn commit(self, mart: &mut Mart, purpose: Purpose) -> Result<HashMap<u32, String>> {
        let counts = [
            self.observations.commit(mart, purpose)?,
            self.checks.commit(mart, purpose)?,
            self.receipts.commit(mart, purpose)?,
            self.authority.commit(mart, purpose)?,
            self.submissions.commit(mart, purpose)?,
            self.rejects.commit(mart, purpose)?,
            self.unknown_fields.commit(mart, purpose)?,
            self.inputs.commit(mart, purpose)?,
            self.codes.commit(mart, purpose)?,
        ];
        let of =
            |batch: u32| counts.iter().map(move |(name, counts)| (*name, counts.get(&batch).copied().unwrap_or(0)));
        Ok(self.ids.keys().map(|batch| (*batch, numbered(of(*batch)))).collect())
    }
}
