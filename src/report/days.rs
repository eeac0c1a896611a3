//! Local days and ten-minute windows: which window a day begins with, which day a window belongs to.
//!
//! A window belongs to the local day of its first instant, as in the `calendar` of the SQL. A day has 144 windows, or 138
//! and 150 where the clocks change by an hour in it.

use chrono::{DateTime, Days, NaiveDate, TimeZone};
use chrono_tz::Tz;

use super::Scope;

/// Length of a window in microseconds.
pub const WINDOW_US: i64 = 600_000_000;
/// Length of a window in minutes.
pub const WINDOW_MINUTES: i64 = 10;

/// The local day of a window.
pub fn day_of(window: i64, zone: Tz) -> NaiveDate {
    let utc = DateTime::from_timestamp(window.saturating_mul(600), 0).unwrap_or_default().naive_utc();
    zone.from_utc_datetime(&utc).date_naive()
}

/// The first window of a local day, and of every later one where the day itself never was.
pub fn first_window(day: NaiveDate, zone: Tz) -> i64 {
    // No zone is further from UTC than 26 hours; the local day never goes back as time goes on.
    let midnight = (day - NaiveDate::default()).num_days() * 144;
    let (mut low, mut high) = (midnight - 156, midnight + 156);
    while low < high {
        let middle = low + (high - low) / 2;
        if day_of(middle, zone) < day { low = middle + 1 } else { high = middle }
    }
    low
}

/// The last window of a local day.
pub fn last_window(day: NaiveDate, zone: Tz) -> i64 {
    day.checked_add_days(Days::new(1)).map_or(i64::MAX, |next| first_window(next, zone) - 1)
}

/// First and last window of a range of days.
pub fn window_range(scope: &Scope) -> (Option<i64>, Option<i64>) {
    (scope.from.map(|day| first_window(day, scope.time_zone)), scope.to.map(|day| last_window(day, scope.time_zone)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(day: &str, zone: Tz) -> i64 {
        let day: NaiveDate = day.parse().unwrap();
        last_window(day, zone) - first_window(day, zone) + 1
    }

    #[test]
    fn a_day_has_as_many_windows_as_it_is_long() {
        use chrono_tz::{Africa::Cairo, Africa::Lagos, America::Sao_Paulo, Asia::Kathmandu, Europe::Berlin};
        assert_eq!(windows("2026-03-29", Berlin), 138);
        assert_eq!(windows("2026-10-25", Berlin), 150);
        assert_eq!(windows("2026-10-25", Lagos), 144);
        assert_eq!(windows("2026-10-25", Kathmandu), 144, "45 minutes off the hour");
        assert_eq!(windows("2026-04-24", Cairo), 138, "midnight itself is skipped");
        assert_eq!(windows("2018-02-17", Sao_Paulo), 150, "midnight comes twice, the date once");
    }

    #[test]
    fn the_days_of_a_zone_part_all_windows() {
        for zone in [chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::Asia::Kathmandu, chrono_tz::Pacific::Apia] {
            for offset in 0..400 {
                let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(offset);
                for window in [first_window(day, zone), last_window(day, zone)] {
                    assert_eq!(day_of(window, zone), day, "{zone}");
                }
                assert!(day_of(first_window(day, zone) - 1, zone) < day);
            }
        }
    }
}
