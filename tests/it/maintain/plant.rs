//! Faults planted in a mart: bytes, files, and commits written by hand.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;

use super::parquet_file_name;

/// Changes one byte in the middle of a file.
pub fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The file of a commit.
pub fn commit_file(here: &Path, table: &str, version: u64) -> PathBuf {
    here.join("mart").join(table).join("_delta_log").join(format!("{version:020}.json"))
}

/// The actions of all commits of a table, oldest first.
fn actions(here: &Path, table: &str) -> Vec<serde_json::Value> {
    let versions = (0..).map(|version| commit_file(here, table, version)).take_while(|path| path.is_file());
    let text: String = versions.map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Commits actions as the next version of a table.
pub fn commit(here: &Path, table: &str, actions: &[serde_json::Value]) {
    let next = (0..).find(|version| !commit_file(here, table, *version).is_file()).unwrap();
    let info = serde_json::json!({"commitInfo": {"timestamp": 1_700_000_000_000_i64, "operation": "WRITE"}});
    let lines: Vec<String> = [&info].into_iter().chain(actions).map(|action| format!("{action}\n")).collect();
    fs::write(commit_file(here, table, next), lines.concat()).unwrap();
}

/// The first file that was added to a table, as its log says it.
pub fn first_add(here: &Path, table: &str) -> serde_json::Value {
    actions(here, table).into_iter().find(|action| action.get("add").is_some()).expect("a file was added")
}

/// The removal of a file.
pub fn removal(add: &serde_json::Value) -> serde_json::Value {
    let add = &add["add"];
    serde_json::json!({"remove": {"path": add["path"], "deletionTimestamp": 1_700_000_000_000_i64, "dataChange": true,
        "extendedFileMetadata": true, "partitionValues": add["partitionValues"], "size": add["size"]}})
}

/// Adds the first file of a table a second time, under another name.
pub fn add_twice(here: &Path, table: &str) {
    let mut add = first_add(here, table);
    let path = add["add"]["path"].as_str().unwrap().to_owned();
    let other = path.replace("part-", "part-0");
    let root = here.join("mart").join(table);
    fs::copy(root.join(&path), root.join(&other)).unwrap();
    add["add"]["path"] = other.into();
    commit(here, table, &[add]);
}

/// Adds rows to a table that has no partitions.
pub fn add_rows(here: &Path, table: &str, rows: &RecordBatch, remove: &[serde_json::Value]) {
    let path = here.join("mart").join(table).join("part-new.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    let name = parquet_file_name(&path);
    fs::rename(&path, path.with_file_name(&name)).unwrap();
    let size = fs::metadata(path.with_file_name(&name)).unwrap().len();
    let stats = format!("{{\"numRecords\":{}}}", rows.num_rows());
    let add = serde_json::json!({"add": {"path": name, "partitionValues": {}, "size": size,
        "modificationTime": 1_700_000_000_000_i64, "dataChange": true, "stats": stats}});
    commit(here, table, &[&[add], remove].concat());
}
