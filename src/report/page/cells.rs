//! Rows of report frames as the page reads them: what is shown, what is withheld, what was never there; and how figures
//! are written.
//!
//! Not here: which cells are withheld. That is in the frame: an empty cell that the row's `disclosure` names.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars::prelude::{AnyValue, DataFrame, TimeUnit};
use serde::Serialize;

/// The sign in place of a withheld figure.
pub const WITHHELD: &str = "✱";
const NOTHING: &str = "–";
/// Texts from outside are cut here: a page is no archive.
const LONGEST: usize = 240;

/// One cell of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Flag(bool),
    Day(NaiveDate),
    Time(NaiveDateTime),
    /// Small enough to point to somebody.
    Withheld,
    /// Never stated, or not a column of this set.
    Nothing,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Text,
    Count,
    /// A part of one as a percentage.
    Percent,
    /// A difference of parts of one, with its sign.
    Points,
    /// Minutes as days, hours and minutes.
    Minutes,
    /// Seconds, likewise.
    Seconds,
    /// A probability.
    Chance,
}

impl Style {
    /// Whether its column is set flush right.
    pub fn is_number(self) -> bool {
        self != Style::Text
    }
}

/// A row of a frame.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    frame: &'a DataFrame,
    index: usize,
    withheld: Vec<String>,
}

/// The rows of a frame, in its order.
pub fn rows(frame: &DataFrame) -> impl Iterator<Item = Row<'_>> {
    (0..frame.height()).map(|index| row(frame, index))
}

/// One row.
pub fn row(frame: &DataFrame, index: usize) -> Row<'_> {
    let disclosure = match raw(frame, "disclosure", index) {
        Some(AnyValue::String(text)) => text.to_owned(),
        Some(AnyValue::StringOwned(text)) => text.to_string(),
        _ => String::new(),
    };
    let names = disclosure.split_once("withheld:").map_or("", |(_, names)| names);
    let withheld = names.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Row { frame, index, withheld }
}

fn raw<'a>(frame: &'a DataFrame, name: &str, index: usize) -> Option<AnyValue<'a>> {
    frame.column(name).ok()?.get(index).ok()
}

impl Row<'_> {
    /// A cell. One that the row names as withheld is withheld whatever it holds.
    pub fn value(&self, name: &str) -> Value {
        if self.withheld.iter().any(|hidden| hidden == name) {
            return Value::Withheld;
        }
        let Some(value) = raw(self.frame, name, self.index) else {
            return Value::Nothing;
        };
        match value {
            AnyValue::Null => Value::Nothing,
            AnyValue::Boolean(flag) => Value::Flag(flag),
            AnyValue::String(text) => Value::Text(clean(text)),
            AnyValue::StringOwned(text) => Value::Text(clean(&text)),
            AnyValue::Date(days) => NaiveDate::from_epoch_days(days).map_or(Value::Nothing, Value::Day),
            AnyValue::Datetime(n, TimeUnit::Microseconds, _)
            | AnyValue::DatetimeOwned(n, TimeUnit::Microseconds, _) => {
                DateTime::from_timestamp_micros(n).map_or(Value::Nothing, |time| Value::Time(time.naive_utc()))
            }
            other => other.extract::<f64>().filter(|n| n.is_finite()).map_or(Value::Nothing, Value::Number),
        }
    }

    /// A number that is there and shown.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.value(name) {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A text that is there and shown, else nothing.
    pub fn text(&self, name: &str) -> String {
        match self.value(name) {
            Value::Text(text) => text,
            Value::Day(day) => day.to_string(),
            _ => String::new(),
        }
    }

    /// Whether a flag is set.
    pub fn is(&self, name: &str) -> bool {
        self.value(name) == Value::Flag(true)
    }

    /// The cell as it is written.
    pub fn show(&self, name: &str, style: Style) -> String {
        write(&self.value(name), style)
    }

    /// The texts of these columns that are stated, with a point between.
    pub fn name(&self, columns: &[&str]) -> String {
        let parts: Vec<String> = columns.iter().map(|c| self.text(c)).filter(|text| !text.is_empty()).collect();
        if parts.is_empty() { "not stated".to_owned() } else { parts.join(" · ") }
    }
}

/// A value as it is written on the page.
pub fn write(value: &Value, style: Style) -> String {
    match value {
        Value::Number(number) => figure(*number, style),
        Value::Text(text) => text.clone(),
        Value::Flag(true) => "yes".to_owned(),
        Value::Flag(false) => "no".to_owned(),
        Value::Day(day) => day.to_string(),
        Value::Time(time) => time.format("%Y-%m-%d %H:%M").to_string(),
        Value::Withheld => WITHHELD.to_owned(),
        Value::Nothing => NOTHING.to_owned(),
    }
}

/// A number as it is written on the page.
pub fn figure(number: f64, style: Style) -> String {
    match style {
        Style::Text | Style::Count if number.fract() == 0.0 => grouped(number),
        Style::Text | Style::Count => format!("{number:.2}"),
        Style::Percent => format!("{:.1} %", number * 100.0),
        Style::Points => format!("{:+.1} points", number * 100.0).replace('-', "−"),
        Style::Minutes => duration(number),
        Style::Seconds => duration(number / 60.0),
        Style::Chance if number < 0.001 => "< 0.001".to_owned(),
        Style::Chance => format!("{number:.3}"),
    }
}

/// Thousands apart by a narrow space.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if number < 0.0 { format!("−{text}") } else { text }
}

/// The two largest units of a time in minutes.
fn duration(minutes: f64) -> String {
    let sign = if minutes < 0.0 { "−" } else { "" };
    let seconds = (minutes.abs() * 60.0).round();
    let whole = (seconds / 60.0).floor();
    let text = match whole {
        _ if seconds < 60.0 => format!("{seconds:.0} s"),
        m if m < 60.0 => format!("{m:.0} min"),
        m if m < 1440.0 => format!("{:.0} h {:02.0} min", (m / 60.0).floor(), m % 60.0),
        m => format!("{:.0} d {:.0} h", (m / 1440.0).floor(), (m % 1440.0 / 60.0).floor()),
    };
    format!("{sign}{text}")
}

/// Text from outside without what would turn the line around or hide in it, and not without end.
pub fn clean(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// Controls and the marks that set the direction of writing.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A cell of a table on the page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell {
    pub text: String,
    pub number: bool,
    pub withheld: bool,
    /// A drawing in place of the text, already escaped.
    pub svg: Option<String>,
}

impl Cell {
    /// A cell of text.
    pub fn text(text: impl Into<String>) -> Self {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// A cell with a drawing.
    pub fn drawing(svg: String) -> Self {
        Cell { svg: Some(svg), ..Cell::default() }
    }
}

/// The heading of a column.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    pub text: String,
    pub number: bool,
}

/// A table on the page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    pub caption: String,
    pub heads: Vec<Head>,
    pub rows: Vec<Vec<Cell>>,
    /// Rows that are folded away below the others.
    pub more: Vec<Vec<Cell>>,
    /// How many rows are only in the files.
    pub left_out: usize,
}

/// A column of a frame on the page: its name, its heading, how it is written.
pub type Wanted = (&'static str, &'static str, Style);

/// Rows shown at once, and with what is folded away.
pub const SHOWN: usize = 25;
pub const MOST: usize = 250;

impl Table {
    /// A table of the wanted columns; those that the frame does not have are left out.
    pub fn of<'a>(
        caption: &str,
        frame: &DataFrame,
        wanted: &[Wanted],
        rows: impl IntoIterator<Item = Row<'a>>,
    ) -> Self {
        let wanted: Vec<Wanted> =
            wanted.iter().filter(|(name, ..)| frame.get_column_index(name).is_some()).copied().collect();
        let cells = |row: Row| wanted.iter().map(|(name, _, style)| cell(&row, name, *style)).collect::<Vec<_>>();
        let heads = wanted.iter().map(|(_, text, style)| Head { text: (*text).to_owned(), number: style.is_number() });
        let heads = heads.collect();
        Table::folded(caption, heads, rows.into_iter().map(cells).collect())
    }

    /// A table whose later rows are folded away.
    pub fn folded(caption: &str, heads: Vec<Head>, mut rows: Vec<Vec<Cell>>) -> Self {
        let left_out = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        let more = if rows.len() > SHOWN + 5 { rows.split_off(SHOWN) } else { Vec::new() };
        Table { caption: caption.to_owned(), heads, rows, more, left_out }
    }

    /// A table that is folded away as a whole, behind a chart.
    pub fn plain(caption: &str, heads: &[(&str, bool)], mut rows: Vec<Vec<Cell>>) -> Self {
        let left_out = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        let heads = heads.iter().map(|(text, number)| Head { text: (*text).to_owned(), number: *number }).collect();
        Table { caption: caption.to_owned(), heads, rows, more: Vec::new(), left_out }
    }
}

/// A cell of a frame as a cell of the page.
pub fn cell(row: &Row, name: &str, style: Style) -> Cell {
    let value = row.value(name);
    Cell { text: write(&value, style), number: style.is_number(), withheld: value == Value::Withheld, svg: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    #[test]
    fn what_the_row_names_as_withheld_is_never_read() {
        let frame = df!(
            "passed" => [Some(3i64), None, None],
            "disclosure" => ["circulation; withheld: failed passed", "circulation; withheld: passed", "circulation"],
        );
        let frame = frame.unwrap();
        let values: Vec<Value> = rows(&frame).map(|row| row.value("passed")).collect();
        assert_eq!(values, [Value::Withheld, Value::Withheld, Value::Nothing]);
        assert_eq!(row(&frame, 0).value("failed"), Value::Withheld);
        assert_eq!(row(&frame, 2).value("failed"), Value::Nothing);
    }

    #[test]
    fn a_frame_of_one_row_is_read_like_any_other() {
        let frame = df!("seen" => [0i64], "name" => ["x"]).unwrap();
        let time = polars::prelude::DataType::Datetime(TimeUnit::Microseconds, None);
        let seen = frame.column("seen").unwrap().cast(&time).unwrap();
        let (one, two) = (seen.new_from_index(0, 1), seen.new_from_index(0, 2));
        for (column, height) in [(one, 1), (two, 2)] {
            let frame = DataFrame::new(height, vec![column]).unwrap();
            assert_eq!(row(&frame, 0).show("seen", Style::Text), "1970-01-01 00:00");
        }
    }

    #[test]
    fn figures_are_written_for_people() {
        let written = [
            figure(1_234_567.0, Style::Count),
            figure(-12.0, Style::Count),
            figure(0.8266, Style::Percent),
            figure(-0.052, Style::Points),
            figure(0.0004, Style::Chance),
            figure(45.0, Style::Seconds),
            figure(95.0, Style::Minutes),
            figure(3000.0, Style::Minutes),
        ];
        let expected =
            ["1\u{202f}234\u{202f}567", "−12", "82.7 %", "−5.2 points", "< 0.001", "45 s", "1 h 35 min", "2 d 2 h"];
        assert_eq!(written, expected);
    }

    #[test]
    fn text_loses_what_turns_it_around_and_does_not_go_on_for_ever() {
        assert_eq!(clean("a\u{202e}b\u{2066}\n"), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(clean(&"x".repeat(900)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_long_table_is_folded_and_a_very_long_one_cut() {
        let table = Table::folded("", Vec::new(), vec![Vec::new(); MOST + 7]);
        assert_eq!((table.rows.len(), table.more.len(), table.left_out), (SHOWN, MOST - SHOWN, 7));
        assert!(Table::folded("", Vec::new(), vec![Vec::new(); SHOWN + 5]).more.is_empty());
    }
}
