//! `authority_daily`: the days without a lookup beside those with one, and availability weighted by time.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, Series};

use super::{Authority, BILLION, authority_columns, by_authority, days_column, integers, optional, ratio};
use crate::error::Result;
use crate::report::Scope;
use crate::report::days::{day_of, first_window, last_window};

/// The counts of a day, in the order of their columns.
const COUNTS: [&str; 9] = [
    "answered",
    "unavailable",
    "ambiguous",
    "lookups",
    "windows",
    "windows_online",
    "windows_interruption",
    "windows_offline",
    "windows_async_only",
];

/// A silence of more days is not filled: one payload with a wrong clock would give every authority a row per day of it.
const LONGEST_SILENCE_DAYS: i64 = 366;

/// A day of an authority: its counts, and the sum of its windows' availabilities in billionths.
#[derive(Clone, Copy, Default)]
struct Day {
    counts: [i64; COUNTS.len()],
    availability_e9: i64,
}

/// Days of all authorities, in the order of the report: by day, then by authority in the order of `authorities`.
struct Daily {
    authorities: Vec<Authority>,
    days: BTreeMap<(NaiveDate, usize), Day>,
}

/// Fills the days without a lookup and adds `windows_with_evidence`, `windows_of_day`, `windows_no_data`,
/// `time_availability` and `status`.
///
/// # Errors
/// When the columns are not those of the report's SQL.
pub fn authority_daily(frame: DataFrame, scope: &Scope) -> Result<DataFrame> {
    let (mut daily, first_windows) = read(&frame)?;
    let newest = daily.days.last_key_value().map(|((day, _), _)| *day);
    if let Some(last) = scope.to.or(newest) {
        daily.fill(&first_windows, last, scope);
    }
    daily.frame(scope)
}

/// The days with lookups, and every authority's first window.
fn read(frame: &DataFrame) -> Result<(Daily, Vec<i64>)> {
    let dates = optional(frame, "local_date")?;
    let first_windows = optional(frame, "first_window")?;
    let sums = integers(frame, "availability_e9")?;
    let counts = COUNTS.iter().map(|name| integers(frame, name)).collect::<Result<Vec<_>>>()?;
    let stretches = by_authority(frame)?;
    // The rows without a day come last, one per authority and in their order.
    let known = stretches.iter().filter_map(|(authority, rows)| Some((authority, first_windows[rows.end - 1]?)));
    let (authorities, firsts): (Vec<Authority>, Vec<i64>) = known.map(|(a, first)| (a.clone(), first)).unzip();
    let places: std::collections::HashMap<&Authority, usize> =
        authorities.iter().enumerate().map(|(place, authority)| (authority, place)).collect();
    let mut days = BTreeMap::new();
    for (authority, rows) in &stretches {
        for row in rows.clone().filter(|row| first_windows[*row].is_none()) {
            let date =
                dates[row].and_then(|days| NaiveDate::default().checked_add_signed(chrono::Duration::days(days)));
            if let (Some(date), Some(place)) = (date, places.get(authority)) {
                let counts = std::array::from_fn(|column| counts[column][row]);
                days.insert((date, *place), Day { counts, availability_e9: sums[row] });
            }
        }
    }
    Ok((Daily { authorities, days }, firsts))
}

impl Daily {
    /// Adds the days without a lookup, from an authority's first day (or the first of the range, if that is later) on.
    fn fill(&mut self, first_windows: &[i64], last: NaiveDate, scope: &Scope) {
        let mut known: Vec<Vec<NaiveDate>> = vec![Vec::new(); self.authorities.len()];
        for (day, place) in self.days.keys() {
            known[*place].push(*day);
        }
        for (place, (days, first_window)) in known.iter().zip(first_windows).enumerate() {
            let begun = day_of(*first_window, scope.time_zone);
            let mut next = scope.from.map_or(begun, |from| from.max(begun));
            for known in days.iter().copied().chain(last.checked_add_days(Days::new(1))) {
                if (known - next).num_days() <= LONGEST_SILENCE_DAYS {
                    let silent = next.iter_days().take_while(|day| *day < known);
                    self.days.extend(silent.map(|day| ((day, place), Day::default())));
                }
                next = known + Days::new(1);
            }
        }
    }

    fn frame(&self, scope: &Scope) -> Result<DataFrame> {
        let authorities = self.days.keys().map(|(_, place)| &self.authorities[*place]);
        let mut columns = vec![days_column("local_date", self.days.keys().map(|(day, _)| *day))?];
        columns.extend(authority_columns(authorities));
        for (index, name) in COUNTS.iter().enumerate() {
            let values: Vec<i64> = self.days.values().map(|day| day.counts[index]).collect();
            columns.push(Series::new((*name).into(), values).into_column());
        }
        let length = |day: NaiveDate| last_window(day, scope.time_zone) - first_window(day, scope.time_zone) + 1;
        let mut lengths: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        let whole: Vec<i64> =
            self.days.keys().map(|(day, _)| *lengths.entry(*day).or_insert_with(|| length(*day))).collect();
        let seen: Vec<i64> = self.days.values().map(Day::with_evidence).collect();
        let silent: Vec<i64> = self.days.values().zip(&whole).map(|(day, whole)| whole - day.counts[4]).collect();
        let by_time: Vec<Option<f64>> = self.days.values().map(Day::time_availability).collect();
        let status: Vec<Option<&str>> = self.days.values().map(|day| day.status(scope)).collect();
        columns.push(Series::new("windows_with_evidence".into(), seen).into_column());
        columns.push(Series::new("windows_of_day".into(), whole).into_column());
        columns.push(Series::new("windows_no_data".into(), silent).into_column());
        columns.push(Series::new("time_availability".into(), by_time).into_column());
        columns.push(Series::new("status".into(), status).into_column());
        Ok(DataFrame::new(self.days.len(), columns)?)
    }
}

impl Day {
    /// Windows with a status: something was answered or unavailable in them.
    fn with_evidence(&self) -> i64 {
        self.counts[5] + self.counts[6] + self.counts[7]
    }

    /// The mean of the windows' availabilities, each window the same weight.
    fn time_availability(&self) -> Option<f64> {
        ratio(self.availability_e9, self.with_evidence()).map(|mean| mean / BILLION)
    }

    /// The status of the day by the boundaries of a window.
    fn status(&self, scope: &Scope) -> Option<&'static str> {
        let availability = ratio(self.counts[0], self.counts[0] + self.counts[1])?;
        Some(if availability >= scope.online_from {
            "online"
        } else if availability <= scope.offline_to {
            "offline"
        } else {
            "interruption"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::availability::tests::scope;
    use polars::prelude::{DataType, df};

    /// One authority with a day of two windows (1.0 and 0.5) on 1970-01-02 and one on 1970-01-05.
    fn rows() -> DataFrame {
        let mut frame = df!(
            "local_date" => [Some(1i32), Some(4), None],
            "provider" => ["smile_id"; 3], "country" => ["NG"; 3], "id_type" => ["BVN"; 3],
            "answered" => [101i64, 10, 0], "unavailable" => [1i64, 0, 0], "ambiguous" => [0i64; 3],
            "lookups" => [102i64, 10, 0], "windows" => [2i64, 1, 0], "windows_online" => [1i64, 1, 0],
            "windows_interruption" => [0i64; 3], "windows_offline" => [1i64, 0, 0], "windows_async_only" => [0i64; 3],
            "availability_e9" => [1_500_000_000i64, 1_000_000_000, 0], "first_window" => [None, None, Some(150i64)]
        )
        .unwrap();
        let dates = frame.column("local_date").unwrap().cast(&DataType::Date).unwrap();
        frame.with_column(dates).unwrap();
        frame
    }

    fn column<T: Clone>(frame: &DataFrame, name: &str, of: impl Fn(&polars::prelude::Column) -> Vec<T>) -> Vec<T> {
        of(frame.column(name).unwrap())
    }

    #[test]
    fn a_day_without_a_lookup_has_no_rate_and_only_windows_of_no_data() {
        let frame = authority_daily(rows(), &scope()).unwrap();
        let whole = |name: &str| integers(&frame, name).unwrap();
        assert_eq!(whole("local_date"), [1, 2, 3, 4]);
        assert_eq!(whole("windows_no_data"), [142, 144, 144, 143]);
        assert_eq!(whole("windows_with_evidence"), [2, 0, 0, 1]);
        let rates = column(&frame, "time_availability", |c| c.f64().unwrap().iter().collect());
        assert_eq!(rates, [Some(0.75), None, None, Some(1.0)]);
        let status = column(&frame, "status", |c| c.str().unwrap().iter().map(|s| s.map(str::to_owned)).collect());
        assert_eq!(status, [Some("online".into()), None, None, Some("online".into())]);
    }

    #[test]
    fn a_range_is_filled_to_its_last_day_and_not_from_before_the_first_lookup() {
        let day = |number: u64| Some(NaiveDate::default() + Days::new(number));
        let dates = |from, to| {
            let range = Scope { from, to, ..scope() };
            integers(&authority_daily(rows(), &range).unwrap(), "local_date").unwrap()
        };
        assert_eq!(dates(day(0), day(6)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(dates(None, day(4 + 366)).len(), 4 + 366);
        assert_eq!(dates(None, day(4 + 367)).len(), 4, "a silence of more than a year is not filled");
    }
}
