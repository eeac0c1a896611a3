//! The availability reports, counted window by window from judged lookups, in UTC (docs/METRICS.md, "Availability of an ID
//! authority"). Nothing here is quick: every hour looks at its six windows again, every incident at every window.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kycmart::record::{Environment, Micros};

use super::reports::{AVAILABILITY, Asked, Counted, WINDOW_US, day, indicative, severity, status, time};
use super::table::{Expected, Key, Row, Table, interval, key};

/// Lookups of one window: answered, unavailable, ambiguous, and those that somebody waited for.
type Window = [i64; 4];

/// Windows with lookups by authority.
type Windows = BTreeMap<Key, BTreeMap<i64, Window>>;

/// A found incident: first and last window, windows with evidence.
struct Incident {
    first: i64,
    last: i64,
    bad: Vec<i64>,
}

fn sum<'a>(windows: impl IntoIterator<Item = &'a Window>) -> Window {
    windows.into_iter().fold([0; 4], |all, one| std::array::from_fn(|part| all[part] + one[part]))
}

/// Counts as cells.
fn cells<const N: usize>(names: [&'static str; N], values: [i64; N]) -> Row {
    names.into_iter().zip(values.map(|value| value.to_string())).collect()
}

fn signals(window: Window) -> Row {
    let [answered, unavailable, ambiguous, _] = window;
    let names = ["answered", "unavailable", "ambiguous", "lookups"];
    cells(names, [answered, unavailable, ambiguous, answered + unavailable + ambiguous])
}

fn status_of(window: Window) -> &'static str {
    status(&signals(window))
}

fn has_evidence(window: &Window) -> bool {
    window[0] + window[1] > 0
}

fn rate(window: Window) -> f64 {
    window[0] as f64 / (window[0] + window[1]) as f64
}

fn day_of(window: i64) -> NaiveDate {
    day(window * WINDOW_US)
}

/// A fraction as a cell; of nothing there is none.
fn share(part: i64, whole: i64) -> String {
    if whole == 0 { String::new() } else { format!("{:?}", part as f64 / whole as f64) }
}

fn with(authority: &Key, more: &[String]) -> Key {
    [authority.as_slice(), more].concat()
}

/// Authority with environment, time, and the payload where there is no time.
type Check<'a> = (Key, Option<i64>, &'a str);

/// The word and the rate.
type Declared<'a> = (&'a str, Option<f64>);

/// The window of a check, what was seen in it, and the declared rate less the observed one.
type Compared = (Option<i64>, Window, Option<f64>);

impl Counted<'_> {
    fn windows(&self, asked: Asked) -> Windows {
        let mut windows = Windows::new();
        for v in self.verifications.iter().filter(|v| asked.wants(v.environment)) {
            let Some(lookup) = v.lookup else { continue };
            let authority = key([Some(v.provider.word()), v.country, v.id_type]);
            let window = windows.entry(authority).or_default().entry(lookup.window).or_default();
            let part = ["answered", "unavailable", "ambiguous"].iter().position(|s| *s == lookup.signal);
            window[part.expect("a signal")] += 1;
            window[3] += i64::from(!lookup.is_async);
        }
        windows
    }

    pub(super) fn authority_hourly(&self, asked: Asked) -> Expected {
        let mut rows = Table::new();
        for (authority, windows) in self.windows(asked) {
            let ends = windows.keys().flat_map(|window| *window..=window + 5);
            for end in ends.filter(|end| asked.holds(Some(end * WINDOW_US))) {
                let hour: Vec<&Window> = (end - 5..=end).filter_map(|window| windows.get(&window)).collect();
                let all = sum(hour.iter().copied());
                let mut row = signals(all);
                row.insert("indicative", indicative(&row));
                row.insert("status", status_of(all).to_owned());
                row.insert("windows", hour.len().to_string());
                row.insert("async_only", (all[3] == 0).to_string());
                row.insert("hour_end", time((end + 1) * WINDOW_US));
                rows.insert(with(&authority, &[end.to_string()]), row);
            }
        }
        let keys = &["provider", "country", "id_type", "window_index"];
        Expected { report: "authority_hourly", keys, rows, rates: vec![AVAILABILITY] }
    }

    /// The days of an authority in the range: from its first lookup to the range's end, else to the newest lookup of all.
    fn days(windows: &Windows, authority: &Key, asked: Asked) -> Vec<NaiveDate> {
        let newest = windows.values().flat_map(BTreeMap::keys).max().map(|window| day_of(*window));
        let begun = windows[authority].keys().next().map(|window| day_of(*window)).expect("a lookup");
        let first = asked.days.map_or(begun, |(from, _)| from.max(begun));
        let last = asked.days.map_or(newest, |(_, to)| Some(to)).expect("a lookup");
        first.iter_days().take_while(|day| *day <= last).collect()
    }

    pub(super) fn authority_daily(&self, asked: Asked) -> Expected {
        let mut rows = Table::new();
        let windows = self.windows(asked);
        for (authority, of_authority) in &windows {
            for date in Self::days(&windows, authority, asked) {
                let of_day: Vec<Window> =
                    of_authority.iter().filter(|(window, _)| day_of(**window) == date).map(|(_, one)| *one).collect();
                rows.insert([&[date.to_string()], authority.as_slice()].concat(), day_row(&of_day));
            }
        }
        let keys = &["local_date", "provider", "country", "id_type"];
        Expected { report: "authority_daily", keys, rows, rates: vec![AVAILABILITY] }
    }

    pub(super) fn authority_incidents(&self, asked: Asked) -> Expected {
        let mut rows = Table::new();
        let declared = self.declared(asked);
        for (authority, windows) in self.windows(asked) {
            let said = declared.iter().filter(|((of, ..), _)| [&of[..1], &of[2..]].concat() == authority);
            let said: Vec<(i64, &str)> = said
                .filter_map(|((_, at, _), (word, _))| Some((((*at)?), *word)))
                .filter(|(_, w)| severity(w) > 1)
                .collect();
            let in_range = |one: &Incident| {
                asked.days.is_none_or(|(from, to)| day_of(one.last) >= from && day_of(one.first) <= to)
            };
            for one in incidents(&windows).into_iter().filter(in_range) {
                let row = incident_row(&one, &windows, &said);
                rows.insert(with(&authority, &[time(one.first * WINDOW_US)]), row);
            }
        }
        let keys = &["provider", "country", "id_type", "began"];
        Expected { report: "authority_incidents", keys, rows, rates: Vec::new() }
    }

    pub(super) fn authority_reliability(&self, asked: Asked) -> Expected {
        let mut rows = Table::new();
        let windows = self.windows(asked);
        for (authority, of_authority) in &windows {
            let found = incidents(of_authority);
            let mut months: BTreeMap<NaiveDate, Vec<NaiveDate>> = BTreeMap::new();
            for date in Self::days(&windows, authority, asked) {
                months.entry(date.with_day(1).expect("a first")).or_default().push(date);
            }
            for (month, days) in months {
                let row = month_row(&days, of_authority, &found);
                rows.insert([&[month.to_string()], authority.as_slice()].concat(), row);
            }
        }
        let keys = &["month", "provider", "country", "id_type"];
        Expected { report: "authority_reliability", keys, rows, rates: vec![AVAILABILITY] }
    }

    /// Checks by authority (with environment), time, and payload where there is no time: the worst word, the lowest rate.
    fn declared(&self, asked: Asked) -> BTreeMap<Check<'_>, Declared<'_>> {
        let mut checks: BTreeMap<Check, Declared> = BTreeMap::new();
        for payload in self.payloads {
            let Some(stated) = &payload.authority else { continue };
            if !asked.wants(stated.environment) {
                continue;
            }
            let at = stated.checked_at_us.or(payload.received);
            let environment = stated.environment.map(Environment::word);
            let authority =
                key([Some(stated.provider.word()), environment, stated.country.as_deref(), stated.id_type.as_deref()]);
            let word = stated.status.as_deref().unwrap_or_default();
            let check = if at.is_some() { "" } else { payload.key.as_str() };
            let known = checks.entry((authority, at, check)).or_insert((word, stated.last_check_success_rate));
            if severity(word) > severity(known.0) {
                known.0 = word;
            }
            let rates = known.1.into_iter().chain(stated.last_check_success_rate);
            known.1 = rates.min_by(f64::total_cmp);
        }
        checks
    }

    pub(super) fn declared_vs_observed(&self, asked: Asked) -> Expected {
        let windows = self.windows(asked);
        let mut all: BTreeMap<Key, i64> = BTreeMap::new();
        let mut cell: BTreeMap<Key, Vec<Compared>> = BTreeMap::new();
        for ((authority, at, _), (word, stated)) in self.declared(asked) {
            if !asked.holds(at) {
                continue;
            }
            let window = at.map(|at| Micros(at).window_index());
            let of_authority = windows.get(&[&authority[..1], &authority[2..]].concat());
            let seen = window.and_then(|window| of_authority?.get(&window)).copied().unwrap_or_default();
            let level = ["other", "online", "interruption", "offline"][usize::from(severity(word))];
            let observed = if has_evidence(&seen) { status_of(seen) } else { "no_data" };
            let difference = stated.filter(|_| has_evidence(&seen)).map(|stated| stated - rate(seen));
            *all.entry(authority.clone()).or_default() += 1;
            let row = with(&authority, &[level.to_owned(), observed.to_owned()]);
            cell.entry(row).or_default().push((window, seen, difference));
        }
        let row = |(key, checks): (Key, Vec<Compared>)| {
            let total = all[&key[..4]];
            (key, agreement_row(&checks, total))
        };
        let rows = cell.into_iter().map(row).collect();
        let keys = &["provider", "environment", "country", "id_type", "declared_level", "observed_status"];
        Expected { report: "declared_vs_observed", keys, rows, rates: Vec::new() }
    }
}

fn day_row(windows: &[Window]) -> Row {
    let mut row = signals(sum(windows));
    row.insert("indicative", indicative(&row));
    row.insert("status", status_of(sum(windows)).to_owned());
    let are = |status: &str| windows.iter().filter(|one| status_of(**one) == status).count() as i64;
    let seen: Vec<f64> = windows.iter().filter(|one| has_evidence(one)).map(|one| rate(*one)).collect();
    let asynchronous = windows.iter().filter(|one| one[3] == 0).count() as i64;
    let names = ["windows", "windows_online", "windows_interruption", "windows_offline", "windows_async_only"];
    let all = windows.len() as i64;
    row.extend(cells(names, [all, are("online"), are("interruption"), are("offline"), asynchronous]));
    let names = ["windows_with_evidence", "windows_of_day", "windows_no_data"];
    row.extend(cells(names, [seen.len() as i64, 144, 144 - all]));
    let mean = seen.iter().sum::<f64>() / seen.len() as f64;
    row.insert("time_availability", if seen.is_empty() { String::new() } else { format!("{mean:?}") });
    row
}

/// The incidents of an authority: each window that is not online looks for its run by walking on, a window at a time.
fn incidents(windows: &BTreeMap<i64, Window>) -> Vec<Incident> {
    let is_bad = |window: &i64| matches!(status_of(windows[window]), "interruption" | "offline");
    let mut runs: Vec<Vec<i64>> = Vec::new();
    for window in windows.keys().filter(|window| is_bad(window)) {
        let mut before = window - 1;
        while !windows.get(&before).is_some_and(has_evidence) && before >= window - 13 {
            before -= 1;
        }
        match runs.last_mut().filter(|run| run.last() == Some(&before) && window - before <= 13) {
            Some(run) => run.push(*window),
            None => runs.push(vec![*window]),
        }
    }
    runs.into_iter().filter_map(|run| incident(&run, windows)).collect()
}

fn incident(run: &[i64], windows: &BTreeMap<i64, Window>) -> Option<Incident> {
    let loss = |run: &[i64]| {
        let all = sum(run.iter().map(|window| &windows[window]));
        all[1] as f64 / (all[0] + all[1]) as f64
    };
    let failed = |window: &i64| loss(&[*window]) >= loss(run) / 2.0 - 1e-12;
    let (first, last) = (*run.iter().find(|w| failed(w))?, *run.iter().rev().find(|w| failed(w))?);
    let bad: Vec<i64> = run.iter().copied().filter(|window| (first..=last).contains(window)).collect();
    let all = sum(bad.iter().map(|window| &windows[window]));
    // The upper bound p of the answers' share solves (r - p)² = z² p (1 - p) / n; it is below 0.91 if 0.91 lies beyond it.
    let (n, share) = ((all[0] + all[1]) as f64, rate(all));
    let is_sure = share < 0.91 && (0.91 - share).powi(2) > 25.0 * 0.91 * 0.09 / n;
    (all[1] >= 5 && is_sure).then_some(Incident { first, last, bad })
}

fn incident_row(one: &Incident, windows: &BTreeMap<i64, Window>, said: &[(i64, &str)]) -> Row {
    let inside: Vec<Window> = windows.range(one.first..=one.last).map(|(_, window)| *window).collect();
    let all = sum(&inside);
    let length = one.last - one.first + 1;
    let names = ["minutes", "windows", "windows_no_data", "lookups", "lost", "ambiguous"];
    let lookups = all[0] + all[1] + all[2];
    let mut row = cells(names, [length * 10, length, length - one.bad.len() as i64, lookups, all[1], all[2]]);
    let lowest = one.bad.iter().map(|window| rate(windows[window])).min_by(f64::total_cmp).expect("a window");
    row.insert("lowest_availability", format!("{lowest:?}"));
    row.insert("ended", time((one.last + 1) * WINDOW_US));
    row.insert("async_only", (all[3] == 0).to_string());
    row.insert("still_open", (!windows.iter().any(|(w, seen)| *w > one.last && has_evidence(seen))).to_string());
    let hour = 6 * WINDOW_US;
    let (from, to) = (one.first * WINDOW_US - hour, (one.last + 1) * WINDOW_US + hour);
    let said: Vec<&(i64, &str)> = said.iter().filter(|(at, _)| (from..=to).contains(at)).collect();
    let first = said.iter().map(|(at, _)| *at).min();
    let worst = said.iter().map(|(_, word)| severity(word)).max();
    let lag = first.map(|first| ((first - one.first * WINDOW_US) as f64 / 60e6).floor() as i64);
    row.insert("declared", first.is_some().to_string());
    row.insert("declared_first", first.map(time).unwrap_or_default());
    row.insert("declared_lag_minutes", lag.map(|lag| lag.to_string()).unwrap_or_default());
    row.insert(
        "declared_level",
        worst.map_or("", |worst| if worst == 3 { "offline" } else { "interruption" }).to_owned(),
    );
    row
}

fn month_row(days: &[NaiveDate], windows: &BTreeMap<i64, Window>, found: &[Incident]) -> Row {
    let covers = |window: i64| days.contains(&day_of(window));
    let seen: Vec<Window> = windows.iter().filter(|(window, _)| covers(**window)).map(|(_, one)| *one).collect();
    let all = sum(&seen);
    let begun: Vec<usize> = (0..found.len()).filter(|at| covers(found[*at].first)).collect();
    let down =
        found.iter().map(|one| (one.first..=one.last).filter(|window| covers(*window)).count() as i64).sum::<i64>();
    let is_over = |one: &Incident| windows.iter().any(|(window, seen)| *window > one.last && has_evidence(seen));
    let over: Vec<i64> =
        begun.iter().map(|at| &found[*at]).filter(|one| is_over(one)).map(|one| one.last - one.first + 1).collect();
    let between: Vec<i64> =
        begun.iter().filter(|at| **at > 0).map(|at| found[*at].first - found[at - 1].first).collect();
    let mean = |all: &[i64]| share(all.iter().sum::<i64>() * 10, all.len() as i64);
    let whole = days.len() as i64 * 144;
    let silent = whole - seen.len() as i64;
    let names = ["incidents", "minutes_down", "windows", "windows_no_data", "answered", "unavailable"];
    let mut row = cells(names, [begun.len() as i64, down * 10, whole, silent, all[0], all[1]]);
    row.insert("mean_minutes_to_recovery", mean(&over));
    row.insert("mean_minutes_between", mean(&between));
    row.insert("no_data_share", share(silent, whole));
    row.insert("target", "0.99".to_owned());
    let lost = share(all[1], all[0] + all[1]).parse::<f64>();
    row.insert("target_used", lost.map(|lost| format!("{:?}", lost / 0.01)).unwrap_or_default());
    row
}

fn agreement_row(checks: &[(Option<i64>, Window, Option<f64>)], of_authority: i64) -> Row {
    let once: BTreeMap<Option<i64>, Window> = checks.iter().map(|(window, seen, _)| (*window, *seen)).collect();
    let all = sum(once.values());
    let differences: Vec<f64> = checks.iter().filter_map(|(.., difference)| *difference).collect();
    let names = ["checks", "authority_checks", "lookups", "compared"];
    let count = checks.len() as i64;
    let mut row = cells(names, [count, of_authority, all[0] + all[1] + all[2], differences.len() as i64]);
    row.insert("share", share(count, of_authority));
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    row.insert("mean_difference", if differences.is_empty() { String::new() } else { format!("{mean:?}") });
    row
}

/// The rule of the recount agrees with the interval that the recount computes.
#[test]
fn the_bound_of_the_recount_is_that_of_an_interval() {
    // At 1.96 the same quadratic gives the bounds of `interval`.
    for (answered, asked) in [(3, 10), (80, 100), (90, 100), (85, 100)] {
        let high: f64 = interval(answered, asked)[2].parse().expect("a bound");
        let share = answered as f64 / asked as f64;
        let beyond =
            share < 0.91 && (0.91 - share).powi(2) > 1.959_963_984_540_054_f64.powi(2) * 0.91 * 0.09 / asked as f64;
        assert_eq!(beyond, high < 0.91, "{answered} of {asked}");
    }
}
