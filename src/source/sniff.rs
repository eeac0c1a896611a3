//! Which format an input or a member has, told by its first bytes; the name is a hint where they leave a choice.
//!
//! Not here: compression (`decompress`), and which provider a payload is from (`provider`).

use super::csv::{self, Columns};
use super::decompress::Trouble;
use super::split::{Elements, Splitter, Values};
use super::text::{looks_like_payload, unquoted};
use super::window::{Found, Window, is_blank, trimmed};
use super::{Limits, Options, cassette, find, log, page};
use crate::envelope::Envelope;
use crate::provider;
use crate::provider::wire::check_json;
use crate::record::RejectReason;

/// How many bytes of a table are looked at to choose its payload column.
const TABLE_SAMPLE: usize = 8 << 20;

/// Longest first line of a table that is not named so.
const LONGEST_HEADER: usize = 64 << 10;

/// Bytes that tell an archive: the header of a tar is one block.
const BLOCK: usize = 512;

/// How many bytes of a log are looked at for a payload.
const LOG_SAMPLE: usize = 1 << 20;

/// The format of an input or member.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    Empty,
    Single,
    Ndjson,
    /// Lines of text with a payload somewhere in some of them.
    Log,
    Array,
    /// JSON values that follow one another.
    Values,
    /// A document around a list of rows; the window stands at the list.
    Page,
    /// Its header, if there is one, was taken from the window.
    Table(Columns),
    /// A table in which no column holds payloads; the text says which were looked for.
    TableWithoutPayload(String),
    /// Recorded HTTP in YAML.
    Cassette,
    Container(Container),
    /// A format of others that is not read; the text names it.
    Foreign(&'static str),
}

/// A format of members or rows that others read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Tar,
    Zip,
    Parquet,
    Arrow,
    Sqlite,
}

impl Format {
    /// The word for it in summaries.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Format::Empty => "empty",
            Format::Single => "single",
            Format::Ndjson => "ndjson",
            Format::Log => "log",
            Format::Array => "json_array",
            Format::Values => "json_values",
            Format::Page => "json_page",
            Format::Table(columns) => columns.dialect.word(),
            Format::TableWithoutPayload(_) => "csv",
            Format::Cassette => "cassette",
            Format::Container(Container::Tar) => "tar",
            Format::Container(Container::Zip) => "zip",
            Format::Container(Container::Parquet) => "parquet",
            Format::Container(Container::Arrow) => "arrow",
            Format::Container(Container::Sqlite) => "sqlite",
            Format::Foreign(_) => "foreign",
        }
    }

    /// Whether rows that were ended stay what they are when more follows.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Format::Ndjson | Format::Log | Format::Table(_))
    }

    /// How it is cut, its columns, and why it is no payload as a whole. Containers are not cut.
    pub(super) fn into_parts(self) -> (Splitter, Option<Columns>, Option<Trouble>) {
        let whole = |reason, detail: String| (Splitter::Whole, None, Some((reason, detail)));
        match self {
            Format::Empty => whole(RejectReason::Empty, "no bytes but white space".into()),
            Format::Single | Format::Cassette | Format::Container(_) => (Splitter::Whole, None, None),
            Format::Ndjson | Format::Log => (Splitter::Lines, None, None),
            Format::Array => (Splitter::Elements(Elements::default()), None, None),
            Format::Values => (Splitter::Values(Values::default()), None, None),
            Format::Page => (Splitter::Elements(Elements::page()), None, None),
            Format::Table(columns) => (columns.dialect.splitter(), Some(columns), None),
            Format::TableWithoutPayload(detail) => whole(RejectReason::NoPayload, detail),
            Format::Foreign(name) => {
                whole(RejectReason::NoPayload, format!("{name} is not read: unpack or export it first"))
            }
        }
    }
}

/// Tells the format. The window then stands at the first row.
pub(super) fn sniff(window: &mut Window, name: &str, options: &Options) -> Format {
    window.look_ahead(BLOCK);
    if let Some(format) = by_magic(&window.bytes) {
        return format;
    }
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
    let is_encoded = first == b'"' && unquoted(&window.bytes[trimmed(first_line(&window.bytes))]).is_some();
    if !matches!(first, b'{' | b'[') && !is_encoded {
        if cassette::looks_like(&window.bytes) {
            return Format::Cassette;
        }
        if let Some(format) = table(window, matches!(hint.as_str(), "csv" | "tsv"), options) {
            return format;
        }
    }
    if lines_are_rows(window, &options.limits) {
        return Format::Ndjson;
    }
    match first {
        b'{' if values_follow(window, &options.limits) => Format::Values,
        b'{' => page(window, options),
        b'[' if has_claimed_line(window, options) => Format::Log,
        b'[' => Format::Single,
        _ if !is_form(first_line(&window.bytes)) && is_log(window, options) => Format::Log,
        _ => Format::Single,
    }
}

/// Formats that are not text.
fn by_magic(bytes: &[u8]) -> Option<Format> {
    let container = match bytes {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Container::Zip,
        [b'P', b'A', b'R', b'1', ..] => Container::Parquet,
        _ if bytes.starts_with(b"ARROW1\0\0") => Container::Arrow,
        // The stream format: a continuation marker and the length of a schema message.
        [0xff, 0xff, 0xff, 0xff, _, _, 0, 0, ..] => Container::Arrow,
        _ if bytes.starts_with(b"SQLite format 3\0") => Container::Sqlite,
        _ if is_tar(bytes) => Container::Tar,
        _ => {
            const FOREIGN: [(&[u8], &str); 9] = [
                (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
                (b"Rar!\x1a\x07", "a RAR archive"),
                (b"\x04\x22\x4d\x18", "LZ4"),
                (b"PARE", "an encrypted Parquet file"),
                (b"Obj\x01", "Avro"),
                (b"ORC", "ORC"),
                (b"%PDF-", "a PDF"),
                (b"\x89PNG\r\n", "a picture"),
                (b"\xff\xd8\xff", "a picture"),
            ];
            let (_, name) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic))?;
            return Some(Format::Foreign(name));
        }
    };
    Some(Format::Container(container))
}

/// Whether a block is the header of a tar member, by its checksum (POSIX ustar: the sum of its bytes, those of the checksum
/// counted as blanks).
fn is_tar(bytes: &[u8]) -> bool {
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let Some(block) = bytes.get(..BLOCK).filter(|block| block[0] != 0) else { return false };
    let digits: String = block[CHECKSUM].iter().map(|byte| char::from(*byte)).collect();
    let Ok(stated) = u32::from_str_radix(digits.trim_matches(|c: char| c == ' ' || c == '\0'), 8) else { return false };
    let sum: u32 = (0..BLOCK).map(|at| u32::from(if CHECKSUM.contains(&at) { b' ' } else { block[at] })).sum();
    sum == stated
}

/// The extension without that of the compression, lower case.
fn hint(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let bare = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|ending| name.strip_suffix(ending));
    bare.unwrap_or(&name).rsplit_once('.').map_or("", |(_, extension)| extension).to_owned()
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
        Some(b'"') => unquoted(element).is_some(),
        _ => false,
    }
}

/// Tells the columns of a table, if it is one, and goes over its header.
fn table(window: &mut Window, named_so: bool, options: &Options) -> Option<Format> {
    if !named_so && window.find(0, LONGEST_HEADER, |byte| byte == b'\n') == Found::BeyondLimit {
        return None;
    }
    window.look_ahead(TABLE_SAMPLE);
    let sample = &window.bytes[..window.bytes.len().min(TABLE_SAMPLE)];
    let Some(columns) = Columns::choose(sample, named_so, options) else {
        return named_so.then(|| Format::TableWithoutPayload(csv::looked_for(options)));
    };
    if columns.has_header {
        let end = columns.dialect.splitter().find(sample).map(|cut| cut.next);
        let end = end.or(window.end.is_some().then_some(sample.len()));
        window.discard(end?);
    }
    Some(Format::Table(columns))
}

/// Whether another JSON value follows the first.
fn values_follow(window: &mut Window, limits: &Limits) -> bool {
    let mut values = Splitter::Values(Values::default());
    let mut scanned = 0;
    let first = loop {
        let seen = window.bytes.len().min(limits.max_payload_bytes);
        match values.find(&window.bytes[scanned..seen]) {
            Some(cut) => break scanned + cut.next,
            None => scanned = seen,
        }
        if scanned == limits.max_payload_bytes || !window.fill() {
            return false;
        }
    };
    let between = |byte: u8| is_blank(byte) || matches!(byte, b',' | 0x1e);
    match window.find(first, first + LONGEST_HEADER, |byte| !between(byte)) {
        Found::At(at) => matches!(window.bytes[at], b'{' | b'['),
        _ => false,
    }
}

/// One document: a payload, or a page around a list of rows; then the window goes to the list.
fn page(window: &mut Window, options: &Options) -> Format {
    window.look_ahead(options.limits.max_payload_bytes);
    let text = &window.bytes[..window.bytes.len().min(options.limits.max_payload_bytes)];
    let Some(begin) = page::rows_begin(text) else { return Format::Single };
    let is_payload = window.end.is_some() && provider::recognises(&text[trimmed(text)], &Envelope::default());
    if is_payload || options.chosen_field().is_some_and(|chosen| chosen.leads_into(text)) {
        return Format::Single;
    }
    window.discard(begin);
    Format::Page
}

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether a text is a log: some line in sight holds a payload, or it goes on beyond sight, since the first may come late.
fn is_log(window: &mut Window, options: &Options) -> bool {
    has_claimed_line(window, options) || window.end.is_none() || window.bytes.len() > LOG_SAMPLE
}

/// Whether some line in sight holds what a provider's payload is, wherever in it.
fn has_claimed_line(window: &mut Window, options: &Options) -> bool {
    window.look_ahead(LOG_SAMPLE);
    let sample = &window.bytes[..window.bytes.len().min(LOG_SAMPLE)];
    let lines = sample.split(|byte| *byte == b'\n').map(|line| &line[trimmed(line)]);
    lines.filter(|line| log::may_hold(line)).any(|line| find::is_payload_row(line, options))
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
        // A line that is longer than any payload may be a page.
        let begin = &window.bytes[..window.bytes.len().min(LOG_SAMPLE)];
        return window.bytes[0] == b'{' && page::rows_begin(begin).is_none();
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
    !matches!(line.first(), Some(b'{' | b'[' | b'"')) && line.contains(&b'&') && looks_like_payload(line)
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| check_json(text).is_ok())
}
