//! The labels of an axis of days: a handful, at round dates, with the year where there is more than one.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Labels that have room side by side.
const MOST: usize = 5;

/// How far apart labels may be.
#[derive(Clone, Copy)]
enum Step {
    /// From the first day on.
    Days(u64),
    /// At firsts of months, counted from January.
    Months(u32),
    /// At New Year of years that so many go into.
    Years(i32),
}

const STEPS: [Step; 18] = [
    Step::Days(1),
    Step::Days(2),
    Step::Days(5),
    Step::Days(7),
    Step::Days(10),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(10),
    Step::Years(20),
    Step::Years(50),
    Step::Years(100),
    Step::Years(1000),
];

/// How a day is written on an axis: with its year where the axis has days of more than one.
pub fn day_format(first: NaiveDate, last: NaiveDate) -> &'static str {
    if first.year() == last.year() { "%-d %b" } else { "%-d %b %Y" }
}

/// Days with a label, from the smallest step that makes no more of them than there is room for.
pub fn ticks(first: NaiveDate, last: NaiveDate) -> Vec<(NaiveDate, String)> {
    let days = |step: Step| of(step, first, last).take(MOST + 1).collect::<Vec<_>>();
    let found = STEPS.iter().map(|step| (*step, days(*step))).find(|(_, days)| days.len() <= MOST);
    let (step, days) = found.unwrap_or((Step::Days(1), vec![first]));
    let format = match step {
        Step::Days(_) => day_format(first, last),
        Step::Months(_) if first.year() == last.year() => "%b",
        Step::Months(_) => "%b %Y",
        Step::Years(_) => "%Y",
    };
    days.into_iter().map(|day| (day, day.format(format).to_string())).collect()
}

fn of(step: Step, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let start = match step {
        Step::Days(_) => Some(first),
        Step::Months(n) => NaiveDate::from_ymd_opt(first.year(), first.month0() / n * n + 1, 1),
        Step::Years(n) => NaiveDate::from_ymd_opt(first.year().div_euclid(n) * n, 1, 1),
    };
    let next = move |day: &NaiveDate| match step {
        Step::Days(n) => day.checked_add_days(Days::new(n)),
        Step::Months(n) => day.checked_add_months(Months::new(n)),
        Step::Years(n) => NaiveDate::from_ymd_opt(day.year() + n, 1, 1),
    };
    std::iter::successors(start, next).skip_while(move |day| *day < first).take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(first: &str, days: u64) -> Vec<String> {
        let first: NaiveDate = first.parse().unwrap();
        ticks(first, first + Days::new(days - 1)).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn from_a_day_to_seventy_years_there_are_a_few_labels() {
        assert_eq!(labels("2026-09-01", 1), ["1 Sep"]);
        assert_eq!(labels("2026-09-01", 2), ["1 Sep", "2 Sep"]);
        assert_eq!(labels("2026-09-01", 30), ["1 Sep", "8 Sep", "15 Sep", "22 Sep", "29 Sep"]);
        assert_eq!(labels("2026-03-10", 100), ["Apr", "May", "Jun"]);
        assert_eq!(labels("1956-02-01", 70 * 365), ["1960", "1980", "2000", "2020"]);
    }

    #[test]
    fn the_year_is_there_where_there_are_two() {
        assert_eq!(labels("2025-12-20", 20), ["20 Dec 2025", "25 Dec 2025", "30 Dec 2025", "4 Jan 2026"]);
        assert_eq!(labels("2025-11-20", 365), ["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026"]);
        assert_eq!(labels("2024-06-01", 3 * 365), ["2025", "2026", "2027"]);
    }

    #[test]
    fn any_range_has_one_to_five_labels_inside_of_it_and_never_two_alike() {
        for first in ["2024-02-29", "2025-12-31", "1970-01-01", "2026-09-17"] {
            let first: NaiveDate = first.parse().unwrap();
            for days in (0..800).chain((800..27_000).step_by(97)) {
                let last = first + Days::new(days);
                let ticks = ticks(first, last);
                assert!((1..=MOST).contains(&ticks.len()), "{first} {last}: {ticks:?}");
                assert!(ticks.iter().all(|(day, _)| (first..=last).contains(day)));
                let texts: std::collections::BTreeSet<_> = ticks.iter().map(|(_, text)| text).collect();
                assert_eq!(texts.len(), ticks.len(), "{ticks:?}");
            }
        }
    }
}
