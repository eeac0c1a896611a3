//! What somebody should look at: which rules find what, in which words, and which exit codes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::{Run, answer_line, command, csv_rows, folder, kycmart_in, report, tool};

fn night(home: &Path, flags: &[&str]) -> Run {
    kycmart_in(home, &[&["nightly", "in", "--mart", "m", "--out", "out"], flags].concat())
}

fn alerts(home: &Path, set: &str) -> Vec<String> {
    let text = fs::read(home.join("out/latest").join(set).join("alerts.json")).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    let words = |alert: &Value| {
        ["severity", "rule", "subject", "message"].map(|name| alert[name].as_str().unwrap().to_owned()).join(" | ")
    };
    document["alerts"].as_array().unwrap().iter().map(words).collect()
}

/// Two hours of answers every minute; the authority is down for the last forty of them.
fn outage(home: &Path) {
    fs::create_dir_all(home.join("in")).unwrap();
    let lines: String = (0..120)
        .map(|minute| {
            let time = format!("2026-03-12T{:02}:{:02}:30Z", 8 + minute / 60, minute % 60);
            answer_line(minute + 1, if minute < 80 { "1012" } else { "1015" }, &time)
        })
        .collect();
    fs::write(home.join("in/lines.ndjson"), lines).unwrap();
}

const DOWN: &str =
    "critical | availability | smile_id NG BVN | still down since 2026-03-12 09:20 UTC: 40 of 40 lookups lost";

#[test]
fn an_outage_that_goes_on_is_told_with_its_beginning_and_what_it_cost() {
    let home = folder();
    outage(home.path());
    let run = night(home.path(), &["--fail-on", "availability"]).expect(1);
    assert!(run.out.starts_with("critical availability: smile_id NG BVN: still down since"), "{}", run.out);
    assert_eq!(alerts(home.path(), "internal"), [DOWN]);
    assert_eq!(alerts(home.path(), "circulation"), [DOWN]);
    let prometheus = fs::read_to_string(home.path().join("out/latest/circulation/kycmart.prom")).unwrap();
    assert!(prometheus.starts_with("# kycmart: for circulation: counts below 10"), "{prometheus}");
    assert!(prometheus.contains("kycmart_alerts{rule=\"availability\"} 1"), "{prometheus}");
}

#[test]
fn one_wrong_clock_silences_no_alert_and_moves_no_range() {
    let home = folder();
    let home = home.path();
    outage(home);
    fs::write(home.join("in/clock.ndjson"), answer_line(900, "1012", "2099-01-01T00:00:00Z")).unwrap();
    night(home, &["--fail-on", "availability"]).expect(1);
    assert_eq!(alerts(home, "internal"), [DOWN]);
    let days: Vec<String> =
        report(&home.join("out"), "pass_rates_daily").iter().map(|r| r["local_date"].clone()).collect();
    assert_eq!(days, ["2026-03-12", ""], "what nobody can date has no day");
    let run = kycmart_in(home, &["report", "--mart", "m", "--out", "out", "--fail-on", "future"]).expect(1);
    assert!(run.err.contains("future: 1, above the threshold of 0"), "{}", run.err);
}

#[test]
fn a_backlog_is_added_up_over_its_ages_and_a_small_one_is_not_told_outside() {
    let home = folder();
    let home = home.path();
    fs::create_dir_all(home.join("in")).unwrap();
    // 0814 waits for a person: eight for ten days, seven for forty.
    let waiting = |job: u32, day: &str| {
        let mut body: Value = serde_json::from_str(&answer_line(job, "0814", &format!("{day}T10:00:00Z"))).unwrap();
        body["body"]["PartnerParams"]["job_type"] = json!(1);
        format!("{body}\n")
    };
    let mut lines: String = (1..=8).map(|job| waiting(job, "2026-03-02")).collect();
    lines.extend((11..=17).map(|job| waiting(job, "2026-02-01")));
    lines.push_str(&answer_line(99, "1012", "2026-03-12T10:00:00Z"));
    fs::write(home.join("in/lines.ndjson"), lines).unwrap();
    night(home, &["--fail-on", "backlog"]).expect(1);
    let told = "warning | backlog | smile_id biometric_kyc review | 15 wait for 7 days or longer";
    assert_eq!(alerts(home, "internal"), [told]);
    assert_eq!(
        alerts(home, "circulation"),
        [] as [&str; 0],
        "8 and 7 are withheld, and an alert would bound their sum"
    );
    let arguments = ["nightly", "in", "--mart", "m", "--out", "out", "--fail-on", "backlog"];
    let outside = command(home, &arguments).env_remove("KYCMART_INTERNAL").output().unwrap();
    assert_eq!(outside.status.code(), Some(1), "the rule judges the full figures, whatever is written");
    night(home, &["--set", "alerts.backlog_more_than=15", "--fail-on", "backlog"]).expect(0);
    night(home, &["--set", "alerts.backlog_days=30", "--fail-on", "backlog"]).expect(0);
    night(home, &["--set", "alerts.backlog_days=45"]).expect(2);
}

#[test]
fn shares_of_rejects_and_of_unknown_codes_are_alerts_above_their_limits() {
    let home = folder();
    let home = home.path();
    fs::create_dir_all(home.join("in")).unwrap();
    let mut lines: String = (1..=97).map(|job| answer_line(job, "1012", "2026-03-12T10:00:00Z")).collect();
    lines.push_str(&answer_line(98, "7777", "2026-03-12T10:00:00Z"));
    lines.push_str(&answer_line(99, "7778", "2026-03-12T10:00:00Z"));
    lines.push_str("{\"event\": \"somebody else's\"}\n");
    fs::write(home.join("in/lines.ndjson"), lines).unwrap();
    night(home, &[]).expect(0);
    assert_eq!(
        alerts(home, "internal"),
        ["warning | unknown | smile_id | 2 of 99 observations have an unknown code (2.0 %)"],
        "one of a hundred payloads is not more than one in a hundred"
    );
    assert!(
        alerts(home, "circulation")[0]
            .ends_with("(withheld) of (withheld) observations have an unknown code ((withheld))")
    );
    night(home, &["--set", "alerts.rejects_share=0.009", "--set", "alerts.unknown_share=0.03"]).expect(0);
    assert_eq!(
        alerts(home, "internal"),
        ["warning | rejects | nobody's | 1 of 1 payloads could not be read (100.0 %)"]
    );
}

#[test]
fn a_slip_in_fail_on_costs_no_night() {
    let home = folder();
    outage(home.path());
    for wish in ["bogus", "unknown=abc", "", "rejects,bogus"] {
        let run = night(home.path(), &["--fail-on", wish]).expect(2);
        assert!(run.err.contains("--fail-on"), "{}", run.err);
    }
    assert!(!home.path().join("m").exists(), "nothing was done");
    night(home.path(), &["--fail-on", "rejects, unknown"]).expect(0);
}

#[test]
fn figures_of_drift_never_circulate() {
    let home = folder();
    let home = home.path();
    fs::create_dir_all(home.join("in")).unwrap();
    let mut job = 0;
    let mut lines = String::new();
    for day in 1..=35 {
        for n in 0..40 {
            job += 1;
            let failed = n < if day > 28 { 20 } else { 4 };
            let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(day);
            lines.push_str(&answer_line(
                job,
                if failed { "1013" } else { "1012" },
                &format!("{date}T{:02}:00:00Z", n % 24),
            ));
        }
    }
    fs::write(home.join("in/lines.ndjson"), lines).unwrap();
    night(home, &["--fail-on", "drift"]).expect(1);
    let first = |set: &str| alerts(home, set)[0].clone();
    let subject = "warning | drift | smile_id enhanced_kyc NG BVN | pass rate down";
    assert_eq!(first("internal"), format!("{subject} to 50.0 % of 280, before 90.0 % of 1120"));
    assert_eq!(first("circulation"), format!("{subject} (withheld)"));
    for name in ["drift", "drift_mix"] {
        let rows = csv_rows(&fs::read(home.join(format!("out/latest/circulation/{name}.csv"))).unwrap());
        assert!(!rows.is_empty());
        let figures = ["recent_", "baseline_", "change", "z", "p_value", "q_value", "within", "mix", "overall"];
        for (column, cell) in rows.iter().flatten() {
            let is_day = column.ends_with("_from") || column.ends_with("_to");
            let is_figure = figures.iter().any(|figure| column.starts_with(figure)) && !is_day;
            assert!(!is_figure || cell.is_empty(), "{name}: {column} is {cell}");
        }
    }
}

#[test]
fn a_mart_may_be_named_by_the_way_up() {
    let home = folder();
    outage(home.path());
    fs::create_dir(home.path().join("below")).unwrap();
    let below = home.path().join("below");
    kycmart_in(&below, &["nightly", "../in", "--mart", "../m", "--out", "../out"]).expect(0);
    kycmart_in(&below, &["report", "--mart", "../below/../m", "--out", "./../out"]).expect(0);
    assert!(home.path().join("m/batches").is_dir());
}

#[test]
fn a_broken_record_of_the_run_before_is_said_and_what_killed_runs_left_is_removed() {
    let home = folder();
    let home = home.path();
    outage(home);
    night(home, &[]).expect(0);
    let latest = home.join("out/latest/run.json");
    fs::write(&latest, "{\"run\": ").unwrap();
    let left = home.join("out/.run-killed");
    fs::create_dir_all(left.join("internal")).unwrap();
    let young = home.join("out/.run-at-work");
    fs::create_dir_all(&young).unwrap();
    let old = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    fs::File::open(&left).unwrap().set_modified(old).unwrap();
    let run = night(home, &[]).expect(0);
    assert!(run.err.contains("which earlier days changed since is not known"), "{}", run.err);
    assert!(!left.exists() && young.exists());
}

#[test]
fn prometheus_takes_the_figures_whatever_the_words_in_them() {
    use std::process::{Command, Stdio};
    let Some(promtool) = tool("prometheus", "KYCMART_PROMTOOL", &["promtool"]) else { return };
    let home = folder();
    outage(home.path());
    night(home.path(), &["--partner", "a\"b\\c\nd"]).expect(0);
    for set in ["circulation", "internal"] {
        let file = fs::File::open(home.path().join("out/latest").join(set).join("kycmart.prom")).unwrap();
        let check = Command::new(&promtool).args(["check", "metrics"]).stdin(Stdio::from(file)).output().unwrap();
        let said = String::from_utf8_lossy(&check.stderr).into_owned() + &String::from_utf8_lossy(&check.stdout);
        assert!(check.status.success() && said.trim().is_empty(), "{set}: {said}");
    }
}
