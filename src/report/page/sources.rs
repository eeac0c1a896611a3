//! The last part of the page: where every figure comes from; and the facts at its top.

use super::cells::{Cell, Head, Style, Table, clean, figure};
use super::content::{Block, Section};
use crate::report::set::{Disclosure, Set};

/// Which reports a part of the page is made from.
const PARTS: [(&str, &[&str]); 8] = [
    ("What needs attention", &["drift", "drift_mix", "authority_incidents", "pass_rates_by_provider"]),
    ("Pass rate over time", &["pass_rates_daily"]),
    ("ID types", &["pass_rates_by_id_type"]),
    ("Why verifications did not pass", &["error_codes"]),
    ("Availability of ID authorities", &["authority_hourly", "authority_daily", "authority_incidents"]),
    ("Backlog, time and retries", &["open_cases", "time_to_final", "retries"]),
    ("Checks and billing", &["checks", "billing"]),
    ("Data quality", &["data_quality", "rejects", "unknown_codes", "unknown_fields"]),
];

/// What the page is about, as words and figures.
pub fn facts(set: &Set) -> Vec<(&'static str, String)> {
    let facts = &set.facts;
    let day = |day: Option<chrono::NaiveDate>| day.map_or_else(|| "the beginning".to_owned(), |day| day.to_string());
    let sandbox = if facts.include_sandbox { "counted" } else { "left out" };
    let limits = format!(
        "online from {}, offline up to {}",
        figure(facts.online_from, Style::Percent),
        figure(facts.offline_to, Style::Percent)
    );
    vec![
        (
            "Range",
            format!("{} to {}", day(facts.from), facts.to.map_or("the newest day".to_owned(), |d| d.to_string())),
        ),
        ("Days in", facts.time_zone.clone()),
        ("Sandbox traffic", sandbox.to_owned()),
        ("Authorities", limits),
        ("Catalogue", facts.catalogue_version.clone()),
        ("Made by", format!("kycmart {}", facts.tool_version)),
    ]
}

/// Per part of the page its reports: file, SQL, rows.
pub fn section(set: &Set) -> Section {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (part, names) in PARTS {
        rows.extend(names.iter().map(|name| source(set, part, name)));
    }
    let used = |name: &str| PARTS.iter().any(|(_, names)| names.contains(&name));
    rows.extend(set.tables.iter().filter(|t| !used(&t.name)).map(|t| source(set, "Only in the files", &t.name)));
    let heads = [("Part", false), ("File", false), ("Computed by", false), ("Rows", true)];
    let heads = heads.iter().map(|(text, number)| Head { text: (*text).to_owned(), number: *number }).collect();
    let set_of = match set.disclosure {
        Disclosure::Circulation => format!(
            "This page is of the set for circulation: counts below {} are withheld, and others that would give them \
             back.",
            set.facts.threshold
        ),
        Disclosure::Internal => "This page is of the internal set: full figures.".to_owned(),
    };
    let words = format!(
        "{set_of} Every figure is a cell of the CSV file beside this page, or a sum or share of such cells where it says \
         so. What a figure means is in docs/METRICS.md; the SQL is in queries/."
    );
    let caption = "Reports of this page, their files and their SQL".to_owned();
    let table = Table { caption, heads, rows, more: Vec::new(), left_out: 0 };
    Section {
        id: "sources",
        title: "Where every figure comes from",
        blocks: vec![Block::Text(words), Block::Table(table)],
    }
}

fn source(set: &Set, part: &str, name: &str) -> Vec<Cell> {
    let found = set.tables.iter().find(|table| table.name == name);
    let name = clean(name);
    let (file, count) = match found {
        Some(table) => (format!("{name}.csv"), figure(table.frame.height() as f64, Style::Count)),
        None => ("not in this set".to_owned(), "–".to_owned()),
    };
    vec![
        Cell::text(part),
        Cell::text(file),
        Cell::text(format!("queries/reports/{name}.sql")),
        Cell { text: count, number: true, ..Cell::default() },
    ]
}
