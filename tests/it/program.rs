//! The program as scripts and people meet it: help, exit codes, output formats.

use std::path::Path;

use serde_json::Value;

use crate::support::{Run, folder, kycmart_in, kycmart_with_input};

const CALLBACK: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012","ResultText":"ID Number Validated","Country":"Ghana","IDType":"passport",
    "PartnerParams":{"job_id":"order-1","user_id":"u-1","job_type":5},"timestamp":"2026-03-04T05:06:07Z"}"#;

/// A folder with a small mart in it.
fn with_mart() -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("a.json"), CALLBACK).unwrap();
    std::fs::write(folder.path().join("b.json"), "{\"broken\": ").unwrap();
    kycmart_in(folder.path(), &["ingest", "a.json", "b.json", "--mart", "mart"]).expect(0);
    folder
}

fn ask(folder: &Path, format: &str) -> Run {
    let sql = "SELECT provider, outcome, country, is_final, NULL AS nothing FROM verifications";
    kycmart_in(folder, &["query", "--mart", "mart", sql, "--format", format]).expect(0)
}

#[test]
fn every_command_has_help_with_examples() {
    let here = folder();
    let mut all = String::new();
    for command in ["", "ingest", "report", "nightly", "query", "inspect", "codes", "sample"] {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let run = kycmart_in(here.path(), &arguments).expect(0);
        assert!(run.out.contains("Examples:"), "{command} has no examples");
        all.push_str(&format!("$ kycmart {}\n{}\n", arguments.join(" "), run.out));
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn exit_codes_are_what_the_readme_says() {
    let folder = with_mart();
    let code = |arguments: &[&str]| kycmart_in(folder.path(), arguments).code;
    assert_eq!(code(&["report", "--mart", "mart", "--out", "out"]), 0);
    assert_eq!(code(&["report", "--mart", "mart", "--out", "out", "--fail-on", "rejects"]), 1);
    assert_eq!(code(&["report", "--mart", "mart", "--out", "out", "--fail-on", "rejects=1,unknown"]), 0);
    assert_eq!(code(&["inspect", "a.json"]), 0);
    assert_eq!(code(&["inspect", "b.json"]), 1);
    for usage in [
        &["report", "--mart", "mart", "--out", "out", "--fail-on", "nonsense"][..],
        &["report", "--mart", "elsewhere", "--out", "out"],
        &["report", "--mart", "mart", "--out", "out", "--from", "2026-02-30"],
        &["report", "--mart", "mart", "--out", "out", "--from", "2026-03-02", "--to", "2026-03-01"],
        &["report", "--mart", "mart", "--out", "out", "--time-zone", "Lagos"],
        &["report", "--mart", "mart"],
        &["query", "--mart", "mart", "DELETE FROM observations"],
        &["query", "--mart", "mart", "SELECT 1; SELECT 2"],
        &["ingest", "missing.json", "--mart", "mart"],
        &["--config", "missing.toml", "codes"],
        &["--set", "report.online_from=1", "codes"],
        &["codes", "no-such-code"],
        &["nightly"],
        &["frobnicate"],
    ] {
        assert_eq!(code(usage), 2, "{usage:?}");
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(code(&["report", "--mart", "mart", "--out", "file"]), 3);
    assert_eq!(code(&["ingest", "a.json", "--mart", "file"]), 3);
}

#[test]
fn a_report_that_lacks_memory_could_not_finish_and_leaves_no_run() {
    let folder = with_mart();
    let run = kycmart_in(folder.path(), &["--set", "limits.memory=200KB", "report", "--mart", "mart", "--out", "out"]);
    let run = run.expect(3);
    assert!(run.err.contains("limits.memory"), "{}", run.err);
    assert!(!folder.path().join("out/latest").exists());
}

#[test]
fn a_failed_command_says_what_to_do_next() {
    let folder = folder();
    for (arguments, remedy) in [
        (&["report", "--mart", "nowhere", "--out", "out"][..], "kycmart ingest SOURCE --mart nowhere"),
        (&["report", "--out", "out"], "--mart DIR"),
        (&["nightly", "--mart", "m", "--out", "o"], "[[sources]]"),
        (&["ingest", "nothing.json", "--mart", "m"], "nothing.json"),
    ] {
        let run = kycmart_in(folder.path(), arguments).expect(2);
        assert!(run.err.contains(remedy), "{}", run.err);
        assert!(run.out.is_empty());
    }
}

#[test]
fn results_are_printed_in_every_format() {
    let folder = with_mart();
    assert_eq!(ask(folder.path(), "csv").out, "provider,outcome,country,is_final,nothing\nsmile_id,passed,GH,true,\n");
    let json: Value = serde_json::from_str(&ask(folder.path(), "json").out).unwrap();
    assert_eq!(json[0]["country"], "GH");
    let line: Value = serde_json::from_str(ask(folder.path(), "ndjson").out.trim_end()).unwrap();
    assert_eq!((line["is_final"].as_bool(), line["nothing"].is_null()), (Some(true), true));
    insta::assert_snapshot!("table", ask(folder.path(), "table").out);
    insta::assert_snapshot!("markdown", ask(folder.path(), "markdown").out);
    let arguments = ["query", "--mart", "mart", "SELECT 1 AS one", "--format", "parquet"];
    let output = crate::support::command(folder.path(), &arguments).output().unwrap();
    assert!(output.stdout.starts_with(b"PAR1") && output.stdout.ends_with(b"PAR1"));
}

#[test]
fn a_query_is_a_select_a_name_or_a_file() {
    let folder = with_mart();
    let csv =
        |query: &str| kycmart_in(folder.path(), &["query", "--mart", "mart", query, "--format", "csv"]).expect(0).out;
    assert!(csv("pass_rates_by_provider").starts_with("provider,verifications,"));
    assert!(csv("verifications").contains("0000000007"));
    std::fs::write(folder.path().join("q.sql"), "-- a comment; with )\nSELECT COUNT(*) AS n FROM rejects;\n").unwrap();
    assert_eq!(csv("q.sql"), "n\n1\n");
    assert_eq!(csv("SELECT a FROM (VALUES (3), (1), (2)) t(a) ORDER BY a DESC"), "a\n3\n2\n1\n");
}

#[test]
fn inspect_prints_one_line_per_payload_with_the_agreed_names() {
    let folder = folder();
    let run =
        kycmart_with_input(folder.path(), &["inspect", "-"], format!("[{CALLBACK},{{\"a\":1}}]").as_bytes()).expect(1);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut expected = [
        "file",
        "provider",
        "kind",
        "verdict_bearing",
        "observations",
        "checks",
        "signature_class",
        "receipt",
        "submission",
        "authority_status",
        "unknown_fields",
        "problems",
    ];
    expected.sort_unstable();
    assert_eq!(names(&lines[0]), expected);
    let mut expected = [
        "product",
        "outcome",
        "result_code",
        "result_text",
        "error_code",
        "country",
        "id_type",
        "job_key",
        "job_key_source",
        "partner_job_id",
        "authority_signal",
        "event_time",
        "is_final",
    ];
    expected.sort_unstable();
    assert_eq!(names(&lines[0]["observations"][0]), expected);
    let observation = &lines[0]["observations"][0];
    assert_eq!(observation["event_time"], "2026-03-04T05:06:07Z");
    assert_eq!((&observation["country"], &observation["id_type"]), (&"GH".into(), &"PASSPORT".into()));
    assert_eq!(lines[1]["kind"], "unreadable");
    assert!(lines[1]["problems"][0].as_str().unwrap().starts_with("unknown_shape"));
}

#[test]
fn codes_can_be_printed_edited_and_given_back() {
    let folder = with_mart();
    let codes = kycmart_in(folder.path(), &["codes", "--provider", "smile_id", "--format", "csv"]).expect(0).out;
    assert!(codes.starts_with("provider,product,code,error_code,text,outcome,"), "{codes:.100}");
    std::fs::write(folder.path().join("codes.csv"), &codes).unwrap();
    let again =
        kycmart_in(folder.path(), &["--codes", "codes.csv", "codes", "--provider", "smile_id", "--format", "csv"]);
    assert_eq!(again.expect(0).out, codes);
    std::fs::write(folder.path().join("codes.csv"), codes.replacen("passed", "splendid", 1)).unwrap();
    let wrong = kycmart_in(folder.path(), &["--codes", "codes.csv", "codes"]).expect(2);
    assert!(wrong.err.contains("codes.csv") && wrong.err.contains("line"), "{}", wrong.err);
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_and_never_overwrites() {
    let folder = folder();
    let sample = |out: &str, seed: &str| {
        kycmart_in(
            folder.path(),
            &["sample", "--out", out, "--payloads", "300", "--seed", seed, "--photo-bytes", "500"],
        )
    };
    sample("a", "5").expect(0);
    sample("b", "5").expect(0);
    sample("c", "6").expect(0);
    let inspect = |name: &str| kycmart_in(folder.path(), &["inspect", name]).out.replace(&format!("\"{name}/"), "\"");
    assert!(inspect("a") == inspect("b") && inspect("a") != inspect("c"));
    assert!(sample("a", "5").expect(2).err.contains('a'));
}

/// A file system that takes only small files stands in for one that fills up in the middle of a long input; `timeout` ends
/// a program that waits for ever.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_long_input_ends_the_run() {
    let folder = with_mart();
    let row = |number: u32| CALLBACK.replace('\n', " ").replace("0000000007", &format!("{number:010}")) + "\n";
    std::fs::write(folder.path().join("long.ndjson"), (0..80_000).map(row).collect::<String>()).unwrap();
    let program = env!("CARGO_BIN_EXE_kycmart");
    let script = format!("trap '' XFSZ; ulimit -f 1; exec timeout 60 '{program}' ingest long.ndjson --mart mart");
    let output = std::process::Command::new("sh").current_dir(folder.path()).args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let again = kycmart_in(folder.path(), &["ingest", "long.ndjson", "--mart", "mart"]).expect(0);
    assert!(again.err.contains("80000 payloads seen = 80000 new + 0 already known + 0 rejected"), "{}", again.err);
}
