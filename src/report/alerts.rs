//! What somebody should look at, by rules over the finished reports, and `alerts.json`.
//!
//! Rules judge the full figures; what an alert says of them comes from the set it is written in, so that nothing withheld
//! is told by an alert. Not here: what came in or did not come in this run (`cli::report`).

use polars::prelude::{AnyValue, DataFrame};
use serde::{Deserialize, Serialize};

use super::columns::{counts, integers, texts, truths};
use super::set::{Alert, Facts, Set, Table};
use super::spec::Role;
use crate::error::{Error, Result};

/// The rules, by the names that `--fail-on` and `[alerts]` use.
pub const RULES: [&str; 6] = ["availability", "backlog", "drift", "rejects", "silence", "unknown"];

/// `[alerts]` of the configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// A segment drifted (the report `drift` flags it).
    pub drift: bool,
    /// An authority is in an incident, or one ended less than so many hours before the newest observation; 0: open ones only.
    pub availability_hours: u64,
    /// More than so many cases of a provider, product and outcome are open for `backlog_days` (1, 3, 7 or 30) or longer.
    pub backlog_more_than: u64,
    pub backlog_days: u64,
    /// More than this share of the payloads could not be read.
    pub rejects_share: f64,
    /// More than this share of the observations has a code that the catalogue does not hold.
    pub unknown_share: f64,
    /// An input that usually has payloads had none.
    pub silence: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            drift: true,
            availability_hours: 24,
            backlog_more_than: 10,
            backlog_days: 7,
            rejects_share: 0.01,
            unknown_share: 0.01,
            silence: true,
        }
    }
}

impl Rules {
    /// Whether the values make sense; says which does not.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !AGES_FROM_DAYS.iter().any(|(days, _)| *days == self.backlog_days) {
            return Err("alerts: backlog_days is 1, 3, 7 or 30".into());
        }
        if ![self.rejects_share, self.unknown_share].iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err("alerts: rejects_share and unknown_share are 0 to 1".into());
        }
        Ok(())
    }
}

/// What a rule points to.
#[derive(Clone, Debug)]
pub struct Found {
    pub rule: &'static str,
    severity: &'static str,
    report: &'static str,
    /// One, or those whose counts are added up.
    rows: Vec<usize>,
}

/// Every row that a rule points to, in the order of the rules' weight: what is down now comes first.
///
/// # Errors
/// When a report has not the columns it should have.
pub fn judge(tables: &[Table], rules: &Rules, facts: &Facts) -> Result<Vec<Found>> {
    let mut found = availability(tables, rules, facts)?;
    found.extend(drift(tables, rules)?);
    found.extend(silence(tables, rules)?);
    found.extend(shares(tables, rules)?);
    found.extend(backlog(tables, rules)?);
    found.sort_by_key(|f| f.severity != "critical");
    Ok(found)
}

/// The alerts in the words and figures of one set. `full` are the tables that were judged; a set may have their rows in
/// another order.
///
/// # Errors
/// When a report has not the columns it should have.
pub fn describe(found: &[Found], full: &[Table], set: &[Table]) -> Result<Vec<Alert>> {
    let mut alerts = Vec::with_capacity(found.len());
    for found in found {
        let (Some(judged), Some(shown)) = (table(full, found.report), table(set, found.report)) else { continue };
        let rows = found.rows.iter().map(|row| same_row(judged, *row, shown)).collect::<Result<Vec<_>>>()?;
        let rows: Vec<Row> = rows.into_iter().flatten().map(|row| Row { frame: &shown.frame, row }).collect();
        alerts.extend(alert(found, &rows)?);
    }
    Ok(alerts)
}

/// The row with the same keys.
fn same_row(judged: &Table, row: usize, shown: &Table) -> Result<Option<usize>> {
    let keys = judged.spec.iter().flat_map(|spec| &spec.columns).filter(|(_, role)| *role == Role::Key);
    let mut columns = Vec::new();
    for (name, _) in keys {
        columns.push((judged.frame.column(name)?.get(row)?.to_string(), shown.frame.column(name)?));
    }
    let same = |row: &usize| {
        columns.iter().all(|(cell, column)| column.get(*row).is_ok_and(|other| other.to_string() == *cell))
    };
    Ok((0..shown.frame.height()).find(same))
}

/// `alerts.json` of a set.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(set: &Set) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        disclosure: &'static str,
        #[serde(flatten)]
        facts: &'a Facts,
        alerts: &'a [Alert],
    }
    let document = Document { disclosure: set.disclosure.folder(), facts: &set.facts, alerts: &set.alerts };
    serde_json::to_string_pretty(&document).map_err(|e| Error::failed(format!("alerts.json: {e}")))
}

fn table<'a>(tables: &'a [Table], name: &str) -> Option<&'a Table> {
    tables.iter().find(|table| table.name == name)
}

fn availability(tables: &[Table], rules: &Rules, facts: &Facts) -> Result<Vec<Found>> {
    const REPORT: &str = "authority_incidents";
    let Some(Table { frame, .. }) = table(tables, REPORT) else { return Ok(Vec::new()) };
    let (ends, open) = (integers(frame, "ended")?, truths(frame, "still_open")?);
    let since =
        facts.newest_us.map(|newest| newest - i64::try_from(rules.availability_hours).unwrap_or(0) * 3_600_000_000);
    let recent = |row: &usize| open[*row] || ends[*row].zip(since).is_some_and(|(end, since)| end > since);
    let severity = |row: usize| if open[row] { "critical" } else { "warning" };
    let rows = (0..frame.height()).filter(recent);
    Ok(rows
        .map(|row| Found { rule: "availability", severity: severity(row), report: REPORT, rows: vec![row] })
        .collect())
}

fn drift(tables: &[Table], rules: &Rules) -> Result<Vec<Found>> {
    const REPORT: &str = "drift";
    let Some(Table { frame, .. }) = table(tables, REPORT).filter(|_| rules.drift) else { return Ok(Vec::new()) };
    let flagged = truths(frame, "flagged")?;
    let metrics = texts(frame, "metric")?;
    let mut rows: Vec<usize> = (0..frame.height()).filter(|row| flagged[*row]).collect();
    // A fallen rate says more than the shares of the codes that it is made of.
    rows.sort_by_key(|row| metrics[*row].as_deref() != Some("pass_rate"));
    let rows = rows.into_iter();
    Ok(rows.map(|row| Found { rule: "drift", severity: "warning", report: REPORT, rows: vec![row] }).collect())
}

fn silence(tables: &[Table], rules: &Rules) -> Result<Vec<Found>> {
    const REPORT: &str = "inputs";
    let Some(Table { frame, .. }) = table(tables, REPORT).filter(|_| rules.silence) else { return Ok(Vec::new()) };
    let silent = truths(frame, "silent")?;
    let rows = (0..frame.height()).filter(|row| silent[*row]);
    Ok(rows.map(|row| Found { rule: "silence", severity: "critical", report: REPORT, rows: vec![row] }).collect())
}

/// The shares of what could not be read and of what nobody knows, per provider.
fn shares(tables: &[Table], rules: &Rules) -> Result<Vec<Found>> {
    const REPORT: &str = "data_quality";
    let Some(Table { frame, .. }) = table(tables, REPORT) else { return Ok(Vec::new()) };
    let providers = texts(frame, "provider")?;
    let (measures, counted, of) = (texts(frame, "measure")?, counts(frame, "counted")?, counts(frame, "out_of")?);
    let limits = [
        ("rejects", "payloads_rejected", rules.rejects_share),
        ("unknown", "observations_unknown", rules.unknown_share),
    ];
    let mut found = Vec::new();
    for (rule, measure, limit) in limits {
        // A payload that is nobody's is one of all.
        let all: u64 =
            (0..frame.height()).filter(|row| measures[*row].as_deref() == Some(measure)).map(|row| of[row]).sum();
        let whole = |row: usize| if providers[row].is_some() { of[row] } else { all };
        let above = |row: &usize| {
            measures[*row].as_deref() == Some(measure) && counted[*row] as f64 > limit * whole(*row) as f64
        };
        let rows = (0..frame.height()).filter(above);
        found.extend(rows.map(|row| Found { rule, severity: "warning", report: REPORT, rows: vec![row] }));
    }
    Ok(found)
}

/// Days from which a backlog can be counted, and the first of the ages of `open_cases` that is as old.
const AGES_FROM_DAYS: [(u64, i64); 4] = [(1, 3), (3, 4), (7, 5), (30, 6)];
/// The age of cases without a time.
const UNDATED: i64 = 7;

fn backlog(tables: &[Table], rules: &Rules) -> Result<Vec<Found>> {
    const REPORT: &str = "open_cases";
    let Some(Table { frame, .. }) = table(tables, REPORT) else { return Ok(Vec::new()) };
    let (ages, cases) = (integers(frame, "age_order")?, counts(frame, "cases")?);
    let keys = [texts(frame, "provider")?, texts(frame, "product")?, texts(frame, "outcome")?];
    let first = AGES_FROM_DAYS.iter().find(|(days, _)| *days == rules.backlog_days).map(|(_, order)| *order);
    let mut waiting: Vec<Waiting> = Vec::new();
    for row in 0..frame.height() {
        if !ages[row].zip(first).is_some_and(|(age, first)| (first..UNDATED).contains(&age)) {
            continue;
        }
        let of = keys.each_ref().map(|column| column[row].as_deref());
        if waiting.last().is_none_or(|last| last.of != of) {
            waiting.push(Waiting { of, cases: 0, rows: Vec::new() });
        }
        if let Some(last) = waiting.last_mut() {
            last.cases += cases[row];
            last.rows.push(row);
        }
    }
    let many = waiting.into_iter().filter(|waiting| waiting.cases > rules.backlog_more_than);
    Ok(many.map(|waiting| Found { rule: "backlog", severity: "warning", report: REPORT, rows: waiting.rows }).collect())
}

/// Cases of one provider, product and outcome that are old enough, and their rows.
struct Waiting<'a> {
    of: [Option<&'a str>; 3],
    cases: u64,
    rows: Vec<usize>,
}

/// One alert in words; a figure that the set withholds is said to be withheld. None of a backlog whose count is withheld:
/// that there is an alert would bound it.
fn alert(found: &Found, rows: &[Row]) -> Result<Option<Alert>> {
    let Some(row) = rows.first() else { return Ok(None) };
    let (subject, message) = match found.report {
        "authority_incidents" => (row.words(&["provider", "country", "id_type"])?, incident(row)?),
        "drift" => {
            let segment = ["provider", "product", "country", "id_type", "result_code", "error_code"];
            (row.words(&segment)?, change(row)?)
        }
        "inputs" => (row.words(&["provider", "kind", "partner"])?, silent(row)?),
        "open_cases" => {
            let mut cases = 0;
            for row in rows {
                let Some(count) = row.cell("cases")?.extract::<u64>() else { return Ok(None) };
                cases += count;
            }
            (row.words(&["provider", "product", "outcome"])?, format!("{cases} wait for {} or longer", row.age()?))
        }
        _ => (row.words(&["provider"])?, quality(row)?),
    };
    let subject = if subject.is_empty() { "nobody's".to_owned() } else { subject };
    Ok(Some(Alert { rule: found.rule, severity: found.severity, subject, message, report: found.report }))
}

fn silent(row: &Row) -> Result<String> {
    Ok(format!(
        "no payload in the newest 24 hours, {} in the 28 days before, the last at {}",
        row.count("payloads_28_days_before")?,
        row.time("last_payload")?
    ))
}

fn quality(row: &Row) -> Result<String> {
    let what = if row.text("measure")? == "payloads_rejected" {
        "payloads could not be read"
    } else {
        "observations have an unknown code"
    };
    Ok(format!("{} of {} {what} ({})", row.count("counted")?, row.count("out_of")?, row.percent("share")?))
}

fn incident(row: &Row) -> Result<String> {
    let state = if row.truth("still_open")? { "still down" } else { "down" };
    let until = if row.truth("still_open")? { String::new() } else { format!(" until {}", row.time("ended")?) };
    Ok(format!(
        "{state} since {}{until}: {} of {} lookups lost",
        row.time("began")?,
        row.count("lost")?,
        row.count("lookups")?
    ))
}

fn change(row: &Row) -> Result<String> {
    let what = if row.text("metric")? == "pass_rate" { "pass rate" } else { "share of this code" };
    let direction = row.text("direction")?;
    if row.cell("recent_rate")?.is_null() {
        return Ok(format!("{what} {direction} {WITHHELD}"));
    }
    Ok(format!(
        "{what} {direction} to {} of {}, before {} of {}",
        row.percent("recent_rate")?,
        row.count("recent_n")?,
        row.percent("baseline_rate")?,
        row.count("baseline_n")?
    ))
}

/// One row of a report, cell by cell, for people.
struct Row<'a> {
    frame: &'a DataFrame,
    row: usize,
}

const WITHHELD: &str = "(withheld)";

impl Row<'_> {
    fn cell(&self, name: &str) -> Result<AnyValue<'_>> {
        Ok(self.frame.column(name)?.get(self.row)?)
    }

    /// The texts that are there, with a blank between.
    fn words(&self, names: &[&str]) -> Result<String> {
        let texts = names.iter().map(|name| self.text(name)).collect::<Result<Vec<_>>>()?;
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "))
    }

    /// The beginning of an age: `7_to_30_days` is 7 days.
    fn age(&self) -> Result<String> {
        Ok(match self.text("age")?.as_str() {
            "1_to_3_days" => "a day",
            "3_to_7_days" => "3 days",
            "7_to_30_days" => "7 days",
            _ => "30 days",
        }
        .to_owned())
    }

    /// A text; nothing where there is none.
    fn text(&self, name: &str) -> Result<String> {
        Ok(self.cell(name)?.get_str().unwrap_or_default().to_owned())
    }

    fn count(&self, name: &str) -> Result<String> {
        Ok(self.cell(name)?.extract::<i64>().map_or_else(|| WITHHELD.to_owned(), |n| n.to_string()))
    }

    fn percent(&self, name: &str) -> Result<String> {
        let share = self.cell(name)?.extract::<f64>();
        Ok(share.map_or_else(|| WITHHELD.to_owned(), |share| format!("{:.1} %", share * 100.0)))
    }

    fn truth(&self, name: &str) -> Result<bool> {
        Ok(matches!(self.cell(name)?, AnyValue::Boolean(true)))
    }

    /// A time to the minute, UTC.
    fn time(&self, name: &str) -> Result<String> {
        let time = match self.cell(name)? {
            AnyValue::Datetime(us, ..) | AnyValue::DatetimeOwned(us, ..) => chrono::DateTime::from_timestamp_micros(us),
            _ => None,
        };
        Ok(time.map_or_else(|| WITHHELD.to_owned(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string()))
    }
}
