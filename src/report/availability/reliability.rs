//! `authority_reliability`: by authority and local month, how often it failed, how long, and what that used up.

use chrono::{Datelike, Days, Months, NaiveDate};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::incidents::{Incident, Observed, observed};
use super::{Authority, authority_columns, days_column, integers, optional, ratio};
use crate::error::Result;
use crate::report::Scope;
use crate::report::days::{WINDOW_MINUTES, day_of, first_window, last_window};

/// The lookups of one local day.
struct Day {
    date: NaiveDate,
    answered: i64,
    unavailable: i64,
    windows: i64,
}

/// One row of the report.
struct Row {
    month: NaiveDate,
    authority: Authority,
    incidents: i64,
    minutes_down: i64,
    to_recovery: Option<f64>,
    between: Option<f64>,
    windows: i64,
    no_data: i64,
    answered: i64,
    unavailable: i64,
}

/// Sums up by month.
///
/// # Errors
/// When the columns are not those of the report's SQL.
pub fn authority_reliability(frame: DataFrame, scope: &Scope) -> Result<DataFrame> {
    let kinds = frame.column("kind")?.str()?;
    let (dates, windows) = (optional(&frame, "local_date")?, optional(&frame, "window_index")?);
    let (answered, unavailable) = (integers(&frame, "answered")?, integers(&frame, "unavailable")?);
    let counts = integers(&frame, "windows")?;
    let date = |days: i64| NaiveDate::default().checked_add_signed(chrono::Duration::days(days));
    let day = |row: usize| {
        let date = dates[row].and_then(date)?;
        Some(Day { date, answered: answered[row], unavailable: unavailable[row], windows: counts[row] })
    };
    let newest = dates.iter().flatten().max().copied().and_then(date);
    let Some(last) = scope.to.or(newest) else { return rows_frame(&[], scope) };
    let mut rows = Vec::new();
    for Observed { authority, rows: of_authority, incidents } in observed(&frame, scope)? {
        let of_kind = |kind: &'static str| of_authority.clone().filter(move |row| kinds.get(*row) == Some(kind));
        let Some(first) = of_kind("authority").find_map(|row| windows[row]) else { continue };
        let begun = day_of(first, scope.time_zone);
        let days: Vec<Day> = of_kind("day").filter_map(day).collect();
        let range = (scope.from.map_or(begun, |from| from.max(begun)), last);
        rows.extend(months(&authority, range, &days, &incidents, scope));
    }
    rows_frame(&rows, scope)
}

/// The months of one authority that hold a day of the range.
fn months(
    authority: &Authority,
    range: (NaiveDate, NaiveDate),
    days: &[Day],
    incidents: &[Incident],
    scope: &Scope,
) -> Vec<Row> {
    let (first, last) = range;
    let mut rows = Vec::new();
    let mut month = first.with_day(1).unwrap_or(first);
    while month <= last {
        let next = month + Months::new(1);
        let (from, to) = (first.max(month), last.min(next - Days::new(1)));
        let windows = (first_window(from, scope.time_zone), last_window(to, scope.time_zone));
        let start = days.partition_point(|day| day.date < from);
        let end = days.partition_point(|day| day.date <= to);
        rows.push(row(month, authority, windows, &days[start..end], incidents));
        month = next;
    }
    rows
}

/// One month, of which the windows `from..=to` count.
fn row(month: NaiveDate, authority: &Authority, (from, to): (i64, i64), days: &[Day], incidents: &[Incident]) -> Row {
    let touching = incidents.partition_point(|one| one.last < from)..incidents.partition_point(|one| one.first <= to);
    let down = incidents[touching].iter().map(|one| one.last.min(to) - one.first.max(from) + 1).sum::<i64>();
    let begun = incidents.partition_point(|one| one.first < from)..incidents.partition_point(|one| one.first <= to);
    let over = incidents[begun.clone()].iter().filter(|one| !one.still_open);
    let gaps = begun.clone().filter(|at| *at > 0).map(|at| incidents[at].first - incidents[at - 1].first);
    let seen: i64 = days.iter().map(|day| day.windows).sum();
    Row {
        month,
        authority: authority.clone(),
        incidents: i64::try_from(begun.len()).unwrap_or(0),
        minutes_down: down * WINDOW_MINUTES,
        to_recovery: mean_minutes(over.map(Incident::windows)),
        between: mean_minutes(gaps),
        windows: to - from + 1,
        no_data: to - from + 1 - seen,
        answered: days.iter().map(|day| day.answered).sum(),
        unavailable: days.iter().map(|day| day.unavailable).sum(),
    }
}

/// The mean of some lengths in windows, in minutes.
fn mean_minutes(windows: impl Iterator<Item = i64>) -> Option<f64> {
    let (count, sum) = windows.fold((0, 0), |(count, sum), length| (count + 1, sum + length));
    ratio(sum * WINDOW_MINUTES, count)
}

fn rows_frame(rows: &[Row], scope: &Scope) -> Result<DataFrame> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| row.month); // stable: the authorities keep their order
    let whole = |name: &str, of: fn(&Row) -> i64| -> Column {
        Series::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<_>>()).into_column()
    };
    let number = |name: &str, of: &dyn Fn(&Row) -> Option<f64>| -> Column {
        Series::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<_>>()).into_column()
    };
    let allowed = 1.0 - scope.availability_target;
    let used = |row: &Row| ratio(row.unavailable, row.answered + row.unavailable).map(|lost| lost / allowed);
    let mut columns = vec![days_column("month", rows.iter().map(|row| row.month))?];
    columns.extend(authority_columns(rows.iter().map(|row| &row.authority)));
    columns.extend([
        whole("incidents", |row| row.incidents),
        whole("minutes_down", |row| row.minutes_down),
        number("mean_minutes_to_recovery", &|row| row.to_recovery),
        number("mean_minutes_between", &|row| row.between),
        whole("windows", |row| row.windows),
        whole("windows_no_data", |row| row.no_data),
        number("no_data_share", &|row| ratio(row.no_data, row.windows)),
        whole("answered", |row| row.answered),
        whole("unavailable", |row| row.unavailable),
        number("target", &|_| Some(scope.availability_target)),
        number("target_used", &used),
    ]);
    Ok(DataFrame::new(rows.len(), columns)?)
}
