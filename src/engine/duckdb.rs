//! DuckDB, embedded: the default engine.
//!
//! A connection in memory over the mart's Parquet files; nothing is written anywhere but spill files in a temporary
//! folder that goes with the connection.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use duckdb::{Config, Connection};

use super::Engine;
use crate::error::{Error, Result};
use crate::record::{CellType, Column};

/// What a connection may use.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Memory before it spills, in DuckDB's notation (`2GB`); `None` leaves DuckDB's default (80 % of the machine).
    pub memory_limit: Option<String>,
    /// Worker threads; `None` for one per core.
    pub threads: Option<usize>,
    /// Keep the order of a subquery's rows; reports sort their own, and it costs memory.
    pub keep_order: bool,
}

/// An embedded DuckDB.
pub struct DuckDb {
    connection: Connection,
    // Dropped after the connection: holds its spill files.
    _spill: tempfile::TempDir,
}

impl DuckDb {
    /// Opens an empty engine.
    ///
    /// # Errors
    /// When DuckDB cannot start.
    pub fn open(resources: &Resources) -> Result<Self> {
        let spill = tempfile::Builder::new().prefix("kycmart-").tempdir()?;
        let mut config = Config::default()
            .enable_autoload_extension(false)?
            .with("temp_directory", spill.path().to_string_lossy())?
            .with("preserve_insertion_order", if resources.keep_order { "true" } else { "false" })?;
        if let Some(limit) = &resources.memory_limit {
            config = config.max_memory(limit)?;
        }
        if let Some(threads) = resources.threads {
            config = config.threads(i64::try_from(threads).unwrap_or(1))?;
        }
        Ok(DuckDb { connection: Connection::open_in_memory_with_flags(config)?, _spill: spill })
    }

    fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

impl Engine for DuckDb {
    fn register_files(&mut self, name: &str, columns: &[Column], files: &[PathBuf]) -> Result<()> {
        if files.is_empty() {
            let fields: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, sql_type(c.cell))).collect();
            return self.execute(&format!("CREATE TABLE {name} ({})", fields.join(", ")));
        }
        let list: Vec<String> = files.iter().map(|f| quote(&f.to_string_lossy())).collect();
        let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
        self.execute(&format!(
            "CREATE VIEW {name} AS SELECT {} FROM read_parquet([{}], hive_partitioning = false, union_by_name = true)",
            names.join(", "),
            list.join(", ")
        ))
    }

    fn register_rows(&mut self, name: &str, rows: &RecordBatch) -> Result<()> {
        let mut fields = Vec::new();
        for field in rows.schema().fields() {
            fields.push(format!("{} {}", field.name(), sql_type_of(field.data_type())?));
        }
        self.execute(&format!("CREATE TABLE {name} ({})", fields.join(", ")))?;
        let mut appender = self.connection.appender(name)?;
        appender.append_record_batch(rows.clone())?;
        appender.flush()?;
        Ok(())
    }

    fn define(&mut self, name: &str, select: &str, materialise: bool) -> Result<()> {
        let kind = if materialise { "TEMP TABLE" } else { "VIEW" };
        let create = format!("CREATE {kind} {name} AS {select}");
        self.execute(&create).map_err(|e| e.within(&format!("the model {name}")))
    }

    fn select(&self, select: &str) -> Result<Vec<RecordBatch>> {
        let mut statement = self.connection.prepare(select)?;
        let batches: Vec<RecordBatch> = statement.query_arrow([])?.collect();
        if batches.is_empty() {
            // The schema is known only after execution; an empty result still has its columns.
            return Ok(vec![RecordBatch::new_empty(statement.schema())]);
        }
        Ok(batches)
    }
}

fn sql_type(cell: CellType) -> &'static str {
    match cell {
        CellType::Text => "VARCHAR",
        CellType::Integer => "BIGINT",
        CellType::SmallInteger => "INTEGER",
        CellType::Number => "DOUBLE",
        CellType::Boolean => "BOOLEAN",
        CellType::Timestamp => "TIMESTAMP",
    }
}

fn sql_type_of(data_type: &DataType) -> Result<&'static str> {
    Ok(match data_type {
        DataType::Utf8 => "VARCHAR",
        DataType::Int64 => "BIGINT",
        DataType::Int32 => "INTEGER",
        DataType::Float64 => "DOUBLE",
        DataType::Boolean => "BOOLEAN",
        DataType::Timestamp(_, _) => "TIMESTAMP",
        DataType::Date32 => "DATE",
        other => return Err(Error::failed(format!("no SQL type for {other}"))),
    })
}

/// A text as an SQL literal.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
