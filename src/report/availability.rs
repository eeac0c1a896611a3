//! What SQL leaves of the availability reports: days without a lookup, incidents, reliability by month.
//!
//! Each finisher takes the rows of the report's SQL, in its order, and makes the rows of the report. All of them go once
//! over sorted rows. Definitions are in `docs/METRICS.md`, "Availability of an ID authority".

mod daily;
mod incidents;
#[cfg(test)]
mod incidents_tests;
mod reliability;

use polars::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series};

use super::Scope;
use super::columns::integers as optional;
use crate::error::Result;

pub use daily::authority_daily;
pub use incidents::authority_incidents;
pub use reliability::authority_reliability;

/// An ID authority: provider, country, ID type.
type Authority = [Option<String>; 3];
const AUTHORITY: [&str; 3] = ["provider", "country", "id_type"];

/// Billionths, in which the SQL sums up fractions.
const BILLION: f64 = 1e9;

/// Adds each row's share of the authority's checks and the mean of declared less observed rates.
///
/// # Errors
/// When the columns are not those of the report's SQL.
pub fn declared_vs_observed(mut frame: DataFrame, _: &Scope) -> Result<DataFrame> {
    let (checks, all) = (integers(&frame, "checks")?, integers(&frame, "authority_checks")?);
    let (sums, compared) = (integers(&frame, "difference_e9")?, integers(&frame, "compared")?);
    let share: Vec<Option<f64>> = checks.iter().zip(&all).map(|(part, all)| ratio(*part, *all)).collect();
    let mean: Vec<Option<f64>> =
        sums.iter().zip(&compared).map(|(sum, n)| ratio(*sum, *n).map(|mean| mean / BILLION)).collect();
    let _ = frame.drop_in_place("difference_e9")?;
    frame.with_column(Series::new("share".into(), share).into_column())?;
    frame.with_column(Series::new("mean_difference".into(), mean).into_column())?;
    Ok(frame)
}

/// A share of nothing is NULL, not 0.
fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A column of whole numbers; NULL counts as 0.
fn integers(frame: &DataFrame, name: &str) -> Result<Vec<i64>> {
    Ok(optional(frame, name)?.into_iter().map(Option::unwrap_or_default).collect())
}

/// Stretches of rows of one authority, in the order of the rows.
fn by_authority(frame: &DataFrame) -> Result<Vec<(Authority, std::ops::Range<usize>)>> {
    let [provider, country, id_type] = AUTHORITY.map(|name| frame.column(name).and_then(Column::str));
    let (provider, country, id_type) = (provider?, country?, id_type?);
    let of = |row: usize| [provider.get(row), country.get(row), id_type.get(row)];
    let mut stretches = Vec::new();
    let mut start = 0;
    for row in 1..=frame.height() {
        if row == frame.height() || of(row) != of(start) {
            stretches.push((of(start).map(|part| part.map(str::to_owned)), start..row));
            start = row;
        }
    }
    Ok(stretches)
}

/// The three columns of an authority.
fn authority_columns<'a>(rows: impl Iterator<Item = &'a Authority> + Clone) -> Vec<Column> {
    let part = |index: usize| rows.clone().map(|row| row[index].as_deref()).collect::<Vec<_>>();
    AUTHORITY.iter().enumerate().map(|(index, name)| Series::new((*name).into(), part(index)).into_column()).collect()
}

/// A column of days.
fn days_column(name: &str, days: impl Iterator<Item = chrono::NaiveDate>) -> Result<Column> {
    let epoch = chrono::NaiveDate::default();
    let numbers: Vec<i32> = days.map(|day| i32::try_from((day - epoch).num_days()).unwrap_or(0)).collect();
    Ok(Series::new(name.into(), numbers).cast(&DataType::Date)?.into_column())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything, in UTC.
    pub(super) fn scope() -> Scope {
        Scope {
            time_zone: chrono_tz::UTC,
            online_from: 0.91,
            offline_to: 0.5,
            availability_target: 0.99,
            ..Scope::default()
        }
    }
}
