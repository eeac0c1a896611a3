//! The engine that runs the SQL: one trait, so that the same tables and the same text run embedded or distributed.
//!
//! An engine knows tables, views and one SELECT at a time. Not here: what the SQL says (`queries`), how results are
//! finished (`report`).

pub mod duckdb;
pub mod models;

use std::path::PathBuf;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};

use crate::error::Result;
use crate::record::Column;

/// Something that can hold the mart's tables and answer a SELECT over them.
pub trait Engine {
    /// Makes a table of the mart known: the Parquet files that its log lists.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn register_files(&mut self, name: &str, columns: &[Column], files: &[PathBuf]) -> Result<()>;

    /// Makes rows in memory known as a table.
    ///
    /// # Errors
    /// When the rows do not fit the columns.
    fn register_rows(&mut self, name: &str, rows: &RecordBatch) -> Result<()>;

    /// Gives a SELECT a name; `materialise` asks for it to be computed once.
    ///
    /// # Errors
    /// When the SELECT is wrong.
    fn define(&mut self, name: &str, select: &str, materialise: bool) -> Result<()>;

    /// Runs one SELECT.
    ///
    /// # Errors
    /// When the SELECT is wrong or cannot be finished.
    fn select(&self, select: &str) -> Result<Vec<RecordBatch>>;
}

/// A single number of a query, such as a count.
///
/// # Errors
/// When the query fails.
pub fn number(engine: &dyn Engine, sql: &str) -> Result<i64> {
    let batches = engine.select(sql)?;
    let first = batches.iter().find(|b| b.num_rows() > 0);
    let column = first.and_then(|b| b.column(0).as_any().downcast_ref::<Int64Array>());
    Ok(column.filter(|c| !c.is_null(0)).map_or(0, |c| c.value(0)))
}

/// A single text of a query.
///
/// # Errors
/// When the query fails.
pub fn text(engine: &dyn Engine, sql: &str) -> Result<Option<String>> {
    let batches = engine.select(sql)?;
    let first = batches.iter().find(|b| b.num_rows() > 0);
    let column = first.and_then(|b| b.column(0).as_any().downcast_ref::<StringArray>());
    Ok(column.filter(|c| !c.is_null(0)).map(|c| c.value(0).to_owned()))
}
