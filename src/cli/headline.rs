//! What a run prints when it is done: alerts first, then the headline rates, then where the rest is.

use std::path::Path;

use comfy_table::Table;
use polars::prelude::{AnyValue, DataFrame};

use super::print::{lines, plain_table};
use crate::error::Result;
use crate::report::HEADLINE;
use crate::report::restated::Restated;
use crate::report::set::{Alert, Set};
use crate::report::workbook::disclosure_line;

/// Alerts that are printed.
const PRINTED: usize = 12;
/// Restated days that are named.
const DAYS_NAMED: usize = 5;

/// Prints on standard output what a person should see first.
pub fn print(set: &Set, alerts: &[&Alert], restated: &[Restated], folder: &Path) -> Result<()> {
    let latest = folder.parent().map_or_else(|| folder.to_owned(), |p| p.join("latest"));
    lines(|out| {
        for alert in alerts.iter().take(PRINTED) {
            writeln!(out, "{} {}: {}: {}", alert.severity, alert.rule, alert.subject, alert.message)?;
        }
        if alerts.len() > PRINTED {
            writeln!(out, "… and {} more: alerts.json has all", alerts.len() - PRINTED)?;
        }
        if let Some(frame) = set.frame(HEADLINE) {
            writeln!(out, "{}", headline(frame))?;
        }
        if !restated.is_empty() {
            let days: Vec<&str> = restated.iter().rev().take(DAYS_NAMED).map(|r| r.day.as_str()).collect();
            let more = if restated.len() > DAYS_NAMED { ", …" } else { "" };
            writeln!(out, "restated: {} earlier days ({}{more}); run.json says why", restated.len(), days.join(", "))?;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        writeln!(out, "these figures are {}", disclosure_line(set.disclosure, set.facts.threshold))?;
        writeln!(out, "reports: {} ({name})", latest.join(set.disclosure.folder()).display())
    })
}

fn headline(frame: &DataFrame) -> Table {
    let mut table = plain_table();
    let header = [
        "provider",
        "verifications",
        "pass rate",
        "95 % interval",
        "failed",
        "unavailable",
        "error",
        "pending",
        "review",
    ];
    table.set_header(header);
    for row in 0..frame.height() {
        let cell = |name: &str| frame.column(name).and_then(|column| column.get(row)).unwrap_or(AnyValue::Null);
        let decided = cell("decided").extract::<i64>();
        let count = |name: &str| cell(name).extract::<i64>().map_or_else(|| "withheld".to_owned(), |n| n.to_string());
        let percent = |name: &str| cell(name).extract::<f64>().map(|rate| format!("{:.1} %", rate * 100.0));
        let nothing = if decided == Some(0) { "–" } else { "withheld" };
        let interval = percent("pass_rate_low").zip(percent("pass_rate_high")).map(|(l, h)| format!("{l} – {h}"));
        table.add_row([
            cell("provider").get_str().unwrap_or_default().to_owned(),
            count("verifications"),
            percent("pass_rate").unwrap_or_else(|| nothing.into()),
            interval.unwrap_or_else(|| nothing.into()),
            count("failed"),
            count("unavailable"),
            count("error"),
            count("pending"),
            count("review"),
        ]);
    }
    table
}
