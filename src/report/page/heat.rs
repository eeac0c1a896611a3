//! Availability as a heat map: a line per authority, a column per hour (or day), runs of one status as one mark.
//!
//! A status is told by colour, height and letter. An hour without a lookup is blank, never "up".

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use polars::prelude::{DataFrame, DataType};
use svg::Node;

use super::cells::{Cell, Row, Style, Table, Value, WITHHELD, figure, row, rows};
use super::chart::{bar, drawing, label, line, mark, short, text_of};
use super::content::Figure;

/// Hours and days that are shown.
const HOURS: i64 = 48;
const DAYS: i64 = 31;
/// Authorities that are shown at once; the others are in a second drawing below.
const FIRST: usize = 25;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 240.0;
const STEP: f64 = 18.0;
const TOP: f64 = 22.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Online,
    Interruption,
    Offline,
    /// Lookups that settle nothing.
    Open,
    Withheld,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Online => "online",
            Status::Interruption => "interruption",
            Status::Offline => "offline",
            Status::Open => "no status",
            Status::Withheld => "withheld",
        }
    }

    fn letter(self) -> &'static str {
        match self {
            Status::Interruption => "I",
            Status::Offline => "O",
            Status::Withheld => WITHHELD,
            Status::Online | Status::Open => "",
        }
    }

    /// Share of the line's height: the worse, the taller.
    fn height(self) -> f64 {
        match self {
            Status::Online | Status::Open => 0.5,
            Status::Interruption => 0.75,
            Status::Offline | Status::Withheld => 0.9,
        }
    }

    fn weight(self) -> i64 {
        match self {
            Status::Offline => 3,
            Status::Interruption => 1,
            _ => 0,
        }
    }
}

struct Slot {
    status: Status,
    lowest: Option<f64>,
    lookups: Option<f64>,
}

/// The columns of a map: hours since 1970 in UTC, or days.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
    hours: bool,
}

type Lines = Vec<(String, BTreeMap<i64, Slot>)>;

/// The last 48 hours of the report's range, if any hour has a status that is shown. Hours with less than `fewest` lookups
/// are not in the frame.
pub fn of_hours(frame: &DataFrame, fewest: Option<u64>) -> Option<Vec<Figure>> {
    frame.get_column_index("status")?;
    let windows = frame.column("window_index").ok()?.as_materialized_series().cast(&DataType::Int64).ok()?;
    let windows: Vec<i64> = windows.i64().ok()?.iter().map(|w| w.unwrap_or(-1)).collect();
    let clock = |window: i64| window.rem_euclid(6) == 5;
    let last = windows.iter().copied().filter(|w| clock(*w)).max()? / 6;
    let span = Span { first: last - HOURS + 1, last, hours: true };
    let mut lines = Lines::new();
    for (index, window) in windows.iter().enumerate().filter(|(_, w)| clock(**w) && **w / 6 >= span.first) {
        put(&mut lines, window / 6, &row(frame, index));
    }
    let blank = fewest.map(|n| format!("Hours with fewer than {n} lookups are left blank."));
    figures(lines, span, blank)
}

/// The last days of the report's range: where the hours are withheld as a whole.
pub fn of_days(frame: &DataFrame) -> Option<Vec<Figure>> {
    let number = |day: NaiveDate| i64::from(day.to_epoch_days());
    let day = |row: &Row| match row.value("local_date") {
        Value::Day(day) => Some(number(day)),
        _ => None,
    };
    let last = rows(frame).filter_map(|row| day(&row)).max()?;
    let span = Span { first: last - DAYS + 1, last, hours: false };
    let mut lines = Lines::new();
    for row in rows(frame) {
        if let Some(day) = day(&row).filter(|day| *day >= span.first) {
            put(&mut lines, day, &row);
        }
    }
    figures(lines, span, None)
}

fn put(lines: &mut Lines, slot: i64, row: &Row) {
    let status = match row.value("status") {
        Value::Text(word) if word == "online" => Status::Online,
        Value::Text(word) if word == "interruption" => Status::Interruption,
        Value::Text(word) if word == "offline" => Status::Offline,
        Value::Withheld => Status::Withheld,
        _ if row.number("lookups") == Some(0.0) => return,
        _ => Status::Open,
    };
    let shown = status != Status::Withheld;
    let (lowest, lookups) = (row.number("availability"), row.number("lookups"));
    let slot_of = Slot { status, lowest: lowest.filter(|_| shown), lookups: lookups.filter(|_| shown) };
    let name = row.name(&["provider", "country", "id_type"]);
    // Rows of an authority stand together in the reports; a search from the end finds it at once.
    match lines.iter_mut().rev().find(|(known, _)| *known == name) {
        Some((_, slots)) => _ = slots.insert(slot, slot_of),
        None => lines.push((name, BTreeMap::from([(slot, slot_of)]))),
    }
}

/// `blank` says what a blank place means, if not that nobody asked.
fn figures(mut lines: Lines, span: Span, blank: Option<String>) -> Option<Vec<Figure>> {
    let settled = |slot: &Slot| !matches!(slot.status, Status::Withheld | Status::Open);
    if !lines.iter().any(|(_, slots)| slots.values().any(settled)) {
        return None;
    }
    // The worst first; withheld ones weigh nothing, so that the order tells nothing about them.
    let weight = |slots: &BTreeMap<i64, Slot>| slots.values().map(|slot| slot.status.weight()).sum::<i64>();
    lines.sort_by(|a, b| weight(&b.1).cmp(&weight(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let later = lines.split_off(lines.len().min(FIRST));
    let troubled = lines.iter().chain(&later).filter(|(_, slots)| weight(slots) > 0).count();
    let all = lines.len() + later.len();
    let unit = if span.hours { "hours, by the clock in UTC" } else { "days" };
    let columns = span.last - span.first + 1;
    let any = |status: Status| lines.iter().chain(&later).any(|(_, slots)| slots.values().any(|s| s.status == status));
    let known = if any(Status::Withheld) { ", as far as is shown" } else { "" };
    let withheld = if any(Status::Withheld) { format!("; {WITHHELD}: withheld") } else { String::new() };
    let blank = blank.unwrap_or("Blank: no lookup.".to_owned());
    let caption = format!(
        "The last {columns} {unit}, the worst first. Not online at some time{known}: {troubled} of {all} authorities. Low bar: \
         online; I: interruption; O: offline{withheld}. {blank}"
    );
    let mut figures = vec![drawn("heat", "Availability of the ID authorities", caption, &lines, span)];
    if !later.is_empty() {
        let caption = format!("The other {} authorities, in the same way.", later.len());
        figures.push(drawn("heat-more", "Availability of the other authorities", caption, &later, span));
    }
    Some(figures)
}

fn drawn(id: &str, title: &str, caption: String, lines: &Lines, span: Span) -> Figure {
    let svg = draw(lines, span, &format!("{id}-caption"));
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        caption,
        svg,
        wide: true,
        folded: id != "heat",
        table: Some(table(lines, span)),
    }
}

impl Span {
    /// A place on the axis of time, as it is written.
    fn name(self, slot: i64) -> String {
        if self.hours {
            DateTime::from_timestamp(slot * 3600, 0).unwrap_or_default().format("%-d %b %H:%M").to_string()
        } else {
            self.date(slot)
        }
    }

    fn date(self, slot: i64) -> String {
        let seconds = if self.hours { slot * 3600 } else { slot * 86_400 };
        DateTime::from_timestamp(seconds, 0).unwrap_or_default().format("%-d %b").to_string()
    }

    fn tick(self, slot: i64) -> Option<String> {
        let hour = slot.rem_euclid(24);
        match (self.hours, hour) {
            (true, 0) => Some(self.date(slot)),
            (true, 6 | 12 | 18) => Some(format!("{hour:02}:00")),
            (true, _) => None,
            (false, _) => ((slot - self.first) % 5 == 0).then(|| self.date(slot)),
        }
    }

    /// From the first to after the last of a run.
    fn run(self, from: i64, to: i64) -> String {
        match (self.hours, from == to) {
            (true, _) => format!("{} to {}", self.name(from), self.name(to + 1)),
            (false, true) => self.name(from),
            (false, false) => format!("{} to {}", self.name(from), self.name(to)),
        }
    }
}

fn draw(lines: &Lines, span: Span, named_by: &str) -> String {
    let width = (WIDTH - LEFT) / (span.last - span.first + 1) as f64;
    let height = TOP + lines.len() as f64 * STEP + 4.0;
    let x = |slot: i64| LEFT + (slot - span.first) as f64 * width;
    let mut svg = drawing(WIDTH, height, named_by);
    for slot in span.first..=span.last {
        if let Some(text) = span.tick(slot) {
            svg.append(line("grid", (x(slot), TOP - 4.0), (x(slot), height)));
            svg.append(label("tick start", x(slot) + 2.0, TOP - 8.0, &text));
        }
    }
    for (index, (name, slots)) in lines.iter().enumerate() {
        let y = TOP + index as f64 * STEP;
        svg.append(line("grid", (LEFT, y + STEP - 0.5), (WIDTH, y + STEP - 0.5)));
        svg.append(label("name end", LEFT - 6.0, y + 13.0, &short(name, 32)));
        for (from, to, slot) in runs(slots) {
            let tall = STEP * slot.status.height();
            let run = (to - from + 1) as f64 * width;
            let class = slot.status.word().replace(' ', "-");
            let field = bar(&class, x(from) + 0.4, y + STEP - 1.0 - tall, run - 0.8, tall);
            let mut parts: Vec<Box<dyn Node>> = vec![Box::new(field)];
            if !slot.status.letter().is_empty() {
                let class = format!("letter middle {class}");
                parts.push(Box::new(label(&class, x(from) + run / 2.0, y + STEP - 5.0, slot.status.letter())));
            }
            svg.append(mark(&words(name, &span.run(from, to), &slot), parts));
        }
    }
    text_of(&svg)
}

/// Neighbours of one status as one: first and last slot, lowest availability, lookups of all.
fn runs(slots: &BTreeMap<i64, Slot>) -> Vec<(i64, i64, Slot)> {
    let mut runs: Vec<(i64, i64, Slot)> = Vec::new();
    for (at, slot) in slots {
        match runs.last_mut() {
            Some((_, to, run)) if *to + 1 == *at && run.status == slot.status => {
                *to = *at;
                run.lowest = match (run.lowest, slot.lowest) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    _ => None,
                };
                run.lookups = run.lookups.zip(slot.lookups).map(|(a, b)| a + b);
            }
            _ => runs.push((*at, *at, Slot { status: slot.status, lowest: slot.lowest, lookups: slot.lookups })),
        }
    }
    runs
}

fn words(name: &str, when: &str, slot: &Slot) -> String {
    let lowest = slot.lowest.map(|rate| format!(", lowest availability {}", figure(rate, Style::Percent)));
    let lookups = slot.lookups.map(|count| format!(", {} lookups", figure(count, Style::Count)));
    format!("{name}, {when}: {}{}{}", slot.status.word(), lowest.unwrap_or_default(), lookups.unwrap_or_default())
}

/// What is not online, as rows: the drawing in words. Figures have their columns where any of them is shown.
fn table(lines: &Lines, span: Span) -> Table {
    let troubled = lines.iter().flat_map(|(name, slots)| runs(slots).into_iter().map(move |run| (name, run)));
    let troubled: Vec<_> = troubled.filter(|(_, (.., slot))| slot.status != Status::Online).collect();
    let figures = troubled.iter().any(|(_, (.., slot))| slot.lowest.is_some() || slot.lookups.is_some());
    let mut heads = vec![("Authority", false), ("When", false), ("Status", false)];
    if figures {
        heads.extend([("Lowest availability", true), ("Lookups", true)]);
    }
    let number = |text: Option<String>| Cell { text: text.unwrap_or("–".into()), number: true, ..Cell::default() };
    let cells = troubled.iter().map(|(name, (from, to, slot))| {
        let withheld = slot.status == Status::Withheld;
        let status = Cell { text: slot.status.word().to_owned(), withheld, ..Cell::default() };
        let mut cells = vec![Cell::text(name.as_str()), Cell::text(span.run(*from, *to)), status];
        if figures {
            cells.push(number(slot.lowest.map(|rate| figure(rate, Style::Percent))));
            cells.push(number(slot.lookups.map(|count| figure(count, Style::Count))));
        }
        cells
    });
    Table::plain("Every run that was not online", &heads, cells.collect())
}
