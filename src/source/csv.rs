//! CSV exports: which column holds the payload, and a row as payload and envelope.
//!
//! Rows come one by one, already cut; the `csv` crate builds a state machine for every reader, which costs far more than
//! a row, so cells are taken apart here and the crate is the test's judge.
//!
//! Not here: where a row ends (`split`), other dialects than RFC 4180.

use std::borrow::Cow;

use memchr::memchr;

use super::Options;
use super::chunk::Parsed;
use super::row;
use super::split::{Field, Splitter};
use super::window::trimmed;
use crate::provider::wire::{Value, same_name};

/// What stores call the column that holds the payload.
const USUAL_NAMES: [&str; 10] = [
    "payload",
    "body",
    "raw_response",
    "full_response",
    "smile_result",
    "response",
    "data",
    "event",
    "result_json",
    "json",
];

/// How many rows are looked at to choose the payload column.
const SAMPLE_ROWS: usize = 20;

/// Longest list of column names in a message.
const LONGEST_DETAIL: usize = 300;

/// The columns of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    names: Vec<String>,
    payload: usize,
}

/// Names under which a payload column is looked for, the best first.
pub(super) fn wanted(options: &Options) -> Vec<String> {
    match options.body_name() {
        (name, true) => vec![name.to_owned()],
        (_, false) => USUAL_NAMES.map(String::from).to_vec(),
    }
}

/// What to say where no column holds payloads.
pub(super) fn looked_for(wanted: &[String]) -> String {
    let detail = format!("no column holds payloads: looked for {}", wanted.join(", "));
    detail.chars().take(LONGEST_DETAIL).collect()
}

/// Whether a line reads as a header with a payload column in it.
pub(super) fn is_header(line: &[u8], wanted: &[String]) -> bool {
    let names = header(line);
    names.iter().all(|name| is_column_name(name)) && names.iter().any(|name| wanted.iter().any(|w| same_name(name, w)))
}

fn is_column_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
}

/// The rows of a text that are not blank; the last may be cut off.
fn rows(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut splitter, mut rest) = (Splitter::Records(Field::default()), text);
    let next = move || {
        let (row, after) = match splitter.find(rest) {
            Some(cut) => (&rest[..cut.end], &rest[cut.next..]),
            None => (rest, &rest[rest.len()..]),
        };
        let ended = rest.is_empty();
        rest = after;
        (!ended).then_some(row)
    };
    std::iter::from_fn(next).map(|row| &row[trimmed(row)]).filter(|row| !row.is_empty())
}

fn header(text: &[u8]) -> Vec<String> {
    let cells = rows(text).next().map(cells).unwrap_or_default();
    cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
}

/// The cells of one row.
fn cells(row: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut cells = Vec::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (cell, after) = first_cell(text);
        cells.push(cell);
        rest = after;
    }
    cells
}

/// The first cell, and what follows its comma. Text after a closing quote belongs to the cell.
fn first_cell(text: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let bare = |text| match memchr(b',', text) {
        Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
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

impl Columns {
    /// Chooses the payload column by the header and the first rows: the one the user names, else the first of the usual
    /// names whose cells look like payloads (or are empty in every row in sight).
    pub(super) fn choose(sample: &[u8], wanted: &[String], options: &Options) -> Option<Columns> {
        let names = header(sample);
        let position = |name: &String| names.iter().position(|column| same_name(column, name));
        let candidates: Vec<usize> = wanted.iter().filter_map(position).collect();
        let rows: Vec<_> = rows(sample).skip(1).take(SAMPLE_ROWS).map(cells).collect();
        let filled =
            |column: usize| rows.iter().filter_map(move |row| row.get(column)).filter(|cell| !trimmed(cell).is_empty());
        let named = if options.body_name().1 { candidates.first() } else { None };
        let payload = named
            .or_else(|| candidates.iter().find(|column| filled(**column).any(|cell| looks_like_payload(cell))))
            .or_else(|| candidates.iter().find(|column| filled(**column).next().is_none()));
        payload.copied().map(|payload| Columns { names, payload })
    }

    /// One row.
    pub(super) fn parse<'a>(&self, row: &'a [u8], options: &Options) -> Parsed<'a> {
        let cells = cells(row);
        let cell = cells.get(self.payload).ok_or("the row ends before the payload column")?;
        let inner = trimmed(cell);
        if inner.is_empty() {
            return Err("the cell of the payload column is empty");
        }
        let body = match (row::unquoted(&cell[inner.clone()]), cell) {
            (Some(decoded), _) => Cow::Owned(decoded.into_bytes()),
            (None, Cow::Borrowed(cell)) => Cow::Borrowed(&cell[inner]),
            (None, Cow::Owned(cell)) => Cow::Owned(cell[inner].to_vec()),
        };
        let envelope = row::envelope(&options.names, &|name| {
            let column = self.names.iter().position(|column| same_name(column, name))?;
            let cell = cells.get(column).filter(|_| column != self.payload)?;
            Some(Value::Text(String::from_utf8_lossy(cell)))
        });
        Ok((body, envelope))
    }
}

fn looks_like_payload(cell: &[u8]) -> bool {
    let cell = &cell[trimmed(cell)];
    row::looks_like_payload(cell) || row::unquoted(cell).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(text: &str, body_field: Option<&str>) -> Option<usize> {
        let options = Options { body_field: body_field.map(String::from), ..Options::default() };
        Columns::choose(text.as_bytes(), &wanted(&options), &options).map(|columns| columns.payload)
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

    #[test]
    fn headers_are_told_from_other_lines() {
        let is_header = |line: &str| is_header(line.as_bytes(), &wanted(&Options::default()));
        assert!(is_header("id,\"payload\",created at\r"));
        assert!(!is_header("id,name"));
        assert!(!is_header("data=1&payload=2"));
        assert!(!is_header("{\"payload\":1}"));
        assert!(!is_header(""));
    }

    #[test]
    fn the_names_looked_for_are_said_at_bounded_length() {
        assert!(looked_for(&wanted(&Options::default())).contains("raw_response"));
        assert_eq!(looked_for(&["x".repeat(1000)]).chars().count(), 300);
    }

    proptest! {
        #[test]
        fn cells_are_those_of_the_csv_crate(text in r#"[",a\n]{1,30}"#) {
            let text = text.trim();
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .terminator(::csv::Terminator::Any(b'\n'))
                .from_reader(text.as_bytes());
            for (record, row) in reader.byte_records().zip(rows(text.as_bytes())) {
                let expected: Vec<Vec<u8>> = record.unwrap().iter().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(cells(row).into_iter().map(Cow::into_owned).collect::<Vec<_>>(), expected);
            }
        }
    }
}
