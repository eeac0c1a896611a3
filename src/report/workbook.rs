//! One workbook of a set: a sheet about the set, then a sheet per report.
//!
//! Cells are written as text, number, truth or time, never as a formula, so nothing in them is run. Long reports end at
//! `MOST_ROWS` with a line that says so; their CSV and Parquet files have all rows.

use std::path::Path;

use polars::prelude::{AnyValue, DataFrame};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::set::{Disclosure, Set};
use crate::error::{Error, Result};

/// Rows of a report that a sheet holds.
const MOST_ROWS: usize = 20_000;
/// Characters that a cell can hold.
const MOST_CHARACTERS: usize = 32_767;

struct Formats {
    header: Format,
    rate: Format,
    date: Format,
    time: Format,
}

/// Writes the workbook.
///
/// # Errors
/// When the file cannot be written.
pub fn write(set: &Set, path: &Path) -> Result<()> {
    let failed =
        |e: XlsxError| Error::failed(format!("cannot write {}: {e}", path.display())).hint("is the disk full?");
    let mut workbook = Workbook::new();
    // Nothing volatile: the same figures give the same bytes.
    let epoch = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
    workbook.set_properties(&DocProperties::new().set_title("kycmart reports").set_creation_datetime(&epoch));
    let formats = Formats {
        header: Format::new().set_bold(),
        rate: Format::new().set_num_format("0.0%"),
        date: Format::new().set_num_format("yyyy-mm-dd"),
        time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
    };
    about(workbook.add_worksheet(), set, &formats).map_err(failed)?;
    for table in &set.tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(sheet_name(&table.name)).map_err(failed)?;
        fill(sheet, &table.frame, &formats).map_err(failed)?;
    }
    workbook.save(path).map_err(failed)
}

/// At most 31 characters, none that a sheet's name may not have.
fn sheet_name(report: &str) -> String {
    report.chars().map(|c| if "[]:*?/\\'".contains(c) { '_' } else { c }).take(31).collect()
}

fn about(sheet: &mut Worksheet, set: &Set, formats: &Formats) -> std::result::Result<(), XlsxError> {
    let facts = &set.facts;
    let day = |date: Option<chrono::NaiveDate>| date.map_or_else(|| "the beginning".to_owned(), |d| d.to_string());
    sheet.set_name("about")?;
    let lines = [
        ("set", disclosure_line(set.disclosure, facts.threshold)),
        ("from", day(facts.from)),
        ("to", facts.to.map_or_else(|| "nothing is dated".to_owned(), |d| d.to_string())),
        ("time zone", facts.time_zone.clone()),
        ("sandbox traffic", if facts.include_sandbox { "counted" } else { "left out" }.to_owned()),
        ("code catalogue", facts.catalogue_version.clone()),
        ("kycmart", facts.tool_version.clone()),
        ("what the columns mean", "docs/METRICS.md; the SQL of every sheet is queries/reports/<sheet>.sql".to_owned()),
    ];
    for (row, (name, value)) in (0..).zip(&lines) {
        sheet.write_string_with_format(row, 0, *name, &formats.header)?;
        sheet.write_string(row, 1, value)?;
    }
    let first = u32::try_from(lines.len()).unwrap_or(0) + 1;
    for (row, alert) in (first..).zip(&set.alerts) {
        sheet.write_string_with_format(row, 0, format!("{}: {}", alert.severity, alert.rule), &formats.header)?;
        sheet.write_string(row, 1, format!("{}: {}", alert.subject, alert.message))?;
    }
    sheet.set_column_width(0, 24)?;
    sheet.set_column_width(1, 90)?;
    Ok(())
}

/// The set and what it withholds, in a sentence that stands on everything that is handed on.
pub fn disclosure_line(disclosure: Disclosure, threshold: u64) -> String {
    match disclosure {
        Disclosure::Circulation => {
            format!("for circulation: counts below {threshold}, and what would give them back, are withheld")
        }
        Disclosure::Internal => "internal: full figures, not for circulation".to_owned(),
    }
}

fn fill(sheet: &mut Worksheet, frame: &DataFrame, formats: &Formats) -> std::result::Result<(), XlsxError> {
    let rows = frame.height().min(MOST_ROWS);
    for (number, column) in (0u16..).zip(frame.columns()) {
        sheet.write_string_with_format(0, number, column.name().as_str(), &formats.header)?;
        let width = column.name().len().clamp(10, 40);
        sheet.set_column_width(number, width as f64 + 2.0)?;
        let is_rate = is_rate(column.name());
        for (row, value) in (1u32..).zip(column.as_materialized_series().iter().take(rows)) {
            cell(sheet, row, number, &value, is_rate, formats)?;
        }
    }
    let (last_row, width) = (u32::try_from(rows).unwrap_or(0), u16::try_from(frame.width()).unwrap_or(1));
    if frame.height() > rows {
        let note = format!("{rows} of {} rows; the CSV and Parquet files have all", frame.height());
        sheet.write_string_with_format(last_row + 1, 0, note, &formats.header)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    if width > 0 {
        sheet.autofilter(0, 0, last_row, width - 1)?;
    }
    Ok(())
}

/// Columns that hold a share of one.
fn is_rate(name: &str) -> bool {
    ["rate", "availability", "share", "coverage"].iter().any(|word| name.contains(word))
}

fn cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    value: &AnyValue,
    is_rate: bool,
    formats: &Formats,
) -> std::result::Result<(), XlsxError> {
    match value {
        AnyValue::Null => {}
        AnyValue::String(_) | AnyValue::StringOwned(_) => {
            let text = value.get_str().unwrap_or_default();
            let text: String = text.chars().take(MOST_CHARACTERS).collect();
            sheet.write_string(row, column, text)?;
        }
        AnyValue::Boolean(truth) => {
            sheet.write_boolean(row, column, *truth)?;
        }
        AnyValue::Date(days) => {
            let day = ExcelDateTime::from_timestamp(i64::from(*days) * 86_400)?;
            sheet.write_datetime_with_format(row, column, &day, &formats.date)?;
        }
        AnyValue::Datetime(us, ..) | AnyValue::DatetimeOwned(us, ..) => {
            let time = ExcelDateTime::from_timestamp(us.div_euclid(1_000_000))?;
            sheet.write_datetime_with_format(row, column, &time, &formats.time)?;
        }
        number => match number.extract::<f64>() {
            Some(rate) if is_rate && number.is_float() => {
                sheet.write_number_with_format(row, column, rate, &formats.rate)?;
            }
            Some(other) => {
                sheet.write_number(row, column, other)?;
            }
            None => {}
        },
    }
    Ok(())
}
