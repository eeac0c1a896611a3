//! What is known of a verification does not depend on the order in which its payloads arrive.
//!
//! A case is some stored payloads and what must be known of their jobs. All cases go into one mart together (their jobs have
//! nothing to do with each other), in every order, as rows of one file and as batches of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::util::display::array_value_to_string;
use kycmart::config::Drift;
use kycmart::engine::Engine;
use kycmart::engine::duckdb::{DuckDb, Resources};
use kycmart::engine::models::Queries;
use kycmart::ingest::{Progress, RejectSummary, Source, UnreadInput, ingest};
use kycmart::mart::Mart;
use kycmart::normalise::Normaliser;
use kycmart::provider::catalogue::Catalogue;
use kycmart::record::Micros;
use kycmart::report::{Scope, prepare};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::folder;

mod cases;
mod together;

use cases::*;

type Row = BTreeMap<String, String>;

// ---- what arrives, and what is then known ---------------------------------------------------------------------------

struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: usize) {}
    fn input_done(&self, _: &str) {}
    fn payloads(&self, _: u64) {}
    fn unread(&self, input: &UnreadInput) {
        panic!("{input:?}");
    }
    fn reject(&self, reject: &RejectSummary) {
        panic!("{reject:?}");
    }
}

/// A mart in which something arrived, and an engine that knows its models.
struct Known {
    engine: DuckDb,
    _folder: tempfile::TempDir,
}

/// Ingests these batches of lines, one file each.
fn arrived(batches: &[Vec<&str>]) -> Known {
    let folder = folder();
    let mut mart = Mart::open_or_create(&folder.path().join("mart")).expect("a mart");
    for (number, lines) in batches.iter().enumerate().filter(|(_, lines)| !lines.is_empty()) {
        let path = folder.path().join(format!("{number}.ndjson"));
        std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("a file");
        take_in(&mut mart, &path);
    }
    let mut engine = DuckDb::open(&Resources { threads: Some(1), ..Resources::default() }).expect("an engine");
    mart.register(&mut engine, Catalogue::builtin()).expect("tables");
    let time_zone = "UTC".parse().expect("a zone");
    let scope = Scope {
        from: None,
        to: None,
        time_zone,
        include_sandbox: false,
        online_from: 0.91,
        offline_to: 0.5,
        drift: Drift::default(),
        invoice: Vec::new(),

        availability_target: 0.99,
    };
    prepare(&mut engine, &Queries::builtin(), &scope).expect("models");
    Known { engine, _folder: folder }
}

fn take_in(mart: &mut Mart, path: &Path) {
    let rules = Normaliser { catalogue: Catalogue::builtin(), key: None, dimensions: &[], show_personal: false };
    let summary =
        ingest(mart, &[Source { path: path.to_owned(), ..Source::default() }], &rules, &Quiet).expect("an ingest");
    assert!(summary.accounting_holds && summary.unread_inputs.is_empty());
}

fn rows(known: &Known, select: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in known.engine.select(select).unwrap_or_else(|e| panic!("{select}: {e}")) {
        let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        let cell = |column: usize, row: usize| array_value_to_string(batch.column(column), row).expect("a value");
        rows.extend(
            (0..batch.num_rows())
                .map(|row| (0..names.len()).map(|c| (names[c].clone(), cell(c, row))).collect::<Row>()),
        );
    }
    rows
}

/// A row of `verifications` in the words of the cases.
fn word(row: &Row, name: &str) -> String {
    let column = match name {
        "code" => "result_code".to_owned(),
        "error" => "error_code".to_owned(),
        "id" => "id_type".to_owned(),
        "first" | "last" => format!("{name}_us"),
        "decided" => "decided_at_us".to_owned(),
        "seen" => "observations".to_owned(),
        "final" | "human" => format!("is_{name}"),
        "receipt" => "has_receipt".to_owned(),
        "env" => "environment".to_owned(),
        other => other.to_owned(),
    };
    let value = row.get(&column).unwrap_or_else(|| panic!("verifications has no {column}"));
    match column.strip_suffix("_us").and_then(|_| value.parse().ok()) {
        Some(time) => Micros(time).rfc3339().replace("2026-03-02T", "").replace(":00Z", ""),
        None if value.is_empty() => "-".to_owned(),
        None => value.clone(),
    }
}

/// Compares what is known with what the cases say.
fn compare(known: &Known, cases: &[Case], wrong: &mut Vec<String>) {
    let found: BTreeMap<String, Row> =
        rows(known, "SELECT * FROM verifications").into_iter().map(|row| (row["job_key"].clone(), row)).collect();
    for case in cases {
        let name = case.name;
        for (key, words) in &case.jobs {
            let Some(row) = found.get(key) else {
                wrong.push(format!("{name}: no verification {key}"));
                continue;
            };
            for (column, expected) in words.split_whitespace().map(|pair| pair.split_once('=').expect("word=value")) {
                let value = word(row, column);
                if value != expected {
                    wrong.push(format!("{name}: {key} {column}={value}, not {expected}"));
                }
            }
        }
        for (select, expected) in &case.asks {
            let row = rows(known, select).pop().unwrap_or_default();
            let value = row.values().next().cloned().unwrap_or_default();
            if &value != expected {
                wrong.push(format!("{name}: {select}: {value}, not {expected}"));
            }
        }
    }
    let expected: BTreeSet<&String> = cases.iter().flat_map(|case| case.jobs.iter().map(|(key, _)| key)).collect();
    for key in found.keys().filter(|key| !expected.contains(key)) {
        wrong.push(format!("a verification that no case expects: {key}"));
    }
}

fn all_cases() -> Vec<Case> {
    cases().into_iter().chain(together::cases()).collect()
}

/// The `number`th order of so many things; all come up before the first comes again.
fn order(mut number: usize, length: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..length).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        order.push(left.remove(number % left.len()));
        number /= left.len() + 1;
    }
    order
}

/// The orders of four things: enough for every case.
const ORDERS: usize = 24;

/// The cases' payloads in their `number`th order: the first of all cases, the second of all cases, …
fn steps(cases: &[Case], number: usize) -> Vec<Vec<&str>> {
    let mut steps = vec![Vec::new(); 4];
    for case in cases {
        for (step, payload) in order(number, case.payloads.len()).into_iter().enumerate() {
            steps[step].push(case.payloads[payload].as_str());
        }
    }
    steps
}

fn no_order_changes(cut: fn(Vec<Vec<&str>>) -> Vec<Vec<&str>>) {
    let cases = all_cases();
    let all = |known: &Known| {
        let views = [
            "verifications ORDER BY job_key",
            "verification_billing ORDER BY job_key",
            "check_counts ORDER BY provider, product, check_name, reason, result, detail",
            "job_scores ORDER BY job_key, check_name",
        ];
        views.iter().flat_map(|view| rows(known, &format!("SELECT * FROM {view}"))).collect::<Vec<_>>()
    };
    let (mut first, mut seen) = (None, BTreeMap::new());
    for number in 0..ORDERS {
        let known = arrived(&cut(steps(&cases, number)));
        let mut wrong = Vec::new();
        compare(&known, &cases, &mut wrong);
        let now = all(&known);
        for (row, other) in now.iter().zip(first.get_or_insert_with(|| now.clone())) {
            let changed = row.iter().filter(|(name, value)| other[*name] != **value);
            wrong.extend(changed.map(|(name, value)| {
                format!(
                    "{}: the order of arrival makes {name} {value:?} or {:?}",
                    row.get("job_key").unwrap_or(&row["provider"]),
                    other[name]
                )
            }));
        }
        for what in wrong {
            seen.entry(what).or_insert_with(Vec::new).push(number);
        }
    }
    let lines: Vec<String> = seen.iter().map(|(what, orders)| format!("{what} (in the orders {orders:?})")).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_order_of_rows_in_one_file_says_the_same() {
    no_order_changes(|steps| vec![steps.concat()]);
}

#[test]
fn every_order_of_batches_says_the_same() {
    no_order_changes(|steps| steps);
}

#[test]
fn the_orders_of_four_things_are_all_different() {
    let orders: BTreeSet<Vec<usize>> = (0..ORDERS).map(|number| order(number, 4)).collect();
    assert_eq!(orders.len(), ORDERS);
    assert!(all_cases().iter().all(|case| (1..=4).contains(&case.payloads.len())));
}

// ---- any history ----------------------------------------------------------------------------------------------------

/// One payload of a job about which anything may be said, by a few small numbers.
type Said = (usize, usize, u8, usize, bool);

fn any_payload(job: &str, &(code, job_type, minute, context, history): &Said) -> String {
    const CODES: [&str; 12] =
        ["1012", "1013", "1015", "1016", "0810", "0811", "0812", "0814", "1210", "1211", "9999", "1022"];
    let mut said = result(job, &format!("{}/{}", ["", "1", "5", "6"][job_type], CODES[code]));
    if code % 3 == 0 {
        said["Country"] = json!(["NG", "GH"][usize::from(minute % 2)]);
    }
    // Two jobs state one partner job_id; some payloads name nothing else.
    said["PartnerParams"]["job_id"] = json!(format!("order-{}", job.parse::<u32>().unwrap_or(0) / 2));
    if context == 4 {
        said.as_object_mut().expect("an object").remove("SmileJobID");
    }
    let time = (minute < 5).then(|| format!("10:0{minute}"));
    let mut body = match (history, &time) {
        (true, Some(time)) => with(poll(Value::Null, [code % 2 == 0, false], time), "history", json!([said])),
        (true, None) => json!({"job_complete": true, "job_success": code % 2 == 0, "code": "2302", "result": said}),
        (false, Some(time)) => with(said, "timestamp", json!(at(time))),
        (false, None) => said,
    };
    match context {
        0 => body["KYCReceipt"] = receipt("085", job, "environment=test"),
        1 => body["KYCReceipt"] = receipt("077", job, "x=1"),
        2 => return received(&format!("11:0{}", code % 4), body).to_string(),
        3 => return requested(json!({"environment": "production"}), body).to_string(),
        _ => {}
    }
    body.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_history_of_a_job_says_the_same_in_any_order(
        histories in prop::collection::vec(
            prop::collection::vec((0..12usize, 0..4usize, 0..7u8, 0..6usize, prop::bool::weighted(0.2)), 1..6), 1..16),
        number in 0..120usize,
    ) {
        let payload = |(job, history): (usize, &Vec<Said>)| {
            history.iter().map(|said| any_payload(&format!("07{job:02}"), said)).collect::<Vec<_>>()
        };
        let jobs: Vec<Vec<String>> = histories.iter().enumerate().map(payload).collect();
        let as_written: Vec<&str> = jobs.iter().flatten().map(String::as_str).collect();
        let mut later = vec![Vec::new(), Vec::new()];
        for job in &jobs {
            for (place, chosen) in order(number, job.len()).into_iter().enumerate() {
                later[place % 2].push(job[chosen].as_str());
            }
        }
        let (at_once, in_parts) = (arrived(&[as_written]), arrived(&later));
        for select in [
            "SELECT * FROM verifications ORDER BY job_key",
            "SELECT job_key, link_status, outcome, COUNT(*) AS n FROM resolved_observations GROUP BY ALL ORDER BY ALL",
        ] {
            prop_assert_eq!(rows(&at_once, select), rows(&in_parts, select));
        }
    }
}
