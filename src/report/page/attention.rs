//! The first part of the page: what changed, what is wrong, and the headline figures.

use super::cells::{Row, Style, Value, clean, figure, rows};
use super::chart::{Scale, bar, drawing, line, mark, text_of};
use super::content::{Block, Card, Note, Section};
use super::sections::{duration_of, interval};
use crate::report::set::Set;

/// A smaller change of a provider's rate is not split.
const WORTH_A_WORD: f64 = 0.01;
/// Alerts that are shown.
const ALERTS: usize = 20;
/// Flagged changes and incidents that are named; the others are counted.
const NAMED: usize = 8;

/// Alerts, flagged changes, incidents that go on; then a card per provider.
pub fn section(set: &Set) -> Section {
    let alerts = alerts(set);
    let changes = changes(set);
    let open = open_incidents(set);
    let mut blocks = Vec::new();
    let nothing = nothing(set);
    if let Some(words) = &nothing {
        blocks.push(Block::Empty(words.clone()));
    } else if alerts.is_empty() && changes.is_empty() && open.is_empty() {
        blocks.push(Block::Calm(calm(set)));
    }
    for (notes, heading) in [(alerts, None), (changes, Some("What changed")), (open, Some("Incidents that go on"))] {
        if !notes.is_empty() {
            blocks.extend(heading.map(|text| Block::Heading(text.to_owned())));
            blocks.push(Block::Notes(notes));
        }
    }
    let mix = mix(set);
    if !mix.is_empty() {
        blocks.push(Block::Text(mix.join(" ")));
    }
    blocks.push(Block::Heading("Pass rates".to_owned()));
    blocks.push(match (nothing, set.frame("pass_rates_by_provider")) {
        (Some(words), _) => Block::Text(words),
        (None, Some(frame)) => Block::Cards(rows(frame).map(|row| card(&row)).collect()),
        (None, None) => Block::Text("This set has no report pass_rates_by_provider.".to_owned()),
    });
    Section { id: "attention", title: "What needs attention", blocks }
}

/// A range without a verification is not one in which all is well. A withheld count is no sign of nothing.
fn nothing(set: &Set) -> Option<String> {
    let none = |row: Row| row.value("verifications") == Value::Number(0.0);
    let empty = set.frame("pass_rates_by_provider").is_some_and(|frame| rows(frame).all(none));
    empty.then(|| match set.facts.include_sandbox {
        true => "There is no verification in this range.".to_owned(),
        false => "There is no verification in this range. Sandbox traffic is left out.".to_owned(),
    })
}

/// Nothing needs attention, as far as it was looked at.
fn calm(set: &Set) -> String {
    let looked = [("drift", "changes of rates"), ("authority_incidents", "incidents of authorities")];
    let missing: Vec<&str> =
        looked.iter().filter(|(name, _)| set.frame(name).is_none()).map(|(_, words)| *words).collect();
    match missing.is_empty() {
        true => "Nothing needs attention: no alert, no flagged change, no incident that goes on.".to_owned(),
        false => format!("No alert. This set has no report of {}.", missing.join(" and of ")),
    }
}

fn alerts(set: &Set) -> Vec<Note> {
    let mut alerts: Vec<_> = set.alerts.iter().collect();
    alerts.sort_by_key(|alert| alert.severity != "critical"); // stable: otherwise as the rules gave them
    let note = |alert: &&crate::report::set::Alert| Note {
        severity: alert.severity.to_owned(),
        word: alert.severity.to_owned(),
        subject: clean(&alert.subject),
        message: clean(&alert.message),
        report: alert.report.to_owned(),
    };
    let mut notes: Vec<Note> = alerts.iter().take(ALERTS).map(note).collect();
    if alerts.len() > ALERTS {
        let more = format!("{} more alerts", alerts.len() - ALERTS);
        notes.push(self::note("more", more, "are in alerts.json.".to_owned(), ""));
    }
    notes
}

fn note(word: &str, subject: String, message: String, report: &str) -> Note {
    Note { severity: "note".to_owned(), word: word.to_owned(), subject, message, report: report.to_owned() }
}

/// The first of them, and how many more there are.
fn named(mut notes: Vec<Note>, report: &str) -> Vec<Note> {
    let more = notes.len().saturating_sub(NAMED);
    notes.truncate(NAMED);
    if more > 0 {
        notes.push(note("more", format!("{more} more"), "are in the report.".to_owned(), report));
    }
    notes
}

/// Flagged changes that no alert speaks of.
fn changes(set: &Set) -> Vec<Note> {
    if set.alerts.iter().any(|alert| alert.report == "drift") {
        return Vec::new();
    }
    let flagged = set.frame("drift").into_iter().flat_map(rows).filter(|row| row.is("flagged"));
    let mut flagged: Vec<Row> = flagged.collect();
    flagged.sort_by_key(|row| row.text("metric") != "pass_rate"); // stable: otherwise as in the report
    named(flagged.iter().map(|row| note(direction(row), segment(row), change(row), "drift")).collect(), "drift")
}

/// `down` or `up`, also where the figures are withheld.
fn direction(row: &Row) -> &'static str {
    match row.text("direction").as_str() {
        "down" => "down",
        "up" => "up",
        _ => "changed",
    }
}

fn segment(row: &Row) -> String {
    row.name(&["provider", "product", "country", "id_type", "result_code", "error_code"])
}

fn change(row: &Row) -> String {
    let metric = match row.text("metric").as_str() {
        "code_share" => "share of the code",
        _ => "pass rate",
    };
    if row.number("change").is_none() {
        return format!("{metric} {} (figures withheld).", direction(row));
    }
    format!(
        "{metric} {} after {} ({}, q {}).",
        row.show("recent_rate", Style::Percent),
        row.show("baseline_rate", Style::Percent),
        row.show("change", Style::Points),
        row.show("q_value", Style::Chance)
    )
}

/// The change of each provider's rate, if it is of a point or more, split into change of quality and change of traffic.
fn mix(set: &Set) -> Vec<String> {
    let totals = set.frame("drift_mix").into_iter().flat_map(rows).filter(|row| row.is("is_total"));
    totals
        .filter_map(|row| {
            let [change, within, mix] = ["change", "within_effect", "mix_effect"].map(|name| row.number(name));
            change.filter(|change| change.abs() >= WORTH_A_WORD)?;
            let points = |number: Option<f64>| number.map(|n| figure(n, Style::Points));
            let subject = if row.text("provider").is_empty() { "All providers".to_owned() } else { row.text("provider") };
            Some(format!(
                "{subject}: pass rate {} against the baseline, of which {} within segments and {} by a shift of traffic.",
                points(change)?,
                points(within)?,
                points(mix)?
            ))
        })
        .collect()
}

fn open_incidents(set: &Set) -> Vec<Note> {
    let open = set.frame("authority_incidents").into_iter().flat_map(rows).filter(|row| row.is("still_open"));
    let message = |row: &Row| {
        let declared = match row.value("declared") {
            Value::Flag(true) => ", declared by the provider",
            Value::Flag(false) => ", not declared by the provider",
            _ => "",
        };
        let lowest = row.number("lowest_availability");
        let lowest = lowest.map(|rate| format!(", lowest availability {}", figure(rate, Style::Percent)));
        format!(
            "not online since {} UTC ({}){}{declared}.",
            row.show("began", Style::Text),
            duration_of(row),
            lowest.unwrap_or_default()
        )
    };
    let notes = open.map(|row| {
        note("goes on", row.name(&["provider", "country", "id_type"]), message(&row), "authority_incidents")
    });
    named(notes.collect(), "authority_incidents")
}

fn card(row: &Row) -> Card {
    let count = |words: &str, column: &str| (words.to_owned(), row.show(column, Style::Count));
    Card {
        title: row.name(&["provider"]),
        figure: row.show("pass_rate", Style::Percent),
        interval: interval(row),
        lines: vec![
            count("verifications", "verifications"),
            count("failed", "failed"),
            count("unavailable", "unavailable"),
            count("error", "error"),
            count("in review", "review"),
            count("pending", "pending"),
        ],
        svg: rate_bar(row),
    }
}

/// A rate between nothing and all, with its interval; the same ground for every row, and none where it is withheld.
pub fn rate_bar(row: &Row) -> Option<String> {
    let [rate, low, high] = ["pass_rate", "pass_rate_low", "pass_rate_high"].map(|name| row.number(name));
    let (rate, low, high) = (rate?, low?, high?);
    let x = Scale { low: 0.0, high: 1.0, from: 0.0, to: 160.0 };
    let title = format!(
        "{}: {} ({} to {})",
        row.name(&["provider", "country", "id_type"]),
        figure(rate, Style::Percent),
        figure(low, Style::Percent),
        figure(high, Style::Percent)
    );
    let mut svg = drawing(160.0, 14.0, "");
    svg = svg.set("aria-hidden", "true").set("class", "inline");
    let parts: Vec<Box<dyn svg::Node>> = vec![
        Box::new(bar("ground", 0.0, 3.0, 160.0, 8.0)),
        Box::new(bar("rate", 0.0, 3.0, x.at(rate), 8.0)),
        Box::new(line("whisker", (x.at(low), 7.0), (x.at(high), 7.0))),
        Box::new(line("whisker", (x.at(low), 4.0), (x.at(low), 10.0))),
        Box::new(line("whisker", (x.at(high), 4.0), (x.at(high), 10.0))),
    ];
    svg::Node::append(&mut svg, mark(&title, parts));
    Some(text_of(&svg))
}
