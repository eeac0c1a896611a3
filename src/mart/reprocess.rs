//! Payloads decoded again from their recorded sources, after a decoder, a mapping or a setting was mended.
//!
//! The batches that hold deliveries of such payloads are written again as a whole under new identifiers; one commit to
//! `batches` then lists these in the place of the old ones. What is killed before it leaves rows that never count; after it
//! all is done. Each source is read twice: to learn what every payload is now, and to write it. Payloads whose source is gone
//! or holds other bytes keep their rows. Not here: how payloads are decoded (`provider`, `normalise`), or what a code means
//! (a corrected code needs no reprocessing).

mod deliveries;
mod rows;
mod sources;

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::Array;
use serde::Serialize;

use self::deliveries::{Deliveries, Key, State, key_of};
use self::rows::Replacement;
pub use self::sources::SourceOf;
use super::as_of::ingest_of;
use super::delta::Purpose;
use super::read::{read_file, texts};
use super::{FIRST_TABLE, Mart};
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::error::{Error, Result};
use crate::fault;
use crate::normalise::Normaliser;
use crate::privacy::hex;
use crate::record::{Batch, Micros, Observation, Receipt, Reject, Table};

/// Application id of reprocessings in the tables' logs.
pub(super) const REPROCESS_ID: &str = "kycmart-reprocess";

/// What is to be done.
pub struct Wish<'a> {
    /// A condition over the columns of `receipts`, as SQL; without one, every payload.
    pub condition: Option<&'a str>,
    pub source_of: SourceOf<'a>,
    pub dry_run: bool,
}

/// What a reprocessing did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Payloads that were selected: those below, and those that keep their rows.
    pub payloads_selected: u64,
    /// Payloads that are decoded anew.
    pub payloads_decoded: u64,
    /// Of these, payloads whose identity changes: it depends on what is decoded.
    pub payloads_renamed: u64,
    /// Of these, payloads that could be read before.
    pub readable_before: i64,
    /// And that can be read now; those that became one count once.
    pub readable_after: i64,
    /// Batches that are replaced, and by which; in a dry run without these.
    pub batches: Vec<Replaced>,
    /// Sources that hold payloads that were selected.
    pub sources: u64,
    /// Rows of the batches that were written, by table; in a dry run none.
    pub rows: BTreeMap<String, u64>,
    /// Payloads that keep their rows, each by one place where it was found once.
    pub left: Vec<Left>,
    pub dry_run: bool,
}

/// A batch that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    pub batch_id: String,
    pub by: Option<String>,
}

/// A payload that keeps its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    pub payload_key: String,
    pub source: String,
    pub offset: u64,
    pub index: u64,
    /// `source_gone`; `source_changed`; `divided_otherwise` where the source is unchanged and its payloads begin elsewhere
    /// now (a CSV file that was one broken payload); `erased` where it would become a payload that was erased.
    pub why: &'static str,
}

impl Mart {
    /// Decodes payloads again and replaces their rows. The caller holds the lock.
    ///
    /// # Errors
    /// When the condition is wrong, a pseudonym key is missing or another one than the rows were made with, a source changes
    /// meanwhile, or the mart cannot be written. The mart is then as it was.
    pub fn reprocess(&mut self, wish: &Wish, rules: &Normaliser, resources: &Resources) -> Result<Summary> {
        if !wish.dry_run {
            self.finish_erasure()?;
        }
        let selected = match wish.condition {
            Some(condition) => Some(self.selected(condition, resources)?),
            None => None,
        };
        let mut all = Deliveries::of(self, &|key| match &selected {
            Some(selected) => key_of(key).is_ok_and(|key| selected.contains(&key)),
            None => true,
        })?;
        drop(selected);
        let erased = self.tombstones()?;
        sources::look(&mut all, wish.source_of, rules, &|key| erased.has_key(key))?;
        all.settle();
        all.give_facts(&self.elsewhere(&all)?);
        self.refuse_other_key(&all, rules)?;
        let rejects = self.rejects_before(&all)?;
        let mut summary = summary_of(&all, &rejects, wish.dry_run);
        if wish.dry_run || all.moved.is_empty() {
            return Ok(summary);
        }
        self.replace(&all, wish, rules, &rejects, &mut summary)?;
        self.drop_garbage(Purpose::now("REPROCESS", REPROCESS_ID))?;
        Ok(summary)
    }

    /// Writes the batches anew and lists them in the place of the old ones.
    fn replace(
        &mut self,
        all: &Deliveries,
        wish: &Wish,
        rules: &Normaliser,
        rejects_before: &BTreeMap<u32, i64>,
        summary: &mut Summary,
    ) -> Result<()> {
        let now = Micros(chrono::Utc::now().timestamp_micros());
        let purpose = Purpose { operation: "REPROCESS", writer: REPROCESS_ID, number: now.0 };
        let ids = all.affected().into_iter();
        let ids: HashMap<u32, String> =
            ids.map(|batch| (batch, new_id(&all.batches[batch as usize].batch_id))).collect();
        let mut replacement = Replacement::new(self, ids.clone())?;
        replacement.copy(self, all)?;
        sources::decode(all, wish.source_of, rules, &mut |delivery, rows| {
            replacement.take(delivery, rows, &all.inputs.list[delivery.input as usize])
        })?;
        replacement.codes(|id| rules.catalogue.rows(id))?;
        let rows = replacement.commit(self, purpose)?;
        let (owned, counted) = (all.owned(), all.counted());
        let mut batches = HashMap::new();
        for (number, by) in &ids {
            let old = &all.batches[*number as usize];
            let rejects = rejects_before.get(number).copied().unwrap_or(0);
            let now_counted = counted.get(number).copied().unwrap_or_default();
            let new = old.payloads_new - (owned.get(number).copied().unwrap_or(0) - rejects) + now_counted.new;
            let rejected = old.payloads_rejected - rejects + now_counted.rejected;
            let batch = Batch {
                batch_id: by.clone(),
                payloads_new: new,
                payloads_rejected: rejected,
                payloads_known: old.payloads_seen - new - rejected,
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                catalogue_version: rules.catalogue.version().to_owned(),
                table_versions: String::new(),
                table_rows: rows.get(number).cloned().unwrap_or_default(),
                replaces: Some(old.batch_id.clone()),
                replaced_at: Some(now),
                ..old.clone()
            };
            batches.insert(old.batch_id.clone(), batch);
        }
        for replaced in &mut summary.batches {
            replaced.by = batches.get(&replaced.batch_id).map(|batch| batch.batch_id.clone());
        }
        for text in rows.values() {
            super::numbers(text).into_iter().for_each(|(table, n)| *summary.rows.entry(table).or_default() += n);
        }
        self.list_in_place(batches, purpose)
    }

    /// Lists batches in the place of others, by whose identifiers they are given: the one commit that counts.
    fn list_in_place(&mut self, mut batches: HashMap<String, Batch>, purpose: Purpose) -> Result<()> {
        let files = self.files_with(FIRST_TABLE, "batch_id", &|id| batches.contains_key(id))?;
        let mut listed = Vec::new();
        for file in &files {
            for rows in read_file(&file.path, &Batch::schema(), None)? {
                for batch in super::batch_rows(&rows?)? {
                    listed.push(batches.remove(&batch.batch_id).unwrap_or(batch));
                }
            }
        }
        fault::step("list reprocessed");
        self.list(listed, files, purpose)
    }

    /// The payloads with a delivery of which a condition holds. Asked for in parts, so that the answers stay small.
    fn selected(&self, condition: &str, resources: &Resources) -> Result<HashSet<Key>> {
        let mut engine = DuckDb::open(resources)?;
        self.register_stored(&mut engine, &[])?;
        let mut selected = HashSet::new();
        for digit in "0123456789abcdef".chars() {
            let keys = engine.select(&format!(
                "SELECT DISTINCT payload_key FROM receipts \
                 WHERE batch_id IN (SELECT batch_id FROM batches) AND payload_key LIKE '{digit}%' AND (\n{condition}\n)"
            ));
            for rows in keys.map_err(|e| Error::usage(e.to_string()).within("--where"))? {
                for key in texts(&rows, "payload_key")?.iter().flatten() {
                    selected.insert(key_of(key)?);
                }
            }
        }
        Ok(selected)
    }

    /// Of the identities that only the new decoding gives: those that payloads have which keep their rows.
    fn elsewhere(&self, all: &Deliveries) -> Result<HashSet<Key>> {
        let changed = all.changed_keys();
        let mut elsewhere = HashSet::new();
        if changed.is_empty() {
            return Ok(elsewhere);
        }
        for file in self.files(Receipt::NAME)? {
            for rows in read_file(&file.path, &Receipt::schema(), Some(&["batch_id", "payload_key"]))? {
                let rows = rows?;
                let (ids, keys) = (texts(&rows, "batch_id")?, texts(&rows, "payload_key")?);
                for row in (0..rows.num_rows()).filter(|row| all.batch(ids.value(*row)).is_some()) {
                    let key = key_of(keys.value(row))?;
                    if changed.contains(&key) && !all.is_moved(&key) {
                        elsewhere.insert(key);
                    }
                }
            }
        }
        Ok(elsewhere)
    }

    /// Payloads that are decoded anew and could not be read before, by the batch that says so.
    fn rejects_before(&self, all: &Deliveries) -> Result<BTreeMap<u32, i64>> {
        let mut before: BTreeMap<u32, HashSet<Key>> = BTreeMap::new();
        for file in self.files(Reject::NAME)? {
            for rows in read_file(&file.path, &Reject::schema(), Some(&["batch_id", "payload_key"]))? {
                let rows = rows?;
                let (ids, keys) = (texts(&rows, "batch_id")?, texts(&rows, "payload_key")?);
                for row in 0..rows.num_rows() {
                    let key = key_of(keys.value(row))?;
                    if let Some(batch) = all.batch(ids.value(row)).filter(|_| all.is_moved(&key)) {
                        before.entry(batch).or_default().insert(key);
                    }
                }
            }
        }
        Ok(before.into_iter().map(|(batch, keys)| (batch, keys.len() as i64)).collect())
    }

    /// Rows would lose their pseudonyms, or have others than the rest.
    fn refuse_other_key(&self, all: &Deliveries, rules: &Normaliser) -> Result<()> {
        let key = rules.key.map(|key| key.id());
        for file in self.files(Observation::NAME)? {
            let columns = ["batch_id", "payload_key", "pseudonym_key_id"];
            for rows in read_file(&file.path, &Observation::schema(), Some(&columns))? {
                let rows = rows?;
                let (ids, keys) = (texts(&rows, "batch_id")?, texts(&rows, "payload_key")?);
                let used = texts(&rows, "pseudonym_key_id")?;
                let differs = |row: &usize| used.is_valid(*row) && Some(used.value(*row)) != key;
                for row in (0..rows.num_rows()).filter(differs) {
                    if all.batch(ids.value(row)).is_some() && all.is_moved(&key_of(keys.value(row))?) {
                        let with = key.map_or("no key is given".to_owned(), |key| format!("the key given is {key}"));
                        return Err(Error::usage(format!(
                            "the rows have pseudonyms made with the key {}, and {with}",
                            used.value(row)
                        ))
                        .hint("give the key of the ingest: --key-file FILE; after a rotation: kycmart keys rotate FILE --mart DIR"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A new identifier for the rows of a batch: that of its ingest, how often it was reprocessed, and a part that no attempt
/// that was killed has used.
fn new_id(batch_id: &str) -> String {
    let ingest = ingest_of(batch_id);
    let times = batch_id[ingest.len()..].strip_prefix("-r").and_then(|rest| rest.split('-').next());
    let times: u64 = times.and_then(|times| times.parse().ok()).unwrap_or(0);
    format!("{ingest}-r{}-{}", times + 1, &uuid::Uuid::new_v4().simple().to_string()[..6])
}

fn summary_of(all: &Deliveries, rejects_before: &BTreeMap<u32, i64>, dry_run: bool) -> Summary {
    let renamed: HashSet<Key> = all.list.iter().filter(|d| d.new_key != d.key).map(|d| d.key).collect();
    let mut affected: Vec<u32> = all.affected().into_iter().collect();
    affected.sort_unstable();
    let left = all.left.iter().map(|at| {
        let delivery = &all.list[*at];
        Left {
            payload_key: hex(&delivery.key),
            source: all.sources.list[delivery.source as usize].clone(),
            offset: delivery.offset,
            index: delivery.index,
            why: match delivery.state {
                State::Changed => "source_changed",
                State::Divided => "divided_otherwise",
                State::Erased => "erased",
                _ => "source_gone",
            },
        }
    });
    Summary {
        payloads_selected: (all.moved.len() + all.left.len()) as u64,
        payloads_decoded: all.moved.len() as u64,
        payloads_renamed: renamed.len() as u64,
        readable_before: all.owned().values().sum::<i64>() - rejects_before.values().sum::<i64>(),
        readable_after: all.counted().values().map(|count| count.new).sum(),
        batches: affected
            .into_iter()
            .map(|batch| Replaced { batch_id: all.batches[batch as usize].batch_id.clone(), by: None })
            .collect(),
        sources: all.by_source().len() as u64,
        rows: BTreeMap::new(),
        left: left.collect(),
        dry_run,
    }
}
