//! Tables in text: CSV and TSV of RFC 4180, semicolons and bars as well, and the text of Postgres' `COPY`; with a header or
//! without; with a payload in one column, or rows that are the payload themselves.
//!
//! Rows come one by one, already cut; the `csv` crate builds a state machine for every reader, which costs far more than
//! a row, so cells are taken apart here and the crate is the test's judge.
//!
//! Not here: where a row ends (`split`), what is in the payload (`find`).

use std::borrow::Cow;

use memchr::memchr;

use super::find::{self, Found, Parsed};
use super::path::Path;
use super::split::{Field, Splitter};
use super::window::trimmed;
use super::{Options, context, log, text};
use crate::envelope::Envelope;
use crate::privacy::is_field_name;
use crate::provider;
use crate::provider::known_fields::WITHHELD;
use crate::provider::wire::{Object, Value, check_json, same_name};
use crate::record::Micros;

/// How many rows are looked at to choose the payload column.
const SAMPLE_ROWS: usize = 500;

/// Longest list of column names in a message.
const LONGEST_DETAIL: usize = 300;

/// How cells are parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// RFC 4180 with this byte for the comma.
    Quoted(u8),
    /// Postgres' `COPY` text: tabs, backslash escapes, `\N` for NULL.
    Copy,
}

/// Dialects in the order in which they are tried.
const DIALECTS: [Dialect; 5] =
    [Dialect::Quoted(b','), Dialect::Quoted(b'\t'), Dialect::Copy, Dialect::Quoted(b';'), Dialect::Quoted(b'|')];

impl Dialect {
    /// What ends its rows.
    pub(super) fn splitter(self) -> Splitter {
        match self {
            Dialect::Quoted(delimiter) => Splitter::Records(Field::new(delimiter)),
            Dialect::Copy => Splitter::Lines,
        }
    }

    /// The part of a row that is not the end of its line. Blanks that part cells are not white space around a row.
    pub(super) fn trimmed(self, row: &[u8]) -> std::ops::Range<usize> {
        match self {
            Dialect::Quoted(b'\t') | Dialect::Copy => {
                let blank = trimmed(row);
                let end = row.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
                if blank.is_empty() { blank } else { 0..end }
            }
            Dialect::Quoted(_) => trimmed(row),
        }
    }

    /// The word for it in summaries.
    pub(super) fn word(self) -> &'static str {
        match self {
            Dialect::Quoted(b'\t') => "tsv",
            Dialect::Quoted(_) => "csv",
            Dialect::Copy => "copy_text",
        }
    }

    fn delimiter(self) -> u8 {
        match self {
            Dialect::Quoted(delimiter) => delimiter,
            Dialect::Copy => b'\t',
        }
    }

    /// The cells of one row.
    fn cells(self, row: &[u8]) -> Vec<Cow<'_, [u8]>> {
        match self {
            Dialect::Quoted(delimiter) => quoted_cells(row, delimiter),
            Dialect::Copy => row.split(|byte| *byte == b'\t').map(unescaped).collect(),
        }
    }
}

/// Where the payload of a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Column(usize),
    /// A field inside the object of a column.
    Within(usize, Path),
    /// All columns together.
    Row,
}

/// The columns of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The header; numbers from 1 where there is none.
    names: Vec<String>,
    place: Place,
    pub(super) dialect: Dialect,
    /// Whether the first row names the columns.
    pub(super) has_header: bool,
}

/// Names under which a payload column is looked for, the best first.
fn wanted(options: &Options) -> Vec<String> {
    match options.chosen_field() {
        Some(chosen) => vec![chosen.to_string()],
        None => find::usual_names().map(String::from).collect(),
    }
}

/// What to say where no column holds payloads.
pub(super) fn looked_for(options: &Options) -> String {
    let detail = format!("no column holds payloads: looked for {}", wanted(options).join(", "));
    detail.chars().take(LONGEST_DETAIL).collect()
}

fn is_column_name(name: &str) -> bool {
    name.chars().any(char::is_alphabetic)
        && !name.eq_ignore_ascii_case("null")
        && !text::holds_payload(name.as_bytes())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '[' | ']' | '(' | ')' | '/' | '$'))
}

/// The rows of a text that are not blank; the last may be cut off.
fn rows(text: &[u8], dialect: Dialect) -> impl Iterator<Item = &[u8]> {
    let (mut splitter, mut rest) = (dialect.splitter(), text);
    let next = move || {
        let (row, after) = match splitter.find(rest) {
            Some(cut) => (&rest[..cut.end], &rest[cut.next..]),
            None => (rest, &rest[rest.len()..]),
        };
        let ended = rest.is_empty();
        rest = after;
        (!ended).then_some(row)
    };
    std::iter::from_fn(next).map(move |row| &row[dialect.trimmed(row)]).filter(|row| !row.is_empty())
}

/// The cells of a row of RFC 4180.
fn quoted_cells(row: &[u8], delimiter: u8) -> Vec<Cow<'_, [u8]>> {
    let mut cells = Vec::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (cell, after) = first_cell(text, delimiter);
        cells.push(cell);
        rest = after;
    }
    cells
}

/// The first cell, and what follows its delimiter. Text after a closing quote belongs to the cell.
fn first_cell(text: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let bare = |text| match memchr(delimiter, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let (cell, after) = bare(text);
        return (Cow::Borrowed(cell), after);
    };
    let mut cell = Vec::with_capacity(rest.len());
    while let Some(quote) = memchr(b'"', rest) {
        let doubled = rest.get(quote + 1) == Some(&b'"');
        cell.extend_from_slice(&rest[..quote + usize::from(doubled)]);
        rest = &rest[quote + 1 + usize::from(doubled)..];
        if !doubled {
            let (tail, after) = bare(rest);
            cell.extend_from_slice(tail);
            return (Cow::Owned(cell), after);
        }
    }
    cell.extend_from_slice(rest);
    (Cow::Owned(cell), None)
}

/// A cell of `COPY` text without its escapes (Postgres documentation, "COPY", text format). JSON that nobody escaped stays
/// as it is: without its backslashes it would be none.
fn unescaped(cell: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\\', cell).is_none() {
        return Cow::Borrowed(cell);
    }
    if cell == b"\\N" {
        return Cow::Borrowed(b"");
    }
    let mut plain = Vec::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        let escaped = rest.get(at + 1).copied();
        plain.push(match escaped {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(other) => other,
            None => b'\\',
        });
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    let is_json = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| check_json(text).is_ok());
    let raw_json = matches!(cell.first(), Some(b'{' | b'[')) && !is_json(&plain) && is_json(cell);
    if raw_json { Cow::Borrowed(cell) } else { Cow::Owned(plain) }
}

impl Columns {
    /// Tells the columns by the first rows of a text, the last of which may be cut off; `named_so` where the file's name
    /// says that it is a table.
    pub(super) fn choose(sample: &[u8], named_so: bool, options: &Options) -> Option<Columns> {
        DIALECTS.into_iter().find_map(|dialect| {
            let first = rows(sample, dialect).next()?;
            let parts = memchr(dialect.delimiter(), first).is_some();
            let alone = named_so || dialect == Dialect::Quoted(b',');
            (parts || alone).then(|| Columns::of_dialect(sample, dialect, parts, options)).flatten()
        })
    }

    fn of_dialect(sample: &[u8], dialect: Dialect, parts: bool, options: &Options) -> Option<Columns> {
        let mut sampled = rows(sample, dialect).map(|row| dialect.cells(row));
        let first = sampled.next()?;
        let rows: Vec<_> = sampled.take(SAMPLE_ROWS).collect();
        let names: Vec<String> = first.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let all = || std::iter::once(&first).chain(&rows);
        if dialect == Dialect::Quoted(b'\t') && all().flatten().any(|cell| is_copied(cell)) {
            return None;
        }
        if names.iter().all(|name| is_column_name(name)) {
            let guessed = options.chosen_field().is_none();
            let place = place_by_name(&names, &rows, options)
                .or_else(|| guessed.then(|| by_content(&rows)).flatten().map(Place::Column))
                .or_else(|| (guessed && is_flat(&names, &rows)).then_some(Place::Row))?;
            return Some(Columns { names, place, dialect, has_header: true });
        }
        // Without a header, a payload must be seen.
        let numbers: Vec<String> = (1..=names.len()).map(|n| n.to_string()).collect();
        let rows: Vec<_> = std::iter::once(first).chain(rows).collect();
        let place = match options.chosen_field() {
            Some(_) => place_by_name(&numbers, &rows, options)?,
            None => Place::Column(by_content(&rows).filter(|_| parts)?),
        };
        Some(Columns { names: numbers, place, dialect, has_header: false })
    }

    /// One row.
    pub(super) fn parse<'a>(&self, row: &'a [u8], options: &Options) -> Parsed<'a> {
        let cells = self.dialect.cells(row);
        let payload = match &self.place {
            Place::Row => return Ok(self.flat(&cells, options)),
            Place::Column(column) | Place::Within(column, _) => *column,
        };
        let envelope = context::envelope(&options.names, &|name| {
            let column = self.names.iter().position(|column| same_name(column, name))?;
            let cell = cells.get(column).filter(|_| column != payload)?;
            Some(Value::Text(String::from_utf8_lossy(cell)))
        });
        let received_at = envelope.received_at.or_else(|| self.only_time(&cells));
        let envelope = Envelope { received_at, ..envelope };
        let cell = cells.get(payload).ok_or("the row ends before the payload column")?;
        let shown = |name: &String| if is_field_name(&name.replace(' ', "_")) { name.clone() } else { WITHHELD.into() };
        let field = self.names.get(payload).map(|name| if self.has_header { shown(name) } else { name.clone() });
        let field = field.as_deref();
        if let Place::Within(_, path) = &self.place {
            let inner = std::str::from_utf8(cell).ok().and_then(|text| Object::parse(text.trim()).ok());
            let value = inner
                .as_ref()
                .and_then(|object| path.find(object))
                .ok_or("the field that was named for the payload is empty")?;
            let body = value.text().map_or_else(|| value.source().to_owned(), Cow::into_owned);
            let field = format!("{}.{path}", field.unwrap_or_default());
            let found = find::opened(text::body(body.as_bytes()).into_owned(), envelope, None, options)?;
            return Ok(Found { field: Some(field), ..found });
        }
        match text::body(cell).into_owned() {
            body if body.is_empty() => Err("the cell of the payload column is empty"),
            body => {
                let found = find::opened(body, envelope, None, options)?;
                let field = [field, found.field.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
                Ok(Found { field: Some(field), ..found })
            }
        }
    }

    /// The cells beside the payload, with the names of their columns.
    pub(super) fn beside(&self, row: &[u8]) -> Vec<(String, String)> {
        let payload = match &self.place {
            Place::Column(column) | Place::Within(column, _) => Some(*column),
            Place::Row => None,
        };
        let cells = self.dialect.cells(row);
        let named = self.names.iter().zip(&cells).enumerate().filter(|(column, _)| Some(*column) != payload);
        named.map(|(_, (name, cell))| (name.clone(), String::from_utf8_lossy(cell).into_owned())).collect()
    }

    /// Where no header says what the columns are: the time in the only cell that is one.
    fn only_time(&self, cells: &[Cow<[u8]>]) -> Option<Micros> {
        let mut times = cells.iter().filter(|_| !self.has_header).filter_map(|cell| log::time_of(cell));
        times.next().filter(|_| times.next().is_none())
    }

    /// The columns as one object: a payload that a store took apart.
    fn flat(&self, cells: &[Cow<[u8]>], options: &Options) -> Found<'static> {
        let body = flat_object(&self.names, cells);
        let envelope = match Object::parse(&body) {
            Ok(object) => Envelope { request: Default::default(), ..context::around(&object, &options.names) },
            Err(_) => Envelope::default(),
        };
        Found { body: Cow::Owned(body.into_bytes()), envelope, field: Some("all columns".into()) }
    }
}

/// Whether a cell was escaped by `COPY`: JSON whose backslashes are doubled, or a NULL.
fn is_copied(cell: &[u8]) -> bool {
    let json = matches!(cell.first(), Some(b'{' | b'['));
    cell == b"\\N" || (json && matches!(unescaped(cell), Cow::Owned(_)))
}

/// The payload column by its name: the one the user names, else the first of the usual names whose cells hold payloads (or
/// are empty in every row in sight).
fn place_by_name(names: &[String], rows: &[Vec<Cow<[u8]>>], options: &Options) -> Option<Place> {
    let position = |name: &String| names.iter().position(|column| same_name(column, name));
    let candidates: Vec<usize> = wanted(options).iter().filter_map(position).collect();
    let filled =
        |column: usize| rows.iter().filter_map(move |row| row.get(column)).filter(|cell| !trimmed(cell).is_empty());
    if let Some(chosen) = options.chosen_field() {
        let within = || {
            let (column, path) = chosen.split()?;
            Some(Place::Within(position(&column)?, path))
        };
        return candidates.first().copied().map(Place::Column).or_else(within);
    }
    let of = |holds: fn(&Cow<[u8]>) -> bool| candidates.iter().find(|column| filled(**column).any(holds));
    of(|cell| is_claimed(cell))
        .or_else(|| of(|cell| text::holds_payload(cell)))
        .or_else(|| candidates.iter().find(|column| filled(**column).next().is_none()))
        .copied()
        .map(Place::Column)
}

/// The first column with what a provider's payload is.
fn by_content(rows: &[Vec<Cow<[u8]>>]) -> Option<usize> {
    let columns = rows.iter().map(Vec::len).max()?;
    (0..columns).find(|column| rows.iter().filter_map(|row| row.get(*column)).any(|cell| is_claimed(cell)))
}

/// Whether a cell holds what a provider's payload is.
fn is_claimed(cell: &[u8]) -> bool {
    let body = text::body(cell);
    text::looks_like_payload(&body) && provider::recognises(&body, &Envelope::default())
}

/// Whether the columns together are what a provider's payload is.
fn is_flat(names: &[String], rows: &[Vec<Cow<[u8]>>]) -> bool {
    names.len() > 1
        && rows.iter().any(|cells| {
            let body = flat_object(names, cells);
            Object::parse(&body).is_ok_and(|object| provider::recognises_object(&object, &Envelope::default()))
        })
}

/// Cells under their names as a JSON object; empty ones are left out, JSON in a cell is JSON in the object.
fn flat_object(names: &[String], cells: &[Cow<[u8]>]) -> String {
    let fields = names.iter().zip(cells).filter(|(_, cell)| !trimmed(cell).is_empty()).map(|(name, cell)| {
        let text = String::from_utf8_lossy(cell);
        let json = matches!(text.trim().as_bytes().first(), Some(b'{' | b'[')) && check_json(&text).is_ok();
        let value = if json { text.trim().to_owned() } else { serde_json::Value::from(text.as_ref()).to_string() };
        format!("{}:{value}", serde_json::Value::from(name.as_str()))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(text: &str, body_field: Option<&str>) -> Option<usize> {
        let options = Options { body_field: body_field.map(String::from), ..Options::default() };
        match Columns::choose(text.as_bytes(), true, &options)?.place {
            Place::Column(column) | Place::Within(column, _) => Some(column),
            Place::Row => Some(usize::MAX),
        }
    }

    #[test]
    fn the_payload_column_is_the_first_usual_name_with_payloads_in_it() {
        assert_eq!(choose("data,payload\n{},\"{\"\"a\"\":1}\"\n", None), Some(1));
        assert_eq!(choose("id,response,data\n1,OK,\"{\"\"a\"\":1}\"\n", None), Some(2));
        assert_eq!(choose("id,Raw-Response\n1,callBackType=NETVERIFYID&idType=PASSPORT\n", None), Some(1));
        assert_eq!(choose("id,event\n1,\n2,\"\"\"{\\\"\"a\\\"\":1}\"\"\"\n", None), Some(1));
        assert_eq!(choose("id,smile_result\n1,PASS\n2,FAIL\n", None), None);
        assert_eq!(choose("id,callback\n1,{}\n", None), None);
        assert_eq!(choose("id,callback,payload\n1,x,{}\n", Some("callback")), Some(1));
        assert_eq!(choose("id,payload\n1,{}\n", Some("callback")), None);
        assert_eq!(choose("id,payload\n1,\n", None), Some(1));
        assert_eq!(choose("", None), None);
    }

    fn parsed(text: &str, body_field: Option<&str>) -> Vec<Option<String>> {
        let options = Options { body_field: body_field.map(String::from), ..Options::default() };
        let columns = Columns::choose(text.as_bytes(), false, &options).expect("a table");
        let body = |row: &[u8]| Some(String::from_utf8(columns.parse(row, &options).ok()?.body.into_owned()).unwrap());
        rows(text.as_bytes(), columns.dialect).skip(usize::from(columns.has_header)).map(body).collect()
    }

    const PAYLOAD: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012","ResultText":"a\"b\nc"}"#;

    #[test]
    fn every_dialect_gives_the_same_payload() {
        let quoted = format!("\"{}\"", PAYLOAD.replace('"', "\"\""));
        let copied = PAYLOAD.replace('\\', "\\\\");
        let expected = vec![Some(PAYLOAD.to_owned()), None];
        for text in [
            format!("id,payload\n1,{quoted}\n2,\n"),
            format!("id\tpayload\n1\t{quoted}\n2\t\n"),
            format!("id;payload\n1;{quoted}\n2;\n"),
            format!("id|payload\n1|{quoted}\n2|\n"),
            format!("id\tpayload\tx\n1\t{copied}\t\\N\n2\t\\N\t\\N\n"),
            format!("1\t{copied}\t2026-10-01 10:00:00\n2\t\\N\t\\N\n"),
            format!("1\t{PAYLOAD}\t2026-10-01 10:00:00\n2\t\t\n"),
            format!("1,{quoted},x\n2,,x\n"),
            format!("id,anything\n1,{quoted}\n2,\n"),
        ] {
            assert_eq!(parsed(&text, None), expected, "{text}");
        }
    }

    #[test]
    fn a_time_beside_a_payload_counts_where_no_header_says_what_it_is() {
        let options = Options::default();
        let received = |text: &str| {
            let columns = Columns::choose(text.as_bytes(), false, &options).unwrap();
            columns.parse(text.as_bytes(), &options).unwrap().envelope.received_at.map(Micros::rfc3339)
        };
        let plain = r#"{"SmileJobID":"0000000007","ResultCode":"1012"}"#;
        assert_eq!(received(&format!("1\t{plain}\t2026-10-01 10:00:00+00")), Some("2026-10-01T10:00:00Z".into()));
        assert_eq!(received(&format!("2026-10-01 10:00:00\t{plain}\t2026-10-02 10:00:00")), None);
    }

    #[test]
    fn rows_that_a_store_took_apart_are_put_together() {
        let text = "id,smile_job_id,result_code,result_text,actions,full_name\n7,0000000007,1012,Exact Match,\"{\"\"Verify_ID_Number\"\":\"\"Verified\"\"}\",\n";
        let expected = r#"{"id":"7","smile_job_id":"0000000007","result_code":"1012","result_text":"Exact Match","actions":{"Verify_ID_Number":"Verified"}}"#;
        assert_eq!(parsed(text, None), [Some(expected.to_owned())]);
    }

    #[test]
    fn a_field_inside_a_column_can_be_named() {
        let text = "id,event\n1,\"{\"\"a\"\":{\"\"b\"\":\"\"{\\\"\"x\\\"\":1}\"\"}}\"\n";
        assert_eq!(parsed(text, Some("event.a.b")), [Some(r#"{"x":1}"#.to_owned())]);
        assert_eq!(parsed("1\t{\"x\":1}\n", Some("2")), [Some(r#"{"x":1}"#.to_owned())]);
    }

    #[test]
    fn a_row_with_a_payload_in_it_is_no_header_and_a_claimed_column_comes_first() {
        use base64::Engine;
        let plain = r#"{"SmileJobID":"0000000007","ResultCode":"1012"}"#;
        let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(plain);
        let all = vec![Some(plain.to_owned()); 2];
        assert_eq!(parsed(&format!("1,Jane Roe,{coded}\n2,Ann Poe,{coded}\n"), None), all);
        let quoted = format!("\"{}\"", plain.replace('"', "\"\""));
        assert_eq!(parsed(&format!("1,Jane,NULL\n2,Ann,{quoted}\n"), None)[1], all[0]);
        let two = format!("id,request_body,response_body\n1,\"{{\"\"a\"\":1}}\",{quoted}\n2,,{quoted}\n");
        assert_eq!(parsed(&two.replace("response_body", "response"), None), all);
    }

    #[test]
    fn other_text_is_no_table() {
        let choose = |text: &str| Columns::choose(text.as_bytes(), false, &Options::default());
        for text in ["id,name\n1,x\n", "data=1&payload=2\n", "whatever, it is\nand, more\n", ""] {
            assert_eq!(choose(text), None, "{text}");
        }
        assert!(looked_for(&Options::default()).contains("raw_response"));
        let long = Options { body_field: Some("x".repeat(1000)), ..Options::default() };
        assert_eq!(looked_for(&long).chars().count(), 300);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[\"\\\\a{}:,;\t\n N.]{0,60}") {
            if let Some(columns) = Columns::choose(text.as_bytes(), true, &Options::default()) {
                for row in rows(text.as_bytes(), columns.dialect) {
                    let _ = columns.parse(row, &Options::default());
                }
            }
        }

        #[test]
        fn cells_are_those_of_the_csv_crate(text in r#"[",a\n]{1,30}"#) {
            let text = text.trim();
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .terminator(::csv::Terminator::Any(b'\n'))
                .from_reader(text.as_bytes());
            for (record, row) in reader.byte_records().zip(rows(text.as_bytes(), Dialect::Quoted(b','))) {
                let expected: Vec<Vec<u8>> = record.unwrap().iter().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(quoted_cells(row, b',').into_iter().map(Cow::into_owned).collect::<Vec<_>>(), expected);
            }
        }
    }
}
