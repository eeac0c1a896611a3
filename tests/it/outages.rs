//! Planted truth: outages of known beginning and end are found to the window, and nothing is found where nothing was.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::support::{folder, kycmart_in, report};

type Row = BTreeMap<String, String>;

/// What is planted at one authority.
struct Planted {
    id_type: &'static str,
    /// First and last moment (exclusive), and the share of lookups that is lost.
    outages: &'static [(&'static str, &'static str, f64)],
    /// Seconds between two lookups.
    every: i64,
    is_async: bool,
}

/// When the provider says what of which authority.
struct Said(&'static str, &'static str, &'static str);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// An archive of lookups from `from` to `to`; of the lookups outside of outages none is lost.
fn write(home: &Path, (from, to): (&str, &str), planted: &[Planted], said: &[Said]) {
    let (mut lines, mut job) = (String::new(), 0);
    for authority in planted {
        let (mut now, mut debt) = (at(from), 0.0);
        while now < at(to) {
            let outage = authority.outages.iter().find(|(start, end, _)| (at(start)..at(end)).contains(&now));
            debt += outage.map_or(0.0, |(.., share)| *share);
            let is_lost = debt >= 1.0 - 1e-9;
            debt = if outage.is_none() { 0.0 } else { debt - f64::from(u8::from(is_lost)) };
            job += 1;
            writeln!(lines, "{}", lookup(job, authority, now, if is_lost { "1015" } else { "1012" })).unwrap();
            now += TimeDelta::seconds(authority.every);
        }
    }
    for Said(id_type, time, word) in said {
        let request = format!(r#"{{"country":"NG","id_type":"{id_type}","environment":"production"}}"#);
        let body =
            format!(r#"{{"last_known_status":"{word}","last_checked":"{time}","last_check_success_rate":"0%"}}"#);
        writeln!(lines, r#"{{"request":{request},"body":{body}}}"#).unwrap();
    }
    fs::create_dir(home.join("in")).unwrap();
    fs::write(home.join("in/lookups.ndjson"), lines).unwrap();
}

fn lookup(job: u64, authority: &Planted, now: DateTime<Utc>, code: &str) -> String {
    let url = if authority.is_async { "async_id_verification" } else { "id_verification" };
    format!(
        r#"{{"provider":"smile_id","request":{{"url":"https://api.smileidentity.com/v2/{url}","environment":"production"}},"body":{{"SmileJobID":"{job:010}","ResultCode":"{code}","PartnerParams":{{"job_id":"o-{job}","user_id":"u-{job}","job_type":5}},"Country":"NG","IDType":"{}","timestamp":"{}"}}}}"#,
        authority.id_type,
        now.format("%Y-%m-%dT%H:%M:%SZ")
    )
}

/// Reports of an archive with more flags.
fn reports(home: &Path, flags: &[&str]) {
    let night = ["nightly", "in", "--mart", "m", "--out", "out", "--internal", "--format", "csv"];
    kycmart_in(home, &[&night, flags].concat()).expect(0);
}

/// The incidents of the newest run: authority, beginning and end to the minute.
fn found(home: &Path) -> Vec<(String, String, String)> {
    let minute = |text: &str| text[..16].to_owned();
    let span = |row: &Row| (row["id_type"].clone(), minute(&row["began"]), minute(&row["ended"]));
    report(&home.join("out"), "authority_incidents").iter().map(span).collect()
}

fn planted(id_type: &'static str, outages: &'static [(&'static str, &'static str, f64)]) -> Planted {
    Planted { id_type, outages, every: 60, is_async: false }
}

#[test]
fn outages_of_known_beginning_and_end_are_found_to_the_window() {
    let home = folder();
    let quiet = Planted { every: 1500, ..planted("QUIET", &[("2026-03-28T06:00:00Z", "2026-03-28T16:00:00Z", 1.0)]) };
    let hidden =
        Planted { is_async: true, ..planted("ASYNC", &[("2026-03-28T06:00:00Z", "2026-03-28T07:00:00Z", 1.0)]) };
    let all = [
        planted("TOTAL", &[("2026-03-28T09:20:00Z", "2026-03-28T11:10:00Z", 1.0)]),
        planted("PARTLY", &[("2026-03-28T09:20:00Z", "2026-03-28T11:10:00Z", 0.4)]),
        // Midnight, the change of the clocks in Berlin, and soon the end of the month.
        planted(
            "NIGHT",
            &[
                ("2026-03-28T22:30:00Z", "2026-03-29T02:40:00Z", 1.0),
                ("2026-03-31T21:00:00Z", "2026-03-31T23:00:00Z", 1.0),
            ],
        ),
        planted(
            "TWICE",
            &[
                ("2026-03-30T09:00:00Z", "2026-03-30T09:30:00Z", 1.0),
                ("2026-03-30T10:00:00Z", "2026-03-30T10:40:00Z", 1.0),
            ],
        ),
        planted("CLEAN", &[]),
        planted("OPEN", &[("2026-04-01T05:00:00Z", "2026-04-02T00:00:00Z", 1.0)]),
        quiet,
        hidden,
    ];
    write(home.path(), ("2026-03-28T00:00:00Z", "2026-04-01T06:00:00Z"), &all, &[]);
    reports(home.path(), &["--time-zone", "Europe/Berlin"]);
    let span = |id: &str, from: &str, to: &str| (id.to_owned(), from.to_owned(), to.to_owned());
    let expected = [
        span("ASYNC", "2026-03-28T06:00", "2026-03-28T07:00"),
        span("NIGHT", "2026-03-28T22:30", "2026-03-29T02:40"),
        span("NIGHT", "2026-03-31T21:00", "2026-03-31T23:00"),
        span("OPEN", "2026-04-01T05:00", "2026-04-01T06:00"),
        span("PARTLY", "2026-03-28T09:20", "2026-03-28T11:10"),
        span("QUIET", "2026-03-28T06:10", "2026-03-28T16:00"),
        span("TOTAL", "2026-03-28T09:20", "2026-03-28T11:10"),
        span("TWICE", "2026-03-30T09:00", "2026-03-30T09:30"),
        span("TWICE", "2026-03-30T10:00", "2026-03-30T10:40"),
    ];
    // A lookup each 25 minutes: the first lost one was asked at 6:15, the last one at 15:50.
    assert_eq!(found(home.path()), expected);
    let rows = report(&home.path().join("out"), "authority_incidents");
    let row = |id: &str| rows.iter().find(|row| row["id_type"] == id).expect("an incident");
    assert_eq!((row("ASYNC")["async_only"].as_str(), row("TOTAL")["async_only"].as_str()), ("true", "false"));
    assert_eq!((row("OPEN")["still_open"].as_str(), row("TOTAL")["still_open"].as_str()), ("true", "false"));
    assert_eq!((row("TOTAL")["lookups"].as_str(), row("TOTAL")["lost"].as_str()), ("110", "110"));
    assert_eq!(row("PARTLY")["lowest_availability"], "0.6");
    assert!(rows.iter().all(|row| row["declared"] == "false"));
    days_and_months(home.path());
    cut_by_a_range(home.path());
}

/// The day on which the clocks change has 138 windows, and what goes over the end of a month is shared out.
fn days_and_months(home: &Path) {
    let days = report(&home.join("out"), "authority_daily");
    let day = |id: &str, date: &str| {
        days.iter().find(|row| row["id_type"] == id && row["local_date"] == date).expect("a day")
    };
    assert_eq!(day("CLEAN", "2026-03-29")["windows_of_day"], "138");
    assert_eq!(
        (day("CLEAN", "2026-03-29")["windows"].as_str(), day("CLEAN", "2026-03-29")["status"].as_str()),
        ("138", "online")
    );
    assert_eq!(day("NIGHT", "2026-03-29")["windows_offline"], "22", "from 23:00 UTC, local midnight, to 2:40");
    let months = report(&home.join("out"), "authority_reliability");
    let month =
        |id: &str, date: &str| months.iter().find(|row| row["id_type"] == id && row["month"] == date).expect("a month");
    let (march, april) = (month("NIGHT", "2026-03-01"), month("NIGHT", "2026-04-01"));
    assert_eq!((march["incidents"].as_str(), march["minutes_down"].as_str()), ("2", "310"), "250 and one hour");
    assert_eq!((april["incidents"].as_str(), april["minutes_down"].as_str()), ("0", "60"), "April began at 22:00 UTC");
    assert_eq!(march["mean_minutes_to_recovery"], "185.0");
    assert_eq!(month("OPEN", "2026-04-01")["mean_minutes_to_recovery"], "", "it is not over");
    assert_eq!(month("CLEAN", "2026-03-01")["target_used"], "0.0");
}

/// An incident that goes beyond the range is shown whole.
fn cut_by_a_range(home: &Path) {
    reports(home, &["--from", "2026-03-29", "--to", "2026-03-29"]);
    let span = ("NIGHT".to_owned(), "2026-03-28T22:30".to_owned(), "2026-03-29T02:40".to_owned());
    assert_eq!(found(home), [span]);
    let hours = report(&home.join("out"), "authority_hourly");
    let first = hours.iter().find(|row| row["id_type"] == "CLEAN").expect("an hour");
    assert_eq!((first["hour_end"].as_str(), first["windows"].as_str()), ("2026-03-29T00:10:00.000000Z", "6"));
}

#[test]
fn what_the_provider_declared_is_early_late_or_nothing() {
    let home = folder();
    const OUTAGE: &[(&str, &str, f64)] = &[("2026-03-10T12:00:00Z", "2026-03-10T14:00:00Z", 1.0)];
    let all =
        [planted("EARLY", OUTAGE), planted("LATE", OUTAGE), planted("NEVER", OUTAGE), planted("TOO_LATE", OUTAGE)];
    let said = [
        Said("EARLY", "2026-03-10T11:40:00Z", "interruption"),
        Said("EARLY", "2026-03-10T12:40:00Z", "offline"),
        Said("LATE", "2026-03-10T12:20:00Z", "online"),
        Said("LATE", "2026-03-10T13:05:00Z", "interruption"),
        Said("NEVER", "2026-03-10T12:30:00Z", "online"),
        Said("TOO_LATE", "2026-03-10T15:00:01Z", "offline"),
    ];
    write(home.path(), ("2026-03-10T06:00:00Z", "2026-03-10T20:00:00Z"), &all, &said);
    reports(home.path(), &[]);
    let rows = report(&home.path().join("out"), "authority_incidents");
    let cells =
        |row: &Row| ["id_type", "declared", "declared_lag_minutes", "declared_level"].map(|name| row[name].clone());
    let expected = [
        ["EARLY", "true", "-20", "offline"],
        ["LATE", "true", "65", "interruption"],
        ["NEVER", "false", "", ""],
        ["TOO_LATE", "false", "", ""],
    ];
    assert_eq!(rows.iter().map(cells).collect::<Vec<_>>(), expected.map(|row| row.map(str::to_owned)));
    let agreed = report(&home.path().join("out"), "declared_vs_observed");
    let of_late = agreed.iter().filter(|row| row["id_type"] == "LATE");
    let cells = |row: &Row| {
        ["declared_level", "observed_status", "checks", "share", "mean_difference"].map(|name| row[name].clone())
    };
    let expected = [["interruption", "offline", "1", "0.5", "0.0"], ["online", "offline", "1", "0.5", "0.0"]];
    assert_eq!(of_late.map(cells).collect::<Vec<_>>(), expected.map(|row| row.map(str::to_owned)));
}
