//! What SQL leaves to the program: rates and their intervals, shares, times from microseconds.
//!
//! Works on the small frames that come back, whichever engine they came from. The rules are in `docs/METRICS.md`.

use polars::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series, TimeUnit};

use crate::error::Result;
use crate::stats::wilson;

/// Adds the derived columns that a report's own columns call for:
/// * `passed` and `failed` → `decided`, `pass_rate`, `pass_rate_low`, `pass_rate_high`;
/// * `answered` and `unavailable` → `availability`, `availability_low`, `availability_high`;
/// * with a `status` besides, `indicative`: whether a boundary lies strictly between the bounds of the availability;
/// * `with_receipt` and `verifications` → `coverage`, `coverage_low`, `coverage_high`;
/// * `verifications` and `check_verifications`, else `product_verifications` → `share`, `share_low`, `share_high`;
/// * `passed_later` and `people` → `share_passed_later`, `share_passed_later_low`, `share_passed_later_high`;
/// * a column `…_us` becomes the UTC time `…`.
///
/// # Errors
/// When a column is not of the type its name promises.
pub fn finish(mut frame: DataFrame, boundaries: [f64; 2]) -> Result<DataFrame> {
    if has(&frame, "passed") && has(&frame, "failed") {
        let (passed, failed) = (counts(&frame, "passed")?, counts(&frame, "failed")?);
        let decided: Vec<u64> = passed.iter().zip(&failed).map(|(p, f)| p + f).collect();
        let whole: Vec<i64> = decided.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
        frame.with_column(Series::new("decided".into(), whole).into_column())?;
        add_rate(&mut frame, "pass_rate", &passed, &decided)?;
    }
    if has(&frame, "answered") && has(&frame, "unavailable") && !has(&frame, "passed") {
        let (up, down) = (counts(&frame, "answered")?, counts(&frame, "unavailable")?);
        let asked: Vec<u64> = up.iter().zip(&down).map(|(u, d)| u + d).collect();
        add_rate(&mut frame, "availability", &up, &asked)?;
        if has(&frame, "status") {
            let marks: Vec<Option<bool>> = up.iter().zip(&asked).map(|(u, n)| indicative(*u, *n, boundaries)).collect();
            frame.with_column(Series::new("indicative".into(), marks).into_column())?;
        }
    }
    if has(&frame, "with_receipt") && has(&frame, "verifications") {
        let (with, all) = (counts(&frame, "with_receipt")?, counts(&frame, "verifications")?);
        add_rate(&mut frame, "coverage", &with, &all)?;
    }
    let wholes = ["check_verifications", "product_verifications"];
    if let Some(whole) = wholes.into_iter().find(|whole| has(&frame, whole) && has(&frame, "verifications")) {
        let (part, all) = (counts(&frame, "verifications")?, counts(&frame, whole)?);
        add_rate(&mut frame, "share", &part, &all)?;
    }
    if has(&frame, "passed_later") && has(&frame, "people") {
        let (part, all) = (counts(&frame, "passed_later")?, counts(&frame, "people")?);
        add_rate(&mut frame, "share_passed_later", &part, &all)?;
    }
    times(frame)
}

fn has(frame: &DataFrame, name: &str) -> bool {
    frame.get_column_index(name).is_some()
}

/// A count column; NULL counts as 0, as in SQL a sum over nothing.
fn counts(frame: &DataFrame, name: &str) -> Result<Vec<u64>> {
    let series = frame.column(name)?.as_materialized_series().cast(&DataType::Int64)?;
    Ok(series.i64()?.iter().map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0)).collect())
}

/// Whether the evidence leaves open on which side of a boundary a window lies; `None` without evidence.
fn indicative(answered: u64, asked: u64, boundaries: [f64; 2]) -> Option<bool> {
    let (low, high) = wilson(answered, asked)?;
    Some(boundaries.iter().any(|b| low < *b && *b < high))
}

/// A rate of nothing is NULL, not 0.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn add_rate(frame: &mut DataFrame, name: &str, part: &[u64], whole: &[u64]) -> Result<()> {
    let pairs = || part.iter().zip(whole);
    let rate: Vec<Option<f64>> = pairs().map(|(p, w)| ratio(*p, *w)).collect();
    let low: Vec<Option<f64>> = pairs().map(|(p, w)| wilson(*p, *w).map(|(low, _)| low)).collect();
    let high: Vec<Option<f64>> = pairs().map(|(p, w)| wilson(*p, *w).map(|(_, high)| high)).collect();
    for (suffix, values) in [("", rate), ("_low", low), ("_high", high)] {
        frame.with_column(Series::new(format!("{name}{suffix}").into(), values).into_column())?;
    }
    Ok(())
}

fn times(frame: DataFrame) -> Result<DataFrame> {
    let height = frame.height();
    let mut columns: Vec<Column> = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        columns.push(match column.name().strip_suffix("_us") {
            Some(name) => {
                let name = name.to_owned();
                let series = column.as_materialized_series().cast(&DataType::Int64)?;
                series.cast(&DataType::Datetime(TimeUnit::Microseconds, None))?.with_name(name.into()).into_column()
            }
            None => column.clone(),
        });
    }
    Ok(DataFrame::new(height, columns)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    #[test]
    fn a_rate_of_nothing_is_null_and_has_no_interval() {
        let frame = finish(df!("passed" => [8i64, 0], "failed" => [2i64, 0]).unwrap(), [0.91, 0.5]).unwrap();
        let rate = frame.column("pass_rate").unwrap().f64().unwrap().iter().collect::<Vec<_>>();
        assert_eq!(rate, [Some(0.8), None]);
        assert_eq!(frame.column("pass_rate_low").unwrap().null_count(), 1);
        assert_eq!(frame.column("decided").unwrap().i64().unwrap().iter().collect::<Vec<_>>(), [Some(10), Some(0)]);
    }

    #[test]
    fn a_window_is_indicative_where_its_interval_crosses_a_boundary() {
        assert_eq!(indicative(9, 10, [0.91, 0.5]), Some(true));
        assert_eq!(indicative(0, 200, [0.91, 0.5]), Some(false));
        assert_eq!(indicative(0, 0, [0.91, 0.5]), None);
    }

    #[test]
    fn microseconds_become_times() {
        let frame = finish(df!("window_start_us" => [Some(600_000_000i64), None]).unwrap(), [0.91, 0.5]).unwrap();
        let column = frame.column("window_start").unwrap();
        assert_eq!(column.dtype(), &DataType::Datetime(TimeUnit::Microseconds, None));
        assert_eq!(column.null_count(), 1);
    }
}
