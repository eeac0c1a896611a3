//! One ingest: inputs are read on one thread, decoded on all, written by one; what is known adds nothing but a delivery.
//!
//! Memory is bounded by the chunks in flight (two per worker) and by the rows that wait for a file; it does not grow with the
//! input, except for the set of known payloads (16 bytes each).
//!
//! Not here: what is known (`known`), which inputs are read and from where (`reading`).

mod known;
mod reading;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use self::known::{Known, KnownInputs};
use self::reading::ReadInput;
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::key_set::{KeySet, short_key};
use crate::mart::erase::{ERASED_SOURCE, Tombstones};
use crate::mart::{BatchWriter, Mart};
use crate::normalise::{Normaliser, Place, Rows, UNKNOWN_MONTH};
use crate::provider;
use crate::record::{Batch, Channel, Environment, Input as InputRow, Micros, Provider, Reject};
use crate::source::{self, Broken, Chunk, Item, SourceError};

/// A path to read, and what is known of every payload below it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub path: PathBuf,
    pub provider: Option<Provider>,
    pub partner: Option<String>,
    pub environment: Option<Environment>,
    pub channel: Option<Channel>,
    pub options: source::Options,
}

/// What one ingest did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// NULL where there was nothing new and so no batch.
    pub batch_id: Option<String>,
    pub payloads_seen: u64,
    pub payloads_new: u64,
    pub payloads_known: u64,
    pub payloads_rejected: u64,
    /// Of the known ones those that were erased: nothing of them is kept.
    pub payloads_erased: u64,
    /// `payloads_seen = payloads_new + payloads_known + payloads_rejected`.
    pub accounting_holds: bool,
    pub observations: u64,
    /// References that looked personal and were replaced by pseudonym and mask.
    pub masked_references: u64,
    pub pseudonym_key_id: Option<String>,
    pub inputs: Vec<InputSummary>,
    /// Where payloads were found that were not rows of their own: payloads by field or column.
    pub payload_fields: BTreeMap<String, FieldUse>,
    /// Lines of logs without a payload.
    pub lines_passed_over: u64,
    /// Inputs that could not be opened or read to their end: the next run tries them again.
    pub unread_inputs: Vec<UnreadInput>,
    /// The first rejects, to find them; all are in the table `rejects`.
    pub rejects: Vec<RejectSummary>,
}

/// How often payloads were found in a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldUse {
    pub payloads: u64,
    /// The first input with one.
    pub example: String,
}

/// One input of an ingest.
#[derive(Clone, Debug, Serialize)]
pub struct InputSummary {
    pub source: String,
    pub digest: String,
    pub bytes: u64,
    pub payloads: u64,
    pub format: &'static str,
    /// Its content was ingested before.
    pub known: bool,
    /// Bytes that were ingested before, when the file was shorter: reading began behind them.
    pub resumed_at: Option<u64>,
}

/// An input that could not be read, and why.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadInput {
    pub source: String,
    pub error: String,
    /// Payloads before the failure.
    pub payloads: u64,
}

/// Where a reject is and why.
#[derive(Clone, Debug, Serialize)]
pub struct RejectSummary {
    pub source: String,
    pub member: Option<String>,
    pub offset: i64,
    pub index: i64,
    pub reason: &'static str,
    pub detail: String,
}

/// Rejects that a summary names; all are in the table.
const NAMED_REJECTS: usize = 100;

/// Fields that a summary names.
const NAMED_FIELDS: usize = 100;

/// What happens while an ingest runs, for whoever shows it.
pub trait Progress: Sync {
    /// The inputs are known.
    fn begin(&self, inputs: usize);
    /// An input was finished.
    fn input_done(&self, name: &str);
    /// Payloads were taken in.
    fn payloads(&self, seen: u64);
    /// An input could not be read.
    fn unread(&self, input: &UnreadInput);
    /// A payload could not be read.
    fn reject(&self, reject: &RejectSummary);
}

/// Ingests sources into a mart as one batch.
///
/// # Errors
/// When a source does not exist, the mart cannot be written, or the accounting identity does not hold; the batch then
/// does not count and the next run reads the inputs again. An input that cannot be read is named in the summary and stops
/// nothing.
pub fn ingest(mart: &mut Mart, sources: &[Source], rules: &Normaliser, progress: &dyn Progress) -> Result<Summary> {
    let Known { payloads: known, erased, inputs: known_inputs } = Known::of(mart)?;
    let mut inputs: Vec<(source::Input, &Source)> = Vec::new();
    for source in sources {
        let found = source::find_inputs(std::slice::from_ref(&source.path)).map_err(from_source)?;
        inputs.extend(found.into_iter().map(|input| (input, source)));
    }
    progress.begin(inputs.len());
    let now = Micros(chrono::Utc::now().timestamp_micros());
    let batch_id =
        format!("{}-{}", now.utc().format("%Y%m%dT%H%M%S%6fZ"), &uuid::Uuid::new_v4().simple().to_string()[..6]);
    let mut run = Run {
        writer: mart.batch(batch_id.clone())?,
        known,
        names: (erased.len() > 0).then(Names::default),
        erased,
        progress,
        summary: Summary { pseudonym_key_id: rules.key.map(|k| k.id().to_owned()), ..Summary::default() },
    };
    run.read_all(inputs, known_inputs, rules)?;
    run.take_names()?;
    let Run { writer, mut summary, .. } = run;
    summary.accounting_holds =
        summary.payloads_seen == summary.payloads_new + summary.payloads_known + summary.payloads_rejected;
    if !summary.accounting_holds {
        return Err(Error::failed("the accounting identity does not hold: seen is not new + known + rejected")
            .hint("this is a mistake of kycmart's; the batch was not committed"));
    }
    if summary.inputs.iter().all(|i| i.known) && summary.payloads_new + summary.payloads_rejected == 0 {
        return Ok(summary);
    }
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let inputs_known = summary.inputs.iter().filter(|i| i.known).count() as u64;
    let batch = Batch {
        batch_id: batch_id.clone(),
        finished_at: Micros(chrono::Utc::now().timestamp_micros()),
        payloads_seen: count(summary.payloads_seen),
        payloads_new: count(summary.payloads_new),
        payloads_known: count(summary.payloads_known),
        payloads_rejected: count(summary.payloads_rejected),
        inputs_read: count(summary.inputs.len() as u64 - inputs_known),
        inputs_known: count(inputs_known),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        catalogue_version: rules.catalogue.version().to_owned(),
        table_versions: String::new(),
        table_rows: String::new(),
        replaces: None,
        replaced_at: None,
    };
    writer.finish(rules.catalogue.rows(&batch_id), batch)?;
    summary.batch_id = Some(batch_id);
    Ok(summary)
}

/// An ingest while it runs; lives on the writing thread.
struct Run<'a> {
    writer: BatchWriter<'a>,
    known: KeySet,
    erased: Tombstones,
    /// Only where something was erased before.
    names: Option<Names>,
    progress: &'a dyn Progress,
    summary: Summary,
}

/// Inputs whose names wait for what is in them: one that holds nothing but what was erased loses its name, since a store may
/// name files after people.
#[derive(Default)]
struct Names {
    /// Each with whether its beginning was known.
    rows: Vec<(InputRow, bool)>,
    erased: HashSet<u128>,
    delivered: HashSet<u128>,
}

/// What reaches the writing thread.
enum Done {
    Rows(Vec<Rows>),
    Input(ReadInput),
    Unread(UnreadInput),
}

/// A chunk on its way to a worker.
pub(crate) struct Work<'s> {
    pub(crate) chunk: Chunk,
    pub(crate) name: Arc<str>,
    pub(crate) digest: Arc<str>,
    pub(crate) source: &'s Source,
}

impl Run<'_> {
    fn read_all(
        &mut self,
        inputs: Vec<(source::Input, &Source)>,
        known: KnownInputs,
        rules: &Normaliser,
    ) -> Result<()> {
        let workers = rayon::current_num_threads().max(1);
        let (work_in, work_out) = sync_channel::<Work>(workers);
        let (done_in, done_out) = sync_channel::<Done>(workers);
        let work_out = Arc::new(Mutex::new(work_out));
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (done, work) = (done_in.clone(), Arc::clone(&work_out));
                scope.spawn(move || decode_chunks(&work, &done, rules));
            }
            // Only the workers hold it: when they have gone, the reader is told instead of waiting for ever.
            drop(work_out);
            let reader_done = done_in.clone();
            scope.spawn(move || reading::read_inputs(inputs, known, &work_in, &reader_done));
            drop(done_in);
            let result = done_out.iter().try_for_each(|done| self.take(done));
            // After a failure nobody listens any more; so the workers end, and then the reader.
            drop(done_out);
            result
        })
    }

    fn take(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Rows(rows) => {
                for rows in rows {
                    self.take_payload(rows)?;
                }
                let summary = &self.summary;
                self.progress.payloads(summary.payloads_new + summary.payloads_known + summary.payloads_rejected);
                Ok(())
            }
            Done::Input(read) => self.take_input(read),
            Done::Unread(input) => {
                self.progress.unread(&input);
                self.summary.payloads_seen += input.payloads;
                self.summary.unread_inputs.push(input);
                Ok(())
            }
        }
    }

    fn take_input(&mut self, read: ReadInput) -> Result<()> {
        let ReadInput { summary: input, passed, passed_over, resume } = read;
        self.progress.input_done(&input.source);
        // What was seen is the reader's count, against which what became of each payload is checked.
        self.summary.payloads_seen += input.payloads;
        self.summary.payloads_known += passed;
        self.summary.lines_passed_over += passed_over;
        if !input.known {
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let mark = resume.as_ref().map(|resume| resume.mark);
            let row = InputRow {
                batch_id: String::new(),
                input_digest: input.digest.clone(),
                source: input.source.clone(),
                bytes: number(input.bytes),
                payloads: number(input.payloads),
                format: input.format.to_owned(),
                resume_offset: mark.map(|mark| number(mark.offset)),
                resume_index: mark.map(|mark| number(mark.index)),
                resume_digest: resume.map(|resume| resume.digest),
            };
            match &mut self.names {
                Some(names) => names.rows.push((row, input.resumed_at.is_some())),
                None => self.writer.input(row)?,
            }
        }
        self.summary.inputs.push(input);
        Ok(())
    }

    fn take_names(&mut self) -> Result<()> {
        let Some(Names { rows, erased, delivered }) = self.names.take() else { return Ok(()) };
        for (mut row, resumed) in rows {
            let key = short_key(&row.input_digest);
            if erased.contains(&key) && !delivered.contains(&key) && !resumed {
                ERASED_SOURCE.clone_into(&mut row.source);
            }
            self.writer.input(row)?;
        }
        Ok(())
    }

    fn take_payload(&mut self, mut rows: Rows) -> Result<()> {
        if self.erased.hold(&rows) {
            // Not even a delivery is noted: nothing of what was erased comes back.
            self.summary.payloads_known += 1;
            self.summary.payloads_erased += 1;
            if let Some(names) = &mut self.names {
                names.erased.insert(short_key(&rows.receipt.input_digest));
            }
            return Ok(());
        }
        if let Some(names) = &mut self.names {
            names.delivered.insert(short_key(&rows.receipt.input_digest));
        }
        self.note_field(rows.field.take(), &rows.receipt.source);
        let is_new = self.known.insert(short_key(&rows.payload_key));
        self.writer.delivery(rows.receipt.clone())?;
        if is_new {
            self.writer.unknown_fields(std::mem::take(&mut rows.unknown_fields))?;
        }
        match (is_new, rows.reject.take()) {
            (true, Some(reject)) => {
                self.summary.payloads_rejected += 1;
                self.note_reject(&reject);
                self.writer.reject(reject)
            }
            (true, None) => {
                self.summary.payloads_new += 1;
                self.summary.observations += rows.observations.len() as u64;
                self.summary.masked_references += rows.masked as u64;
                self.writer.facts(rows)
            }
            (false, _) => {
                self.summary.payloads_known += 1;
                Ok(())
            }
        }
    }

    fn note_field(&mut self, field: Option<String>, source: &str) {
        let Some(field) = field else { return };
        let fields = &mut self.summary.payload_fields;
        if fields.len() < NAMED_FIELDS || fields.contains_key(&field) {
            let found = fields.entry(field).or_insert_with(|| FieldUse { payloads: 0, example: source.to_owned() });
            found.payloads += 1;
        }
    }

    fn note_reject(&mut self, reject: &Reject) {
        if self.summary.rejects.len() < NAMED_REJECTS {
            let named = RejectSummary {
                source: reject.source.clone(),
                member: reject.source_member.clone(),
                offset: reject.source_offset,
                index: reject.source_index,
                reason: reject.reason.word(),
                detail: reject.detail.clone(),
            };
            self.progress.reject(&named);
            self.summary.rejects.push(named);
        }
    }
}

fn decode_chunks(work: &Mutex<Receiver<Work>>, done: &SyncSender<Done>, rules: &Normaliser) {
    loop {
        let next = work.lock().map(|receiver| receiver.recv());
        let Ok(Ok(work)) = next else { return };
        let rows = work.chunk.items().map(|item| item_rows(item, &work, rules)).collect();
        if done.send(Done::Rows(rows)).is_err() {
            return;
        }
    }
}

pub(crate) fn item_rows(item: Item, work: &Work, rules: &Normaliser) -> Rows {
    let mut rows = match item {
        Item::Payload(payload) => {
            let envelope = known_of_source(payload.envelope, work.source);
            let place = Place {
                source: work.name.to_string(),
                member: payload.member.as_deref().map(str::to_owned),
                offset: payload.offset,
                index: payload.index,
                bytes: payload.body.len() as u64,
            };
            let decoded = provider::decode(&payload.body, &envelope);
            Rows { field: payload.field, ..rules.rows(&payload.body, &envelope, &place, decoded) }
        }
        Item::Broken(broken) => broken_rows(&broken, work, rules),
    };
    rows.receipt.input_digest = work.digest.to_string();
    if let Some(reject) = &mut rows.reject {
        reject.input_digest = work.digest.to_string();
    }
    rows
}

/// Configuration of the source comes before what the payload says, but not before what its envelope says of time and place.
pub fn known_of_source(mut envelope: Envelope, source: &Source) -> Envelope {
    envelope.provider = source.provider.or(envelope.provider);
    envelope.partner = source.partner.clone().or(envelope.partner);
    envelope.environment = source.environment.or(envelope.environment);
    envelope.channel = source.channel.or(envelope.channel);
    envelope
}

fn broken_rows(broken: &Broken, work: &Work, rules: &Normaliser) -> Rows {
    let envelope = known_of_source(Envelope::default(), work.source);
    let place = Place {
        source: work.name.to_string(),
        member: broken.member.as_deref().map(str::to_owned),
        offset: broken.offset,
        index: broken.index,
        bytes: broken.bytes,
    };
    let decoded = provider::Decoded::rejected(work.source.provider, broken.reason, broken.detail.clone());
    let mut rows = rules.rows(&broken.digest, &envelope, &place, decoded);
    let digest = crate::privacy::hex(&broken.digest);
    rows.receipt.payload_digest.clone_from(&digest);
    if let Some(reject) = &mut rows.reject {
        reject.payload_digest = digest;
        reject.received_month = UNKNOWN_MONTH.to_owned();
    }
    rows
}

fn from_source(error: SourceError) -> Error {
    match error {
        SourceError::Missing { .. } => Error::usage(error.to_string()),
        SourceError::Unreadable { .. } | SourceError::NotYet { .. } => Error::failed(error.to_string()),
    }
}
