//! Columns of a small frame as plain vectors, for the finishers.

use polars::prelude::{DataFrame, DataType};

use crate::error::Result;

/// A text column.
///
/// # Errors
/// When it is missing or no text.
pub fn texts(frame: &DataFrame, name: &str) -> Result<Vec<Option<String>>> {
    Ok(frame.column(name)?.str()?.iter().map(|text| text.map(str::to_owned)).collect())
}

/// A column of whole numbers.
///
/// # Errors
/// When it is missing or no number.
pub fn integers(frame: &DataFrame, name: &str) -> Result<Vec<Option<i64>>> {
    let series = frame.column(name)?.as_materialized_series().cast(&DataType::Int64)?;
    Ok(series.i64()?.iter().collect())
}

/// A column of counts; NULL counts as 0, as in SQL a sum over nothing.
///
/// # Errors
/// When it is missing or no number.
pub fn counts(frame: &DataFrame, name: &str) -> Result<Vec<u64>> {
    Ok(integers(frame, name)?.into_iter().map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0)).collect())
}

/// A column of fractions.
///
/// # Errors
/// When it is missing or no number.
pub fn fractions(frame: &DataFrame, name: &str) -> Result<Vec<Option<f64>>> {
    let series = frame.column(name)?.as_materialized_series().cast(&DataType::Float64)?;
    Ok(series.f64()?.iter().collect())
}

/// A column of truths; NULL is not true.
///
/// # Errors
/// When it is missing or no truth.
pub fn truths(frame: &DataFrame, name: &str) -> Result<Vec<bool>> {
    Ok(frame.column(name)?.bool()?.iter().map(|truth| truth.unwrap_or(false)).collect())
}
