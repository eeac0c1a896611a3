//! Marts of older programs: readable as they are, brought up to date by the first program that writes.
//!
//! `tests/testdata/mart_format_1.tar.gz` was written by the version before tombstones and resumable inputs, from `LINES` in
//! one ingest and its first two lines, ending in a blank one, in another.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{folder, kycmart_in, query, report_files};

const LINES: &str = r#"{"received_at":"2026-03-04T05:06:08Z","body":{"SmileJobID":"0000000001","ResultCode":"1012","PartnerParams":{"job_id":"order-1","user_id":"user-1","job_type":5},"Actions":{"Verify_ID_Number":"Verified"},"Country":"NG","IDType":"BVN","timestamp":"2026-03-04T05:06:07Z"}}
{"received_at":"2026-03-05T05:06:08Z","body":{"SmileJobID":"0000000002","ResultCode":"1022","PartnerParams":{"job_id":"order-2","user_id":"user-2","job_type":5},"Country":"NG","IDType":"BVN","timestamp":"2026-03-05T05:06:07Z"}}
{"received_at":"2026-04-01T00:00:00Z","body":{"verificationStatus":"DENIED_FRAUD","jumioIdScanReference":"7f8b9c10-0000-4000-8000-000000000001","callbackDate":"2026-04-01T00:00:00.000Z","merchantIdScanReference":"order-3"}}
not a payload
"#;
const KEY: &str = "an invented key, 24 bytes";
const LATE: &str = r#"{"SmileJobID":"0000000009","ResultCode":"1012","FooBar":1,"PartnerParams":{"job_id":"order-9","user_id":"user-1","job_type":5},"timestamp":"2026-04-04T05:06:07Z"}"#;

/// A folder with an old mart, its key and a source.
fn old_mart() -> tempfile::TempDir {
    let here = folder();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/mart_format_1.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(here.path()).status();
    assert!(unpacked.expect("tar is there").success());
    fs::write(here.path().join("lines.ndjson"), LINES).unwrap();
    fs::write(here.path().join("late.json"), LATE).unwrap();
    fs::write(here.path().join("key"), KEY).unwrap();
    here
}

fn reports(here: &Path, mart: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    kycmart_in(here, &["report", "--mart", mart, "--out", "out"]).expect(0);
    let mut files = report_files(&here.join("out/latest"));
    // The old program read a grown file again from its beginning: its deliveries are more, and all else is the same.
    let counts_deliveries =
        |name: &str| name.contains("data_quality") || name.ends_with(".xlsx") || name.ends_with(".html");
    files.retain(|name, _| !counts_deliveries(name));
    files
}

/// Columns of a table, as its log declares them.
fn declares(here: &Path, table: &str, column: &str) -> bool {
    let log = here.join("mart").join(table).join("_delta_log");
    let commits = fs::read_dir(log).unwrap().map(|e| fs::read_to_string(e.unwrap().path()).unwrap_or_default());
    commits.collect::<String>().contains(&format!("\\\"name\\\":\\\"{column}\\\""))
}

#[test]
fn an_old_mart_is_read_as_it_is() {
    let here = old_mart();
    let here = here.path();
    kycmart_in(here, &["ingest", "lines.ndjson", "--mart", "new", "--key-file", "key"]).expect(0);
    assert_eq!(reports(here, "mart"), reports(here, "new"));
    assert_eq!(query(here, "mart", "SELECT COUNT(*) AS n FROM tombstones")[0]["n"], "0");
    assert_eq!(query(here, "mart", "SELECT COUNT(*) AS n FROM inputs WHERE resume_offset IS NULL")[0]["n"], "2");
    kycmart_in(here, &["mart", "verify", "--mart", "mart"]).expect(0);
    assert_eq!(query(here, "mart", "SELECT COUNT(*) AS n FROM unknown_fields")[0]["n"], "0");
    assert!(!here.join("mart/tombstones").exists(), "reading wrote nothing");
}

#[test]
fn the_first_ingest_brings_an_old_mart_up_to_date() {
    let here = old_mart();
    let here = here.path();
    assert!(!declares(here, "batches", "replaces") && !declares(here, "inputs", "resume_digest"));
    let run =
        kycmart_in(here, &["ingest", "lines.ndjson", "late.json", "--mart", "mart", "--key-file", "key"]).expect(0);
    assert!(run.err.contains("5 payloads seen = 1 new + 4 already known + 0 rejected"), "{}", run.err);
    assert!(declares(here, "batches", "replaces") && declares(here, "inputs", "resume_digest"));
    assert_eq!(query(here, "mart", "SELECT field FROM unknown_fields")[0]["field"], "FooBar");
    kycmart_in(here, &["mart", "verify", "--mart", "mart"]).expect(0);
    kycmart_in(here, &["ingest", "lines.ndjson", "late.json", "--mart", "new", "--key-file", "key"]).expect(0);
    assert_eq!(reports(here, "mart"), reports(here, "new"));
    for more in [&["compact"][..], &["erase", "--user-id", "user-1", "--key-file", "key"]] {
        kycmart_in(here, &[&["mart"], more, &["--mart", "mart"]].concat()).expect(0);
    }
    let left = query(here, "mart", "SELECT provider_job_id AS job FROM observations ORDER BY job");
    let left: Vec<&str> = left.iter().map(|row| row["job"].as_str()).collect();
    assert_eq!(left, ["0000000002", "7f8b9c10-0000-4000-8000-000000000001"]);
    assert_eq!(query(here, "mart", "SELECT COUNT(*) AS n FROM unknown_fields")[0]["n"], "0");
    kycmart_in(here, &["mart", "verify", "--mart", "mart"]).expect(0);
}
