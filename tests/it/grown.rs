//! Files that grew between two runs: only what is new is read, and the answers are those of one run over the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::util::display::array_value_to_string;
use kycmart::engine::Engine;
use kycmart::engine::duckdb::{DuckDb, Resources};
use kycmart::ingest::{InputSummary, Progress, RejectSummary, Source, Summary, UnreadInput, ingest};
use kycmart::mart::Mart;
use kycmart::normalise::Normaliser;
use kycmart::provider::catalogue::Catalogue;
use kycmart::record::Provider;
use proptest::prelude::*;

use crate::support::{folder, kycmart_in, query};

struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: usize) {}
    fn input_done(&self, _: &str) {}
    fn payloads(&self, _: u64) {}
    fn unread(&self, input: &UnreadInput) {
        panic!("{input:?}");
    }
    fn reject(&self, _: &RejectSummary) {}
}

/// A mart and the folder that its sources are in.
struct Place {
    folder: tempfile::TempDir,
}

type Row = BTreeMap<String, String>;

impl Place {
    fn new() -> Self {
        Place { folder: folder() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and takes it in.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Summary {
        std::fs::write(self.path(name), content).expect("a file");
        self.take_in(&[name])
    }

    fn take_in(&self, names: &[&str]) -> Summary {
        let sources: Vec<Source> =
            names.iter().map(|name| Source { path: self.path(name), ..Source::default() }).collect();
        self.take_in_sources(&sources)
    }

    fn take_in_sources(&self, sources: &[Source]) -> Summary {
        let mut mart = Mart::open_or_create(&self.path("mart")).expect("a mart");
        let rules = Normaliser { catalogue: Catalogue::builtin(), key: None, dimensions: &[], show_personal: false };
        let summary = ingest(&mut mart, sources, &rules, &Quiet).expect("an ingest");
        assert!(summary.accounting_holds && summary.unread_inputs.is_empty());
        summary
    }

    fn rows(&self, select: &str) -> Vec<Row> {
        let mut engine = DuckDb::open(&Resources { threads: Some(1), ..Resources::default() }).expect("an engine");
        let mart = Mart::open(&self.path("mart")).expect("a mart");
        mart.register_stored(&mut engine, &[]).expect("tables");
        let mut rows = Vec::new();
        for batch in engine.select(select).unwrap_or_else(|e| panic!("{select}: {e}")) {
            let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
            let cell = |column: usize, row: usize| array_value_to_string(batch.column(column), row).expect("a value");
            rows.extend(
                (0..batch.num_rows())
                    .map(|row| (0..names.len()).map(|c| (names[c].clone(), cell(c, row))).collect::<Row>()),
            );
        }
        rows
    }
}

/// What became of the only input: where reading began, payloads seen, new, known and rejected.
fn counts(summary: &Summary) -> (Option<u64>, [u64; 4]) {
    let [InputSummary { resumed_at, .. }] = summary.inputs.as_slice() else { panic!("{:?}", summary.inputs) };
    let counts = [summary.payloads_seen, summary.payloads_new, summary.payloads_known, summary.payloads_rejected];
    (*resumed_at, counts)
}

/// A payload that names its job.
fn named(job: usize) -> String {
    format!(r#"{{"SmileJobID":"{job:010}","ResultCode":"1012","PartnerParams":{{"job_id":"o-{job}","job_type":5}}}}"#)
}

/// A payload that only its place tells from another like it.
const NAMELESS: &str = r#"{"error":"not now","code":"2215"}"#;

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn of_a_log_that_grew_only_the_new_rows_are_read() {
    let place = Place::new();
    let first = lines(&[&named(1), NAMELESS, "{broken"]);
    assert_eq!(counts(&place.write("a.ndjson", &first)), (None, [3, 2, 0, 1]));
    let second = first.clone() + &lines(&[NAMELESS, &named(1), &named(2)]);
    assert_eq!(counts(&place.write("a.ndjson", &second)), (Some(first.len() as u64), [6, 2, 4, 0]));
    let third = second.clone() + &lines(&[&named(3)]);
    assert_eq!(counts(&place.write("a.ndjson", &third)), (Some(second.len() as u64), [7, 1, 6, 0]));
    assert_eq!(counts(&place.take_in(&["a.ndjson"])), (None, [7, 0, 7, 0]));
    let rows = place.rows("SELECT bytes, payloads, resume_offset, resume_index, format FROM inputs ORDER BY bytes");
    let expected = [(first.len(), 3), (second.len(), 6), (third.len(), 7)];
    for (row, (bytes, payloads)) in rows.iter().zip(expected) {
        let cells = ["bytes", "payloads", "resume_offset", "resume_index", "format"].map(|name| row[name].clone());
        assert_eq!(
            cells,
            [bytes, payloads, bytes, payloads]
                .map(|n| n.to_string())
                .into_iter()
                .chain(["ndjson".to_owned()])
                .collect::<Vec<_>>()[..]
        );
    }
    assert_eq!(rows.len(), 3);
}

#[test]
fn a_log_is_known_by_its_content_when_it_was_renamed_and_grew() {
    let place = Place::new();
    let first = lines(&[NAMELESS, &named(1), NAMELESS]);
    place.write("app.log", &first);
    std::fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    let grown = first.clone() + &lines(&[NAMELESS]);
    assert_eq!(counts(&place.write("app.log.1", &grown)), (Some(first.len() as u64), [4, 1, 3, 0]));
    // A new log under the old name is a file of its own.
    assert_eq!(counts(&place.write("app.log", lines(&[&named(7), &named(8)]))), (None, [2, 2, 0, 0]));
}

#[test]
fn what_shrank_or_changed_is_read_from_its_beginning() {
    let place = Place::new();
    let all = lines(&[&named(1), &named(2), &named(3)]);
    place.write("a.ndjson", &all);
    assert_eq!(counts(&place.write("a.ndjson", lines(&[&named(1), &named(2)]))), (None, [2, 0, 2, 0]));
    let grown = all.replace("o-2", "p-2") + &lines(&[&named(4)]);
    assert_eq!(counts(&place.write("a.ndjson", grown)), (None, [4, 2, 2, 0]));
}

#[test]
fn a_line_that_was_half_written_is_read_again() {
    let place = Place::new();
    let (first, second) = (lines(&[&named(1)]), named(2));
    let (half, rest) = second.split_at(20);
    assert_eq!(counts(&place.write("a.ndjson", first.clone() + half)), (None, [2, 1, 0, 1]));
    assert_eq!(counts(&place.write("a.ndjson", first.clone() + half + rest)), (Some(first.len() as u64), [2, 1, 1, 0]));
    // Whole, but without its line end: read again, and known.
    let all = first.clone() + &second + "\n" + &lines(&[&named(3)]);
    assert_eq!(counts(&place.write("a.ndjson", &all)), (Some(first.len() as u64), [3, 1, 2, 0]));
    assert_eq!(counts(&place.write("a.ndjson", all.clone() + &lines(&[&named(4)]))).0, Some(all.len() as u64));
}

#[test]
fn what_was_no_list_of_rows_is_read_from_its_beginning() {
    let place = Place::new();
    for (name, before, after) in [
        ("a.json", format!("{}\n", named(1)), format!("{}\n{}\n", named(1), named(2))),
        ("b.json", "{\n\"a\": 1\n}\n".to_owned(), format!("{{\n\"a\": 1\n}}\n{}\n", named(3))),
        (
            "c.json",
            format!("[{},\n{}]\n", named(4), named(5)),
            format!("[{},\n{}]\n[{}]\n", named(4), named(5), named(6)),
        ),
    ] {
        place.write(name, before);
        assert_eq!(counts(&place.write(name, after)).0, None, "{name}");
    }
    assert!(place.rows("SELECT * FROM inputs WHERE resume_offset IS NOT NULL AND format <> 'ndjson'").is_empty());
}

#[test]
fn a_table_keeps_its_columns_when_it_is_read_on() {
    let place = Place::new();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\"").replace(",", ",\r\n"));
    let head = "\u{feff}id,received_at,payload\r\n";
    let row = |n: usize| format!("{n},2026-03-02T10:00:0{n}Z,{}\r\n", cell(&named(n)));
    let first = format!("{head}{}{}", row(1), row(2));
    let cut = first.clone() + &row(3)[..80];
    assert_eq!(counts(&place.write("a.csv", &cut)), (None, [3, 2, 0, 1]));
    let all = format!("{first}{}{}", row(3), row(4));
    assert_eq!(counts(&place.write("a.csv", &all)), (Some(first.len() as u64), [4, 2, 2, 0]));
    let times =
        place.rows("SELECT received_at_us AS t, source_offset AS o, source_index AS i FROM receipts ORDER BY i, o");
    let place_of = |n: usize| format!("{}", head.len() + (n - 1) * row(1).len());
    let last = times.last().unwrap();
    assert_eq!((last["o"].clone(), last["i"].as_str()), (place_of(4), "3"));
    assert_eq!(last["t"].parse::<i64>().unwrap() - times[0]["t"].parse::<i64>().unwrap(), 3_000_000);
}

#[test]
fn a_copy_that_grew_is_recognised_within_one_run() {
    let place = Place::new();
    let first = lines(&[&named(1), NAMELESS]);
    std::fs::write(place.path("a.ndjson"), &first).unwrap();
    std::fs::write(place.path("b.ndjson"), first.clone() + &lines(&[&named(2)])).unwrap();
    let summary = place.take_in(&["a.ndjson", "b.ndjson"]);
    assert_eq!(summary.inputs[1].resumed_at, Some(first.len() as u64));
    assert_eq!((summary.payloads_seen, summary.payloads_new, summary.payloads_known), (5, 3, 2));
}

#[test]
fn configuration_that_changed_meanwhile_holds_for_what_is_new() {
    let place = Place::new();
    let first = lines(&[&named(1), &named(2)]);
    place.write("a.ndjson", &first);
    std::fs::write(place.path("a.ndjson"), first.clone() + &lines(&[&named(3)])).unwrap();
    let source = Source {
        path: place.path("a.ndjson"),
        provider: Some(Provider::SmileId),
        partner: Some("085".into()),
        ..Source::default()
    };
    assert_eq!(counts(&place.take_in_sources(&[source])), (Some(first.len() as u64), [3, 1, 2, 0]));
    let partners = place.rows("SELECT provider_job_id AS job, partner FROM observations ORDER BY job");
    let partners: Vec<_> = partners.iter().map(|row| (row["job"].as_str(), row["partner"].as_str())).collect();
    assert_eq!(partners, [("0000000001", ""), ("0000000002", ""), ("0000000003", "85")]);
}

#[test]
fn the_program_says_where_it_went_on() {
    let folder = folder();
    let home = folder.path();
    let first = lines(&[&named(1), &named(2)]);
    std::fs::write(home.join("a.ndjson"), &first).unwrap();
    kycmart_in(home, &["ingest", "a.ndjson", "--mart", "m"]).expect(0);
    std::fs::write(home.join("a.ndjson"), first + &lines(&[&named(3)])).unwrap();
    let run = kycmart_in(home, &["ingest", "a.ndjson", "--mart", "m"]).expect(0);
    assert!(run.err.contains("3 payloads seen = 1 new + 2 already known + 0 rejected"), "{}", run.err);
    assert_eq!(query(home, "m", "SELECT COUNT(*) AS n FROM receipts")[0]["n"], "3");
}

// ---- any file, grown in any steps -------------------------------------------------------------------------------------

/// One row: how it is written, and which job it is about.
fn any_row() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => (0usize..30).prop_map(named),
        2 => Just(NAMELESS.to_owned()),
        1 => (0usize..9).prop_map(|n| format!(r#"{{"received_at":"2026-03-02T10:00:0{n}Z","body":{NAMELESS}}}"#)),
        1 => (1usize..60).prop_map(|n| named(7)[..n].to_owned()),
        1 => Just(" \t ".to_owned()),
        1 => Just("not a payload".to_owned()),
    ]
}

/// A file: its name, its bytes, and where it is cut.
fn any_file() -> impl Strategy<Value = (&'static str, Vec<u8>, Vec<usize>)> {
    let rows = prop::collection::vec((any_row(), prop::sample::select(vec!["\n", "\n", "\r\n", "\n\n"])), 1..12);
    let name = prop::sample::select(vec!["a.ndjson", "a.log", "a.csv", "export"]);
    (rows, name, any::<bool>(), any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 1..4)).prop_map(
        |(rows, name, mark, ended, cuts)| {
            let is_table = matches!(name, "a.csv" | "export");
            let quoted = |row: &str| format!("7,\"{}\"", row.replace('"', "\"\"").replace(',', ",\n"));
            let mut text =
                String::from(if mark { "\u{feff}" } else { "" }) + if is_table { "id,payload\n" } else { "" };
            for (row, end) in &rows {
                text += &if is_table && !row.trim().is_empty() { quoted(row) } else { row.clone() };
                text += end;
            }
            if !ended {
                text.truncate(text.trim_end().len());
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            (name, text.into_bytes(), cuts)
        },
    )
}

/// What a mart answers, without what tells runs apart.
#[derive(Debug, PartialEq)]
struct Answers {
    observations: BTreeSet<Row>,
    deliveries: BTreeSet<Row>,
    rejects: BTreeSet<Row>,
}

fn answers(place: &Place, path: &Path) -> Answers {
    let all = |select: &str| -> Vec<Row> {
        let mut rows = place.rows(select);
        for row in &mut rows {
            row.retain(|name, _| !matches!(name.as_str(), "batch_id" | "input_digest"));
            if let Some(source) = row.get_mut("source") {
                assert_eq!(*source, path.display().to_string());
            }
        }
        rows
    };
    let observations = all("SELECT * FROM observations");
    let once: BTreeSet<Row> = observations.iter().cloned().collect();
    assert_eq!(once.len(), observations.len(), "nothing is there twice");
    Answers {
        observations: once,
        deliveries: all("SELECT * FROM receipts").into_iter().collect(),
        rejects: all("SELECT * FROM rejects").into_iter().collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_grew_in_any_steps_gives_the_answers_of_the_whole((name, bytes, cuts) in any_file()) {
        // A file without a row is one reject of its own, whose place is the file's.
        prop_assume!(String::from_utf8_lossy(&bytes).chars().any(|c| !c.is_whitespace() && c != '\u{feff}'));
        let grown = Place::new();
        let path = grown.path(name);
        for cut in cuts {
            grown.write(name, &bytes[..cut]);
        }
        grown.write(name, &bytes);
        let mut found = answers(&grown, &path);
        // The same path, so that the same rows are the same payloads.
        std::fs::remove_dir_all(grown.path("mart")).unwrap();
        grown.write(name, &bytes);
        let expected = answers(&grown, &path);
        // Half rows were rejects of their own.
        let halves: BTreeSet<String> =
            found.rejects.difference(&expected.rejects).map(|row| row["payload_key"].clone()).collect();
        found.rejects.retain(|row| !halves.contains(&row["payload_key"]));
        found.deliveries.retain(|row| !halves.contains(&row["payload_key"]));
        prop_assert_eq!(found, expected);
    }
}
