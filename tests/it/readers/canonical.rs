//! What kycmart itself sees in a mart, in the words of `tests/readers/read_mart.py`.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use kycmart::engine::Engine;
use kycmart::engine::duckdb::{DuckDb, Resources};
use kycmart::mart::{Mart, table_specs};
use kycmart::record::CellType;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The rows of one table that count, as a reader sees them.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Rows {
    pub rows: usize,
    /// Over all rows, whatever their order.
    digest: String,
    /// Over the cells of each column: says where two readers differ.
    column_digests: BTreeMap<String, String>,
    /// The columns' types in Delta's words.
    pub types: BTreeMap<String, String>,
    /// Columns that hold a NULL.
    pub with_null: Vec<String>,
}

impl Rows {
    /// Where another reader's view differs, in words; nothing where it does not.
    pub fn differences(&self, other: &Rows) -> Vec<String> {
        let mut said = Vec::new();
        if self.rows != other.rows {
            said.push(format!("{} rows, kycmart sees {}", other.rows, self.rows));
        }
        if self.types != other.types {
            said.push(format!("columns {:?}, kycmart sees {:?}", other.types, self.types));
        }
        let differ = |name: &&String| self.column_digests.get(*name) != other.column_digests.get(*name);
        said.extend(self.column_digests.keys().filter(differ).map(|name| format!("other cells in {name}")));
        if said.is_empty() && self != other {
            said.push("the same cells, in other rows or with other NULLs".to_owned());
        }
        said
    }
}

/// Every table of a mart as kycmart sees it.
pub fn tables(mart: &Path) -> BTreeMap<String, Rows> {
    let mart = Mart::open(mart).expect("the mart opens");
    let mut engine = DuckDb::open(&Resources::default()).expect("the engine opens");
    mart.register_stored(&mut engine, &[]).expect("the engine knows the tables");
    let rows = |name: &str| {
        let listed = if name == "tombstones" { "" } else { "WHERE batch_id IN (SELECT batch_id FROM batches)" };
        rows(&engine.select(&format!("SELECT * FROM {name} {listed}")).expect("the rows are selected"))
    };
    table_specs().iter().map(|spec| (spec.name.to_owned(), rows(spec.name))).collect()
}

fn rows(batches: &[RecordBatch]) -> Rows {
    let mut names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    names.sort();
    let mut rows = Rows {
        rows: batches.iter().map(RecordBatch::num_rows).sum(),
        digest: String::new(),
        column_digests: BTreeMap::new(),
        types: BTreeMap::new(),
        with_null: Vec::new(),
    };
    let mut lines = vec![Vec::new(); rows.rows];
    for name in names {
        let arrays: Vec<_> = batches.iter().map(|batch| batch.column_by_name(&name).expect("a column")).collect();
        let cells: Vec<String> = arrays.iter().flat_map(|array| cells(array)).collect();
        if cells.iter().any(|cell| cell == "N") {
            rows.with_null.push(name.clone());
        }
        for (line, cell) in lines.iter_mut().zip(&cells) {
            line.push(cell.clone());
        }
        rows.types.insert(name.clone(), type_name(arrays[0].data_type()).to_owned());
        rows.column_digests.insert(name, digest(cells));
    }
    rows.digest = digest(lines.into_iter().map(|line| line.join(" ")).collect());
    rows
}

fn digest(mut texts: Vec<String>) -> String {
    texts.sort();
    Sha256::digest(texts.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The cells' texts, which lose nothing: see `cells` in `read_mart.py`.
fn cells(array: &dyn Array) -> Vec<String> {
    let text = |row: usize| match array.data_type() {
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            format!("T{}:{text}", text.len())
        }
        DataType::Int64 => format!("I{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => format!("I{}", array.as_primitive::<Int32Type>().value(row)),
        DataType::Float64 => format!("F{:016x}", array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Boolean => format!("B{}", u8::from(array.as_boolean().value(row))),
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            format!("M{}", array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => panic!("no text for a cell of {other}"),
    };
    (0..array.len()).map(|row| if array.is_null(row) { "N".to_owned() } else { text(row) }).collect()
}

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => log_type(CellType::Text),
        DataType::Int64 => log_type(CellType::Integer),
        DataType::Int32 => log_type(CellType::SmallInteger),
        DataType::Float64 => log_type(CellType::Number),
        DataType::Boolean => log_type(CellType::Boolean),
        DataType::Timestamp(TimeUnit::Microsecond, None) => log_type(CellType::Timestamp),
        other => panic!("a mart has no {other}"),
    }
}

/// Delta's word for a column type.
pub fn log_type(cell: CellType) -> &'static str {
    match cell {
        CellType::Text => "string",
        CellType::Integer => "long",
        CellType::SmallInteger => "integer",
        CellType::Number => "double",
        CellType::Boolean => "boolean",
        CellType::Timestamp => "timestamp_ntz",
    }
}
