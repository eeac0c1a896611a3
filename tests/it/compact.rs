//! Compaction changes no answer: files are merged and sorted, rows that never counted go.

use std::fs;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use walkdir::WalkDir;

use crate::support::{command, folder, kycmart_in, query, report_files};

const TABLES: [&str; 10] = [
    "observations",
    "checks",
    "receipts",
    "authority_status",
    "submissions",
    "rejects",
    "unknown_fields",
    "inputs",
    "batches",
    "codes",
];

/// All rows of listed batches, table by table.
fn answers(here: &Path) -> Vec<String> {
    let rows = |table: &&str| {
        let sql = format!("SELECT * FROM {table} WHERE batch_id IN (SELECT batch_id FROM batches) ORDER BY ALL");
        kycmart_in(here, &["query", "--mart", "mart", &sql, "--format", "csv"]).expect(0).out
    };
    TABLES.iter().map(rows).collect()
}

fn compact(here: &Path, more: &[&str]) -> String {
    kycmart_in(here, &[&["mart", "compact", "--mart", "mart"], more].concat()).expect(0).out
}

/// Parquet files that the newest version of a table lists.
fn files(here: &Path, table: &str) -> Vec<std::path::PathBuf> {
    let mart = kycmart::mart::Mart::open(&here.join("mart")).unwrap();
    mart.files(table).unwrap().into_iter().map(|f| f.path).collect()
}

fn sample(here: &Path, payloads: &str) {
    kycmart_in(here, &["sample", "--out", "in", "--payloads", payloads]).expect(0);
}

/// Ingests the files of the sample in some number of batches.
fn in_batches(here: &Path, batches: usize) {
    let entries = WalkDir::new(here.join("in")).sort_by_file_name().into_iter().map(Result::unwrap);
    let files: Vec<String> =
        entries.filter(|e| e.file_type().is_file()).map(|e| e.path().display().to_string()).collect();
    for part in files.chunks(files.len().div_ceil(batches).max(1)) {
        let sources = part.iter().map(String::as_str);
        kycmart_in(here, &["ingest", "--mart", "mart"].into_iter().chain(sources).collect::<Vec<_>>()).expect(0);
    }
}

#[test]
fn many_small_files_become_few_and_no_answer_changes() {
    let here = folder();
    let here = here.path();
    sample(here, "1500");
    in_batches(here, 12);
    let (before, many) = (answers(here), files(here, "receipts").len());
    kycmart_in(here, &["report", "--mart", "mart", "--out", "one"]).expect(0);
    let plan = compact(here, &["--dry-run"]);
    assert!(plan.contains("files to merge"), "{plan}");
    assert_eq!(files(here, "receipts").len(), many, "a dry run changes nothing");
    compact(here, &[]);
    assert!(files(here, "receipts").len() < many / 3, "{many} files before");
    assert_eq!(answers(here), before);
    kycmart_in(here, &["report", "--mart", "mart", "--out", "two"]).expect(0);
    assert!(report_files(&here.join("one/latest")) == report_files(&here.join("two/latest")), "a report changed");
    assert_eq!(compact(here, &[]).trim(), "nothing to merge");
    kycmart_in(here, &["mart", "verify", "--mart", "mart"]).expect(0);
}

#[test]
fn rows_of_a_killed_ingest_are_dropped() {
    let here = folder();
    let here = here.path();
    sample(here, "600");
    in_batches(here, 1);
    kycmart_in(here, &["sample", "--out", "more", "--payloads", "300", "--seed", "5"]).expect(0);
    let mut killed = command(here, &["ingest", "more", "--mart", "mart"]);
    assert!(!killed.env("KYCMART_FAULT", "commit batches").output().unwrap().status.success());
    let stored = |table: &str| query(here, "mart", &format!("SELECT COUNT(*) AS n FROM {table}"))[0]["n"].clone();
    let (before, with_garbage) = (answers(here), stored("observations"));
    compact(here, &[]);
    assert_eq!(answers(here), before);
    let listed = "SELECT COUNT(*) AS n FROM observations WHERE batch_id IN (SELECT batch_id FROM batches)";
    assert_eq!(stored("observations"), query(here, "mart", listed)[0]["n"]);
    assert_ne!(stored("observations"), with_garbage);
    kycmart_in(here, &["ingest", "more", "--mart", "mart"]).expect(0);
    assert_eq!(stored("observations"), with_garbage, "the next run brings them in");
}

#[test]
fn what_is_merged_is_sorted_and_has_bloom_filters_for_lookups() {
    let here = folder();
    let here = here.path();
    sample(here, "1500");
    in_batches(here, 6);
    compact(here, &["--target-rows", "400"]);
    let largest = files(here, "observations").into_iter().max_by_key(|f| fs::metadata(f).unwrap().len()).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&largest).unwrap()).unwrap();
    let metadata = reader.metadata();
    let column = |name: &str| {
        let columns = metadata.file_metadata().schema_descr().columns();
        columns.iter().position(|c| c.name() == name).unwrap_or_else(|| panic!("a column {name}"))
    };
    for group in metadata.row_groups() {
        let order: Vec<usize> =
            group.sorting_columns().unwrap().iter().map(|c| usize::try_from(c.column_idx).unwrap()).collect();
        assert_eq!(order, ["provider_job_id", "payload_key", "position"].map(column));
        for name in ["payload_key", "payload_digest", "provider_job_id", "partner_job_id", "user_pseudonym"] {
            assert!(group.column(column(name)).bloom_filter_offset().is_some(), "{name}");
        }
    }
    let jobs: Vec<String> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().get_column_iter().nth(column("provider_job_id")).unwrap().1.to_string())
        .filter(|job| job != "null")
        .collect();
    assert!(jobs.len() > 50 && jobs.is_sorted(), "the rows are in order");
    assert!(files(here, "observations").iter().all(|f| rows_of(f) <= 800), "no file far beyond its target");
}

fn rows_of(file: &Path) -> i64 {
    SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap().metadata().file_metadata().num_rows()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// However the payloads came in and whenever merging happened, the answers are those of one ingest.
    #[test]
    fn merging_at_any_time_changes_nothing(batches in 1usize..7, seed in 0u32..1000, target in 50u32..3000) {
        let here = folder();
        let here = here.path();
        kycmart_in(here, &["sample", "--out", "in", "--payloads", "400", "--seed", &seed.to_string()]).expect(0);
        in_batches(here, batches);
        kycmart_in(here, &["report", "--mart", "mart", "--out", "one"]).expect(0);
        let before = answers(here);
        compact(here, &["--target-rows", &target.to_string()]);
        prop_assert!(answers(here) == before, "an answer changed");
        kycmart_in(here, &["report", "--mart", "mart", "--out", "two"]).expect(0);
        prop_assert!(report_files(&here.join("one/latest")) == report_files(&here.join("two/latest")));
        kycmart_in(here, &["ingest", "in", "--mart", "mart"]).expect(0);
        prop_assert!(answers(here) == before, "a second ingest added something");
    }
}
