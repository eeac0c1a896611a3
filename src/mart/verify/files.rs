//! The data files: each is there, of the recorded size and digest, and every page of it can be read.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, StringArray};
use arrow::datatypes::Schema;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use walkdir::WalkDir;

use super::super::delta::DataFile;
use super::log::Opened;
use super::{Check, Watch};

/// Checks all listed files; returns the tables with a damaged one.
pub(super) fn check(root: &Path, tables: &[Opened], check: &mut Check, watch: &dyn Watch) -> HashSet<&'static str> {
    let all: Vec<(&Opened, &DataFile)> = tables.iter().flat_map(|t| t.files.iter().map(move |f| (t, f))).collect();
    let bytes: u64 = all.iter().map(|(_, f)| f.bytes).sum();
    let (count, rows) = (all.len(), all.iter().map(|(_, f)| f.rows).sum::<u64>());
    watch.begin("files", bytes);
    let look = |(table, file): (&'static str, &DataFile), schema: &Schema, partition: Option<&str>| {
        let says = look(file, schema, partition);
        watch.advance(file.bytes);
        (table, file.path.clone(), says)
    };
    let found: Vec<_> = all
        .into_par_iter()
        .map(|(opened, file)| look((opened.name(), file), &opened.table.spec().schema(), opened.table.spec().partition))
        .collect();
    let (mut damaged, mut nameless) = (HashSet::new(), 0);
    for (table, path, says) in found {
        nameless += u64::from(digest_in_name(&path).is_none());
        if let Err(says) = says {
            damaged.insert(table);
            check.problem(path.strip_prefix(root).unwrap_or(&path).display().to_string(), says);
        }
    }
    check.looked_at = format!("{count} files, {rows} rows, {bytes} bytes");
    if nameless > 0 {
        check.notes.push(format!("{nameless} files have no digest in their names; mart compact gives them one"));
    }
    damaged
}

/// What is wrong with a file, if anything.
fn look(file: &DataFile, schema: &Schema, partition: Option<&str>) -> Result<(), String> {
    let found = match std::fs::metadata(&file.path) {
        Ok(found) => found,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err("is not there".to_owned()),
        Err(e) => return Err(format!("cannot be read: {e}")),
    };
    if found.len() != file.bytes {
        return Err(format!("has {} bytes, the log says {}", found.len(), file.bytes));
    }
    if let Some(digest) = digest_in_name(&file.path) {
        let mut hasher = blake3::Hasher::new();
        let read = File::open(&file.path).and_then(|mut f| std::io::copy(&mut f, &mut hasher));
        read.map_err(|e| format!("cannot be read: {e}"))?;
        if *hasher.finalize().to_hex().as_str() != *digest {
            return Err("its bytes are not those that its name is the digest of".to_owned());
        }
    }
    let value = partition.and_then(|column| Some((column, file.partition.get(column)?.as_str())));
    let rows = read_all(&file.path, schema, value)?;
    if rows != file.rows {
        return Err(format!("has {rows} rows, the log says {}", file.rows));
    }
    Ok(())
}

/// Reads every row; says how many there are.
fn read_all(path: &Path, schema: &Schema, partition: Option<(&str, &str)>) -> Result<u64, String> {
    let unreadable = |e: &dyn std::fmt::Display| format!("is no Parquet file that can be read: {e}");
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(&e))?;
    for field in builder.schema().fields() {
        match schema.field_with_name(field.name()) {
            Ok(own) if own.data_type() == field.data_type() => {}
            Ok(own) => {
                let (is, should) = (field.data_type(), own.data_type());
                return Err(format!("its column {} is {is}, the table's {should}", field.name()));
            }
            Err(_) => return Err(format!("its column {} is not one of the table", field.name())),
        }
    }
    let mut rows = 0;
    for batch in builder.build().map_err(|e| unreadable(&e))? {
        let batch = batch.map_err(|e| unreadable(&e))?;
        rows += batch.num_rows() as u64;
        let Some((name, value)) = partition else { continue };
        let column = batch.column_by_name(name).and_then(|c| c.as_any().downcast_ref::<StringArray>());
        if column.is_some_and(|c| c.null_count() > 0 || c.iter().flatten().any(|cell| cell != value)) {
            return Err(format!("holds rows of another {name} than {value}"));
        }
    }
    Ok(rows)
}

/// Whether a Parquet file can be read to its end.
pub(super) fn readable(path: &Path) -> Result<(), String> {
    let unreadable = |e: &dyn std::fmt::Display| format!("is no Parquet file that can be read: {e}");
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(&e))?;
    let mut batches = builder.build().map_err(|e| unreadable(&e))?;
    batches.try_for_each(|batch| batch.map(drop)).map_err(|e| unreadable(&e))
}

/// The BLAKE3 that a file's name ends in: `part-<8 digits>-<64 digits>.parquet`.
fn digest_in_name(path: &Path) -> Option<&str> {
    let digest = path.file_stem()?.to_str()?.rsplit_once('-')?.1;
    (digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digest)
}

/// Whether a table's folder holds data files.
pub(super) fn has_data(table: &Path) -> bool {
    let files = WalkDir::new(table).into_iter().filter_entry(|e| e.file_name() != "_delta_log").flatten();
    files.into_iter().any(|e| e.path().extension().is_some_and(|x| x == "parquet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_digits_at_the_end_of_the_name() {
        let digest = "0123456789abcdef".repeat(4);
        let name = format!("m=1/part-01234567-{digest}.parquet");
        assert_eq!(digest_in_name(Path::new(&name)), Some(digest.as_str()));
        assert_eq!(digest_in_name(Path::new("part-3f2504e0-4f89-11d3-9a0c-0305e82c3301.parquet")), None);
        assert_eq!(digest_in_name(Path::new("part.parquet")), None);
    }
}
