//! What SQL leaves to the program in `drift` and `drift_mix`: tests, q-values, and the parts of a change.
//!
//! Rules and examples are in `docs/METRICS.md`, "Drift". Not here: what is counted in which period (`queries/`).

mod mix;

use std::cmp::Ordering;

use polars::prelude::{Column, DataFrame, IdxCa, IntoColumn, NamedFrom, Series};

pub use self::mix::drift_mix;
use super::Scope;
use super::columns::{counts, texts};
use crate::config::Drift;
use crate::error::Result;
use crate::stats::{TwoProportions, benjamini_hochberg, newcombe, two_proportions};

/// One row of `drift`: how many of how many in both periods, and what follows.
struct Row {
    recent: (u64, u64),
    baseline: (u64, u64),
    /// Where there are enough in both periods.
    test: Option<TwoProportions>,
    q_value: Option<f64>,
    flagged: bool,
}

/// Adds rates, change, test and q-value to the counts of `drift`, flags what is worth saying, and sorts the worst first.
///
/// # Errors
/// When a column is not there or not of its type.
pub fn drift(mut frame: DataFrame, scope: &Scope) -> Result<DataFrame> {
    let rows = judged(&frame, &scope.drift)?;
    let rates = |of: fn(&Row) -> Option<f64>| rows.iter().map(of).collect::<Vec<_>>();
    let interval = |row: &Row| newcombe(row.recent, row.baseline);
    let columns = [
        numbers("recent_rate", rates(|row| rate(row.recent))),
        numbers("baseline_rate", rates(|row| rate(row.baseline))),
        numbers("change", rates(Row::change)),
        numbers("change_low", rows.iter().map(|row| interval(row).map(|(low, _)| low)).collect()),
        numbers("change_high", rows.iter().map(|row| interval(row).map(|(_, high)| high)).collect()),
        numbers("z", rates(|row| row.test.map(|test| test.z))),
        numbers("p_value", rates(|row| row.test.map(|test| test.p_value))),
        numbers("q_value", rates(|row| row.q_value)),
        words("test", rows.iter().map(Row::test_word).collect()),
        marks("tested", rows.iter().map(|row| row.test.is_some()).collect()),
        marks("flagged", rows.iter().map(|row| row.flagged).collect()),
        words("direction", rows.iter().map(Row::direction).collect()),
    ];
    for column in columns {
        frame.with_column(column)?;
    }
    sorted(&frame, |a, b| rows[a].worst_first(&rows[b]))
}

/// The rows of a frame with their tests; the q-values are over all that are tested.
fn judged(frame: &DataFrame, rules: &Drift) -> Result<Vec<Row>> {
    let [hits, n] = [counts(frame, "recent_hits")?, counts(frame, "recent_n")?];
    let [hits_before, n_before] = [counts(frame, "baseline_hits")?, counts(frame, "baseline_n")?];
    let row = |index: usize| {
        let (recent, baseline) = ((hits[index], n[index]), (hits_before[index], n_before[index]));
        let enough = recent.1.min(baseline.1) >= rules.least_n;
        let test = enough.then(|| two_proportions(recent, baseline)).flatten();
        Row { recent, baseline, test, q_value: None, flagged: false }
    };
    let mut rows: Vec<Row> = (0..frame.height()).map(row).collect();
    let p_values: Vec<f64> = rows.iter().filter_map(|row| Some(row.test?.p_value)).collect();
    let tested = rows.iter_mut().filter(|row| row.test.is_some());
    for (row, q_value) in tested.zip(benjamini_hochberg(&p_values)) {
        row.q_value = Some(q_value);
    }
    for (row, metric) in rows.iter_mut().zip(texts(frame, "metric")?) {
        let least = if metric.as_deref() == Some("pass_rate") { rules.least_change } else { rules.least_share_change };
        let significant = row.q_value.is_some_and(|q| q <= rules.false_discovery_rate);
        // 0.80 against 0.77 is a change of 0.03, whatever the last digit of the difference.
        row.flagged = significant && row.change().is_some_and(|change| change.abs() >= least - 1e-12);
    }
    Ok(rows)
}

impl Row {
    fn change(&self) -> Option<f64> {
        Some(rate(self.recent)? - rate(self.baseline)?)
    }

    fn test_word(&self) -> Option<&'static str> {
        self.test.map(|test| if test.exact { "fisher" } else { "two_proportion" })
    }

    /// Only of what is flagged: that much may circulate.
    fn direction(&self) -> Option<&'static str> {
        let change = self.change().filter(|_| self.flagged)?;
        Some(if change < 0.0 { "down" } else { "up" })
    }

    /// Flagged before tested before the rest; then the least q-value, the least p-value, the greatest z and change.
    fn worst_first(&self, other: &Row) -> Ordering {
        let p_value = |row: &Row| row.test.map(|test| test.p_value);
        let z = |row: &Row| row.test.map(|test| test.z.abs());
        let change = |row: &Row| row.change().map(f64::abs);
        let by_mark = (other.flagged, other.test.is_some()).cmp(&(self.flagged, self.test.is_some()));
        by_mark
            .then_with(|| order(self.q_value, other.q_value))
            .then_with(|| order(p_value(self), p_value(other)))
            .then_with(|| order(z(other), z(self)))
            .then_with(|| order(change(other), change(self)))
    }
}

/// Of two figures that are there or missing together; a missing one is less.
fn order(one: Option<f64>, other: Option<f64>) -> Ordering {
    let there = one.is_some().cmp(&other.is_some());
    there.then_with(|| one.unwrap_or(0.0).total_cmp(&other.unwrap_or(0.0)))
}

/// A rate of nothing is NULL.
fn rate((hits, n): (u64, u64)) -> Option<f64> {
    (n > 0).then(|| hits as f64 / n as f64)
}

/// The rows in another order; equal ones stay as the SQL sorted them, by their keys.
fn sorted(frame: &DataFrame, order: impl Fn(usize, usize) -> Ordering) -> Result<DataFrame> {
    let mut indices: Vec<usize> = (0..frame.height()).collect();
    indices.sort_by(|a, b| order(*a, *b));
    let indices: Vec<u32> = indices.into_iter().filter_map(|index| u32::try_from(index).ok()).collect();
    Ok(frame.take(&IdxCa::from_vec("row".into(), indices))?)
}

fn numbers(name: &str, values: Vec<Option<f64>>) -> Column {
    Series::new(name.into(), values).into_column()
}

fn words(name: &str, values: Vec<Option<&str>>) -> Column {
    Series::new(name.into(), values).into_column()
}

fn marks(name: &str, values: Vec<bool>) -> Column {
    Series::new(name.into(), values).into_column()
}

#[cfg(test)]
mod tests;
