//! Reports: the SQL of `queries/reports` over the models, finished in Polars and written as CSV and Parquet.
//!
//! Report files hold nothing volatile: the same mart and range give the same bytes. What belongs to the run (times,
//! versions, counts) is in `run.json`. Not here: what a figure means (`queries/`, `docs/METRICS.md`).

pub mod finish;
pub mod frame;
pub mod run;
pub mod set;
pub mod spec;
pub mod write;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{NaiveDate, TimeZone};
use polars::prelude::DataFrame;
use serde::Serialize;

use self::write::Format;
use crate::engine::Engine;
use crate::engine::models::Queries;
use crate::error::Result;

/// What a report covers and how days and windows are drawn.
#[derive(Clone, Debug)]
pub struct Scope {
    /// First day, inclusive; `None` for the beginning.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive; `None` for the newest observed day.
    pub to: Option<NaiveDate>,
    pub time_zone: chrono_tz::Tz,
    pub include_sandbox: bool,
    pub online_from: f64,
    pub offline_to: f64,
}

/// One report as written.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub name: String,
    pub rows: usize,
    pub files: Vec<String>,
    pub milliseconds: u64,
}

/// Makes the small views that the models need: `params` and `calendar`, and defines the models.
///
/// # Errors
/// When the engine refuses.
pub fn prepare(engine: &mut dyn Engine, queries: &Queries, scope: &Scope) -> Result<()> {
    let slots = slots_in_use(engine)?;
    engine.register_rows("calendar", &calendar(&slots, scope.time_zone)?)?;
    engine.register_rows("params", &params(scope)?)?;
    queries.define_models(engine)
}

/// The slots of what counts: rows of a batch that is not listed must not stretch the range.
fn slots_in_use(engine: &dyn Engine) -> Result<Vec<i64>> {
    let batches = engine.select(
        "SELECT DISTINCT slot_index FROM (
            SELECT batch_id, slot_index FROM observations
            UNION ALL SELECT batch_id, received_slot AS slot_index FROM receipts
            UNION ALL SELECT batch_id, slot_index FROM authority_status
            UNION ALL SELECT batch_id, slot_index FROM submissions
            UNION ALL SELECT batch_id, slot_index FROM unknown_fields
         ) s WHERE slot_index IS NOT NULL AND batch_id IN (SELECT batch_id FROM batches) ORDER BY slot_index",
    )?;
    let mut slots = Vec::new();
    for batch in &batches {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>();
        slots.extend(column.into_iter().flat_map(|c| c.values().iter().copied()));
    }
    // A window's first slot belongs to the calendar too, whichever half of the window was seen.
    slots.extend(slots.clone().into_iter().map(|s| s.div_euclid(2) * 2));
    slots.sort_unstable();
    slots.dedup();
    Ok(slots)
}

/// Local date of every five-minute slot, so that the SQL needs no date functions.
fn calendar(slots: &[i64], zone: chrono_tz::Tz) -> Result<RecordBatch> {
    let epoch = NaiveDate::default();
    let day = |slot: &i64| {
        let utc = chrono::DateTime::from_timestamp(slot * 300, 0).unwrap_or_default().naive_utc();
        let local = zone.from_utc_datetime(&utc).date_naive();
        i32::try_from((local - epoch).num_days()).unwrap_or(0)
    };
    let schema = Schema::new(vec![
        Field::new("slot_index", DataType::Int64, false),
        Field::new("local_date", DataType::Date32, false),
    ]);
    let days = Date32Array::from_iter_values(slots.iter().map(day));
    Ok(RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(slots.to_vec())), Arc::new(days)])?)
}

fn params(scope: &Scope) -> Result<RecordBatch> {
    let epoch = NaiveDate::default();
    let days = |date: Option<NaiveDate>| date.and_then(|d| i32::try_from((d - epoch).num_days()).ok());
    let schema = Schema::new(vec![
        Field::new("from_date", DataType::Date32, true),
        Field::new("to_date", DataType::Date32, true),
        Field::new("include_sandbox", DataType::Boolean, false),
        Field::new("window_online", DataType::Float64, false),
        Field::new("window_offline", DataType::Float64, false),
    ]);
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(Date32Array::from(vec![days(scope.from)])),
        Arc::new(Date32Array::from(vec![days(scope.to)])),
        Arc::new(BooleanArray::from(vec![scope.include_sandbox])),
        Arc::new(Float64Array::from(vec![scope.online_from])),
        Arc::new(Float64Array::from(vec![scope.offline_to])),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// One finished report.
///
/// # Errors
/// When its SQL is wrong or gives a column that reports do not use.
pub fn report(engine: &dyn Engine, name: &str, sql: &str, scope: &Scope) -> Result<DataFrame> {
    let batches = engine.select(sql).map_err(|e| e.within(&format!("the report {name}")))?;
    finish::finish(frame::from_batches(&batches)?, [scope.online_from, scope.offline_to])
}

/// The report whose figures are shown when a run is done.
pub const HEADLINE: &str = "pass_rates_by_provider";

/// Writes every report into a folder that exists, one after the other, so that no more than one is held; returns what was
/// written, and the headline.
///
/// # Errors
/// When a report fails or the folder cannot be written.
pub fn write_all(
    engine: &dyn Engine,
    queries: &Queries,
    scope: &Scope,
    formats: &[Format],
    folder: &Path,
) -> Result<(Vec<Written>, Option<DataFrame>)> {
    let (mut written, mut headline) = (Vec::new(), None);
    for query in &queries.reports {
        let start = Instant::now();
        let mut frame = report(engine, &query.name, &query.sql, scope)?;
        let mut files = Vec::new();
        for format in formats {
            let file = format!("{}.{}", query.name, format.extension());
            write::write(&mut frame, &folder.join(&file), *format)?;
            files.push(file);
        }
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        written.push(Written { name: query.name.clone(), rows: frame.height(), files, milliseconds });
        if query.name == HEADLINE {
            headline = Some(frame);
        }
    }
    Ok((written, headline))
}
