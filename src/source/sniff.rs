//! Which format an input has, told by its first bytes; the name is a hint where they leave a choice.
//!
//! Not here: compression (`decompress`), and which provider a payload is from (`provider`).

use super::csv::{self, Columns};
use super::cutter::Trouble;
use super::row;
use super::split::{Elements, Field, Splitter};
use super::window::{Found, Window, is_blank, trimmed};
use super::{Limits, Options};
use crate::provider::wire::check_json;
use crate::record::RejectReason;

/// How many bytes of a CSV file are looked at to choose its payload column.
const CSV_SAMPLE: usize = 8 << 20;

/// Longest header of a CSV file that is not named so.
const CSV_HEADER: usize = 64 << 10;

/// The format of an input.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    Empty,
    Single,
    Ndjson,
    Array,
    /// The header was taken from the window.
    Csv(Columns),
    /// A CSV file in which no column holds payloads; the text says which were looked for.
    CsvWithoutPayload(String),
}

impl Format {
    /// The word for it in summaries.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Format::Empty => "empty",
            Format::Single => "single",
            Format::Ndjson => "ndjson",
            Format::Array => "json_array",
            Format::Csv(_) | Format::CsvWithoutPayload(_) => "csv",
        }
    }

    /// Whether rows that were ended stay what they are when more follows.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Format::Ndjson | Format::Csv(_))
    }

    /// How it is cut, its columns, and why it is no payload as a whole.
    pub(super) fn into_parts(self) -> (Splitter, Option<Columns>, Option<Trouble>) {
        match self {
            Format::Empty => (Splitter::Whole, None, Some((RejectReason::Empty, "no bytes but white space".into()))),
            Format::Single => (Splitter::Whole, None, None),
            Format::Ndjson => (Splitter::Lines, None, None),
            Format::Array => (Splitter::Elements(Elements::default()), None, None),
            Format::Csv(columns) => (Splitter::Records(Field::default()), Some(columns), None),
            Format::CsvWithoutPayload(detail) => (Splitter::Whole, None, Some((RejectReason::NoPayload, detail))),
        }
    }
}

/// Tells the format. The window then stands at the first row.
pub(super) fn sniff(window: &mut Window, name: &str, options: &Options) -> Format {
    window.look_ahead(3);
    if window.bytes.starts_with(b"\xef\xbb\xbf") {
        window.discard(3);
    }
    window.skip_blanks();
    let Some(first) = window.bytes.first().copied() else {
        return Format::Empty;
    };
    let hint = hint(name);
    if first == b'[' && array_holds_rows(window, &options.limits) {
        return Format::Array;
    }
    if matches!(hint.as_str(), "ndjson" | "jsonl") {
        return Format::Ndjson;
    }
    if !matches!(first, b'{' | b'[')
        && let Some(format) = csv(window, hint == "csv", options)
    {
        return format;
    }
    if lines_are_rows(window, &options.limits) { Format::Ndjson } else { Format::Single }
}

/// The extension without that of the compression, lower case.
fn hint(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').map_or("", |(_, extension)| extension).to_owned()
}

/// Whether an array has an element that is an object or a string with a payload in it.
fn array_holds_rows(window: &mut Window, limits: &Limits) -> bool {
    let mut elements = Splitter::Elements(Elements::default());
    let (mut start, mut scanned) = (0, 0);
    loop {
        let seen = &window.bytes[..window.bytes.len().min(limits.max_payload_bytes)];
        if let Some(cut) = elements.find(&seen[scanned..]) {
            if is_row(&seen[start..scanned + cut.end]) {
                return true;
            }
            scanned += cut.next;
            start = scanned;
            continue;
        }
        // An element that is not whole yet, or never will be.
        let inside = matches!(&elements, Splitter::Elements(elements) if elements.is_inside());
        if inside && seen[start..].iter().find(|byte| !is_blank(**byte)) == Some(&b'{') {
            return true;
        }
        scanned = seen.len();
        if scanned == limits.max_payload_bytes || !window.fill() {
            return false;
        }
    }
}

fn is_row(element: &[u8]) -> bool {
    let element = &element[trimmed(element)];
    match element.first() {
        Some(b'{') => true,
        Some(b'"') => row::unquoted(element).is_some(),
        _ => false,
    }
}

/// Reads a header, if there is one.
fn csv(window: &mut Window, named_so: bool, options: &Options) -> Option<Format> {
    let wanted = csv::wanted(options);
    if !named_so {
        let Found::At(end) = window.find(0, CSV_HEADER, |byte| byte == b'\n') else {
            return None;
        };
        csv::is_header(&window.bytes[..end], &wanted).then_some(())?;
    }
    window.look_ahead(CSV_SAMPLE);
    let sample = &window.bytes[..window.bytes.len().min(CSV_SAMPLE)];
    let header_end = match Splitter::Records(Field::default()).find(sample) {
        Some(cut) => Some(cut.next),
        None => window.end.is_some().then_some(sample.len()),
    };
    match (Columns::choose(sample, &wanted, options), header_end) {
        (Some(columns), Some(end)) => {
            window.discard(end);
            Some(Format::Csv(columns))
        }
        _ if named_so => Some(Format::CsvWithoutPayload(csv::looked_for(&wanted))),
        _ => None,
    }
}

/// Whether each line is a row: there are several, and the first is whole JSON, or the second is a whole object and no
/// continuation of the first (a broken first line must not cost the rest).
fn lines_are_rows(window: &mut Window, limits: &Limits) -> bool {
    let limit = limits.max_payload_bytes + 1;
    let line_end = |window: &mut Window, from| match window.find(from, limit + from, |byte| byte == b'\n') {
        Found::At(end) => Some(end),
        Found::Nowhere => Some(window.bytes.len()),
        Found::BeyondLimit => None,
    };
    let Some(first_end) = line_end(window, 0) else {
        return window.bytes[0] == b'{';
    };
    let second = match window.find(first_end, limit + first_end, |byte| !is_blank(byte)) {
        Found::At(second) => second,
        Found::Nowhere | Found::BeyondLimit => return false,
    };
    let first = &window.bytes[trimmed(&window.bytes[..first_end])];
    if is_json(first) {
        return true;
    }
    if is_form(first) {
        // A form has no line breaks of its own, so a second one begins a payload of its own.
        let end = line_end(window, second).unwrap_or(window.bytes.len());
        return is_form(&window.bytes[second..end]);
    }
    let dangling = matches!(first.last(), Some(b'[' | b',' | b':'));
    let Some(second_end) = line_end(window, second).filter(|_| window.bytes[second] == b'{') else {
        return false;
    };
    let line = &window.bytes[second..second_end];
    if !is_json(&line[trimmed(line)]) {
        return false;
    }
    // In a document that is laid out over lines, a comma or a closing bracket would follow.
    let third = window.find(second_end, limit + second_end, |byte| !is_blank(byte));
    !dangling || matches!(third, Found::At(third) if window.bytes[third] == b'{')
}

/// Whether a line is a form of several fields.
fn is_form(line: &[u8]) -> bool {
    let line = &line[trimmed(line)];
    !matches!(line.first(), Some(b'{' | b'[' | b'"')) && line.contains(&b'&') && row::looks_like_payload(line)
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| check_json(text).is_ok())
}
