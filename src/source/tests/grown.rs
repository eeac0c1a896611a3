//! Files that grew: what is read on is what reading the whole would have given.

use std::cell::Cell;
use std::io::{Seek, SeekFrom};
use std::rc::Rc;

use proptest::prelude::*;

use super::super::grown::{Stored, read_stored};
use super::*;

/// A file in memory that counts the bytes read of it.
struct Counted {
    bytes: Cursor<Rc<[u8]>>,
    count: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// The rows read, each with its number; the summary; the bytes read.
fn read_on(
    name: &str,
    bytes: &[u8],
    start: Option<&Start>,
    options: &Options,
) -> (Vec<(u64, Seen)>, InputSummary, u64) {
    let (bytes, count): (Rc<[u8]>, _) = (bytes.into(), Rc::new(Cell::new(0)));
    let open = || {
        let counted = Counted { bytes: Cursor::new(Rc::clone(&bytes)), count: Rc::clone(&count) };
        Ok(Box::new(counted) as Box<dyn Stored>)
    };
    let mut seen = Vec::new();
    let summary = read_stored(&open, &Input::file(name), options, bytes.len() as u64, start, &mut |chunk| {
        seen.extend(chunk.items().map(|item| match item {
            Item::Payload(Payload { body, envelope, offset, index, .. }) => {
                (index, Seen::Body { body: body.into_owned(), envelope, offset })
            }
            Item::Broken(Broken { reason, digest, bytes, offset, index, .. }) => {
                (index, Seen::Broken { reason, bytes, offset, digest })
            }
        }));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(summary.digest, blake3::hash(&bytes).to_hex().to_string());
    assert_eq!(summary.bytes, bytes.len() as u64);
    (seen, summary, count.get())
}

fn stop(name: &str, text: &str) -> Option<(u64, u64)> {
    read_on(name, text.as_bytes(), None, &Options::default()).1.stop.map(|mark| (mark.offset, mark.index))
}

/// Where to go on in a file that begins with these bytes, read in parts before.
fn start(name: &str, before: &[u8], options: &Options) -> Option<Start> {
    let (_, summary, _) = read_on(name, before, None, options);
    let mark = summary.stop?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before[..mark.offset as usize]);
    Some(Start { mark, format: summary.format.to_owned(), hasher })
}

#[test]
fn reading_stops_behind_the_last_row_that_a_line_break_ended() {
    assert_eq!(stop("a.ndjson", "{}\n{}\n"), Some((6, 2)));
    assert_eq!(stop("a.ndjson", "{}\r\n\r\n{}"), Some((6, 1)));
    assert_eq!(stop("a.ndjson", "\u{feff}{}\n{\"half"), Some((6, 1)));
    assert_eq!(stop("a", "{}\n{}\n  \n"), Some((9, 2)));
    assert_eq!(stop("a.csv", "payload\n\"{\n}\"\n\"{\n"), Some((14, 1)));
}

#[test]
fn what_is_no_list_of_rows_cannot_be_taken_up_again() {
    for (name, text) in [
        ("a.json", "{}\n"),
        ("a.json", "[{},\n{}]\n"),
        ("a.json", "{\n\"a\": 1\n}\n"),
        ("a.ndjson", "{}"),
        ("a.ndjson", "\n\n"),
        ("a.csv", "payload\n"),
        ("a.csv", "id,name\n1,x\n2,y\n"),
        // The half row chose the column.
        ("a.csv", "id,payload,data\n1,,{}\n2,{}"),
    ] {
        assert_eq!(stop(name, text), None, "{text}");
    }
    for stored in [gzip(b"{}\n{}\n"), zstandard(b"{}\n{}\n")] {
        assert_eq!(read_on("a.ndjson", &stored, None, &Options::default()).1.stop, None);
    }
}

#[test]
fn the_reader_jumps_over_what_it_has_read() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000));
    let before = line.repeat(20_000).into_bytes();
    let start = start("a.ndjson", &before, &Options::default());
    let grown = [before.as_slice(), b"{\"b\":1}\n{\"b\":2}\n"].concat();
    let (seen, summary, read) = read_on("a.ndjson", &grown, start.as_ref(), &Options::default());
    let offset = before.len() as u64;
    assert_eq!(seen, [(20_000, body("{\"b\":1}", offset)), (20_001, body("{\"b\":2}", offset + 8))]);
    assert_eq!(summary.start, Some(Mark { offset, index: 20_000 }));
    assert_eq!((summary.payloads, summary.stop), (20_002, Some(Mark { offset: offset + 16, index: 20_002 })));
    assert!(read < 1 << 20, "{read} bytes of {} were read", grown.len());
}

#[test]
fn a_file_is_read_from_its_beginning_where_its_first_rows_could_read_differently() {
    let options = Options::default();
    let start = start("a.csv", b"id,payload,data\n1,,{}\n", &options).unwrap();
    for (grown, resumed) in [("2,,{}\n", true), ("2,x,{}\n", true), ("2,{},{}\n", false)] {
        let grown = format!("id,payload,data\n1,,{{}}\n{grown}");
        let (seen, summary, _) = read_on("a.csv", grown.as_bytes(), Some(&start), &options);
        assert_eq!((summary.start.is_some(), seen.len()), (resumed, if resumed { 1 } else { 2 }), "{grown}");
    }
    let other = Start { format: "ndjson".into(), ..start };
    assert_eq!(read_on("a.csv", b"id,payload,data\n1,,{}\n", Some(&other), &options).1.start, None);
}

fn any_rows() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => r#"\{"a":"[a-z\\,]{0,8}"\}"#,
        1 => r#"\{"body":\{"b":[0-9]{1,3}\},"kind":"callback"\}"#,
        1 => "[ \t]{0,3}",
        1 => r#"[\[\]{}",a= \\]{0,90}"#,
    ];
    let record = prop_oneof![
        4 => r#"[0-9]?,"\{""a"":(\n|\r\n)?[0-9]\}",x?"#,
        1 => r#"[0-9],,"\{""b"":[0-9]\}""#,
        1 => "[ \t]{0,3}",
        1 => r#"[",a\n]{0,12}"#,
    ];
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n"]);
    let lines = prop::collection::vec((line, end.clone()), 0..14).prop_map(|rows| (rows, ""));
    let records = (
        prop::collection::vec((record, end), 0..14),
        prop::sample::select(vec!["id,payload,data\n", "data,payload,id\r\n"]),
    );
    let joined = |(rows, head): (Vec<(String, &str)>, &str)| {
        rows.iter().fold(head.to_owned(), |text, (row, end)| text + row + end)
    };
    (prop_oneof![lines.prop_map(joined), records.prop_map(joined)], any::<bool>())
        .prop_map(|(text, marked)| if marked { format!("\u{feff}{text}") } else { text })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn reading_on_gives_what_reading_the_whole_gives(
        text in any_rows(),
        name in prop::sample::select(vec!["a", "a.ndjson", "a.csv"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        (chunk_bytes, chunk_rows) in (1usize..200, 1usize..5),
    ) {
        let limits = Limits { max_payload_bytes: 64, chunk_bytes, chunk_rows, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let bytes = text.as_bytes();
        let whole = read_on(name, bytes, None, &options);
        for cut in cuts.iter().map(|cut| cut.index(bytes.len() + 1)) {
            let Some(start) = start(name, &bytes[..cut], &options) else { continue };
            let (seen, summary, _) = read_on(name, bytes, Some(&start), &options);
            let first = summary.start.map_or(0, |mark| mark.index);
            let expected: Vec<_> = whole.0.iter().filter(|(index, _)| *index >= first).cloned().collect();
            prop_assert_eq!(&seen, &expected, "{:?}", &bytes[..cut]);
            prop_assert_eq!((summary.payloads, summary.stop), (whole.1.payloads, whole.1.stop));
            // And what was read before is the beginning of the whole.
            if summary.start.is_some() {
                let before = read_on(name, &bytes[..cut], None, &options).0;
                let count = start.mark.index as usize;
                prop_assert_eq!(&before[..count], &whole.0[..count]);
            }
        }
    }
}
