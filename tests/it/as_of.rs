//! `report --as-of`: a report comes out as it did then, or it is said why it cannot.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use kycmart::mart::{Mart, table_specs};
use serde_json::Value;

use crate::support::{folder, kycmart_in, query, report_files};

type Files = BTreeMap<String, Vec<u8>>;

/// What a night left behind.
struct Night {
    batch: String,
    finished_at: String,
    files: Files,
}

const CODES: &str = "provider,product,code,error_code,text,outcome,is_final,half,is_human,authority_signal,billable,retryable,meaning,source
smile_id,*,1012,*,*,failed,true,id,false,answered,,,a rule of our own,tests
";

fn newest(home: &Path) -> (String, String) {
    let sql = "SELECT batch_id, CAST(finished_at AS VARCHAR) AS at FROM batches ORDER BY finished_at DESC LIMIT 1";
    let row = query(home, "m", sql).remove(0);
    (row["batch_id"].clone(), row["at"].replace(' ', "T") + "Z")
}

/// Four nights, the third with codes of its own.
fn nights() -> (tempfile::TempDir, Vec<Night>) {
    let home = folder();
    fs::write(home.path().join("codes.csv"), CODES).unwrap();
    let night = |number: usize| {
        let (source, seed) = (format!("s{number}"), number.to_string());
        let days = (number * 10).to_string();
        let sample = ["sample", "--out", &source, "--payloads", "300", "--seed", &seed, "--days", &days];
        kycmart_in(home.path(), &sample).expect(0);
        let codes: &[&str] = if number == 3 { &["--codes", "codes.csv"] } else { &[] };
        kycmart_in(home.path(), &[&["nightly", &source, "--mart", "m", "--out", "out"], codes].concat()).expect(0);
        let (batch, finished_at) = newest(home.path());
        Night { batch, finished_at, files: report_files(&home.path().join("out/latest")) }
    };
    let nights = (1..=4).map(night).collect();
    (home, nights)
}

fn as_of(home: &Path, wish: &str) -> Files {
    kycmart_in(home, &["report", "--mart", "m", "--out", "then", "--as-of", wish]).expect(0);
    report_files(&home.join("then/latest"))
}

#[track_caller]
fn comes_out_as_then(home: &Path, nights: &[Night]) {
    for (number, night) in nights.iter().enumerate() {
        for wish in [&night.batch, &night.finished_at] {
            let files = as_of(home, wish);
            let differing: Vec<&String> =
                night.files.keys().filter(|name| files.get(*name) != night.files.get(*name)).collect();
            assert!(differing.is_empty() && files.len() == night.files.len(), "night {}: {differing:?}", number + 1);
        }
    }
}

/// What `mart vacuum` does in the end: the files that no table's newest version lists are gone.
fn vacuum(home: &Path) {
    let mart = Mart::open(&home.join("m")).unwrap();
    for spec in table_specs() {
        let kept: HashSet<_> = mart.files(spec.name).unwrap().into_iter().map(|file| file.path).collect();
        let mut folders = vec![home.join("m").join(spec.name)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("_delta_log") {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "parquet") && !kept.contains(&path) {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    }
}

#[test]
fn each_night_comes_out_again_whatever_came_later() {
    let (home, nights) = nights();
    let home = home.path();
    assert!(nights[2].files != nights[1].files && nights[3].files != nights[2].files);
    comes_out_as_then(home, &nights);
    let run: Value = serde_json::from_slice(&fs::read(home.join("then/latest/run.json")).unwrap()).unwrap();
    assert_eq!(
        (&run["as_of"]["asked"], run["as_of"]["batches"].as_array().unwrap().len()),
        (&nights[3].finished_at.clone().into(), 4)
    );
    kycmart_in(home, &["mart", "compact", "--mart", "m"]).expect(0);
    comes_out_as_then(home, &nights);
    vacuum(home);
    comes_out_as_then(home, &nights);
    assert_eq!(as_of(home, "9999-12-31"), nights[3].files);
    assert_eq!(as_of(home, &nights[1].batch[..nights[1].batch.len() - 3]), nights[1].files);
    let queried = kycmart_in(
        home,
        &["query", "--mart", "m", "--as-of", &nights[1].batch, "SELECT COUNT(*) AS n FROM batches", "--format", "csv"],
    );
    assert_eq!(queried.expect(0).out, "n\n2\n");
}

#[test]
fn before_a_reprocessing_the_rows_of_then_are_seen() {
    let (home, nights) = nights();
    let home = home.path();
    kycmart_in(home, &["mart", "compact", "--mart", "m"]).expect(0);
    vacuum(home);
    let mut between = Vec::new();
    for (flag, value) in [("--environment", "sandbox"), ("--environment", "production")] {
        let reprocess =
            ["mart", "reprocess", "--mart", "m", flag, value, "--where", "source LIKE 's1%' OR source LIKE 's2%'"];
        kycmart_in(home, &reprocess).expect(0);
        comes_out_as_then(home, &nights);
        kycmart_in(home, &["report", "--mart", "m", "--out", "now"]).expect(0);
        let batch = query(home, "m", "SELECT batch_id, CAST(replaced_at AS VARCHAR) AS at FROM batches WHERE replaces IS NOT NULL ORDER BY finished_at").remove(0);
        between.push(Night {
            batch: batch["batch_id"].clone(),
            finished_at: batch["at"].replace(' ', "T") + "Z",
            files: report_files(&home.join("now/latest")),
        });
        assert!(between.last().unwrap().files != nights[3].files);
    }
    assert!(between[0].files != between[1].files);
    comes_out_as_then(home, &between);
    kycmart_in(home, &["mart", "compact", "--mart", "m"]).expect(0);
    comes_out_as_then(home, &nights);
    comes_out_as_then(home, &between);
    vacuum(home);
    for wish in [&nights[1].batch, &nights[3].finished_at, &between[0].batch] {
        let run = kycmart_in(home, &["report", "--mart", "m", "--out", "then", "--as-of", wish]).expect(3);
        assert!(run.err.contains("vacuum removed"), "{}", run.err);
    }
    comes_out_as_then(home, &between[1..]);
}

#[test]
fn after_an_erasure_the_time_before_it_is_refused() {
    let (home, nights) = nights();
    let home = home.path();
    let job = query(
        home,
        "m",
        "SELECT MIN(o.provider_job_id) AS job FROM observations o WHERE o.provider = 'jumio' AND o.batch_id = (SELECT MAX(batch_id) FROM batches WHERE batch_id < (SELECT MAX(batch_id) FROM batches))",
    );
    kycmart_in(home, &["mart", "erase", "--mart", "m", "--job-id", &job[0]["job"], "--provider", "jumio"]).expect(0);
    let refused: Vec<bool> = nights
        .iter()
        .map(|night| {
            let run = kycmart_in(home, &["report", "--mart", "m", "--out", "then", "--as-of", &night.batch]);
            if run.code == 3 {
                assert!(run.err.contains("the erase ") && run.err.contains("for good"), "{}", run.err);
            }
            run.code == 3
        })
        .collect();
    assert!(refused[2] && refused[3], "{refused:?}");
    for (night, _) in nights.iter().zip(&refused).filter(|(_, refused)| !**refused) {
        assert_eq!(as_of(home, &night.batch), night.files);
    }
    kycmart_in(home, &["report", "--mart", "m", "--out", "now"]).expect(0);
    assert_eq!(as_of(home, "9999-12-31"), report_files(&home.join("now/latest")));
}

#[test]
fn what_never_was_is_a_mistake_of_the_command_line() {
    let (home, nights) = nights();
    let home = home.path();
    for (wish, says) in [
        ("20250101T000000000000Z-abcdef", nights[3].batch.as_str()),
        ("yesterday", "2026-10-15"),
        ("", "2026-10-15"),
        ("2", "4 batches begin so"),
        ("1999-12-31", "the first one is of"),
    ] {
        let run = kycmart_in(home, &["report", "--mart", "m", "--out", "then", "--as-of", wish]).expect(2);
        assert!(run.err.contains(says), "{wish}: {}", run.err);
    }
}

#[test]
fn rows_of_a_batch_that_was_killed_do_not_stretch_the_range() {
    let (home, _) = nights();
    let home = home.path();
    let job = |at: &str| {
        format!(
            r#"{{"SmileJobID":"0000000001","ResultCode":"1012","PartnerParams":{{"job_id":"o","job_type":5}},"timestamp":"{at}"}}"#
        )
    };
    let before = as_of(home, "9999-12-31");
    fs::write(home.join("late.json"), job("2031-01-01T00:00:00Z")).unwrap();
    let killed = crate::support::command(home, &["ingest", "late.json", "--mart", "m"])
        .env("KYCMART_FAULT", "commit batches")
        .output();
    assert!(!killed.unwrap().status.success());
    kycmart_in(home, &["report", "--mart", "m", "--out", "now"]).expect(0);
    assert_eq!(before, report_files(&home.join("now/latest")));
}
