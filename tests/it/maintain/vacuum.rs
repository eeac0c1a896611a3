//! `mart vacuum` deletes what is not needed, and nothing else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::masked::masked;
use super::{all_files, callback, mart, parquet_files, small_mart, verify};
use crate::support::{command, kycmart_in, query};

const NOW: [&str; 5] = ["mart", "vacuum", "--keep", "0h", "--force"];

fn now_and_delete(here: &Path) {
    mart(here, &[&NOW[..], &["--delete"]].concat()).expect(0);
}

/// Makes a file that was last written so many hours ago.
fn old_file(path: &Path, hours: u64) {
    fs::write(path, "x").unwrap();
    let time = SystemTime::now() - Duration::from_secs(hours * 3600);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn answers(here: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    query(
        here,
        "mart",
        "SELECT o.*, c.name, c.value FROM observations o JOIN checks c USING (payload_key) ORDER BY ALL",
    )
}

fn files(here: &Path) -> Vec<PathBuf> {
    let mut files = all_files(&here.join("mart"));
    files.retain(|f| !f.ends_with(".lock"));
    files.sort();
    files
}

#[test]
fn what_was_merged_goes_when_it_is_old_enough_and_no_answer_changes() {
    let here = small_mart();
    let before = answers(here.path());
    let old = parquet_files(here.path(), "observations");
    mart(here.path(), &["mart", "compact"]).expect(0);
    let all = files(here.path());
    let run = mart(here.path(), &["mart", "vacuum", "--delete"]).expect(0);
    assert!(run.out.contains("deleted: 0 files") && run.out.contains("younger than --keep"), "{}", run.out);
    insta::assert_snapshot!("vacuum", masked(&mart(here.path(), &NOW).expect(0).out));
    assert_eq!(files(here.path()), all, "a dry run is the default");
    now_and_delete(here.path());
    assert!(old.iter().all(|file| !file.exists()));
    assert_eq!(parquet_files(here.path(), "observations").len(), 1);
    assert_eq!(answers(here.path()), before);
    verify(here.path(), &["--sources"]).expect(0);
    let run = mart(here.path(), &NOW).expect(0);
    assert!(run.out.contains("to delete: 0 files"), "{}", run.out);
    assert!(run.out.contains("observations from version 3 of 3"), "{}", run.out);
}

#[test]
fn what_a_killed_run_left_goes_and_what_others_put_there_stays() {
    let here = small_mart();
    let table = here.path().join("mart/observations");
    let gone = [".part-a.tmp", "part-0.parquet", "_delta_log/00000000000000000009.json#1"].map(|name| table.join(name));
    let kept = ["notes.txt", ".part-new.tmp"].map(|name| table.join(name));
    gone.iter().for_each(|path| old_file(path, 24 * 8));
    old_file(&kept[0], 24 * 8);
    old_file(&kept[1], 24 * 6);
    let run = mart(here.path(), &["mart", "vacuum", "--delete", "--format", "json"]).expect(0);
    let found: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((found["files"].as_array().unwrap().len(), &found["waiting_files"]), (3, &1.into()), "{found}");
    assert!(gone.iter().all(|path| !path.exists()) && kept.iter().all(|path| path.exists()));
    verify(here.path(), &[]).expect(0);
}

#[test]
fn less_than_a_day_is_kept_only_by_force() {
    let here = small_mart();
    let run = mart(here.path(), &["mart", "vacuum", "--keep", "23h"]).expect(2);
    assert!(run.err.contains("--force"), "{}", run.err);
    mart(here.path(), &["mart", "vacuum", "--keep", "24h"]).expect(0);
    let run = mart(here.path(), &["mart", "vacuum", "--keep", "soon"]).expect(2);
    assert!(run.err.contains("--keep"), "{}", run.err);
}

#[test]
fn nothing_is_deleted_from_a_damaged_mart_or_under_another_program() {
    let here = small_mart();
    mart(here.path(), &["mart", "compact"]).expect(0);
    let lock = File::options().read(true).write(true).open(here.path().join("mart/.lock")).unwrap();
    lock.lock().unwrap();
    let all = files(here.path());
    mart(here.path(), &[&NOW[..], &["--delete"]].concat()).expect(3);
    mart(here.path(), &NOW).expect(0);
    drop(lock);
    assert_eq!(files(here.path()), all);
    let listed = parquet_files(here.path(), "inputs");
    listed.iter().for_each(|file| fs::rename(file, file.with_extension("away")).unwrap());
    let run = mart(here.path(), &[&NOW[..], &["--delete"]].concat()).expect(3);
    assert!(
        run.err.contains("inputs lists a file that is not there") && run.err.contains("mart verify"),
        "{}",
        run.err
    );
}

#[test]
fn a_killed_vacuum_is_finished_by_the_next() {
    let here = small_mart();
    let before = answers(here.path());
    mart(here.path(), &["mart", "compact"]).expect(0);
    let killed = command(here.path(), &[&NOW[..], &["--delete", "--mart", "mart"]].concat())
        .env("KYCMART_FAULT", "remove file:3")
        .output()
        .unwrap();
    assert!(!killed.status.success());
    verify(here.path(), &[]).expect(0);
    now_and_delete(here.path());
    assert_eq!(parquet_files(here.path(), "observations").len(), 1);
    assert_eq!(answers(here.path()), before);
}

/// All text of a file: its bytes, and if it is Parquet, every cell.
fn text_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if path.extension().is_some_and(|e| e == "parquet") {
        for rows in ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap() {
            for column in rows.unwrap().columns() {
                let shown = cast(column, &DataType::Utf8);
                let cells = shown.iter().flat_map(|c| c.as_string::<i32>().iter().flatten().map(str::to_owned));
                cells.for_each(|cell| text.push_str(&format!("\n{cell}")));
                if column.data_type().is_nested() {
                    text.push_str(&format!("\n{column:?}"));
                }
            }
        }
    }
    text
}

#[test]
fn after_an_erasure_and_a_vacuum_no_byte_is_left() {
    let here = small_mart();
    // More commits than a checkpoint waits for, and files that hold one payload and that are named after people.
    for job in 10..21 {
        fs::write(here.path().join(format!("person-{job}.json")), callback(job)).unwrap();
        let name = format!("person-{job}.json");
        kycmart_in(here.path(), &["ingest", &name, "--mart", "mart", "--key-file", "a.key"]).expect(0);
    }
    let sql = "SELECT user_pseudonym, statement_digest FROM observations WHERE provider_job_id = '0000000015'";
    let row = query(here.path(), "mart", sql).remove(0);
    let words = ["0000000015", "order-15", "person-15", &row["user_pseudonym"], &row["statement_digest"]];
    let traces = || {
        let found = |path: PathBuf| {
            let text = text_of(&path);
            words
                .iter()
                .filter(|word| text.contains(**word))
                .map(|w| format!("{w} in {}", path.display()))
                .collect::<Vec<_>>()
        };
        files(here.path()).into_iter().flat_map(found).collect::<Vec<String>>()
    };
    assert!(
        words.iter().all(|word| !word.is_empty() && traces().iter().any(|t| t.starts_with(word))),
        "{:?}",
        traces()
    );
    mart(here.path(), &["mart", "erase", "--job-id", "0000000015", "--reason", "asked for"]).expect(0);
    assert_ne!(traces(), Vec::<String>::new(), "its bytes are there until the vacuum");
    now_and_delete(here.path());
    assert_eq!(traces(), Vec::<String>::new());
    assert!(
        files(here.path()).iter().any(|f| f.to_string_lossy().contains(".checkpoint.")),
        "checkpoints were looked at"
    );
    verify(here.path(), &["--sources"]).expect(0);
    let run = mart(here.path(), &NOW).expect(0);
    assert!(run.out.contains("report --as-of afterwards: from"), "{}", run.out);
}
