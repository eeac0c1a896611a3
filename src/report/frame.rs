//! From an engine's Arrow batches to a Polars frame. Result frames are small, so columns are copied.

use arrow::array::{
    Array, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use polars::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series, TimeUnit};

use crate::error::{Error, Result};

/// Builds a frame from batches of one schema.
///
/// # Errors
/// When a column has a type that reports do not use.
pub fn from_batches(batches: &[RecordBatch]) -> Result<DataFrame> {
    let Some(first) = batches.first() else {
        return Ok(DataFrame::default());
    };
    let mut columns = Vec::with_capacity(first.num_columns());
    for (index, field) in first.schema().fields().iter().enumerate() {
        let arrays: Vec<&dyn Array> = batches.iter().map(|b| b.column(index).as_ref()).collect();
        columns.push(column(field.name(), field.data_type(), &arrays)?);
    }
    let height = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(DataFrame::new(height, columns)?)
}

macro_rules! gather {
    ($name:expr, $arrays:expr, $array:ty) => {{
        let mut values = Vec::new();
        for array in $arrays {
            let typed = array.as_any().downcast_ref::<$array>();
            let typed = typed.ok_or_else(|| Error::failed(format!("the column {} changes its type", $name)))?;
            values.extend(typed.iter());
        }
        Series::new($name.into(), values)
    }};
}

fn column(name: &str, data_type: &ArrowType, arrays: &[&dyn Array]) -> Result<Column> {
    let series = match data_type {
        ArrowType::Utf8 => gather!(name, arrays, StringArray),
        ArrowType::Int64 => gather!(name, arrays, Int64Array),
        ArrowType::Int32 => gather!(name, arrays, Int32Array).cast(&DataType::Int64)?,
        ArrowType::Float64 => gather!(name, arrays, Float64Array),
        ArrowType::Boolean => gather!(name, arrays, BooleanArray),
        ArrowType::Date32 => gather!(name, arrays, Date32Array).cast(&DataType::Date)?,
        ArrowType::Timestamp(ArrowUnit::Microsecond, None) => {
            gather!(name, arrays, TimestampMicrosecondArray).cast(&DataType::Datetime(TimeUnit::Microseconds, None))?
        }
        other => {
            return Err(Error::failed(format!("the column {name} has the type {other}, which reports do not use")));
        }
    };
    Ok(series.into_column())
}
