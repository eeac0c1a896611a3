//! DuckDB, embedded: the default engine.
//!
//! A connection over the mart's Parquet files; nothing is written anywhere but into a temporary folder that goes with the
//! connection. What fits in memory is kept there. Where the mart is large for the memory limit, materialised models
//! become compressed tables in that folder, and a model that says `-- in passes: TABLE by COLUMN` is computed for a part
//! of that table's rows at a time: DuckDB's sorts spill, but the texts inside its aggregates do not.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use duckdb::{Config, Connection};

use super::{Engine, text};
use crate::error::{Error, Result};
use crate::record::{CellType, Column};

/// What a connection may use.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Memory before it spills, in DuckDB's notation (`2GB`); `None` for half of what the machine or container has.
    pub memory_limit: Option<String>,
    /// Worker threads; `None` for one per core.
    pub threads: Option<usize>,
    /// Keep the order of a subquery's rows; reports sort their own, and it costs memory.
    pub keep_order: bool,
}

/// Memory that the models need at once per byte of the mart's Parquet files (measured: see benches/README.md).
const MEMORY_PER_BYTE: u64 = 5;

/// An embedded DuckDB.
pub struct DuckDb {
    connection: Connection,
    /// Memory limit in bytes.
    limit: u64,
    /// Bytes of the files registered so far.
    registered: u64,
    /// Models that are tables in the temporary folder.
    on_disk: Vec<String>,
    // Dropped after the connection: holds its spill files.
    spill: tempfile::TempDir,
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
        let connection = Connection::open_in_memory_with_flags(config)?;
        let mut engine = DuckDb { connection, limit: 0, registered: 0, on_disk: Vec::new(), spill };
        engine.limit = engine.memory_limit()?;
        if resources.memory_limit.is_none() {
            // DuckDB's own default is 80 % of the machine.
            engine.limit = engine.limit / 8 * 5;
            engine.execute(&format!("SET memory_limit = '{}KiB'", engine.limit >> 10))?;
        }
        Ok(engine)
    }

    fn memory_limit(&self) -> Result<u64> {
        let value = text(self, "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'")?.unwrap_or_default();
        Ok(bytes(&value).unwrap_or(u64::MAX))
    }

    /// A folder for intermediate files, which goes with the connection.
    pub fn temporary_folder(&self) -> &std::path::Path {
        self.spill.path()
    }

    /// Runs a statement that answers nothing.
    ///
    /// # Errors
    /// When it is wrong or cannot be finished.
    pub fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

/// How materialised models are computed.
impl DuckDb {
    /// In how many parts, so that one part fits in memory.
    fn passes(&self) -> u64 {
        self.registered.saturating_mul(MEMORY_PER_BYTE).div_ceil(self.limit.max(1)).max(1)
    }

    fn materialise(&mut self, name: &str, select: &str) -> Result<()> {
        // The models join narrow rows to wide ones, in this order. Left to guess, DuckDB builds hash tables of wide rows.
        self.execute("SET disabled_optimizers = 'build_side_probe_side'")?;
        match self.passes() {
            1 => self.execute(&format!("CREATE TEMP TABLE {name} AS {select}"))?,
            passes => self.materialise_on_disk(name, select, passes)?,
        }
        self.execute("RESET disabled_optimizers")
    }

    fn materialise_on_disk(&mut self, name: &str, select: &str, passes: u64) -> Result<()> {
        if self.on_disk.is_empty() {
            let path = self.spill.path().join("models.duckdb");
            self.execute(&format!("ATTACH {} AS on_disk", quote(&path.to_string_lossy())))?;
        }
        match split(select).filter(|(table, _)| self.on_disk.iter().any(|known| known == table)) {
            None => self.execute(&format!("CREATE TABLE on_disk.{name} AS {select}"))?,
            Some((table, column)) => {
                let view = format!("CREATE OR REPLACE VIEW {table} AS SELECT * FROM on_disk.{table}");
                for pass in 0..passes {
                    self.execute(&format!("{view} WHERE hash({column}) % {passes} = {pass}"))?;
                    let insert = if pass == 0 { "CREATE TABLE" } else { "INSERT INTO" };
                    let between = if pass == 0 { "AS" } else { "" };
                    self.execute(&format!("{insert} on_disk.{name} {between} {select}"))?;
                }
                self.execute(&view)?;
            }
        }
        self.on_disk.push(name.to_owned());
        self.execute(&format!("CREATE VIEW {name} AS SELECT * FROM on_disk.{name}"))
    }
}

impl Engine for DuckDb {
    fn register_files(&mut self, name: &str, columns: &[Column], files: &[PathBuf]) -> Result<()> {
        if files.is_empty() {
            let fields: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, sql_type(c.cell))).collect();
            return self.execute(&format!("CREATE TABLE {name} ({})", fields.join(", ")));
        }
        self.registered += files.iter().filter_map(|f| Some(f.metadata().ok()?.len())).sum::<u64>();
        let list: Vec<String> = files.iter().map(|f| quote(&f.to_string_lossy())).collect();
        let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
        // An empty part with every column, for those that no file has: an older program wrote them.
        let typed: Vec<String> =
            columns.iter().map(|c| format!("CAST(NULL AS {}) AS {}", sql_type(c.cell), c.name)).collect();
        self.execute(&format!(
            "CREATE VIEW {name} AS SELECT {} FROM (
                SELECT * FROM read_parquet([{}], hive_partitioning = false, union_by_name = true)
                UNION ALL BY NAME SELECT {} WHERE FALSE
            ) stored",
            names.join(", "),
            list.join(", "),
            typed.join(", ")
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
        let defined = if materialise {
            self.materialise(name, select)
        } else {
            self.execute(&format!("CREATE VIEW {name} AS {select}"))
        };
        defined.map_err(|e| e.within(&format!("the model {name}")))
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

/// Table and column of the header `-- in passes: TABLE by COLUMN`.
fn split(select: &str) -> Option<(&str, &str)> {
    let header = select.lines().take_while(|line| line.starts_with("--"));
    header.filter_map(|line| line.strip_prefix("-- in passes: ")?.trim().split_once(" by ")).next()
}

/// The bytes of a size as DuckDB prints it, such as `953.6 MiB`.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let power = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"].iter().position(|u| *u == unit)?;
    Some((number.parse::<f64>().ok()? * 1024_f64.powi(i32::try_from(power).ok()?)) as u64)
}

/// A text as an SQL literal.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::number;

    fn engine(registered: u64) -> DuckDb {
        let mut engine =
            DuckDb::open(&Resources { memory_limit: Some("100MB".into()), ..Resources::default() }).unwrap();
        engine.registered = registered;
        engine.define("things", "SELECT range AS id, range % 7 AS kind FROM range(1000)", true).unwrap();
        engine
    }

    #[test]
    fn a_model_in_passes_has_the_same_rows() {
        let model =
            "-- in passes: things by kind\n-- materialise: yes\nSELECT kind, COUNT(*) AS n FROM things GROUP BY kind";
        for registered in [0, 60_000_000, 1_000_000_000] {
            let mut engine = engine(registered);
            assert_eq!(engine.on_disk.is_empty(), registered == 0);
            engine.define("kinds", model, true).unwrap();
            let count = |sql: &str| number(&engine, sql).unwrap();
            assert_eq!(count("SELECT COUNT(*) FROM kinds"), 7);
            assert_eq!(count("SELECT CAST(SUM(n) AS BIGINT) FROM kinds"), 1000);
            assert_eq!(count("SELECT COUNT(*) FROM things"), 1000, "the whole table is back");
        }
    }

    #[test]
    fn a_model_that_cannot_be_split_is_computed_at_once() {
        let mut engine = engine(1_000_000_000);
        engine.define("small", "SELECT 1 AS kind", false).unwrap();
        engine.define("copy", "-- in passes: small by kind\nSELECT kind FROM small", true).unwrap();
        assert_eq!(number(&engine, "SELECT COUNT(*) FROM copy").unwrap(), 1);
    }

    #[test]
    fn without_a_limit_it_takes_half_of_the_machine() {
        let limited = DuckDb::open(&Resources::default()).unwrap();
        let own = Connection::open_in_memory().unwrap();
        let sql = "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'";
        let machine: String = own.query_row(sql, [], |row| row.get(0)).unwrap();
        let share = limited.memory_limit().unwrap() as f64 / bytes(&machine).unwrap() as f64;
        assert!((0.60..0.65).contains(&share), "{share}");
    }

    #[test]
    fn sizes_are_read_as_they_are_printed() {
        assert_eq!(bytes("953.5 MiB"), Some(999_817_216));
        assert_eq!((bytes("12 bytes"), bytes("2.0 GiB")), (Some(12), Some(2 << 30)));
        assert_eq!((bytes(""), bytes("5 parsecs")), (None, None));
    }
}
