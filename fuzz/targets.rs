//! What the fuzz targets do with their bytes, and what must hold whatever these are.
//!
//! The programs of `fuzz/fuzz_targets` call this file under libFuzzer; `tests/it/fuzz.rs` calls it on the committed seeds and on
//! mutations of them, without any. A new target is a function here, its line in [`TARGETS`], a program of four lines, its
//! `[[bin]]` in `fuzz/Cargo.toml` and a folder of seeds; the test names what is missing.
//!
//! Not here: what a payload means (the decoders' own tests).

use std::collections::HashSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use kycmart::envelope::Envelope;
use kycmart::normalise::{Normaliser, Place, Rows};
use kycmart::privacy::{check_value, is_document_name};
use kycmart::provider::catalogue::Catalogue;
use kycmart::provider::wire::{Object, Sort, Value, check_json, parse_array};
use kycmart::provider::{Decoded, MOST_PERSONAL, decode, time};
use kycmart::pseudonym::PseudonymKey;
use kycmart::record::{
    AuthorityStatus, Check, Kind, Observation, Product, Provider, Receipt, Reject, RejectReason, SignatureClass,
    Submission, Table,
};
use kycmart::source::{Broken, Input, InputSummary, Item, Limits, Options, Start, read_chunks, read_grown};

/// One target.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("decode_smile_id", decode_smile_id),
    ("decode_advance_ai", decode_advance_ai),
    ("decode_jumio", decode_jumio),
    ("wire", wire),
    ("rows", rows),
    ("envelope", envelope),
    ("archive", archive),
    ("columnar", columnar),
    ("sqlite", sqlite),
    ("recording", recording),
];

/// Runs a target on some bytes.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).expect("a target of this name");
    target(data);
}

// ---- decoders -------------------------------------------------------------------------------------------------------

/// A body that its store calls Smile ID's.
fn decode_smile_id(data: &[u8]) {
    decode_as(Provider::SmileId, data);
}

/// A body that its store calls Advance.AI's.
fn decode_advance_ai(data: &[u8]) {
    decode_as(Provider::AdvanceAi, data);
}

/// A body that its store calls Jumio's.
fn decode_jumio(data: &[u8]) {
    decode_as(Provider::Jumio, data);
}

fn decode_as(provider: Provider, data: &[u8]) {
    decodes(data, &Envelope { provider: Some(provider), ..Envelope::default() });
}

/// Decodes a body and makes rows of it, with a key and without.
fn decodes(body: &[u8], envelope: &Envelope) {
    let decoded = decode(body, envelope);
    states_one_thing(&decoded);
    names_no_value(&decoded);
    let key = PseudonymKey::new(b"a key for fuzzing only").expect("it is long enough");
    let dimensions = ["branch".to_owned(), "merchantReportingCriteria".to_owned()];
    let catalogue = Catalogue::builtin();
    for key in [Some(&key), None] {
        let rules = Normaliser { catalogue, key, dimensions: &dimensions, show_personal: false };
        let place = Place { source: "fuzz".into(), bytes: body.len() as u64, ..Place::default() };
        let rows = rules.rows(body, envelope, &place, decoded.clone());
        let complete = rows.observations.len() == decoded.statements.len()
            && rows.reject.is_some() == decoded.reject.is_some()
            && rows.authority.is_some() <= decoded.authority.is_some()
            && rows.submission.is_some() == decoded.submission.is_some();
        assert!(complete, "a statement has no row");
        holds_nothing_personal(&rows, &decoded, key.is_some());
    }
}

/// A reject states nothing else, and every statement has a place of its own.
fn states_one_thing(decoded: &Decoded) {
    assert_eq!(decoded.reject.is_some(), decoded.kind == Kind::Unreadable, "unreadable means rejected");
    let lists = decoded.statements.len() + decoded.checks.len();
    let states = lists > 0 || decoded.authority.is_some() || decoded.submission.is_some();
    assert!(decoded.reject.is_none() || !states, "a reject states something");
    let mut positions = HashSet::new();
    for statement in &decoded.statements {
        assert!(positions.insert(statement.position), "two statements have one position");
        assert!(statement.country.as_ref().is_none_or(|country| country.len() == 2), "a country is two letters");
        let scores = [statement.confidence, statement.similarity_score, statement.liveness_score, statement.risk_score];
        assert!(scores.iter().flatten().all(|score| score.is_finite()), "a score is a number");
    }
    assert!(decoded.personal.len() <= MOST_PERSONAL, "too many personal strings");
}

/// Shortest text that stands in a problem or a row by more than chance.
const TELLING: usize = 12;

/// Whether a text is no prose, as the program's own words are.
fn is_value(text: &str) -> bool {
    text.len() >= TELLING && text.bytes().any(|byte| byte.is_ascii_digit() || byte == b'@' || !byte.is_ascii())
}

/// Problems and reasons are words of the program and never longer than a line.
fn names_no_value(decoded: &Decoded) {
    let detail = decoded.reject.iter().map(|(_, detail)| detail);
    for problem in decoded.problems.iter().chain(detail) {
        assert!(problem.len() <= 300 && problem.is_ascii(), "a problem is no short text");
        let told = decoded.personal.iter().any(|text| is_value(text) && problem.contains(text.as_str()));
        assert!(!told, "a problem holds a personal value");
    }
}

/// No cell of any row is a personal string, unless it is a word that the program knows.
fn holds_nothing_personal(rows: &Rows, decoded: &Decoded, keyed: bool) {
    let catalogue = Catalogue::builtin();
    let known = |text: &str| {
        let told = Provider::ALL.iter().any(|p| {
            catalogue.knows_code(*p, text)
                || catalogue.knows_error(*p, text)
                || catalogue.known_text(*p, text).is_some()
        });
        let word = Product::from_word(text).is_some()
            || Kind::from_word(text).is_some()
            || SignatureClass::from_word(text).is_some()
            || RejectReason::from_word(text).is_some();
        told || word || check_value(text).is_some() || is_document_name(text)
    };
    let telling = decoded.personal.iter().map(|text| text.trim()).filter(|text| text.len() >= TELLING);
    let personal: HashSet<&str> = telling.filter(|text| !known(text)).collect();
    let one = |reject: &Option<Reject>| Reject::batch(reject.as_slice());
    let batches = [
        Observation::batch(&rows.observations),
        Check::batch(&rows.checks),
        Receipt::batch(std::slice::from_ref(&rows.receipt)),
        AuthorityStatus::batch(rows.authority.as_slice()),
        Submission::batch(rows.submission.as_slice()),
        one(&rows.reject),
    ];
    for batch in &batches {
        for (column, cell) in cells(batch) {
            assert!(!personal.contains(cell), "{column} holds a personal string");
            assert!(keyed || !column.ends_with("_pseudonym"), "{column} without a key");
        }
    }
}

/// The texts of a batch, each with its column.
fn cells(batch: &RecordBatch) -> impl Iterator<Item = (String, &str)> {
    let schema = batch.schema();
    let columns: Vec<_> = (0..batch.num_columns()).map(|i| schema.field(i).name().clone()).collect();
    let texts = batch.columns().iter().zip(columns);
    texts.flat_map(|(array, name)| {
        let texts = array.as_any().downcast_ref::<StringArray>();
        texts.into_iter().flat_map(|texts| texts.iter().flatten()).map(move |text| (name.clone(), text))
    })
}

// ---- JSON and form text -----------------------------------------------------------------------------------------------

/// Any text as JSON, as a form, as a time.
fn wire(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut left = 2_000;
    if let Ok(object) = Object::parse(text) {
        assert!(check_json(text).is_ok(), "an object is no JSON");
        walk(&object, 4, &mut left);
    }
    if let Ok(values) = parse_array(text) {
        assert!(check_json(text).is_ok(), "an array is no JSON");
        values.iter().for_each(|value| read(value, 4, &mut left));
    }
    let form = Object::parse_form(data);
    assert!(form.iter().all(|(_, value)| value.sort() == Sort::Text), "a form holds text");
    walk(&form, 2, &mut left);
    if let Some(instant) = time::parse(text) {
        assert_eq!(time::parse(&instant.rfc3339()), Some(instant), "a time is not what it is printed as");
    }
}

/// Reads every field of an object in every way; at most `left` values in all.
fn walk(object: &Object, depth: usize, left: &mut usize) {
    assert_eq!(object.iter().count(), object.len());
    assert!(object.duplicate_keys() < object.len().max(1), "every key is a duplicate");
    for (name, value) in object.iter().take(*left) {
        assert!(object.has(name) && object.has_exactly(name), "a field that is not there");
        assert!(value.sort() == Sort::Null || object.get(&[name]).is_some(), "a value that is not there");
        read(value, depth, left);
    }
    let owned = object.clone().into_owned();
    assert!(owned.iter().map(|(_, v)| v.source()).eq(object.iter().map(|(_, v)| v.source())), "a copy differs");
}

fn read(value: &Value, depth: usize, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let (text, number, flag) = (value.text(), value.number(), value.bool());
    assert!(text.is_some() || (number.is_none() && flag.is_none()), "a number without a text");
    assert!(number.is_none_or(f64::is_finite), "a number without an end");
    if depth == 0 {
        return;
    }
    if let Some(object) = value.object() {
        walk(&object, depth - 1, left);
    }
    for element in value.list().iter().take(*left) {
        read(element, depth - 1, left);
    }
}

// ---- files ------------------------------------------------------------------------------------------------------------

/// Names that give a hint, and one that gives none.
const NAMES: [&str; 3] = ["", ".csv", ".ndjson"];

/// Any bytes as a file.
fn rows(data: &[u8]) {
    for name in NAMES {
        let file = stored(data, name);
        let (items, summary) = read_file(file.path());
        accounts_for_all(&items, &summary, data);
        grows(file.path(), data, &items, &summary);
    }
}

/// Any bytes as one row of a log, its payload decoded with the envelope that it brings.
fn envelope(data: &[u8]) {
    let row: Vec<u8> = data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
    let file = stored(&row, ".ndjson");
    let (items, summary) = read_file(file.path());
    accounts_for_all(&items, &summary, &row);
    assert!(items.len() <= 1 || !row.trim_ascii_start().starts_with(b"{"), "one row, several payloads");
    for item in &items {
        if let Item::Payload(payload) = item {
            decodes(&payload.body, &payload.envelope);
        }
    }
}

/// Any bytes as an archive or a compressed file.
fn archive(data: &[u8]) {
    holds_members(data, "");
}

/// Any bytes as a Parquet or Arrow file.
fn columnar(data: &[u8]) {
    holds_members(data, ".parquet");
}

/// Any bytes as a SQLite file.
fn sqlite(data: &[u8]) {
    holds_members(data, ".db");
}

/// Any bytes as a recording of HTTP: YAML, or a JSON document around a list.
fn recording(data: &[u8]) {
    holds_members(data, ".yml");
}

/// Reads a container twice: every row of every member is counted, and the same each time.
fn holds_members(data: &[u8], suffix: &str) {
    let file = stored(data, suffix);
    let (items, summary) = read_file(file.path());
    accounts_for_bytes(&items, &summary, data);
    assert!(read_file(file.path()).0 == items, "other rows the second time");
}

/// Small limits, so that small inputs reach them.
fn options() -> Options {
    let limits = Limits {
        max_payload_bytes: 2_048,
        bomb_floor_bytes: 64 << 10,
        chunk_bytes: 512,
        chunk_rows: 7,
        ..Limits::default()
    };
    Options { limits, ..Options::default() }
}

/// The bytes as a file, in memory where the machine has that; goes away with its handle.
fn stored(data: &[u8], suffix: &str) -> tempfile::NamedTempFile {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile_in(folder).expect("a temporary file");
    file.write_all(data).expect("room for it");
    file
}

fn read_file(path: &Path) -> (Vec<Item<'static>>, InputSummary) {
    let mut items = Vec::new();
    let mut take = |chunk: kycmart::source::Chunk| {
        items.extend(chunk.items().map(owned));
        ControlFlow::Continue(())
    };
    let summary = read_chunks(&Input::file(path), &options(), &mut take).expect("a file can be read");
    (items, summary)
}

fn owned(item: Item<'_>) -> Item<'static> {
    match item {
        Item::Payload(payload) => {
            let body = payload.body.into_owned().into();
            Item::Payload(kycmart::source::Payload { body, envelope: payload.envelope, ..payload })
        }
        Item::Broken(broken) => Item::Broken(broken),
    }
}

/// Every row is handed on once, in order, and the summary says so.
fn accounts_for_all(items: &[Item], summary: &InputSummary, data: &[u8]) {
    accounts_for_bytes(items, summary, data);
    let mut before: Option<(&Option<Arc<str>>, u64)> = None;
    for item in items {
        let (member, offset) = (member(item), place(item).0);
        let in_order = before.is_none_or(|(other, before)| other != member || before < offset);
        assert!(in_order, "a row before its predecessor");
        before = Some((member, offset));
    }
}

fn member<'i>(item: &'i Item) -> &'i Option<Arc<str>> {
    match item {
        Item::Payload(payload) => &payload.member,
        Item::Broken(broken) => &broken.member,
    }
}

/// All bytes were read, and every row has a number and says something.
fn accounts_for_bytes(items: &[Item], summary: &InputSummary, data: &[u8]) {
    assert_eq!(summary.bytes, data.len() as u64, "bytes were not read");
    assert_eq!(summary.digest, blake3::hash(data).to_hex().as_str(), "other bytes were read");
    assert_eq!(summary.payloads, items.len() as u64, "rows that nobody counted");
    for (number, item) in items.iter().enumerate() {
        assert_eq!(place(item).1, number as u64, "rows are not numbered in order");
        match item {
            Item::Payload(payload) => assert!(!payload.body.is_empty(), "a payload without a body"),
            Item::Broken(Broken { detail, .. }) => {
                assert!(detail.is_ascii() && detail.len() <= 2_000, "a detail is no text")
            }
        }
    }
}

fn place(item: &Item) -> (u64, u64) {
    match item {
        Item::Payload(payload) => (payload.offset, payload.index),
        Item::Broken(broken) => (broken.offset, broken.index),
    }
}

/// Half of the file and then what it grew by are the same rows as the whole file.
fn grows(path: &Path, data: &[u8], whole: &[Item], summary: &InputSummary) {
    let half = data.len() / 2;
    let (before, first) = read_from(path, half, None);
    let Some(mark) = first.stop else { return };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&data[..mark.offset as usize]);
    let start = Start { mark, format: first.format.to_owned(), hasher };
    let (rest, second) = read_from(path, data.len(), Some(&start));
    assert_eq!((&second.digest, second.payloads), (&summary.digest, summary.payloads), "another file when it grew");
    match second.start {
        Some(mark) => {
            let kept = before.iter().filter(|item| place(item).1 < mark.index);
            assert!(kept.chain(&rest).eq(whole), "other rows when it grew");
        }
        None => assert!(rest == whole, "other rows when it was read again"),
    }
}

fn read_from(path: &Path, length: usize, start: Option<&Start>) -> (Vec<Item<'static>>, InputSummary) {
    let mut items = Vec::new();
    let mut take = |chunk: kycmart::source::Chunk| {
        items.extend(chunk.items().map(owned));
        ControlFlow::Continue(())
    };
    let summary = read_grown(&Input::file(path), &options(), length as u64, start, &mut take).expect("it can be read");
    (items, summary)
}
