//! What changed: a planted drop and a planted outage are found, nothing else is, and a shift of traffic is none.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::support::{folder, kycmart_in, report};

type Row = BTreeMap<String, String>;

/// A segment of the plant: its ID type, jobs a day before and lately, and what of 20 jobs gets which code.
struct Segment {
    id_type: &'static str,
    daily: [u32; 2],
    codes: [[&'static str; 20]; 2],
}

/// 18 of 20 are verified (1012), 2 are not (1013).
const USUAL: [&str; 20] = codes(2, 0);

/// Of 20 jobs so many not verified, so many without an answer of the authority (1015).
const fn codes(failed: usize, unavailable: usize) -> [&'static str; 20] {
    let mut codes = ["1012"; 20];
    let mut at = 0;
    while at < failed + unavailable {
        codes[at] = if at < failed { "1013" } else { "1015" };
        at += 1;
    }
    codes
}

const fn segment(id_type: &'static str, lately: [&'static str; 20]) -> Segment {
    Segment { id_type, daily: [20, 20], codes: [USUAL, lately] }
}

/// Callbacks of Enhanced KYC from 2026-09-01 on, 28 days and then 7.
fn write(home: &Path, segments: &[Segment]) {
    let mut lines = String::new();
    let mut job = 0;
    for day in 0..35u32 {
        let lately = usize::from(day >= 28);
        let date = if day < 30 { format!("2026-09-{:02}", day + 1) } else { format!("2026-10-{:02}", day - 29) };
        for segment in segments {
            for number in 0..segment.daily[lately] {
                job += 1;
                let (id_type, code) = (segment.id_type, segment.codes[lately][(number % 20) as usize]);
                writeln!(
                    lines,
                    r#"{{"SmileJobID":"{job:010}","ResultCode":"{code}","Country":"NG","IDType":"{id_type}","PartnerParams":{{"job_id":"o-{job}","user_id":"u-{job}","job_type":5}},"timestamp":"{date}T{:02}:00:00Z"}}"#,
                    number % 24
                )
                .unwrap();
            }
        }
    }
    std::fs::create_dir(home.join("in")).unwrap();
    std::fs::write(home.join("in/jobs.ndjson"), lines).unwrap();
    kycmart_in(home, &["ingest", "--mart", "mart", "in"]).expect(0);
}

fn drift(home: &Path, flags: &[&str]) -> Vec<Row> {
    let run = [flags, &["report", "--mart", "mart", "--out", "out", "--format", "csv"]].concat();
    kycmart_in(home, &run).expect(0);
    report(&home.join("out"), "drift")
}

/// `metric id_type code direction` of what is flagged.
fn flagged(rows: &[Row]) -> Vec<String> {
    let flagged = rows.iter().filter(|row| row["flagged"] == "true");
    let words = |row: &Row| ["metric", "id_type", "result_code", "direction"].map(|name| row[name].clone()).join(" ");
    let mut words: Vec<String> = flagged.map(words).collect();
    words.sort();
    words
}

#[test]
fn a_planted_drop_and_a_planted_outage_are_flagged_and_nothing_else() {
    let home = folder();
    let quiet = ["NIN", "PASSPORT", "VOTER_ID", "DRIVERS_LICENSE"].map(|id_type| segment(id_type, USUAL));
    let planted = [segment("BVN", codes(6, 0)), segment("TIN", codes(2, 4))];
    write(home.path(), &planted.into_iter().chain(quiet).collect::<Vec<_>>());
    let rows = drift(home.path(), &[]);
    let expected = [
        "code_share BVN 1012 down",
        "code_share BVN 1013 up",
        "code_share TIN 1012 down",
        "code_share TIN 1015 up",
        "pass_rate BVN  down",
    ];
    assert_eq!(flagged(&rows), expected);
    assert!(rows[..5].iter().all(|row| row["flagged"] == "true"), "what is flagged stands first");
    let cell = |row: &Row, names: &[&str]| names.iter().map(|name| row[*name].clone()).collect::<Vec<_>>().join(" ");
    let fall = rows.iter().find(|row| row["metric"] == "pass_rate" && row["id_type"] == "BVN").unwrap();
    assert_eq!(cell(fall, &["recent_from", "recent_to"]), "2026-09-29 2026-10-05");
    assert_eq!(cell(fall, &["baseline_from", "baseline_to"]), "2026-09-01 2026-09-28");
    assert_eq!(cell(fall, &["recent_hits", "recent_n", "baseline_hits", "baseline_n"]), "98 140 504 560");
    let outage = rows.iter().find(|row| row["result_code"] == "1015").unwrap();
    assert_eq!(cell(outage, &["recent_hits", "recent_n", "baseline_hits", "baseline_n"]), "28 140 0 560");

    kycmart_in(home.path(), &["report", "--mart", "mart", "--out", "out", "--from", "2026-10-01"]).expect(0);
    assert_eq!(report(&home.path().join("out"), "drift"), rows, "the first day of a range cuts no baseline");
    kycmart_in(home.path(), &["report", "--mart", "mart", "--out", "out", "--to", "2026-09-28"]).expect(0);
    assert!(flagged(&report(&home.path().join("out"), "drift")).is_empty(), "before it, nothing had changed");
    assert_eq!(flagged(&drift(home.path(), &["--set", "drift.least_change=0.5"])).len(), 4);
    assert!(flagged(&drift(home.path(), &["--set", "drift.least_n=141"])).is_empty());
}

#[test]
fn a_shift_of_traffic_is_no_fall_of_any_segment() {
    let home = folder();
    const POOR: [&str; 20] = codes(10, 0);
    let poor = Segment { id_type: "TIN", daily: [20, 60], codes: [POOR, POOR] };
    write(home.path(), &[segment("BVN", USUAL), poor]);
    let rows = drift(home.path(), &[]);
    assert!(flagged(&rows).is_empty(), "{:?}", flagged(&rows));
    let mix = report(&home.path().join("out"), "drift_mix");
    let number = |row: &Row, name: &str| row[name].parse::<f64>().unwrap();
    assert_eq!((mix.len(), mix[0]["is_total"].as_str(), mix[0]["provider"].as_str()), (4, "true", ""));
    for row in &mix {
        assert_eq!(number(row, "within_effect"), 0.0, "{row:?}");
    }
    // From (0.9 + 0.5) / 2 to (0.9 + 3 · 0.5) / 4.
    assert!((number(&mix[0], "mix_effect") - (0.6 - 0.7)).abs() < 1e-12 && number(&mix[0], "change") < -0.09);
    assert!((number(&mix[2], "mix_effect") + number(&mix[3], "mix_effect") + 0.1).abs() < 1e-12);
}
