//! What was planted is found: who came back after an outage and passed, how long a decision took, what still waits.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{folder, kycmart_in, report};

/// A callback of an invented user about one job; job type 5 is Enhanced KYC, 1 is Biometric KYC.
fn callback(job: u32, user: &str, job_type: u8, code: &str, at: &str) -> Value {
    json!({"provider": "smile_id", "body": {
        "SmileJobID": format!("{job:010}"), "ResultCode": code, "Country": "NG", "IDType": "BVN", "timestamp": at,
        "PartnerParams": {"job_id": format!("o-{job}"), "user_id": user, "job_type": job_type},
    }})
}

/// Writes the lines, runs the night with a key (or without) and these flags.
fn night(here: &Path, lines: &[Value], flags: &[&str]) {
    std::fs::create_dir_all(here.join("archive")).expect("a folder");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(here.join("archive/planted.ndjson"), text).expect("a file");
    let night = ["nightly", "archive", "--mart", "mart", "--out", "out", "--format", "csv"];
    kycmart_in(here, &[&night, flags].concat()).expect(0);
}

fn row(here: &Path, name: &str, is: &[(&str, &str)]) -> BTreeMap<String, String> {
    let rows = report(&here.join("out"), name);
    let found: Vec<_> = rows.iter().filter(|row| is.iter().all(|(column, value)| row[*column] == *value)).collect();
    assert_eq!(found.len(), 1, "{name} where {is:?}: {rows:?}");
    found[0].clone()
}

#[track_caller]
fn shows(row: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (column, value) in expected {
        assert_eq!(row[*column], *value, "{column} of {row:?}");
    }
}

/// On 4 March the authority is down for four people. Abe passes ten minutes later; Bea fails to reach it again and passes
/// the next day; Cem only passes another product; Dov's data do not match when he comes back.
fn outage() -> Vec<Value> {
    vec![
        callback(1, "abe", 5, "1015", "2026-03-04T10:00:00Z"),
        callback(2, "abe", 5, "1012", "2026-03-04T10:10:00Z"),
        callback(3, "bea", 5, "1015", "2026-03-04T10:00:00Z"),
        callback(4, "bea", 5, "1015", "2026-03-04T10:30:00Z"),
        callback(5, "bea", 5, "1012", "2026-03-05T10:00:00Z"),
        callback(6, "bea", 5, "1012", "2026-03-06T10:00:00Z"),
        callback(7, "cem", 5, "1015", "2026-03-04T10:00:00Z"),
        callback(8, "cem", 1, "0810", "2026-03-04T11:00:00Z"),
        callback(9, "dov", 5, "1015", "2026-03-04T10:00:00Z"),
        callback(10, "dov", 5, "1013", "2026-03-04T10:05:00Z"),
    ]
}

const AFTER_OUTAGE: [(&str, &str); 8] = [
    ("people", "4"),
    ("people_with_retry", "3"),
    ("attempts", "4"),
    ("passed_later", "2"),
    ("passed_dated", "2"),
    ("p50_seconds", "600.0"),
    ("p90_seconds", "86400.0"),
    ("share_passed_later", "0.5"),
];

#[test]
fn people_are_followed_from_an_outage_to_their_pass_even_beyond_the_range() {
    let here = folder();
    std::fs::write(here.path().join("a.key"), "an invented secret of the tests, long enough").expect("a key file");
    let after = [("product", "enhanced_kyc"), ("first_outcome", "unavailable")];
    night(here.path(), &outage(), &["--key-file", "a.key"]);
    shows(&row(here.path(), "retries", &after), &AFTER_OUTAGE);
    let failed = row(here.path(), "retries", &[("first_outcome", "failed")]);
    shows(&failed, &[("people", "1"), ("people_with_retry", "0"), ("p50_seconds", ""), ("share_passed_later", "0.0")]);

    night(here.path(), &outage(), &["--key-file", "a.key", "--to", "2026-03-04"]);
    shows(&row(here.path(), "retries", &after), &AFTER_OUTAGE);
    night(here.path(), &outage(), &["--key-file", "a.key", "--from", "2026-03-05"]);
    assert!(report(&here.path().join("out"), "retries").is_empty(), "nobody was turned away since");
}

#[test]
fn without_a_key_nobody_is_followed_and_data_quality_says_of_how_many() {
    let here = folder();
    night(here.path(), &outage(), &[]);
    assert!(report(&here.path().join("out"), "retries").is_empty());
    let unknown = row(here.path(), "data_quality", &[("measure", "verifications_without_pseudonym")]);
    shows(&unknown, &[("counted", "10"), ("out_of", "10"), ("share", "1.0")]);
}

#[test]
fn a_decision_takes_as_long_as_was_planted_from_the_first_word_and_from_the_request() {
    let here = folder();
    let mut lines = Vec::new();
    // Ten jobs of which the face is judged 1 to 10 minutes after the ID; the last was asked for 30 seconds before.
    for job in 1..=10 {
        lines.push(callback(job, "u", 1, "1012", "2026-03-04T10:00:00Z"));
        lines.push(callback(job, "u", 1, "0810", &format!("2026-03-04T10:{job:02}:00Z")));
    }
    lines.push(json!({"provider": "smile_id", "body": {"status": "accepted", "job_id": "0000000010", "user_id": "u",
        "message": "Request accepted and queued for processing.", "created_at": "2026-03-04T09:59:30Z"}}));
    // Decided by the first word of it.
    lines.push(callback(11, "u", 1, "0811", "2026-03-04T10:00:00Z"));
    night(here.path(), &lines, &[]);
    let passed = row(here.path(), "time_to_final", &[("product", "biometric_kyc"), ("outcome", "passed")]);
    shows(&passed, &[("verifications", "10"), ("timed", "10"), ("at_once", "0"), ("undated", "0")]);
    shows(&passed, &[("p50_seconds", "300.0"), ("p90_seconds", "540.0"), ("p99_seconds", "600.0")]);
    shows(&passed, &[("longest_seconds", "600.0"), ("from_request", "1"), ("request_p50_seconds", "630.0")]);
    let failed = row(here.path(), "time_to_final", &[("outcome", "failed")]);
    shows(&failed, &[("timed", "1"), ("at_once", "1"), ("p99_seconds", "0.0"), ("from_request", "0")]);
    shows(&failed, &[("request_p50_seconds", ""), ("request_longest_seconds", "")]);
}

#[test]
fn what_waits_is_as_old_as_the_newest_observation_says_and_a_bound_belongs_to_the_older_group() {
    let here = folder();
    let mut lines = vec![callback(1, "u", 5, "1012", "2026-03-05T12:00:00Z")];
    let starts =
        ["2026-03-05T11:00:00.000001Z", "2026-03-05T11:00:00Z", "2026-03-04T12:00:00Z", "2026-01-01T00:00:00Z"];
    lines.extend((2..).zip(starts).map(|(job, at)| callback(job, "u", 1, "1012", at)));
    night(here.path(), &lines, &[]);
    let ages = ["under_1_hour", "1_to_24_hours", "1_to_3_days", "30_days_or_more"];
    let rows = report(&here.path().join("out"), "open_cases");
    assert_eq!(rows.iter().map(|row| row["age"].as_str()).collect::<Vec<_>>(), ages);
    for row in &rows {
        shows(row, &[("cases", "1"), ("outcome", "pending"), ("as_of", "2026-03-05T12:00:00.000000Z")]);
    }
    assert_eq!(rows[1]["oldest"], "2026-03-05T11:00:00.000000Z");
}
