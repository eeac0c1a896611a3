//! Stored rows back from Parquet files, whatever version of the program wrote them.
//!
//! Not here: which files count (`delta`), SQL over them (`engine`).

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::{Error, Result};
use crate::record::{Batch, Micros};

/// Rows read at a time.
const READ_ROWS: usize = 8_192;

/// The rows of a file in the columns of a schema: those that the file lacks are NULL. `only` names the columns to read, in
/// the schema's order; without it all are.
///
/// # Errors
/// When the file cannot be read.
pub fn read_file(
    path: &Path,
    schema: &SchemaRef,
    only: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = File::open(path).map_err(|e| Error::io("read", path, &e))?;
    let wanted = |name: &str| only.is_none_or(|only| only.contains(&name));
    let fields = schema.fields().iter().filter(|f| wanted(f.name()));
    let fields: Vec<_> = fields.map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let target = SchemaRef::new(Schema::new(fields));
    let unreadable = |e: parquet::errors::ParquetError| Error::failed(format!("cannot read {}: {e}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable)?;
    let there = builder.parquet_schema();
    let columns = target.fields().iter().map(|f| f.name().as_str()).filter(|n| builder.schema().index_of(n).is_ok());
    let mask = ProjectionMask::columns(there, columns);
    let reader = builder.with_projection(mask).with_batch_size(READ_ROWS).build().map_err(unreadable)?;
    let shown = path.display().to_string();
    Ok(reader.map(move |rows| {
        let rows = rows.map_err(|e| Error::failed(format!("cannot read {shown}: {e}")))?;
        fit(&rows, &target)
    }))
}

/// Rows in the columns of a schema, by name.
fn fit(rows: &RecordBatch, target: &SchemaRef) -> Result<RecordBatch> {
    let columns = target.fields().iter().map(|field| {
        let column = rows.column_by_name(field.name()).cloned();
        column.unwrap_or_else(|| new_null_array(field.data_type(), rows.num_rows()))
    });
    Ok(RecordBatch::try_new(target.clone(), columns.collect())?)
}

/// A column of text.
///
/// # Errors
/// When there is none of this name.
pub fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let column = rows.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
    column.ok_or_else(|| Error::failed(format!("there is no text column {name}")))
}

/// A column of whole numbers.
///
/// # Errors
/// When there is none of this name.
pub fn integers<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    let column = rows.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
    column.ok_or_else(|| Error::failed(format!("there is no integer column {name}")))
}

/// A column of times.
///
/// # Errors
/// When there is none of this name.
pub fn times<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    let column = rows.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
    column.ok_or_else(|| Error::failed(format!("there is no time column {name}")))
}

/// The rows of `batches`.
///
/// # Errors
/// When a column is missing.
pub fn batch_rows(rows: &RecordBatch) -> Result<Vec<Batch>> {
    let text = |name: &str, row: usize| Ok::<_, Error>(texts(rows, name)?.value(row).to_owned());
    let number = |name: &str, row: usize| Ok::<_, Error>(integers(rows, name)?.value(row));
    let (finished, replaced) = (times(rows, "finished_at")?, times(rows, "replaced_at")?);
    let replaces = texts(rows, "replaces")?;
    (0..rows.num_rows())
        .map(|row| {
            Ok(Batch {
                batch_id: text("batch_id", row)?,
                finished_at: Micros(finished.value(row)),
                payloads_seen: number("payloads_seen", row)?,
                payloads_new: number("payloads_new", row)?,
                payloads_known: number("payloads_known", row)?,
                payloads_rejected: number("payloads_rejected", row)?,
                inputs_read: number("inputs_read", row)?,
                inputs_known: number("inputs_known", row)?,
                tool_version: text("tool_version", row)?,
                catalogue_version: text("catalogue_version", row)?,
                table_versions: text("table_versions", row)?,
                table_rows: text("table_rows", row)?,
                replaces: replaces.is_valid(row).then(|| replaces.value(row).to_owned()),
                replaced_at: replaced.is_valid(row).then(|| Micros(replaced.value(row))),
            })
        })
        .collect()
}
