//! Which cells are withheld in circulation, so that no small count can be read or computed back from the files of a run.
//!
//! A count of 1 to threshold − 1 is withheld (primary). Others are withheld with it (secondary) until every withheld cell
//! has room: other figures, that fit everything shown, in which it has another value (`moves`). What fits is said by
//! equations between the cells of all reports (`cells`, `margins`). The rule and its limits are in `docs/METRICS.md`.
//! Not here: which column counts what (`spec`), and two runs side by side: nothing protects against subtracting them.

#[cfg(test)]
mod attack;
mod cells;
mod margins;
mod moves;
#[cfg(test)]
mod tests;

use polars::prelude::{BooleanChunked, Column, DataFrame, DataType, IdxCa, IdxSize, IntoColumn, NamedFrom, Series};

use self::cells::Cells;
use super::columns::counts;
use super::set::{Disclosure, Table};
use super::spec::{Role, Spec};
use crate::error::Result;

/// The last column of every report: by whose leave the row may be read, and what was withheld in it.
pub const DISCLOSURE: &str = "disclosure";

/// The tables with full figures, marked as such.
pub fn internal(tables: Vec<Table>) -> Vec<Table> {
    let mark = |mut table: Table| {
        let words = vec![Disclosure::Internal.folder(); table.frame.height()];
        let _ = table.frame.with_column(Series::new(DISCLOSURE.into(), words).into_column());
        table
    };
    tables.into_iter().map(mark).collect()
}

/// The tables as they may circulate: the same rows and keys, withheld cells NULL and named. Reports without a specification
/// are left out, and of those by ten minutes the rows with few lookups.
///
/// # Errors
/// When a column is not of the type that its role promises.
pub fn circulate(tables: Vec<Table>, threshold: u64) -> Result<Vec<Table>> {
    let known: Vec<(Table, Spec)> = tables
        .into_iter()
        .filter_map(|table| {
            let spec = table.spec.clone()?;
            Some((table, spec))
        })
        .map(|(table, spec)| if spec.long { Ok((with_enough(table, threshold)?, spec)) } else { Ok((table, spec)) })
        .collect::<Result<_>>()?;
    let mut cells = Cells::read(&known)?;
    margins::link(&mut cells);
    let withheld = moves::withhold(&cells, threshold);
    known
        .into_iter()
        .enumerate()
        .map(|(index, (mut table, spec))| {
            let masks = masks(&table.frame, &spec, |column, row| {
                cells.place(index, column, row).is_some_and(|cell| withheld[cell])
            });
            table.frame = mask(&table.frame, &masks)?;
            if spec.ranked {
                table.frame = unranked(&table.frame, &spec, &masks)?;
            }
            Ok(table)
        })
        .collect()
}

/// Of a report by ten minutes the rows with enough lookups: where few asked, even that somebody did is not told.
fn with_enough(mut table: Table, threshold: u64) -> Result<Table> {
    let enough: BooleanChunked =
        counts(&table.frame, "lookups")?.into_iter().map(|lookups| Some(lookups >= threshold)).collect();
    table.frame = table.frame.filter(&enough)?;
    Ok(table)
}

/// Per column of a frame, which rows are withheld; `None` where none is.
fn masks(frame: &DataFrame, spec: &Spec, hidden: impl Fn(usize, usize) -> bool) -> Vec<Option<Vec<bool>>> {
    let rows = frame.height();
    let counted = |index: usize| Some((0..rows).map(|row| hidden(index, row)).collect::<Vec<bool>>());
    let mut masks: Vec<Option<Vec<bool>>> = frame
        .columns()
        .iter()
        .enumerate()
        .map(|(index, column)| match spec.role(column.name()) {
            Some(Role::Count(_) | Role::Sum(_)) => counted(index),
            Some(Role::Internal) | None => Some(vec![true; rows]),
            Some(Role::Key | Role::Plain | Role::From(_)) => None,
        })
        .collect();
    // What is computed from computed columns takes another round.
    for _ in 0..frame.width() {
        let mut changed = false;
        for (index, column) in frame.columns().iter().enumerate() {
            let Some(Role::From(sources)) = spec.role(column.name()) else { continue };
            let mut mask = masks[index].clone().unwrap_or_else(|| vec![false; rows]);
            let sources = sources.iter().filter_map(|name| masks[frame.get_column_index(name)?].as_ref());
            sources.for_each(|source| mask.iter_mut().zip(source).for_each(|(own, other)| *own |= *other));
            changed |= masks[index].as_ref() != Some(&mask);
            masks[index] = Some(mask);
        }
        if !changed {
            break;
        }
    }
    masks
}

/// The frame with NULL where it is withheld, and the column that says so.
fn mask(frame: &DataFrame, masks: &[Option<Vec<bool>>]) -> Result<DataFrame> {
    let rows = frame.height();
    let mut words: Vec<Vec<&str>> = vec![Vec::new(); rows];
    let mut columns: Vec<Column> = Vec::with_capacity(frame.width() + 1);
    for (column, mask) in frame.columns().iter().zip(masks) {
        let Some(mask) = mask.as_ref().filter(|mask| mask.contains(&true)) else {
            columns.push(column.clone());
            continue;
        };
        for (words, _) in words.iter_mut().zip(mask).filter(|(_, withheld)| **withheld) {
            words.push(column.name().as_str());
        }
        columns.push(without(column, mask)?);
    }
    let state = Disclosure::Circulation.folder();
    let said = |words: &Vec<&str>| match words.is_empty() {
        true => state.to_owned(),
        false => format!("{state}; withheld: {}", words.join(" ")),
    };
    let said: Vec<String> = words.iter().map(said).collect();
    columns.push(Series::new(DISCLOSURE.into(), said).into_column());
    Ok(DataFrame::new(rows, columns)?)
}

/// The rows with a withheld count last, by their keys: between two figures that are shown their place would give them away.
fn unranked(frame: &DataFrame, spec: &Spec, masks: &[Option<Vec<bool>>]) -> Result<DataFrame> {
    let of = |name: &str| masks.get(frame.get_column_index(name)?)?.as_ref();
    let counts: Vec<&Vec<bool>> = (spec.columns.iter())
        .filter(|(_, role)| matches!(role, Role::Count(_) | Role::Sum(_) | Role::Internal))
        .filter_map(|(name, _)| of(name))
        .collect();
    let keys: Vec<&Column> = (spec.columns.iter())
        .filter(|(_, role)| *role == Role::Key)
        .filter_map(|(name, _)| frame.column(name).ok())
        .collect();
    let mut order = Vec::with_capacity(frame.height());
    for row in 0..frame.height() {
        let withheld = counts.iter().any(|mask| mask[row]);
        let mut key = Vec::new();
        for column in keys.iter().filter(|_| withheld) {
            let value = column.get(row)?;
            key.push((value.is_null(), value.to_string()));
        }
        order.push((withheld, key, row));
    }
    order.sort();
    let rows: Vec<IdxSize> = order.iter().filter_map(|(_, _, row)| IdxSize::try_from(*row).ok()).collect();
    Ok(frame.take(&IdxCa::from_vec("row".into(), rows))?)
}

/// A column with NULL in the rows of the mask.
fn without(column: &Column, mask: &[bool]) -> Result<Column> {
    let series = column.as_materialized_series();
    let kept = |row: usize| !mask[row];
    let name = column.name().clone();
    let masked = match series.dtype() {
        DataType::Int64 => {
            Series::new(name, series.i64()?.iter().enumerate().map(|(i, v)| v.filter(|_| kept(i))).collect::<Vec<_>>())
        }
        DataType::Float64 => {
            Series::new(name, series.f64()?.iter().enumerate().map(|(i, v)| v.filter(|_| kept(i))).collect::<Vec<_>>())
        }
        DataType::Boolean => {
            Series::new(name, series.bool()?.iter().enumerate().map(|(i, v)| v.filter(|_| kept(i))).collect::<Vec<_>>())
        }
        DataType::String => {
            Series::new(name, series.str()?.iter().enumerate().map(|(i, v)| v.filter(|_| kept(i))).collect::<Vec<_>>())
        }
        other => {
            let numbers = series.cast(&DataType::Int64)?;
            let kept: Vec<Option<i64>> =
                numbers.i64()?.iter().enumerate().map(|(i, v)| v.filter(|_| kept(i))).collect();
            let day = matches!(other, DataType::Date);
            let whole = Series::new(name, kept);
            (if day { whole.cast(&DataType::Int32)? } else { whole }).cast(other)?
        }
    };
    Ok(masked.into_column())
}
