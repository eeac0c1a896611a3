//! Pass rate over time: one small chart per provider, all with the same axes, each day with its Wilson interval.

use chrono::NaiveDate;
use polars::prelude::DataFrame;
use svg::Node;
use svg::node::element::path::Data;
use svg::node::element::{Path, SVG};

use super::cells::{Cell, Row, Style, Table, Value, WITHHELD, cell, figure, rows};
use super::chart::{Scale, bar, dot, drawing, label, line, mark, round, text_of};
use super::content::Figure;
use super::dates::ticks;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

/// Lowest and highest are told where no more than one in so many days is withheld.
const MANY: usize = 10;

/// A day of one provider.
struct Day<'a> {
    date: NaiveDate,
    rate: Option<(f64, f64, f64)>,
    withheld: bool,
    row: Row<'a>,
}

/// The axes that all providers share.
struct Axes {
    x: Scale,
    y: Scale,
    first: NaiveDate,
    last: NaiveDate,
}

impl Axes {
    fn offset(&self, date: NaiveDate) -> f64 {
        (date - self.first).num_days() as f64
    }

    fn day_format(&self) -> &'static str {
        super::dates::day_format(self.first, self.last)
    }
}

/// A figure per provider, in the order in which they come.
pub fn figures(frame: &DataFrame) -> Vec<Figure> {
    let mut providers: Vec<(String, Vec<Day>)> = Vec::new();
    for row in rows(frame) {
        let Value::Day(date) = row.value("local_date") else { continue };
        let name = row.name(&["provider"]);
        let day = day(date, row);
        match providers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, days)) => days.push(day),
            None => providers.push((name, vec![day])),
        }
    }
    let Some(axes) = axes(providers.iter().flat_map(|(_, days)| days)) else {
        return Vec::new();
    };
    providers.iter().enumerate().map(|(index, (name, days))| provider(index, name, days, &axes)).collect()
}

fn day(date: NaiveDate, row: Row) -> Day {
    let parts = ["pass_rate", "pass_rate_low", "pass_rate_high"].map(|name| row.number(name));
    let rate = match parts {
        [Some(rate), Some(low), Some(high)] => Some((rate, low, high)),
        _ => None,
    };
    let withheld = row.value("pass_rate") == Value::Withheld;
    Day { date, rate, withheld, row }
}

/// From the first day to the last; from the lowest bound that is shown, at a full ten percent, to all.
fn axes<'a>(days: impl Iterator<Item = &'a Day<'a>> + Clone) -> Option<Axes> {
    let first = days.clone().map(|day| day.date).min()?;
    let last = days.clone().map(|day| day.date).max()?;
    let lowest = days.filter_map(|day| day.rate.map(|(_, low, _)| low)).fold(0.9, f64::min);
    let low = ((lowest * 10.0).floor() / 10.0).max(0.0);
    let days = (last - first).num_days() as f64;
    let x = Scale { low: -0.5, high: days + 0.5, from: LEFT, to: WIDTH - RIGHT };
    Some(Axes { x, y: Scale { low, high: 1.0, from: HEIGHT - BOTTOM, to: TOP }, first, last })
}

fn provider(index: usize, name: &str, days: &[Day], axes: &Axes) -> Figure {
    let id = format!("trend-{}", index + 1);
    let mut svg = drawing(WIDTH, HEIGHT, &format!("{id}-caption"));
    frame_lines(&mut svg, axes);
    // Days that do not follow each other are not joined, nor is one without a rate.
    let shown: Vec<(f64, (f64, f64, f64))> =
        days.iter().filter_map(|day| Some((axes.offset(day.date), day.rate?))).collect();
    for run in shown.chunk_by(|a, b| b.0 - a.0 <= 1.0) {
        if let [(x, (_, low, high))] = run {
            let x = axes.x.at(*x);
            svg.append(line("alone", (x, axes.y.at(*low)), (x, axes.y.at(*high))));
            continue;
        }
        svg.append(band(run, axes));
        svg.append(curve(run, axes));
    }
    for day in days {
        if let Some(mark) = point(day, axes) {
            svg.append(mark);
        }
    }
    Figure {
        id,
        title: name.to_owned(),
        caption: summary(days, axes),
        svg: text_of(&svg),
        wide: false,
        folded: false,
        table: Some(table(name, days)),
    }
}

fn frame_lines(svg: &mut SVG, axes: &Axes) {
    let steps = ((axes.y.high - axes.y.low) * 10.0).round() as i64;
    let every = if steps > 5 { 2 } else { 1 };
    for step in (0..=steps).rev().step_by(every) {
        let value = axes.y.low + step as f64 / 10.0;
        let y = axes.y.at(value);
        svg.append(line("grid", (LEFT, y), (WIDTH - RIGHT, y)));
        svg.append(label("tick end", LEFT - 6.0, y + 4.0, &format!("{:.0} %", value * 100.0)));
    }
    for (date, text) in ticks(axes.first, axes.last) {
        let x = axes.x.at(axes.offset(date));
        svg.append(line("grid", (x, axes.y.from), (x, axes.y.from + 4.0)));
        // A label is at most 64 units wide; at the ends it stays inside of the drawing.
        let (anchor, at) = if x > WIDTH - 32.0 { ("end", WIDTH) } else { ("middle", x.max(32.0)) };
        svg.append(label(&format!("tick {anchor}"), at, HEIGHT - 6.0, &text));
    }
}

fn band(run: &[(f64, (f64, f64, f64))], axes: &Axes) -> Path {
    let place = |x: f64, y: f64| (round(axes.x.at(x)) as f32, round(axes.y.at(y)) as f32);
    let mut data = Data::new();
    for (index, (x, (_, _, high))) in run.iter().enumerate() {
        data = if index == 0 { data.move_to(place(*x, *high)) } else { data.line_to(place(*x, *high)) };
    }
    for (x, (_, low, _)) in run.iter().rev() {
        data = data.line_to(place(*x, *low));
    }
    Path::new().set("class", "band").set("d", data.close())
}

fn curve(run: &[(f64, (f64, f64, f64))], axes: &Axes) -> Path {
    let mut data = Data::new();
    for (index, (x, (rate, ..))) in run.iter().enumerate() {
        let place = (round(axes.x.at(*x)) as f32, round(axes.y.at(*rate)) as f32);
        data = if index == 0 { data.move_to(place) } else { data.line_to(place) };
    }
    Path::new().set("class", "curve").set("d", data)
}

/// The mark of a day: a dot at its rate, or the sign of a withheld one at the foot, where it tells nothing.
fn point(day: &Day, axes: &Axes) -> Option<svg::node::element::Group> {
    let x = axes.x.at(axes.offset(day.date));
    let half = (axes.x.at(1.0) - axes.x.at(0.0)) / 2.0;
    let field = bar("field", x - half, TOP, half * 2.0, axes.y.from - TOP);
    if day.withheld {
        let sign = label("sign middle", x, axes.y.from - 3.0, WITHHELD);
        return Some(mark(&format!("{}: withheld", day.date), vec![Box::new(field), Box::new(sign)]));
    }
    let (rate, low, high) = day.rate?;
    let title = format!(
        "{}: {} ({} to {}), {} decided",
        day.date,
        figure(rate, Style::Percent),
        figure(low, Style::Percent),
        figure(high, Style::Percent),
        day.row.show("decided", Style::Count),
    );
    Some(mark(&title, vec![Box::new(field), Box::new(dot("point", x, axes.y.at(rate), round(half.clamp(0.8, 2.2))))]))
}

/// What the chart shows, in words. Days are withheld by their size, which pulls the rates of the others to one side: the
/// lowest and the highest of them are told only where few are withheld.
fn summary(days: &[Day], axes: &Axes) -> String {
    let shown: Vec<(NaiveDate, f64)> = days.iter().filter_map(|day| Some((day.date, day.rate?.0))).collect();
    let by_rate = |a: &&(NaiveDate, f64), b: &&(NaiveDate, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
    let withheld = days.iter().filter(|day| day.withheld).count();
    let (Some(low), Some(high)) = (shown.iter().min_by(by_rate), shown.iter().max_by(by_rate)) else {
        return match withheld {
            0 => "No day with a rate.".to_owned(),
            _ => format!("Every day with a rate is withheld ({WITHHELD})."),
        };
    };
    let all = shown.len() + withheld;
    if withheld * MANY > all {
        let are = if shown.len() == 1 { "is" } else { "are" };
        return format!("{} of {all} days {are} shown; the others are withheld ({WITHHELD}).", shown.len());
    }
    let hidden = match withheld {
        0 => String::new(),
        1 => format!(" 1 day is withheld ({WITHHELD})."),
        n => format!(" {n} days are withheld ({WITHHELD})."),
    };
    let date = |date: NaiveDate| date.format(axes.day_format()).to_string();
    if shown.len() == 1 {
        return format!("{} on {}, the only day with a rate.{hidden}", figure(low.1, Style::Percent), date(low.0));
    }
    format!(
        "Lowest {} on {}, highest {} on {}.{hidden}",
        figure(low.1, Style::Percent),
        date(low.0),
        figure(high.1, Style::Percent),
        date(high.0)
    )
}

fn table(name: &str, days: &[Day]) -> Table {
    let heads =
        [("Day", false), ("Verifications", true), ("Decided", true), ("Pass rate", true), ("from", true), ("to", true)];
    let rows = days.iter().map(|day| {
        let mut cells = vec![Cell::text(day.date.to_string())];
        cells.extend(["verifications", "decided"].map(|column| cell(&day.row, column, Style::Count)));
        cells.extend(
            ["pass_rate", "pass_rate_low", "pass_rate_high"].map(|column| cell(&day.row, column, Style::Percent)),
        );
        cells
    });
    Table::plain(&format!("{name} by day, with the 95 % interval"), &heads, rows.collect())
}
