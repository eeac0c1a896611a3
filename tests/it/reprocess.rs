//! `kycmart mart reprocess`: the recorded sources decoded again, all of it in one commit or none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{command, folder, kycmart_in, query, report_files};

type Rows = Vec<BTreeMap<String, String>>;

const TABLES: [&str; 8] =
    ["observations", "checks", "receipts", "authority_status", "submissions", "rejects", "unknown_fields", "inputs"];

/// A folder with two invented archives, the second with replays of the first.
fn with_archives() -> tempfile::TempDir {
    let home = folder();
    for (out, seed) in [("a", "1"), ("b", "2")] {
        kycmart_in(home.path(), &["sample", "--out", out, "--payloads", "400", "--seed", seed]).expect(0);
    }
    fs::create_dir(home.path().join("c")).unwrap();
    fs::write(home.path().join("c/replay.ndjson"), replays(&home.path().join("a"))).unwrap();
    home
}

/// Some plain rows of an archive, as another file.
fn replays(archive: &Path) -> String {
    let mut lines = Vec::new();
    for entry in walkdir(archive) {
        if entry.extension().is_some_and(|e| e == "ndjson") {
            lines.extend(fs::read_to_string(entry).unwrap().lines().step_by(5).take(30).map(str::to_owned));
        }
    }
    lines.join("\n") + "\n"
}

fn walkdir(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walkdir(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn ingest(home: &Path, mart: &str, sources: &[&str], flags: &[&str]) {
    kycmart_in(home, &[&["ingest", "--mart", mart], sources, flags].concat()).expect(0);
}

fn reprocess(home: &Path, mart: &str, flags: &[&str]) -> Value {
    let run = kycmart_in(home, &[&["mart", "reprocess", "--mart", mart, "--format", "json"], flags].concat()).expect(0);
    serde_json::from_str(&run.out).expect("JSON")
}

/// All rows that count, of every table, without what names the batch; sorted.
fn rows(home: &Path, mart: &str) -> BTreeMap<&'static str, Rows> {
    let of = |table: &'static str| {
        let batch = "'' || (SELECT COUNT(*) FROM batches o WHERE o.finished_at < b.finished_at) AS number";
        let sql = format!("SELECT {batch}, t.* FROM {table} t JOIN batches b ON b.batch_id = t.batch_id");
        let mut rows = query(home, mart, &sql);
        for row in &mut rows {
            row.remove("batch_id");
        }
        rows.sort();
        (table, rows)
    };
    TABLES.into_iter().map(of).collect()
}

#[track_caller]
fn assert_same(one: &BTreeMap<&'static str, Rows>, other: &BTreeMap<&'static str, Rows>) {
    for (table, rows) in one {
        assert_eq!(rows.len(), other[table].len(), "rows of {table}");
        if let Some((a, b)) = rows.iter().zip(&other[table]).find(|(a, b)| a != b) {
            panic!("{table}:\n{a:?}\n{b:?}");
        }
    }
}

fn batches(home: &Path, mart: &str) -> Rows {
    query(home, mart, "SELECT * FROM batches ORDER BY finished_at")
}

fn counts(home: &Path, mart: &str) -> Vec<[String; 4]> {
    let columns = ["payloads_seen", "payloads_new", "payloads_known", "payloads_rejected"];
    batches(home, mart).iter().map(|batch| columns.map(|column| batch[column].clone())).collect()
}

fn reports(home: &Path, mart: &str) -> BTreeMap<String, Vec<u8>> {
    kycmart_in(home, &["report", "--mart", mart, "--out", "out"]).expect(0);
    report_files(&home.join("out/latest"))
}

#[test]
fn without_a_change_only_the_names_of_the_batches_change() {
    let home = with_archives();
    let home = home.path();
    for source in ["a", "b", "c"] {
        ingest(home, "m", &[source], &[]);
    }
    let (before, counted, reported, old) = (rows(home, "m"), counts(home, "m"), reports(home, "m"), batches(home, "m"));
    let plan = reprocess(home, "m", &["--dry-run"]);
    assert_eq!(plan["batches"].as_array().unwrap().len(), 3);
    assert_eq!(batches(home, "m"), old);
    for time in 1..=2 {
        let done = reprocess(home, "m", &[]);
        assert_eq!((&done["left"], &done["payloads_renamed"]), (&Value::Array(Vec::new()), &0.into()));
        assert_eq!(done["readable_before"], done["readable_after"]);
        assert_eq!(plan["payloads_decoded"], done["payloads_decoded"]);
        assert_same(&before, &rows(home, "m"));
        assert_eq!(counts(home, "m"), counted);
        let differ: Vec<String> = reports(home, "m")
            .into_iter()
            .filter(|(name, bytes)| reported[name] != *bytes)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(differ, [] as [&str; 0]);
        let new = batches(home, "m");
        for (new, old) in new.iter().zip(&old) {
            assert_eq!(new["finished_at"], old["finished_at"]);
            assert!(new["batch_id"].starts_with(&format!("{}-r{time}-", old["batch_id"])), "{}", new["batch_id"]);
            assert_eq!(new["table_rows"], old["table_rows"]);
            assert!(!new["replaced_at"].is_empty() && !new["replaces"].is_empty());
        }
    }
    // No row of a replaced batch is left to be read.
    let stray = "SELECT COUNT(*) AS n FROM observations WHERE batch_id NOT IN (SELECT batch_id FROM batches)";
    assert_eq!(query(home, "m", stray)[0]["n"], "0");
    ingest(home, "m", &["a", "b", "c"], &[]);
    assert_eq!(batches(home, "m").len(), 3, "what was reprocessed is known");
}

#[test]
fn what_was_mended_comes_out_as_if_ingested_so_from_the_start() {
    for (wrong, right) in [
        (vec!["--partner", "1"], vec!["--partner", "77"]),
        (vec!["--environment", "sandbox"], vec![]),
        (vec!["--set", "envelope.body=nothing_is_called_so"], vec![]),
        (vec!["--set", "envelope.received_at=nothing_is_called_so"], vec![]),
        (vec![], vec!["--set", "dimensions.names=[\"merchantReportingCriteria\"]"]),
    ] {
        let home = with_archives();
        let home = home.path();
        if wrong.iter().any(|flag| flag.starts_with("envelope.body")) {
            // Without a known column a CSV file is one broken payload: that is divided in another way, see below.
            walkdir(home)
                .iter()
                .filter(|f| f.extension().is_some_and(|e| e == "csv"))
                .for_each(|f| fs::remove_file(f).unwrap());
        }
        for source in ["a", "b", "c"] {
            ingest(home, "wrong", &[source], &wrong);
            ingest(home, "right", &[source], &right);
        }
        reprocess(home, "wrong", &right);
        assert_same(&rows(home, "right"), &rows(home, "wrong"));
        assert_eq!(counts(home, "wrong"), counts(home, "right"), "{wrong:?} {right:?}");
        assert!(reports(home, "wrong") == reports(home, "right"), "{wrong:?} {right:?}");
    }
}

#[test]
fn a_condition_selects_payloads() {
    let home = with_archives();
    let home = home.path();
    ingest(home, "m", &["a"], &["--partner", "1"]);
    let all: u64 = query(home, "m", "SELECT COUNT(DISTINCT payload_key) AS n FROM receipts")[0]["n"].parse().unwrap();
    let jumio = query(home, "m", "SELECT COUNT(DISTINCT payload_key) AS n FROM receipts WHERE provider = 'jumio'");
    let jumio: u64 = jumio[0]["n"].parse().unwrap();
    let done = reprocess(home, "m", &["--where", "provider = 'jumio' -- only", "--partner", "9"]);
    assert_eq!((done["payloads_selected"].as_u64(), done["payloads_decoded"].as_u64()), (Some(jumio), Some(jumio)));
    let partners = "SELECT provider, partner, COUNT(DISTINCT payload_key) AS n FROM receipts GROUP BY ALL ORDER BY ALL";
    for row in query(home, "m", partners) {
        assert_eq!(row["partner"], if row["provider"] == "jumio" { "9" } else { "1" });
    }
    let none = reprocess(home, "m", &["--where", "payload_bytes < 0"]);
    assert_eq!(none["batches"], Value::Array(Vec::new()));
    assert!(jumio > 0 && jumio < all);
    for (wrong, code) in [("provider = ", 2), ("1) OR (1", 2), ("no_such_column = 1", 2), ("", 2), ("1; SELECT 2", 2)] {
        kycmart_in(home, &["mart", "reprocess", "--mart", "m", "--where", wrong]).expect(code);
    }
}

#[test]
fn payloads_whose_source_is_gone_or_changed_keep_their_rows() {
    let home = folder();
    let home = home.path();
    let line = |job: u32| {
        format!(
            r#"{{"SmileJobID":"000000000{job}","ResultCode":"1012","PartnerParams":{{"job_id":"o-{job}","user_id":"u","job_type":5}},"timestamp":"2026-03-04T05:06:07Z"}}"#
        )
    };
    for job in 1..=4 {
        fs::write(home.join(format!("{job}.json")), line(job)).unwrap();
    }
    fs::write(home.join("grown.ndjson"), format!("{}\n", line(5))).unwrap();
    ingest(home, "m", &["1.json", "2.json", "3.json", "4.json", "grown.ndjson"], &["--partner", "1"]);
    fs::remove_file(home.join("1.json")).unwrap();
    fs::write(home.join("2.json"), line(9)).unwrap();
    // 3 is gone from where it was first, and was delivered again.
    fs::rename(home.join("3.json"), home.join("again.json")).unwrap();
    fs::write(home.join("again.json"), format!("[{}]", line(3))).unwrap();
    fs::write(home.join("grown.ndjson"), format!("{}\n{}\n", line(5), line(6))).unwrap();
    ingest(home, "m", &["again.json"], &["--partner", "1"]);
    let done = reprocess(home, "m", &["--partner", "2"]);
    let mut left: Vec<[&str; 2]> = done["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| ["source", "why"].map(|name| left[name].as_str().unwrap()))
        .collect();
    left.sort_unstable();
    assert_eq!(left, [["1.json", "source_gone"], ["2.json", "source_changed"]]);
    let partners = query(home, "m", "SELECT provider_job_id, partner FROM observations ORDER BY 1");
    let partners: Vec<(&str, &str)> =
        partners.iter().map(|row| (row["provider_job_id"].as_str(), row["partner"].as_str())).collect();
    let expected =
        [("0000000001", "1"), ("0000000002", "1"), ("0000000003", "2"), ("0000000004", "2"), ("0000000005", "2")];
    assert_eq!(partners, expected);
    assert_eq!(counts(home, "m"), [["5", "5", "0", "0"], ["1", "0", "1", "0"]].map(|c| c.map(str::to_owned)));
    // Both deliveries of 3 name the payload by its new identity.
    let keys = query(
        home,
        "m",
        "SELECT COUNT(DISTINCT r.payload_key) AS n FROM receipts r JOIN observations o ON o.payload_digest = r.payload_digest AND o.payload_key <> r.payload_key",
    );
    assert_eq!(keys[0]["n"], "0");
    let run = kycmart_in(home, &["mart", "reprocess", "--mart", "m", "--dry-run"]).expect(0);
    assert!(run.out.contains("kept as it was: 1.json (payload 0, byte 0): source gone"), "{}", run.out);
}

#[test]
fn a_source_that_is_divided_in_another_way_keeps_its_rows_and_is_named() {
    let home = folder();
    let home = home.path();
    let body = r#"{""SmileJobID"":""0000000001"",""ResultCode"":""1012""}"#;
    fs::write(home.join("a.csv"), format!("at,own_column\n2026-01-01,\"{body}\"\n")).unwrap();
    ingest(home, "m", &["a.csv"], &["--body-field", "no_such_column"]);
    let before = rows(home, "m");
    let done = reprocess(home, "m", &["--body-field", "own_column"]);
    assert_eq!(done["left"][0]["why"], "divided_otherwise");
    assert_same(&before, &rows(home, "m"));
}

#[test]
fn payloads_that_become_one_have_their_facts_once() {
    let home = folder();
    let home = home.path();
    let body = r#"{"SmileJobID":"0000000001","ResultCode":"1012","PartnerParams":{"job_id":"o","user_id":"u","job_type":5},"timestamp":"2026-03-04T05:06:07Z"}"#;
    fs::write(home.join("1.json"), body).unwrap();
    fs::write(home.join("2.json"), format!("{body}\n")).unwrap();
    ingest(home, "m", &["1.json"], &["--partner", "1"]);
    ingest(home, "m", &["2.json"], &["--partner", "2"]);
    assert_eq!(query(home, "m", "SELECT * FROM observations").len(), 2);
    reprocess(home, "m", &["--partner", "3"]);
    assert_eq!(query(home, "m", "SELECT * FROM observations").len(), 1);
    assert_eq!(counts(home, "m"), [["1", "1", "0", "0"], ["1", "0", "1", "0"]].map(|c| c.map(str::to_owned)));
    // One alone then becomes what is there already.
    let other = folder();
    let home = other.path();
    fs::write(home.join("1.json"), body).unwrap();
    fs::write(home.join("2.json"), format!("{body}\n")).unwrap();
    ingest(home, "m", &["1.json"], &["--partner", "1"]);
    ingest(home, "m", &["2.json"], &["--partner", "2"]);
    reprocess(home, "m", &["--partner", "1", "--where", "source = '2.json'"]);
    assert_eq!(query(home, "m", "SELECT * FROM observations").len(), 1);
    assert_eq!(counts(home, "m"), [["1", "1", "0", "0"], ["1", "0", "1", "0"]].map(|c| c.map(str::to_owned)));
}

#[test]
fn another_pseudonym_key_or_none_is_refused() {
    let home = with_archives();
    let home = home.path();
    for key in ["one.key", "two.key"] {
        kycmart_in(home, &["keys", "new", key]).expect(0);
    }
    ingest(home, "m", &["a"], &["--key-file", "one.key"]);
    let before = rows(home, "m");
    for flags in [&[][..], &["--key-file", "two.key"]] {
        let run = kycmart_in(home, &[&["mart", "reprocess", "--mart", "m"], flags].concat()).expect(2);
        assert!(run.err.contains("--key-file"), "{}", run.err);
    }
    reprocess(home, "m", &["--key-file", "one.key"]);
    assert_same(&before, &rows(home, "m"));
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let home = with_archives();
    let home = home.path();
    ingest(home, "m", &["a"], &[]);
    let lock = kycmart::mart::MartLock::take(&home.join("m"), "mart reprocess").unwrap();
    let run = kycmart_in(home, &["mart", "reprocess", "--mart", "m"]).expect(3);
    assert!(run.err.contains("is being written by kycmart mart reprocess"), "{}", run.err);
    kycmart_in(home, &["mart", "reprocess", "--mart", "m", "--dry-run"]).expect(0);
    drop(lock);
    kycmart_in(home, &["mart", "reprocess", "--mart", "nowhere"]).expect(2);
    assert!(!home.join("nowhere").exists());
}

#[cfg(unix)]
#[test]
fn killed_at_any_step_it_is_all_or_nothing() {
    let home = with_archives();
    let home = home.path();
    kycmart_in(home, &["sample", "--out", "few", "--payloads", "60", "--days", "3"]).expect(0);
    ingest(home, "first", &["few"], &["--partner", "1"]);
    ingest(home, "first", &["c"], &["--partner", "1"]);
    let copy = |to: &str| {
        let _ = fs::remove_dir_all(home.join(to));
        let copied = std::process::Command::new("cp").args(["-r", "first", to]).current_dir(home).status();
        assert!(copied.unwrap().success());
    };
    copy("whole");
    let listed = command(home, &["mart", "reprocess", "--mart", "whole", "--partner", "2"])
        .env("KYCMART_FAULT", "list")
        .output()
        .unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8_lossy(&listed.stderr).into_owned();
    let steps: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("fault step: ")).collect();
    assert!(steps.contains(&"list reprocessed") && steps.contains(&"committed batches"), "{steps:?}");
    let (before, after) = (digests(home, "first"), digests(home, "whole"));
    let mut is_after = false;
    for (at, step) in steps.iter().enumerate() {
        let passing = steps[..=at].iter().filter(|s| *s == step).count();
        is_after |= *step == "committed batches";
        // Files are staged by the dozen: the first and the last of a table will do.
        if passing > 1 && steps[at + 1..].contains(step) {
            continue;
        }
        copy("m");
        let killed = command(home, &["mart", "reprocess", "--mart", "m", "--partner", "2"])
            .env("KYCMART_FAULT", format!("{step}:{passing}"))
            .output()
            .unwrap();
        assert!(!killed.status.success(), "{step}:{passing} was passed");
        assert!(digests(home, "m") == *if is_after { &after } else { &before }, "{step}:{passing}");
        reprocess(home, "m", &["--partner", "2"]);
        assert!(digests(home, "m") == after, "again after {step}:{passing}");
    }
    assert!(is_after);
}

/// A digest of every row that counts, of all tables.
fn digests(home: &Path, mart: &str) -> Rows {
    let of = |table: &&str| {
        let rows = format!("SELECT * EXCLUDE (batch_id) FROM {table} WHERE batch_id IN (SELECT batch_id FROM batches)");
        format!("SELECT '{table}' AS name, md5(CAST(x AS VARCHAR)) AS digest FROM ({rows}) x")
    };
    let select = TABLES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    query(home, mart, &format!("{select} ORDER BY ALL"))
}
