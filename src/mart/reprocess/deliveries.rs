//! The deliveries of the payloads to decode again, what became of each, and which batch gets the facts.
//!
//! All of them are held in memory, about 150 bytes each.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::RecordBatch;

use super::super::Mart;
use super::super::read::{integers, read_file, texts};
use crate::error::{Error, Result};
use crate::record::{Batch, Input, Receipt, Table};

/// A digest of 32 bytes.
pub(super) type Key = [u8; 32];

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its source is not there, or does not hold as many rows any more.
    Gone,
    /// Its source holds other bytes there.
    Changed,
    /// Its source holds the same bytes, and they are divided into payloads in another way now.
    Divided,
    /// Decoded anew it would be a payload that was erased.
    Erased,
    /// Read and decoded again.
    Found,
    /// Read again, and not to be decoded.
    Rejected,
}

impl State {
    pub(super) fn is_found(self) -> bool {
        matches!(self, State::Found | State::Rejected)
    }
}

/// One delivery of a selected payload.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) key: Key,
    /// Identity as decoded anew; the old one until then.
    pub(super) new_key: Key,
    pub(super) digest: Key,
    /// Number of its batch, in the order of time.
    pub(super) batch: u32,
    /// Number of its source's name.
    pub(super) source: u32,
    /// Number of its input's digest.
    pub(super) input: u32,
    pub(super) offset: u64,
    pub(super) index: u64,
    pub(super) state: State,
    /// The batch that gets the payload's facts from this delivery.
    pub(super) facts_for: Option<u32>,
}

/// Texts by number.
#[derive(Default)]
pub(super) struct Names {
    pub(super) list: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

/// What the payloads of a batch counted as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) new: i64,
    pub(super) rejected: i64,
}

/// All deliveries of the selected payloads.
pub(super) struct Deliveries {
    /// The batches that are listed, oldest first.
    pub(super) batches: Vec<Batch>,
    numbers: HashMap<String, u32>,
    pub(super) sources: Names,
    pub(super) inputs: Names,
    /// Lengths of the inputs that were read to their end.
    pub(super) input_bytes: HashMap<u32, u64>,
    /// By source and place.
    pub(super) list: Vec<Delivery>,
    /// Identities of the payloads that are decoded anew, sorted.
    pub(super) moved: Vec<Key>,
    /// Payloads that keep their rows, by one of their deliveries.
    pub(super) left: Vec<usize>,
}

impl Deliveries {
    /// Reads them from the batches that are listed; `selected` says of a payload's key whether it is meant.
    pub(super) fn of(mart: &Mart, selected: &dyn Fn(&str) -> bool) -> Result<Self> {
        let batches = mart.batches()?;
        let numbers = batches.iter().zip(0..).map(|(batch, number)| (batch.batch_id.clone(), number)).collect();
        let (sources, inputs) = (Names::default(), Names::default());
        let mut all = Deliveries {
            batches,
            numbers,
            sources,
            inputs,
            input_bytes: HashMap::new(),
            list: Vec::new(),
            moved: Vec::new(),
            left: Vec::new(),
        };
        const COLUMNS: [&str; 7] =
            ["batch_id", "payload_key", "payload_digest", "source", "input_digest", "source_offset", "source_index"];
        for file in mart.files(Receipt::NAME)? {
            for rows in read_file(&file.path, &Receipt::schema(), Some(&COLUMNS))? {
                all.take(&rows?, selected)?;
            }
        }
        all.list.sort_unstable_by_key(|d| (d.source, d.index, d.batch));
        for file in mart.files(Input::NAME)? {
            for rows in read_file(&file.path, &Input::schema(), Some(&["input_digest", "bytes"]))? {
                let rows = rows?;
                let (digests, bytes) = (texts(&rows, "input_digest")?, integers(&rows, "bytes")?);
                for row in 0..rows.num_rows() {
                    if let Some(number) = all.inputs.numbers.get(digests.value(row)) {
                        all.input_bytes.insert(*number, unsigned(bytes.value(row)));
                    }
                }
            }
        }
        Ok(all)
    }

    fn take(&mut self, rows: &RecordBatch, selected: &dyn Fn(&str) -> bool) -> Result<()> {
        let (ids, keys, digests) =
            (texts(rows, "batch_id")?, texts(rows, "payload_key")?, texts(rows, "payload_digest")?);
        let (sources, inputs) = (texts(rows, "source")?, texts(rows, "input_digest")?);
        let (offsets, indexes) = (integers(rows, "source_offset")?, integers(rows, "source_index")?);
        for row in 0..rows.num_rows() {
            let Some(batch) = self.numbers.get(ids.value(row)).copied() else { continue };
            if selected(keys.value(row)) {
                let key = key_of(keys.value(row))?;
                self.list.push(Delivery {
                    key,
                    new_key: key,
                    digest: key_of(digests.value(row))?,
                    batch,
                    source: self.sources.number(sources.value(row)),
                    input: self.inputs.number(inputs.value(row)),
                    offset: unsigned(offsets.value(row)),
                    index: unsigned(indexes.value(row)),
                    state: State::Gone,
                    facts_for: None,
                });
            }
        }
        Ok(())
    }

    /// The number of a batch that is listed.
    pub(super) fn batch(&self, batch_id: &str) -> Option<u32> {
        self.numbers.get(batch_id).copied()
    }

    /// Where the deliveries from each source stand in the list.
    pub(super) fn by_source(&self) -> Vec<(u32, std::ops::Range<usize>)> {
        let mut ranges: Vec<(u32, std::ops::Range<usize>)> = Vec::new();
        for (at, delivery) in self.list.iter().enumerate() {
            match ranges.last_mut() {
                Some((source, range)) if *source == delivery.source => range.end = at + 1,
                _ => ranges.push((delivery.source, at..at + 1)),
            }
        }
        ranges
    }

    /// The delivery that a stored receipt stands for, if it is one of these.
    pub(super) fn find(&self, batch: u32, source: &str, index: i64) -> Option<&Delivery> {
        let source = *self.sources.numbers.get(source)?;
        let place = (source, unsigned(index), batch);
        let at = self.list.binary_search_by_key(&place, |d| (d.source, d.index, d.batch)).ok()?;
        Some(&self.list[at])
    }

    /// Whether the payload of this identity is decoded anew.
    pub(super) fn is_moved(&self, key: &Key) -> bool {
        self.moved.binary_search(key).is_ok()
    }

    /// Numbers of the batches that hold deliveries of payloads that are decoded anew.
    pub(super) fn affected(&self) -> HashSet<u32> {
        self.list.iter().filter(|d| self.is_moved(&d.key)).map(|d| d.batch).collect()
    }

    /// Once every delivery was looked for: which payloads are decoded anew, and what those deliveries are called now whose
    /// source is gone while another one of the same payload was found.
    pub(super) fn settle(&mut self) {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_unstable_by_key(|at| (self.list[*at].key, self.list[*at].batch, *at));
        let list = &mut self.list;
        let mut rest = order.as_slice();
        while let Some(first) = rest.first() {
            let key = list[*first].key;
            let (group, after) = rest.split_at(rest.partition_point(|at| list[*at].key == key));
            rest = after;
            let Some(found) = group.iter().find(|at| list[**at].state.is_found()) else {
                self.left.push(*first);
                continue;
            };
            let new_key = list[*found].new_key;
            self.moved.push(key);
            for at in group {
                if !list[*at].state.is_found() {
                    list[*at].new_key = new_key;
                }
            }
        }
    }

    /// Chooses for every payload as decoded anew the delivery that gives its facts, and the earliest batch that has one to
    /// hold them. `elsewhere` are payloads whose facts are there without it.
    pub(super) fn give_facts(&mut self, elsewhere: &HashSet<Key>) {
        let mut order: Vec<usize> = (0..self.list.len()).filter(|at| self.is_moved(&self.list[*at].key)).collect();
        order.sort_unstable_by_key(|at| (self.list[*at].new_key, self.list[*at].batch, *at));
        let list = &mut self.list;
        let mut givers = Vec::new();
        for group in order.chunk_by(|one, other| list[*one].new_key == list[*other].new_key) {
            let giver = group.iter().find(|at| list[**at].state.is_found());
            if let Some(giver) = giver.filter(|at| !elsewhere.contains(&list[**at].new_key)) {
                givers.push((*giver, list[group[0]].batch));
            }
        }
        for (giver, batch) in givers {
            list[giver].facts_for = Some(batch);
        }
    }

    /// Identities that only the new decoding gives.
    pub(super) fn changed_keys(&self) -> HashSet<Key> {
        self.list.iter().filter(|d| d.new_key != d.key).map(|d| d.new_key).collect()
    }

    /// What the payloads that are decoded anew counted as in each batch: in the earliest that has a delivery of them.
    pub(super) fn owned(&self) -> BTreeMap<u32, i64> {
        let mut first: HashMap<Key, u32> = HashMap::new();
        for delivery in self.list.iter().filter(|d| self.is_moved(&d.key)) {
            let batch = first.entry(delivery.key).or_insert(delivery.batch);
            *batch = delivery.batch.min(*batch);
        }
        let mut owned = BTreeMap::new();
        first.values().for_each(|batch| *owned.entry(*batch).or_default() += 1);
        owned
    }

    /// What they count as now.
    pub(super) fn counted(&self) -> BTreeMap<u32, Count> {
        let mut counts: BTreeMap<u32, Count> = BTreeMap::new();
        for delivery in &self.list {
            if let Some(batch) = delivery.facts_for {
                let count = counts.entry(batch).or_default();
                match delivery.state {
                    State::Rejected => count.rejected += 1,
                    _ => count.new += 1,
                }
            }
        }
        counts
    }
}

/// Reads a digest's 64 hexadecimal digits.
pub(super) fn key_of(hex: &str) -> Result<Key> {
    let mut key = [0; 32];
    let digit = |c: u8| (c as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    for (byte, pair) in key.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = digit(pair[0]).zip(pair.get(1).and_then(|c| digit(*c)));
        let (high, low) = digits.ok_or_else(|| Error::failed("the mart holds a digest that is none"))?;
        *byte = high << 4 | low;
    }
    Ok(key)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
