//! One file per report: CSV and Parquet with the same columns, types and values.

use std::fs::File;
use std::path::Path;

use clap::ValueEnum;
use polars::prelude::{CsvWriter, DataFrame, ParquetWriter, SerWriter};

use crate::error::{Error, Result};

/// A file format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }
}

/// Writes a frame; times in CSV are RFC 3339 in UTC, an empty field is NULL.
///
/// # Errors
/// When the file cannot be written.
pub fn write(frame: &mut DataFrame, path: &Path, format: Format) -> Result<()> {
    let file = File::create(path).map_err(|e| Error::io("write", path, &e))?;
    let written = match format {
        Format::Csv => CsvWriter::new(file).with_datetime_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ".into())).finish(frame),
        Format::Parquet => ParquetWriter::new(file).finish(frame).map(|_| ()),
    };
    written.map_err(|e| Error::failed(format!("cannot write {}: {e}", path.display())).hint("is the disk full?"))
}
