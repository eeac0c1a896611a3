//! The files of one set: CSV and Parquet per report with the same columns, types and values; a workbook, a page, alerts and
//! figures for Prometheus.

use std::fs::File;
use std::path::Path;

use clap::ValueEnum;
use polars::prelude::{
    Column, CsvWriter, DataFrame, DataType, IntoColumn, NamedFrom, ParquetWriter, SerWriter, Series,
};

use super::set::Set;
use super::{alerts, page, prometheus, workbook};
use crate::error::{Error, Result};

/// A file format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    // No docs here: clap would make two columns of the help of every flag.
    Csv,
    Parquet,
    Xlsx,
    Html,
}

/// The names of one report's own files.
pub fn names(report: &str, formats: &[Format]) -> Vec<String> {
    let ending = |format: &Format| match format {
        Format::Csv => Some("csv"),
        Format::Parquet => Some("parquet"),
        Format::Xlsx | Format::Html => None,
    };
    formats.iter().filter_map(ending).map(|ending| format!("{report}.{ending}")).collect()
}

/// Writes one report's own files.
///
/// # Errors
/// When a file cannot be written.
pub fn tables(name: &str, frame: &DataFrame, formats: &[Format], folder: &Path) -> Result<()> {
    for file in names(name, formats) {
        let path = folder.join(&file);
        let out = File::create(&path).map_err(|e| Error::io("write", &path, &e))?;
        let written = if file.ends_with(".csv") { csv(frame, out) } else { parquet(frame, out) };
        written
            .map_err(|e| Error::failed(format!("cannot write {}: {e}", path.display())).hint("is the disk full?"))?;
    }
    Ok(())
}

/// Writes what a set has once: alerts, figures for Prometheus, and as asked the workbook and the page.
///
/// # Errors
/// When a file cannot be written.
pub fn whole(set: &Set, formats: &[Format], folder: &Path) -> Result<()> {
    text(&folder.join("alerts.json"), &alerts::json(set)?)?;
    text(&folder.join("kycmart.prom"), &prometheus::exposition(set)?)?;
    if formats.contains(&Format::Xlsx) {
        workbook::write(set, &folder.join("kycmart.xlsx"))?;
    }
    if formats.contains(&Format::Html) {
        text(&folder.join("report.html"), &page::page(set)?)?;
    }
    Ok(())
}

fn text(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::io("write", path, &e))
}

/// Times are RFC 3339 in UTC, an empty field is NULL; what a spreadsheet would run is neutralised.
fn csv(frame: &DataFrame, file: File) -> std::result::Result<(), polars::prelude::PolarsError> {
    let columns: Vec<Column> = frame.columns().iter().map(neutralised).collect();
    let mut frame = DataFrame::new(frame.height(), columns)?;
    CsvWriter::new(file).with_datetime_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ".into())).finish(&mut frame)
}

fn parquet(frame: &DataFrame, file: File) -> std::result::Result<(), polars::prelude::PolarsError> {
    ParquetWriter::new(file).finish(&mut frame.clone()).map(|_| ())
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn neutralised(column: &Column) -> Column {
    if column.dtype() != &DataType::String {
        return column.clone();
    }
    let Ok(texts) = column.str() else { return column.clone() };
    if !texts.iter().flatten().any(is_formula) {
        return column.clone();
    }
    let safe = |text: &str| if is_formula(text) { format!("'{text}") } else { text.to_owned() };
    let texts: Vec<Option<String>> = texts.iter().map(|text| text.map(safe)).collect();
    Series::new(column.name().clone(), texts).into_column()
}

/// Whether a spreadsheet runs it: OWASP, "CSV injection".
fn is_formula(text: &str) -> bool {
    let begin = text.trim_start_matches([' ', '\u{a0}', '\u{feff}', '\0']);
    begin.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    #[test]
    fn a_csv_cell_that_a_spreadsheet_would_run_is_neutralised_and_no_other() {
        let texts = ["=1+1", "+44", "-x", "@sum", "\tx", " =x", "NIN", "a=b", "1-2", "＝x"];
        let frame = df!("text" => texts, "number" => [-1i64; 10]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        tables("x", &frame, &[Format::Csv], folder.path()).unwrap();
        let mut reader = csv::Reader::from_path(folder.path().join("x.csv")).unwrap();
        let rows: Vec<(String, i64)> = reader.deserialize().map(|row| row.unwrap()).collect();
        let expected = ["'=1+1", "'+44", "'-x", "'@sum", "'\tx", "' =x", "NIN", "a=b", "1-2", "'＝x"];
        assert_eq!(rows, expected.map(|text| (text.to_owned(), -1)).to_vec());
    }
}
