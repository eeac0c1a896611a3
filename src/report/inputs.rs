//! The report `inputs`: which input usually has payloads and has none now.
//!
//! Goes by the newest five minutes that anything has, never by the clock: whether anything came at all is for the run that
//! took it in to say.

use polars::prelude::{DataFrame, NamedFrom, Series};

use super::Scope;
use super::columns::{counts, integers, texts};
use crate::error::Result;

/// The periods of 24 hours that are looked back, without the newest.
const PERIODS: i64 = 28;
/// An input is usual if it had payloads in nine of ten periods since it began, …
const USUAL_SHARE: f64 = 0.9;
/// … and began at least so many periods ago.
const LEAST_PERIODS: i64 = 7;

/// One row per input, from one row per input and period.
///
/// `usual`: payloads in nine of ten of the 28 periods before the newest, or of those since its first, which must be seven.
/// `silent`: usual, and nothing in the newest 24 hours.
///
/// # Errors
/// When a column is missing or of another type.
pub fn inputs(frame: DataFrame, _: &Scope) -> Result<DataFrame> {
    let (provider, kind, partner) = (texts(&frame, "provider")?, texts(&frame, "kind")?, texts(&frame, "partner")?);
    let (period, payloads) = (integers(&frame, "period")?, counts(&frame, "payloads")?);
    let last = integers(&frame, "last_slot_us")?;
    let mut rows: Vec<Input> = Vec::new();
    for row in 0..frame.height() {
        let key = (provider[row].clone(), kind[row].clone(), partner[row].clone());
        if rows.last().is_none_or(|input| input.key != key) {
            rows.push(Input { key, newest: 0, before: 0, periods: 0, oldest: 0, last_us: 0 });
        }
        if let (Some(input), Some(period)) = (rows.last_mut(), period[row]) {
            input.add(period, payloads[row], last[row].unwrap_or(0));
        }
    }
    let column = |name: &str, value: fn(&Input) -> i64| {
        Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()).into()
    };
    let text = |name: &str, value: fn(&Input) -> Option<&str>| {
        Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()).into()
    };
    let truth = |name: &str, value: fn(&Input) -> bool| {
        Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()).into()
    };
    Ok(DataFrame::new(
        rows.len(),
        vec![
            text("provider", |i| i.key.0.as_deref()),
            text("kind", |i| i.key.1.as_deref()),
            text("partner", |i| i.key.2.as_deref()),
            column("payloads_newest_day", |i| i.newest),
            column("payloads_28_days_before", |i| i.before),
            column("days_with_payloads", |i| i.periods),
            column("last_payload_us", |i| i.last_us),
            truth("usual", Input::usual),
            truth("silent", |i| i.usual() && i.newest == 0),
        ],
    )?)
}

struct Input {
    key: (Option<String>, Option<String>, Option<String>),
    newest: i64,
    before: i64,
    /// Of the periods looked back those with payloads.
    periods: i64,
    /// The oldest period looked back that has payloads, or the last if there are older ones.
    oldest: i64,
    last_us: i64,
}

impl Input {
    fn add(&mut self, period: i64, payloads: u64, last_us: i64) {
        let payloads = i64::try_from(payloads).unwrap_or(i64::MAX);
        self.last_us = self.last_us.max(last_us);
        self.oldest = self.oldest.max(period.min(PERIODS));
        match period {
            0 => self.newest += payloads,
            1..=PERIODS => {
                self.before += payloads;
                self.periods += 1;
            }
            _ => {}
        }
    }

    fn usual(&self) -> bool {
        self.oldest >= LEAST_PERIODS && self.periods as f64 >= USUAL_SHARE * self.oldest as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    fn judged(periods: &[i64]) -> (bool, bool) {
        let n = periods.len();
        let frame = df!(
            "provider" => vec!["jumio"; n], "kind" => vec!["callback"; n], "partner" => vec![None::<&str>; n],
            "period" => periods, "payloads" => vec![3i64; n], "last_slot_us" => vec![300_000_000i64; n],
        );
        let frame = inputs(frame.unwrap(), &Scope::default()).unwrap();
        assert_eq!(frame.height(), 1);
        let truth = |name: &str| frame.column(name).unwrap().bool().unwrap().get(0).unwrap();
        (truth("usual"), truth("silent"))
    }

    #[test]
    fn an_input_is_silent_where_it_usually_speaks() {
        let days = |range: std::ops::RangeInclusive<i64>| range.collect::<Vec<_>>();
        assert_eq!(judged(&days(0..=28)), (true, false));
        assert_eq!(judged(&days(1..=28)), (true, true));
        assert_eq!(judged(&days(2..=40)), (true, true), "27 of 28 days, whatever came before");
        assert_eq!(judged(&days(5..=28)), (false, false), "stopped long ago: no longer usual");
        assert_eq!(judged(&days(1..=6)), (false, false), "too young to be usual");
        assert_eq!(judged(&[1, 8, 15, 22]), (false, false), "a weekly input");
    }
}
