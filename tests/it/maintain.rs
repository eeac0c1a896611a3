//! `kycmart mart info | history | vacuum | verify`: what they show, and that every check fails when its fault is planted.

mod faults;
mod masked;
mod plant;
mod vacuum;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Run, command, folder, kycmart_in};
use masked::masked;

/// A callback with two checks.
fn callback(job: u32) -> String {
    format!(
        "{{\"SmileJobID\":\"{job:010}\",\"ResultCode\":\"1012\",\"ResultText\":\"ID Number Validated\",\
         \"Actions\":{{\"Verify_ID_Number\":\"Verified\",\"Names\":\"Exact Match\"}},\"PartnerParams\":\
         {{\"job_id\":\"order-{job}\",\"user_id\":\"user-{job}\",\"job_type\":5}},\"timestamp\":\"2026-03-04T05:06:07Z\"}}\n"
    )
}

/// A mart of two batches: of `a.ndjson` two payloads and one that cannot be read, of `b.json` one that is new.
fn small_mart() -> tempfile::TempDir {
    let here = folder();
    fs::write(here.path().join("a.ndjson"), [callback(1), callback(2), "{\"broken\":\n".to_owned()].concat()).unwrap();
    fs::write(here.path().join("b.json"), callback(3)).unwrap();
    fs::write(here.path().join("a.key"), "0123456789abcdef\n").unwrap();
    for source in ["a.ndjson", "b.json"] {
        mart(here.path(), &["ingest", source, "--key-file", "a.key"]).expect(0);
    }
    here
}

fn mart(here: &Path, arguments: &[&str]) -> Run {
    kycmart_in(here, &[arguments, &["--mart", "mart"]].concat())
}

fn verify(here: &Path, more: &[&str]) -> Run {
    mart(here, &[&["mart", "verify"], more].concat())
}

/// What a check of `mart verify --format json` found.
fn verified(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err))
}

/// The problems of one check, each as `place: says`.
fn problems(run: &Run, check: &str) -> Vec<String> {
    let found = verified(run);
    let check = found["checks"].as_array().unwrap().iter().find(|c| c["name"] == check).expect("the check").clone();
    let text = |p: &serde_json::Value| format!("{}: {}", p["place"].as_str().unwrap(), p["says"].as_str().unwrap());
    check["named"].as_array().unwrap().iter().map(text).collect()
}

/// The data files of a table, sorted.
fn parquet_files(here: &Path, table: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = all_files(&here.join("mart").join(table))
        .into_iter()
        .filter(|f| f.extension().is_some_and(|e| e == "parquet") && !f.to_string_lossy().contains("_delta_log"))
        .collect();
    files.sort();
    files
}

fn all_files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_mart_that_is_as_it_should_be_is_said_to_be() {
    let here = small_mart();
    let run = verify(here.path(), &["--sources"]).expect(0);
    insta::assert_snapshot!("verify", masked(&run.out));
    mart(here.path(), &["mart", "compact"]).expect(0);
    verify(here.path(), &["--sources"]).expect(0);
}

#[test]
fn info_counts_what_is_there() {
    let here = small_mart();
    insta::assert_snapshot!("info", masked(&mart(here.path(), &["mart", "info"]).expect(0).out));
    let run = mart(here.path(), &["mart", "info", "--format", "json"]).expect(0);
    let info: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&info["format"], &info["batches"]), (&3.into(), &2.into()));
    assert_eq!(info["payloads"].to_string(), r#"{"erased":0,"known":0,"new":3,"rejected":1,"seen":4}"#);
    assert_eq!(info["pseudonym_keys"][0]["observations"], 3);
    assert_eq!(info["advice"].as_array().unwrap().len(), 0);
}

#[test]
fn info_and_verify_tell_rows_of_a_killed_run_from_those_that_count() {
    let here = small_mart();
    fs::write(here.path().join("c.json"), callback(4)).unwrap();
    let killed = command(here.path(), &["ingest", "c.json", "--mart", "mart"])
        .env("KYCMART_FAULT", "commit batches")
        .output()
        .unwrap();
    assert!(!killed.status.success());
    let run = mart(here.path(), &["mart", "info", "--format", "json"]).expect(0);
    let info: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let observations = info["tables"].as_array().unwrap().iter().find(|t| t["table"] == "observations").unwrap();
    assert_eq!((&observations["rows"], &observations["rows_stored"]), (&3.into(), &4.into()));
    assert!(info["advice"].to_string().contains("mart compact would drop"), "{info}");
    let run = verify(here.path(), &[]).expect(0);
    assert!(run.out.contains("of 1 batches that are not listed"), "{}", run.out);
}

#[test]
fn history_has_every_batch_and_every_maintenance_newest_first() {
    let here = small_mart();
    mart(here.path(), &["mart", "compact"]).expect(0);
    let shown = masked(&mart(here.path(), &["mart", "history"]).expect(0).out);
    let mut lines: Vec<&str> = shown.lines().collect();
    // Two tables can change in one millisecond.
    lines[1..].sort_unstable();
    insta::assert_snapshot!("history", lines.join("\n"));
    let run = mart(here.path(), &["mart", "history", "--format", "csv"]).expect(0);
    let rows = crate::support::csv_rows(run.out.as_bytes());
    let times: Vec<&String> = rows.iter().map(|row| &row["time"]).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let seen: Vec<&str> = rows.iter().map(|r| r["payloads_seen"].as_str()).filter(|n| !n.is_empty()).collect();
    assert_eq!(seen, ["1", "3"]);
    let merged = rows.iter().filter(|row| row["event"] == "OPTIMIZE" && row["table_name"] == "observations");
    assert_eq!(merged.map(|row| row["files_removed"].as_str()).collect::<Vec<_>>(), ["2"]);
    let limited = mart(here.path(), &["mart", "history", "--limit", "2", "--format", "csv"]).expect(0);
    assert_eq!(limited.out.lines().count(), 3);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let here = small_mart();
    for arguments in [["history", "csv"], ["history", "table"], ["info", "table"], ["verify", "json"]] {
        let [name, format] = arguments;
        let mut child = command(here.path(), &["mart", name, "--mart", "mart", "--format", format])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() && !said.contains("panicked"), "{name} {format}: {said}");
    }
}

#[test]
fn a_mart_that_is_not_there_is_not_made() {
    let here = folder();
    for command in ["info", "history", "vacuum", "verify"] {
        let run = mart(here.path(), &["mart", command]).expect(2);
        assert!(run.err.contains("there is no mart at mart") && run.err.contains("kycmart ingest"), "{}", run.err);
        let help = kycmart_in(here.path(), &["mart", command, "--help"]).expect(0);
        assert!(help.out.contains("Examples:"), "{command} has no examples");
    }
    assert!(!here.path().join("mart").exists());
}

/// The name that kycmart gives to a file with these bytes.
fn parquet_file_name(path: &Path) -> String {
    format!("part-01234567-{}.parquet", blake3::hash(&fs::read(path).unwrap()).to_hex())
}
