//! Query results as text: table, CSV, JSON, NDJSON, Markdown; and Parquet.

use std::io::{BufWriter, ErrorKind, Write};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, TableComponent, presets};

use crate::error::{Error, Result};

/// Prints an answer. A closed pipe is no failure.
pub fn lines(print: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match print(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::failed(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    Table,
    Csv,
    Json,
    Ndjson,
    Markdown,
    Parquet,
}

/// Prints batches of one schema. A closed pipe is no failure.
///
/// # Errors
/// When the output cannot be written.
pub fn print(batches: &[RecordBatch], style: Style, out: &mut (impl Write + Send)) -> Result<()> {
    let printed = match style {
        Style::Table => table(batches, plain_table(), out),
        Style::Markdown => {
            let mut markdown = Table::new();
            markdown.load_preset(presets::ASCII_MARKDOWN);
            table(batches, markdown, out)
        }
        Style::Csv => csv(batches, out),
        Style::Json => json(batches, out),
        Style::Ndjson => ndjson(batches, out),
        Style::Parquet => parquet(batches, out),
    };
    match printed.and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| Error::failed(format!("cannot write the result: {e}"))),
    }
}

fn names(batches: &[RecordBatch]) -> Vec<String> {
    batches.first().map(|b| b.schema().fields().iter().map(|f| f.name().clone()).collect()).unwrap_or_default()
}

/// Calls `row` with the cells of every row; NULL is an empty text.
fn each_row(batches: &[RecordBatch], mut row: impl FnMut(Vec<String>) -> std::io::Result<()>) -> std::io::Result<()> {
    let options = FormatOptions::default();
    for batch in batches {
        let columns: std::result::Result<Vec<_>, _> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options)).collect();
        let columns = columns.map_err(std::io::Error::other)?;
        for index in 0..batch.num_rows() {
            row(columns.iter().map(|c| c.value(index).to_string()).collect())?;
        }
    }
    Ok(())
}

/// A table for the terminal: a line below the header and nothing else, so that it can be cut and pasted.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
}

fn table(batches: &[RecordBatch], mut table: Table, out: &mut impl Write) -> std::io::Result<()> {
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(names(batches));
    each_row(batches, |cells| {
        table.add_row(cells);
        Ok(())
    })?;
    writeln!(out, "{table}")
}

fn csv(batches: &[RecordBatch], out: &mut impl Write) -> std::io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(names(batches))?;
    each_row(batches, |cells| Ok(writer.write_record(cells)?))?;
    writer.flush()
}

fn json(batches: &[RecordBatch], out: &mut impl Write) -> std::io::Result<()> {
    let builder = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, arrow::json::writer::JsonArray>(&mut *out);
    for batch in batches {
        writer.write(batch).map_err(std::io::Error::other)?;
    }
    writer.finish().map_err(std::io::Error::other)?;
    drop(writer);
    writeln!(out)
}

fn ndjson(batches: &[RecordBatch], out: &mut impl Write) -> std::io::Result<()> {
    let builder = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, arrow::json::writer::LineDelimited>(out);
    for batch in batches {
        writer.write(batch).map_err(std::io::Error::other)?;
    }
    writer.finish().map_err(std::io::Error::other)
}

fn parquet(batches: &[RecordBatch], out: &mut (impl Write + Send)) -> std::io::Result<()> {
    let Some(first) = batches.first() else { return Ok(()) };
    let writer = ::parquet::arrow::ArrowWriter::try_new(out, first.schema(), None);
    let mut writer = writer.map_err(std::io::Error::other)?;
    for batch in batches {
        writer.write(batch).map_err(std::io::Error::other)?;
    }
    writer.close().map(|_| ()).map_err(std::io::Error::other)
}
