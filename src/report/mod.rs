//! Reports: the SQL of `queries/reports` over the models, finished in Polars and written as CSV and Parquet.
//!
//! Report files hold nothing volatile: the same mart and range give the same bytes. What belongs to the run (times,
//! versions, counts) is in `run.json`. Not here: what a figure means (`queries/`, `docs/METRICS.md`).

pub mod alerts;
pub mod availability;
mod columns;
pub mod days;
mod drift;
pub mod finish;
pub mod frame;
mod inputs;
pub mod invoice;
pub mod page;
mod prometheus;
pub mod restated;
pub mod run;
pub mod set;
pub mod spec;
pub mod suppress;
pub mod workbook;
pub mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{Days, NaiveDate, NaiveDateTime, TimeZone};
use polars::prelude::{BooleanChunked, DataFrame};
use serde::Serialize;

use self::alerts::Rules;
use self::set::{Disclosure, Facts, Set, Table};
use self::write::Format;
use crate::config::Drift;
use crate::engine::models::Queries;
use crate::engine::{Engine, text};
use crate::error::{Error, Result};

/// What a report covers and how days and windows are drawn.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// First day, inclusive; `None` for the beginning.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive; `None` for the newest observed day.
    pub to: Option<NaiveDate>,
    pub time_zone: chrono_tz::Tz,
    pub include_sandbox: bool,
    pub online_from: f64,
    pub offline_to: f64,
    pub drift: Drift,
    /// The lines of the invoice that `billing_invoice` compares; none without `--invoice`.
    pub invoice: Vec<invoice::Line>,
    /// Availability that an authority should have over a month.
    pub availability_target: f64,
}

/// One report as written.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub name: String,
    pub rows: usize,
    /// Its own files in every set.
    pub files: Vec<String>,
    pub milliseconds: u64,
}

/// Makes the small views that the models need: `params`, `calendar` and `invoice_lines`, and defines the models.
///
/// # Errors
/// When the engine refuses.
pub fn prepare(engine: &mut dyn Engine, queries: &Queries, scope: &Scope) -> Result<()> {
    let slots = slots_in_use(engine)?;
    engine.register_rows("calendar", &calendar(&slots, scope.time_zone)?)?;
    let newest = scope.to.map_or_else(|| newest_day(engine, scope), |day| Ok(Some(day)))?;
    engine.register_rows("params", &params(scope, newest)?)?;
    engine.register_rows("invoice_lines", &invoice::rows(scope)?)?;
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
    let newest = newest_plausible(engine)?;
    slots.retain(|slot| *slot <= newest);
    // A window's first slot belongs to the calendar too, whichever half of the window was seen.
    slots.extend(slots.clone().into_iter().map(|s| s.div_euclid(2) * 2));
    slots.sort_unstable();
    slots.dedup();
    Ok(slots)
}

/// The last slot that a clock can have shown: a day after the newest ingest. What claims to be later counts as undated, so
/// that one wrong clock does not move the end of every report.
fn newest_plausible(engine: &dyn Engine) -> Result<i64> {
    let finished = text(engine, "SELECT CAST(MAX(finished_at) AS VARCHAR) FROM batches")?;
    let finished = finished.and_then(|time| NaiveDateTime::parse_from_str(&time, "%Y-%m-%d %H:%M:%S%.f").ok());
    Ok(finished.map_or(i64::MAX, |time| time.and_utc().timestamp() / 300 + SLOTS_OF_A_DAY))
}

const SLOTS_OF_A_DAY: i64 = 288;

/// Local date and month of every five-minute slot, so that the SQL needs no date functions.
fn calendar(slots: &[i64], zone: chrono_tz::Tz) -> Result<RecordBatch> {
    let dates: Vec<NaiveDate> = slots.iter().map(|slot| local_day(*slot, zone)).collect();
    let day = |date: &NaiveDate| epoch_days(*date).unwrap_or(0);
    let schema = Schema::new(vec![
        Field::new("slot_index", DataType::Int64, false),
        Field::new("local_date", DataType::Date32, false),
        Field::new("local_month", DataType::Utf8, false),
    ]);
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(Int64Array::from(slots.to_vec())),
        Arc::new(Date32Array::from_iter_values(dates.iter().map(day))),
        Arc::new(StringArray::from_iter_values(dates.iter().map(|date| date.format("%Y-%m").to_string()))),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn local_day(slot: i64, zone: chrono_tz::Tz) -> NaiveDate {
    let utc = chrono::DateTime::from_timestamp(slot * 300, 0).unwrap_or_default().naive_utc();
    zone.from_utc_datetime(&utc).date_naive()
}

fn epoch_days(date: NaiveDate) -> Option<i32> {
    i32::try_from((date - NaiveDate::default()).num_days()).ok()
}

/// The local day of the newest observation, or of its earliest delivery where it states no time; `None` where no time is
/// known. What states itself to be sandbox traffic counts only if asked for.
fn newest_day(engine: &dyn Engine, scope: &Scope) -> Result<Option<NaiveDate>> {
    let sandbox = if scope.include_sandbox { "" } else { "AND COALESCE(environment, '') <> 'sandbox'" };
    let counted = format!("batch_id IN (SELECT batch_id FROM batches) {sandbox}");
    let batches = engine.select(&format!(
        "SELECT MAX(slot_index) FROM (
            SELECT slot_index FROM observations WHERE {counted}
            UNION ALL SELECT MIN(received_slot) AS slot_index FROM receipts
            WHERE batch_id IN (SELECT batch_id FROM batches)
                AND payload_key IN (SELECT payload_key FROM observations WHERE slot_index IS NULL AND {counted})
            GROUP BY payload_key
         ) s WHERE slot_index <= (SELECT MAX(slot_index) FROM calendar)",
    ))?;
    let column = batches.first().and_then(|batch| batch.column(0).as_any().downcast_ref::<Int64Array>());
    let newest = column.and_then(|column| column.iter().next().flatten());
    Ok(newest.map(|slot| local_day(slot, scope.time_zone)))
}

/// The two periods that are compared, as (first day, last day): the recent one ends with the newest day, the other one
/// lies directly before it.
fn periods(newest: NaiveDate, drift: &Drift) -> Option<[(NaiveDate, NaiveDate); 2]> {
    let before = |day: NaiveDate, days: u32| day.checked_sub_days(Days::new(u64::from(days)));
    let recent_from = before(newest, drift.recent_days.saturating_sub(1))?;
    Some([(recent_from, newest), (before(recent_from, drift.baseline_days)?, before(recent_from, 1)?)])
}

fn params(scope: &Scope, newest: Option<NaiveDate>) -> Result<RecordBatch> {
    let periods = newest.and_then(|day| periods(day, &scope.drift));
    let date =
        |date: Option<NaiveDate>| -> Arc<dyn Array> { Arc::new(Date32Array::from(vec![date.and_then(epoch_days)])) };
    let schema = Schema::new(vec![
        Field::new("from_date", DataType::Date32, true),
        Field::new("to_date", DataType::Date32, true),
        Field::new("include_sandbox", DataType::Boolean, false),
        Field::new("window_online", DataType::Float64, false),
        Field::new("window_offline", DataType::Float64, false),
        Field::new("recent_from", DataType::Date32, true),
        Field::new("recent_to", DataType::Date32, true),
        Field::new("baseline_from", DataType::Date32, true),
        Field::new("baseline_to", DataType::Date32, true),
        Field::new("from_window", DataType::Int64, true),
        Field::new("to_window", DataType::Int64, true),
    ]);
    let (from_window, to_window) = days::window_range(scope);
    let columns: Vec<Arc<dyn Array>> = vec![
        date(scope.from),
        date(scope.to),
        Arc::new(BooleanArray::from(vec![scope.include_sandbox])),
        Arc::new(Float64Array::from(vec![scope.online_from])),
        Arc::new(Float64Array::from(vec![scope.offline_to])),
        date(periods.map(|[recent, _]| recent.0)),
        date(periods.map(|[recent, _]| recent.1)),
        date(periods.map(|[_, baseline]| baseline.0)),
        date(periods.map(|[_, baseline]| baseline.1)),
        Arc::new(Int64Array::from(vec![from_window])),
        Arc::new(Int64Array::from(vec![to_window])),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// One finished report.
///
/// # Errors
/// When its SQL is wrong or gives a column that reports do not use.
pub fn report(engine: &dyn Engine, name: &str, sql: &str, scope: &Scope) -> Result<DataFrame> {
    let batches = engine.select(sql).map_err(|e| e.within(&format!("the report {name}")))?;
    let mut frame = frame::from_batches(&batches)?;
    if let Some((_, finisher)) = FINISHERS.iter().find(|(report, _)| *report == name)
        && frame.width() > 0
    {
        frame = finisher(frame, scope).map_err(|e| e.within(&format!("the report {name}")))?;
    }
    finish::finish(frame, [scope.online_from, scope.offline_to])
}

/// From the rows of the SQL to the rows of the report.
type Finisher = fn(DataFrame, &Scope) -> Result<DataFrame>;

/// Reports that need more than SQL and the general finish.
const FINISHERS: &[(&str, Finisher)] = &[
    ("authority_daily", availability::authority_daily),
    ("authority_incidents", availability::authority_incidents),
    ("authority_reliability", availability::authority_reliability),
    ("declared_vs_observed", availability::declared_vs_observed),
    ("drift", drift::drift),
    ("drift_mix", drift::drift_mix),
    ("inputs", inputs::inputs),
];

/// The report whose figures are shown when a run is done.
pub const HEADLINE: &str = "pass_rates_by_provider";

/// How a run is written.
pub struct Order<'a> {
    pub queries: &'a Queries,
    pub scope: &'a Scope,
    pub facts: &'a Facts,
    pub formats: &'a [Format],
    /// Full figures too.
    pub internal: bool,
    pub rules: &'a Rules,
}

/// What was written.
pub struct Done {
    pub written: Vec<Written>,
    /// The set whose figures are shown: the fullest that was written.
    pub shown: Set,
    /// What the rules found in the full figures, by rule: a set may tell less.
    pub findings: BTreeMap<&'static str, u64>,
}

/// Makes every report and writes the sets into a folder that exists. Long reports are written as they come, and only their
/// end is kept.
///
/// # Errors
/// When a report fails or the folder cannot be written.
pub fn write_all(engine: &dyn Engine, order: &Order, folder: &Path) -> Result<Done> {
    let sets: &[Disclosure] =
        if order.internal { &[Disclosure::Circulation, Disclosure::Internal] } else { &[Disclosure::Circulation] };
    sets.iter().try_for_each(|set| run::make_set_folder(folder, *set))?;
    let (mut tables, mut written) = (Vec::new(), Vec::new());
    for query in &order.queries.reports {
        let start = Instant::now();
        let frame = report(engine, &query.name, &query.sql, order.scope)?;
        let rows = frame.height();
        let mut table = Table { name: query.name.clone(), spec: spec::spec(&query.name).filter(|_| !query.own), frame };
        let is_long = table.spec.as_ref().is_some_and(|spec| spec.long);
        if is_long {
            for set in sets {
                for table in disclosed(vec![table.clone()], *set, order.facts.threshold)? {
                    write::tables(&table.name, &table.frame, order.formats, &folder.join(set.folder()))?;
                }
            }
            table.frame = newest_windows(&table.frame)?;
        }
        tables.push(table);
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let files = write::names(&query.name, order.formats);
        written.push(Written { name: query.name.clone(), rows, files, milliseconds });
    }
    let found = alerts::judge(&tables, order.rules, order.facts)?;
    let mut shown = None;
    for set in sets {
        let shown_tables = disclosed(tables.clone(), *set, order.facts.threshold)?;
        let alerts = alerts::describe(&found, &tables, &shown_tables)?;
        let set = Set { disclosure: *set, facts: order.facts.clone(), alerts, tables: shown_tables };
        write_set(&set, order.formats, &folder.join(set.disclosure.folder()))?;
        shown = Some(set);
    }
    let shown = shown.ok_or_else(|| Error::failed("no set was written"))?;
    let count = |rule: &str| found.iter().filter(|found| found.rule == rule).count() as u64;
    let findings = alerts::RULES.iter().map(|rule| (*rule, count(rule))).collect();
    Ok(Done { written, shown, findings })
}

/// Tables as the readers of a set may see them.
fn disclosed(tables: Vec<Table>, set: Disclosure, threshold: u64) -> Result<Vec<Table>> {
    match set {
        Disclosure::Circulation => suppress::circulate(tables, threshold),
        Disclosure::Internal => Ok(suppress::internal(tables)),
    }
}

fn write_set(set: &Set, formats: &[Format], folder: &Path) -> Result<()> {
    for table in set.tables.iter().filter(|table| table.spec.as_ref().is_none_or(|spec| !spec.long)) {
        write::tables(&table.name, &table.frame, formats, folder)?;
    }
    write::whole(set, formats, folder)
}

/// Windows of a long report that the page and the workbook show: the newest two days.
const WINDOWS_KEPT: i64 = 288;

fn newest_windows(frame: &DataFrame) -> Result<DataFrame> {
    let windows = columns::integers(frame, "window_index")?;
    let Some(newest) = windows.iter().flatten().max().copied() else { return Ok(frame.clone()) };
    let kept: BooleanChunked =
        windows.iter().map(|window| Some(window.is_some_and(|window| window > newest - WINDOWS_KEPT))).collect();
    Ok(frame.filter(&kept)?)
}
