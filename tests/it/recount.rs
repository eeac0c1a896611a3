//! Every count of every report, counted a second time: from the decoded records, in Rust and Polars, without the SQL.
//!
//! `facts` reads the archive, `jobs`, `meaning` and `verdict` judge it by DESIGN 4, `reports` and `authorities` count, `table` compares.
//! `KYCMART_RECOUNT_PAYLOADS` makes the sample smaller than the full 200,000.

mod billing;
mod checks;
mod courses;
mod drift;

mod authorities;
mod facts;
mod inputs;
mod jobs;
mod meaning;
mod quality;
mod reports;
mod table;
mod tangle;
mod verdict;

use std::path::Path;

use chrono::NaiveDate;
use kycmart::pseudonym::PseudonymKey;

use crate::support::{folder, kycmart_in, report};
use reports::{Asked, Counted};

#[test]
fn every_count_of_every_report_is_what_a_recount_of_the_decoded_records_gives() {
    let payloads = std::env::var("KYCMART_RECOUNT_PAYLOADS").unwrap_or_else(|_| "200000".to_owned());
    let here = folder();
    let arguments = ["sample", "--out", "archive", "--payloads", &payloads, "--seed", "20261", "--days", "30"];
    kycmart_in(here.path(), &arguments).expect(0);
    recount(here.path(), payloads.parse().expect("a number"));
}

#[test]
fn every_count_is_that_of_a_recount_where_jobs_are_more_tangled_than_in_the_sample() {
    for seed in [1, 2] {
        let here = folder();
        tangle::write(&here.path().join("archive"), 12_000, seed);
        recount(here.path(), 12_000);
    }
}

/// Recounts an archive and compares with what three nights say of it.
#[track_caller]
fn recount(here: &Path, payloads: usize) {
    std::fs::write(here.join("test.key"), "an invented secret of the tests, long enough").expect("a key file");
    let key = PseudonymKey::from_file(&here.join("test.key")).expect("a key");
    let facts = facts::read(&here.join("archive"), &key);
    assert_eq!(facts.deliveries, payloads, "every payload of the archive is read");
    let attributed = jobs::attribute(&facts.payloads);
    let verifications = verdict::judge(&attributed);
    let counted = Counted { payloads: &facts.payloads, seen: attributed.seen, verifications };
    let week = (NaiveDate::from_ymd_opt(2026, 10, 10).unwrap(), NaiveDate::from_ymd_opt(2026, 10, 16).unwrap());
    let days = ["--from", "2026-10-10", "--to", "2026-10-16"];
    let nights: [(&str, &[&str], Asked); 3] = [
        ("all days", &[], Asked::default()),
        ("with sandbox", &["--include-sandbox"], Asked { sandbox: true, days: None }),
        ("one week", &days, Asked { sandbox: false, days: Some(week) }),
    ];
    let differences: Vec<String> =
        nights.iter().flat_map(|(name, flags, asked)| compare(here, name, flags, &counted, *asked)).collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// Runs the night with these flags and says where its reports are not what was counted: the first ten rows of each.
fn compare(here: &Path, name: &str, flags: &[&str], counted: &Counted, asked: Asked) -> Vec<String> {
    let night = ["nightly", "archive", "--mart", "mart", "--out", "out", "--format", "csv", "--key-file", "test.key"];
    kycmart_in(here, &[&night, flags].concat()).expect(0);
    let mut said = Vec::new();
    for expected in counted.reports(asked).into_iter().chain(counted.drifts(asked)) {
        // A week without an incident is a good one; `outages` plants some.
        let may_be_empty = expected.report == "authority_incidents";
        assert!(may_be_empty || !expected.rows.is_empty(), "{name}, {}: nothing to count", expected.report);
        let found = report(&here.join("out"), expected.report);
        let differences = expected.differences(&found);
        if !differences.is_empty() {
            said.push(format!("== {name}, {}: {} of {} rows", expected.report, differences.len(), found.len()));
            said.extend(differences.into_iter().take(10));
        }
    }
    said
}
