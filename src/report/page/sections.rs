//! The parts of the page, in their order.

use polars::prelude::DataFrame;

use super::attention::{self, rate_bar};
use super::cells::{Cell, Head, MOST, Row, Style, Table, Value, Wanted, cell, rows};
use super::content::{Block, Section};
use super::{heat, pareto, sources, trend};
use crate::report::set::{Disclosure, Set};

/// Incidents in the list.
const INCIDENTS: usize = 60;

/// Every part, also where it only says that it has no figures.
pub fn all(set: &Set) -> Vec<Section> {
    vec![
        attention::section(set),
        rates(set),
        id_types(set),
        codes(set),
        availability(set),
        waiting(set),
        checks(set),
        quality(set),
        sources::section(set),
    ]
}

fn text(words: impl Into<String>) -> Block {
    Block::Text(words.into())
}

/// The blocks of a report, or a sentence that says why there are none.
fn of(set: &Set, name: &str, blocks: impl FnOnce(&DataFrame) -> Vec<Block>) -> Vec<Block> {
    match set.frame(name) {
        None => vec![text(format!("This set has no report {name}."))],
        Some(frame) if frame.height() == 0 => vec![text(format!("The report {name} has no rows in this range."))],
        Some(frame) => blocks(frame),
    }
}

/// A table of a report, or a sentence. A report of which only the keys are left has its figures in the internal set.
fn table(set: &Set, name: &'static str, title: &str, wanted: &[Wanted]) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(title.to_owned())];
    blocks.extend(of(set, name, |frame| {
        let figures = wanted.iter().filter(|(_, _, style)| style.is_number());
        let withheld = |name: &str| rows(frame).all(|row| row.value(name) == Value::Withheld);
        let hidden = |(name, ..): &Wanted| frame.get_column_index(name).is_none() || withheld(name);
        if figures.clone().count() > 0 && figures.clone().all(hidden) {
            return vec![text("Its figures are in the internal set only.")];
        }
        vec![Block::Table(Table::of(title, frame, wanted, rows(frame).take(MOST + 1)))]
    }));
    blocks
}

fn rates(set: &Set) -> Section {
    let blocks = of(set, "pass_rates_daily", |frame| {
        let figures = trend::figures(frame);
        let undated: Vec<String> = rows(frame)
            .filter(|row| row.value("local_date") == Value::Nothing)
            .map(|row| format!("{} of {}", row.show("verifications", Style::Count), row.name(&["provider"])))
            .collect();
        let mut blocks = vec![text(
            "Passed of decided, by day, with the Wilson 95 % interval as a band. All providers have the same axes. Days \
             without a rate are not joined.",
        )];
        match figures.is_empty() {
            true => blocks.push(text("No verification of this range has a day.")),
            false => blocks.push(Block::Figures(figures)),
        }
        if !undated.is_empty() {
            blocks.push(text(format!("Without a day: {} verifications.", undated.join(", "))));
        }
        blocks
    });
    Section { id: "trend", title: "Pass rate over time", blocks }
}

/// The bounds of a pass rate in one cell.
pub fn interval(row: &Row) -> String {
    let (low, high) = (row.value("pass_rate_low"), row.value("pass_rate_high"));
    match (&low, &high) {
        (Value::Number(_), Value::Number(_)) => {
            let low = row.show("pass_rate_low", Style::Percent);
            format!("{} – {}", low.trim_end_matches(" %"), row.show("pass_rate_high", Style::Percent))
        }
        _ => row.show("pass_rate_low", Style::Percent),
    }
}

fn id_types(set: &Set) -> Section {
    let blocks = of(set, "pass_rates_by_id_type", |frame| {
        let mut all: Vec<Row> = rows(frame).collect();
        let size = |row: &Row| row.number("verifications").unwrap_or(-1.0);
        all.sort_by(|a, b| size(b).total_cmp(&size(a))); // stable: withheld ones last, in the order of the report
        let heads = [
            ("Provider", false),
            ("Country", false),
            ("ID type", false),
            ("Verifications", true),
            ("Passed", true),
            ("Failed", true),
            ("Unavailable", true),
            ("Pass rate", true),
            ("95 % interval", true),
            ("0 to 100 %", false),
        ];
        let heads = heads.iter().map(|(text, number)| Head { text: (*text).to_owned(), number: *number }).collect();
        let cells = all.iter().map(id_type).collect();
        let title = "Pass rate by ID type, the most frequent first";
        vec![Block::Table(Table::folded(title, heads, cells))]
    });
    Section { id: "id-types", title: "ID types", blocks }
}

fn id_type(row: &Row) -> Vec<Cell> {
    let mut cells: Vec<Cell> =
        ["provider", "country", "id_type"].iter().map(|name| cell(row, name, Style::Text)).collect();
    let counts = ["verifications", "passed", "failed", "unavailable"];
    cells.extend(counts.iter().map(|name| cell(row, name, Style::Count)));
    cells.push(cell(row, "pass_rate", Style::Percent));
    cells.push(Cell { text: interval(row), ..cell(row, "pass_rate_low", Style::Percent) });
    cells.push(rate_bar(row).map_or_else(|| Cell::text(""), Cell::drawing));
    cells
}

fn codes(set: &Set) -> Section {
    let blocks = of(set, "error_codes", |frame| match pareto::pareto(frame) {
        Some(figure) => vec![Block::Figures(vec![figure])],
        None => vec![text("No code without a pass has a count that is shown.")],
    });
    Section { id: "codes", title: "Why verifications did not pass", blocks }
}

const INCIDENT: [Wanted; 12] = [
    ("provider", "Provider", Style::Text),
    ("country", "Country", Style::Text),
    ("id_type", "ID type", Style::Text),
    ("began", "Began (UTC)", Style::Text),
    ("ended", "Ended (UTC)", Style::Text),
    ("minutes", "Duration", Style::Minutes),
    ("lowest_availability", "Lowest", Style::Percent),
    ("lookups", "Asked", Style::Count),
    ("lost", "Lost", Style::Count),
    ("still_open", "Goes on", Style::Text),
    ("declared", "Declared", Style::Text),
    ("declared_lag_minutes", "Declared after", Style::Minutes),
];

/// How long an incident lasted.
pub fn duration_of(row: &Row) -> String {
    row.show("minutes", Style::Minutes)
}

fn availability(set: &Set) -> Section {
    // Of the hours the rows with few lookups do not circulate.
    let fewest = (set.disclosure == Disclosure::Circulation).then_some(set.facts.threshold);
    let hours = set.frame("authority_hourly").and_then(|frame| heat::of_hours(frame, fewest));
    let mut blocks = match hours.or_else(|| set.frame("authority_daily").and_then(heat::of_days)) {
        Some(figures) => vec![Block::Figures(figures)],
        None => vec![text("No hour or day of an authority has a status that is shown in this set.")],
    };
    blocks.push(Block::Heading("Incidents".to_owned()));
    blocks.extend(of(set, "authority_incidents", |frame| {
        let mut all: Vec<Row> = rows(frame).collect();
        all.sort_by_key(|row| (!row.is("still_open"), std::cmp::Reverse(row.show("began", Style::Text))));
        let left = all.len().saturating_sub(INCIDENTS);
        all.truncate(INCIDENTS);
        let mut table = Table::of("Incidents, those that go on first, then the newest", frame, &INCIDENT, all);
        table.left_out += left;
        vec![Block::Table(table)]
    }));
    Section { id: "availability", title: "Availability of ID authorities", blocks }
}

fn waiting(set: &Set) -> Section {
    let mut blocks = table(
        set,
        "open_cases",
        "Open cases by age",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("outcome", "Waits as", Style::Text),
            ("age", "Age", Style::Text),
            ("cases", "Cases", Style::Count),
            ("oldest", "Oldest (UTC)", Style::Text),
        ],
    );
    blocks.extend(table(
        set,
        "time_to_final",
        "Time until the decision",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("channel", "Channel", Style::Text),
            ("outcome", "Outcome", Style::Text),
            ("timed", "Timed", Style::Count),
            ("p50_seconds", "Half within", Style::Seconds),
            ("p90_seconds", "90 % within", Style::Seconds),
            ("p99_seconds", "99 % within", Style::Seconds),
        ],
    ));
    blocks.extend(table(
        set,
        "retries",
        "What became of people without a pass",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("first_outcome", "First outcome", Style::Text),
            ("people", "People", Style::Count),
            ("people_with_retry", "Tried again", Style::Count),
            ("attempts", "Attempts", Style::Count),
            ("passed_later", "Passed later", Style::Count),
            ("share_passed_later", "Share", Style::Percent),
            ("p50_seconds", "Half within", Style::Seconds),
        ],
    ));
    Section { id: "waiting", title: "Backlog, time and retries", blocks }
}

fn checks(set: &Set) -> Section {
    let mut blocks = table(
        set,
        "checks",
        "Results of named checks",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("check_name", "Check", Style::Text),
            ("reason", "Reason", Style::Text),
            ("result", "Result", Style::Text),
            ("detail", "Detail", Style::Text),
            ("verifications", "Verifications", Style::Count),
            ("share", "Share", Style::Percent),
        ],
    );
    blocks.extend(table(
        set,
        "billing",
        "What is billed",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("local_month", "Month", Style::Text),
            ("verifications", "Verifications", Style::Count),
            ("billable", "Billable", Style::Count),
            ("not_billable", "Not billable", Style::Count),
            ("not_known", "Not known", Style::Count),
        ],
    ));
    Section { id: "checks", title: "Checks and billing", blocks }
}

fn quality(set: &Set) -> Section {
    let mut blocks = table(
        set,
        "data_quality",
        "Measures",
        &[
            ("provider", "Provider", Style::Text),
            ("measure", "Measure", Style::Text),
            ("counted", "Count", Style::Count),
            ("out_of", "of", Style::Count),
            ("share", "Share", Style::Percent),
        ],
    );
    blocks.extend(table(
        set,
        "rejects",
        "Payloads that could not be read",
        &[
            ("provider", "Provider", Style::Text),
            ("reason", "Reason", Style::Text),
            ("payloads", "Payloads", Style::Count),
            ("bytes", "Bytes", Style::Count),
        ],
    ));
    blocks.extend(table(
        set,
        "unknown_codes",
        "Codes that the catalogue does not hold",
        &[
            ("provider", "Provider", Style::Text),
            ("product", "Product", Style::Text),
            ("result_code", "Code", Style::Text),
            ("error_code", "Error code", Style::Text),
            ("observations", "Observations", Style::Count),
            ("verifications", "Verifications", Style::Count),
            ("last_seen", "Last seen (UTC)", Style::Text),
        ],
    ));
    blocks.extend(table(
        set,
        "unknown_fields",
        "Fields that no document names",
        &[
            ("provider", "Provider", Style::Text),
            ("kind", "Kind", Style::Text),
            ("field", "Field", Style::Text),
            ("payloads", "Payloads", Style::Count),
            ("last_seen", "Last seen (UTC)", Style::Text),
        ],
    ));
    Section { id: "quality", title: "Data quality", blocks }
}
