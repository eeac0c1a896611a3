//! `kycmart inspect`: what single payloads say, without a mart; one JSON line each.
//!
//! Meaning comes from the same models as in reports, over tables in memory; payloads do not know of each other.

mod explain;

use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use arrow::array::{Array, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray};
use clap::Args;
use serde::Serialize;

use super::Context;
use super::ingest::KnownArguments;
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::error::{Error, Result};
use crate::ingest::{Source, known_of_source};
use crate::normalise::{Normaliser, Place, Rows};
use crate::provider::{self, Decoded};
use crate::record::{
    AuthorityStatus, Batch, Check, Code, Environment, Input, Kind, Micros, Observation, Provider, Receipt, Reject,
    Submission, Table, UnknownField,
};
use crate::report::{Scope, prepare};
use crate::source::{self, Item};

const EXAMPLES: &str = "\
Examples:
  kycmart inspect callback.json
  kycmart inspect --explain export.csv
  kycmart inspect payloads/*.json | jq -c '{file, kind, outcome: .observations[0].outcome}'

Exits with 1 if a payload could not be read. Nothing personal is printed unless --show-personal.";

/// Print what payloads say, one JSON line each.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, folders, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    known: KnownArguments,
    /// Instead of what payloads say: where they were found and why, and the kycmart.toml that says so.
    #[arg(long, conflicts_with = "show_personal")]
    explain: bool,
    /// Print references as sent and the personal fields that were found.
    #[arg(long)]
    show_personal: bool,
}

/// Payloads that are resolved together.
const GROUP: usize = 1000;

#[derive(Serialize)]
struct Line {
    file: String,
    provider: Option<&'static str>,
    kind: &'static str,
    verdict_bearing: bool,
    observations: Vec<ObservationLine>,
    checks: Vec<CheckLine>,
    signature_class: &'static str,
    receipt: Option<ReceiptLine>,
    submission: Option<SubmissionLine>,
    authority_status: Option<AuthorityLine>,
    /// Names of fields that no document names.
    unknown_fields: Vec<String>,
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<Vec<String>>,
}

#[derive(Serialize)]
struct ObservationLine {
    product: Option<&'static str>,
    outcome: String,
    result_code: Option<String>,
    result_text: Option<String>,
    error_code: Option<String>,
    country: Option<String>,
    id_type: Option<String>,
    job_key: Option<String>,
    job_key_source: Option<String>,
    partner_job_id: Option<String>,
    authority_signal: Option<String>,
    event_time: Option<String>,
    is_final: bool,
}

#[derive(Serialize)]
struct CheckLine {
    name: String,
    value: Option<String>,
    detail: Option<String>,
}

#[derive(Serialize)]
struct ReceiptLine {
    field: Option<String>,
    partner: Option<String>,
    job_id: Option<String>,
    environment: Option<&'static str>,
}

#[derive(Serialize)]
struct SubmissionLine {
    accepted: bool,
    code: Option<String>,
    message: Option<String>,
    job_key_source: Option<String>,
    partner_job_id: Option<String>,
}

#[derive(Serialize)]
struct AuthorityLine {
    country: Option<String>,
    id_type: Option<String>,
    status: Option<String>,
    last_check_status: Option<String>,
    last_hour_success_rate: Option<f64>,
    last_check_success_rate: Option<f64>,
    checked_at: Option<String>,
}

/// One payload before its meaning is known.
struct Seen {
    file: String,
    provider: Option<Provider>,
    rows: Rows,
    personal: Vec<String>,
}

/// What the models say of one observation.
struct Meaning {
    outcome: String,
    is_final: bool,
    authority_signal: Option<String>,
    event_time: Option<Micros>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let key = context.config.key(arguments.known.key_file.as_deref())?;
    let rules = Normaliser {
        catalogue: &context.catalogue,
        key: key.as_ref(),
        dimensions: &context.config.dimensions.names,
        show_personal: arguments.show_personal,
    };
    let source = arguments.known.source(PathBuf::new(), &context.config);
    let inputs = source::find_inputs(&arguments.files).map_err(|e| Error::usage(e.to_string()))?;
    if inputs.is_empty() {
        eprintln!("inspect: no file was found");
    }
    if arguments.explain {
        return explain::run(&inputs, &source).map(u8::from);
    }
    let (mut group, mut unreadable, mut result) = (Vec::new(), false, Ok(()));
    for input in &inputs {
        let read = source::read_input(input, &source.options, &mut |item| {
            group.push(see(item, &input.display, &source, &rules));
            if group.len() >= GROUP {
                result = flush(&mut group, &mut unreadable, arguments, context);
            }
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        result?;
        result = Ok(());
        read.map_err(|e| Error::failed(e.to_string()))?;
    }
    flush(&mut group, &mut unreadable, arguments, context)?;
    Ok(u8::from(unreadable))
}

fn see(item: Item, file: &str, source: &Source, rules: &Normaliser) -> Seen {
    let (body, envelope, place, decoded) = match item {
        Item::Payload(p) => {
            let envelope = known_of_source(p.envelope, source);
            let member = p.member.as_deref().map(str::to_owned);
            let bytes = p.body.len() as u64;
            let place = Place { source: file.to_owned(), member, offset: p.offset, index: p.index, bytes };
            let decoded = provider::decode(&p.body, &envelope);
            (p.body, envelope, place, decoded)
        }
        Item::Broken(b) => {
            let member = b.member.as_deref().map(str::to_owned);
            let place = Place { source: file.to_owned(), member, offset: b.offset, index: b.index, bytes: b.bytes };
            let decoded = Decoded::rejected(source.provider, b.reason, b.detail);
            (Vec::new().into(), crate::envelope::Envelope::default(), place, decoded)
        }
    };
    let (provider, personal) = (decoded.provider, decoded.personal.clone());
    let file = place.member.as_ref().map_or_else(|| file.to_owned(), |member| format!("{file}!{member}"));
    Seen { file, provider, rows: rules.rows(&body, &envelope, &place, decoded), personal }
}

/// Resolves the group and prints it.
fn flush(group: &mut Vec<Seen>, unreadable: &mut bool, arguments: &Arguments, context: &Context) -> Result<()> {
    let meanings = resolve(group, context)?;
    let mut out = std::io::stdout().lock();
    for (number, seen) in group.drain(..).enumerate() {
        *unreadable |= seen.rows.receipt.kind == Kind::Unreadable;
        let line = line(seen, number, &meanings, arguments.show_personal);
        let text = serde_json::to_string(&line).map_err(|e| Error::failed(format!("a line: {e}")))?;
        match writeln!(out, "{text}") {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// Runs the models over the group. Every payload gets keys of its own, so that none tells of another.
fn resolve(group: &[Seen], context: &Context) -> Result<HashMap<(usize, i32), Meaning>> {
    if group.iter().all(|seen| seen.rows.observations.is_empty()) {
        return Ok(HashMap::new());
    }
    let own = |number: usize, id: &Option<String>| id.as_ref().map(|id| format!("{number}|{id}"));
    let (mut observations, mut receipts) = (Vec::new(), Vec::new());
    for (number, seen) in group.iter().enumerate() {
        for observation in &seen.rows.observations {
            observations.push(Observation {
                payload_key: number.to_string(),
                provider_job_id: own(number, &observation.provider_job_id),
                partner_job_id: own(number, &observation.partner_job_id),
                ..observation.clone()
            });
        }
        receipts.push(Receipt { payload_key: number.to_string(), ..seen.rows.receipt.clone() });
    }
    let mut engine = DuckDb::open(&Resources { threads: Some(1), ..Resources::default() })?;
    register(&mut engine, &observations)?;
    register(&mut engine, &receipts)?;
    register::<Check>(&mut engine, &[])?;
    register::<AuthorityStatus>(&mut engine, &[])?;
    register::<Submission>(&mut engine, &[])?;
    register::<Reject>(&mut engine, &[])?;
    register::<UnknownField>(&mut engine, &[])?;
    register::<Input>(&mut engine, &[])?;
    register::<Code>(&mut engine, &context.catalogue.rows(""))?;
    register(&mut engine, &[this_batch()])?;
    let reports = &context.config.reports;
    let scope = Scope {
        from: None,
        to: None,
        time_zone: chrono_tz::Tz::UTC,
        include_sandbox: true,
        online_from: reports.online_from,
        offline_to: reports.offline_to,
        drift: context.config.drift,
        invoice: Vec::new(),
        availability_target: reports.availability_target,
    };
    prepare(&mut engine, &context.queries, &scope)?;
    let batches = engine.select(
        "SELECT payload_key, position, outcome, is_final, authority_signal, event_us FROM resolved_observations",
    )?;
    Ok(batches.iter().flat_map(meanings).collect())
}

fn register<T: Table>(engine: &mut DuckDb, rows: &[T]) -> Result<()> {
    engine.register_rows(T::NAME, &T::batch(rows))
}

/// The rows above carry an empty batch id; this lists it.
fn this_batch() -> Batch {
    Batch {
        batch_id: String::new(),
        finished_at: Micros(0),
        payloads_seen: 0,
        payloads_new: 0,
        payloads_known: 0,
        payloads_rejected: 0,
        inputs_read: 0,
        inputs_known: 0,
        tool_version: String::new(),
        catalogue_version: String::new(),
        table_versions: String::new(),
        table_rows: String::new(),
        replaces: None,
        replaced_at: None,
    }
}

fn meanings(batch: &RecordBatch) -> Vec<((usize, i32), Meaning)> {
    let text = |i: usize| batch.column(i).as_any().downcast_ref::<StringArray>();
    let (Some(keys), Some(outcomes), Some(signals)) = (text(0), text(2), text(4)) else {
        return Vec::new();
    };
    let positions = batch.column(1).as_any().downcast_ref::<Int32Array>();
    let finals = batch.column(3).as_any().downcast_ref::<BooleanArray>();
    let times = batch.column(5).as_any().downcast_ref::<Int64Array>();
    let (Some(positions), Some(finals), Some(times)) = (positions, finals, times) else {
        return Vec::new();
    };
    let row = |i: usize| {
        let meaning = Meaning {
            outcome: outcomes.value(i).to_owned(),
            is_final: finals.value(i),
            authority_signal: (!signals.is_null(i)).then(|| signals.value(i).to_owned()),
            event_time: (!times.is_null(i)).then(|| Micros(times.value(i))),
        };
        Some(((keys.value(i).parse().ok()?, positions.value(i)), meaning))
    };
    (0..batch.num_rows()).filter_map(row).collect()
}

fn line(seen: Seen, number: usize, meanings: &HashMap<(usize, i32), Meaning>, show_personal: bool) -> Line {
    let rows = seen.rows;
    let mut verdict_bearing = false;
    let mut observations = Vec::new();
    let withheld = rows.observations.iter().find_map(|o| o.withheld_length);
    for o in rows.observations {
        let Some(meaning) = meanings.get(&(number, o.position)) else {
            continue;
        };
        let stated = o.result_code.is_some()
            || o.error_code.is_some()
            || o.result_text.is_some()
            || o.withheld_digest.is_some()
            || o.job_success.is_some();
        // These two say how far a workflow or an extraction came, whatever word they use.
        let bears = !matches!(o.kind, Kind::KyxCallback | Kind::DocumentCallback);
        verdict_bearing |= bears && stated && meaning.outcome != "pending";
        observations.push(observation_line(o, meaning));
    }
    let mut problems = rows.problems;
    if rows.masked > 0 {
        problems.push("a job reference looks personal and is masked (--show-personal prints it)".to_owned());
    }
    if let Some(length) = withheld {
        problems
            .push(format!("a code, reason or text of {length} bytes that the catalogue does not hold is not shown"));
    }
    if let Some(reject) = &rows.reject {
        let place = format!("payload {}, byte {}", reject.source_index, reject.source_offset);
        problems.insert(0, format!("{}: {} ({place})", reject.reason.word(), reject.detail));
    }
    let receipt = rows.receipt;
    Line {
        file: seen.file,
        provider: seen.provider.map(Provider::word),
        kind: receipt.kind.word(),
        verdict_bearing,
        observations,
        checks: rows.checks.into_iter().map(|c| CheckLine { name: c.name, value: c.value, detail: c.detail }).collect(),
        signature_class: receipt.signature_class.word(),
        receipt: receipt.receipt_field.is_some().then(|| ReceiptLine {
            field: receipt.receipt_field,
            partner: receipt.receipt_partner,
            job_id: receipt.receipt_job_id,
            environment: receipt.receipt_environment.map(Environment::word),
        }),
        submission: rows.submission.map(|s| SubmissionLine {
            accepted: s.accepted,
            code: s.code,
            message: s.message,
            job_key_source: s.provider_job_id,
            partner_job_id: s.partner_job_id,
        }),
        authority_status: rows.authority.map(|a| AuthorityLine {
            country: a.country,
            id_type: a.id_type,
            status: a.status,
            last_check_status: a.last_check_status,
            last_hour_success_rate: a.last_hour_success_rate,
            last_check_success_rate: a.last_check_success_rate,
            checked_at: a.checked_at.map(Micros::rfc3339),
        }),
        unknown_fields: rows.unknown_fields.into_iter().map(|unknown| unknown.field).collect(),
        problems,
        personal: show_personal.then_some(seen.personal),
    }
}

fn observation_line(o: Observation, meaning: &Meaning) -> ObservationLine {
    let part = |p: &Option<String>| p.clone().unwrap_or_default();
    let environment = o.environment.map(Environment::word).unwrap_or_default();
    let key = |id: &String| format!("{}:{}:{environment}:{id}", o.provider.word(), part(&o.partner));
    ObservationLine {
        product: o.product.map(crate::record::Product::word),
        outcome: meaning.outcome.clone(),
        job_key: o.provider_job_id.as_ref().map(key),
        job_key_source: o.provider_job_id,
        result_code: o.result_code,
        result_text: o.result_text,
        error_code: o.error_code,
        country: o.country,
        id_type: o.id_type,
        partner_job_id: o.partner_job_id,
        authority_signal: meaning.authority_signal.clone(),
        event_time: meaning.event_time.map(Micros::rfc3339),
        is_final: meaning.is_final,
    }
}
