//! Every check of `mart verify` fails when its fault is planted.

use std::fs;
use std::path::Path;

use kycmart::mart::Mart;
use kycmart::record::{Batch, Micros, Removal, Selector, Table, Tombstone};

use super::plant::{add_rows, add_twice, commit, commit_file, first_add, flip, removal};
use super::{callback, mart, parquet_files, problems, small_mart, verified, verify};
use crate::support::{Run, kycmart_in, kycmart_with_input, query};

/// Verifies a mart with a fault; the only problem of a check must contain these words.
#[track_caller]
fn finds(here: &Path, check: &str, words: &[&str]) -> Run {
    let run = verify(here, &["--format", "json"]).expect(1);
    let found = problems(&run, check);
    assert_eq!(found.len(), 1, "{check}: {found:?}\n{}", run.out);
    assert!(words.iter().all(|word| found[0].contains(word)), "{check}: {found:?}");
    run
}

#[test]
fn a_flipped_byte() {
    let here = small_mart();
    let file = parquet_files(here.path(), "observations").remove(0);
    flip(&file);
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let run = finds(here.path(), "files", &[&name, "digest"]);
    assert_eq!(problems(&run, "rows").len(), 0, "what depends on a damaged file is left out, not told again");
    let table = verify(here.path(), &[]).expect(1);
    assert!(table.out.contains("not checked: observations"), "{}", table.out);
}

#[test]
fn a_file_that_is_gone_or_longer() {
    let here = small_mart();
    let file = parquet_files(here.path(), "checks").remove(0);
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    finds(here.path(), "files", &["checks/", "is not there"]);
    fs::write(&file, [&bytes[..], b"x"].concat()).unwrap();
    finds(here.path(), "files", &["checks/", "bytes, the log says"]);
    fs::write(&file, bytes).unwrap();
    verify(here.path(), &[]).expect(0);
}

#[test]
fn a_table_that_is_gone_is_no_empty_table() {
    for table in ["observations", "codes", "tombstones", "batches"] {
        let here = small_mart();
        fs::remove_dir_all(here.path().join("mart").join(table)).unwrap();
        finds(here.path(), "log", &[table, "the mart had it"]);
        for command in [&["report", "--out", "out"][..], &["mart", "compact"], &["ingest", "b.json"]] {
            let run = kycmart_in(here.path(), &[command, &["--mart", "mart"]].concat());
            let said = run.err.contains("lost its table") || run.err.contains("there is no mart");
            assert!(run.code > 1 && said, "{table} {command:?}: {}", run.err);
        }
    }
}

#[test]
fn a_file_with_other_rows_than_the_log_says() {
    let here = small_mart();
    let path = commit_file(here.path(), "observations", 1);
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once("numRecords\\\":").expect("statistics");
    fs::write(&path, format!("{before}numRecords\\\":9{after}")).unwrap();
    finds(here.path(), "files", &["observations/", "the log says 92"]);
}

#[test]
fn a_log_entry_cut_short_or_lost() {
    let here = small_mart();
    let path = commit_file(here.path(), "checks", 1);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    finds(here.path(), "log", &["checks/_delta_log/", "is damaged"]);
    fs::write(&path, "").unwrap();
    finds(here.path(), "log", &["checks/_delta_log/", "it is empty"]);
    fs::remove_file(&path).unwrap();
    finds(here.path(), "log", &["checks/_delta_log/00000000000000000001.json", "is not there"]);
    fs::write(&path, text).unwrap();
    fs::remove_file(commit_file(here.path(), "checks", 2)).unwrap();
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    let found = problems(&run, "rows").join("\n");
    assert!(
        found.contains("checks: its log ends at version 1") && found.contains("checks has 0 of its rows"),
        "{found}"
    );
}

#[test]
fn a_checkpoint_that_is_not_there() {
    let here = small_mart();
    let hint = here.path().join("mart/rejects/_delta_log/_last_checkpoint");
    fs::write(hint, r#"{"version":1,"size":4}"#).unwrap();
    finds(here.path(), "log", &["rejects/_delta_log/_last_checkpoint", "checkpoint 1 is not there"]);
}

#[test]
fn a_log_that_a_newer_program_wrote_is_not_judged() {
    let here = small_mart();
    commit(here.path(), "batches", &[serde_json::json!({"txn": {"appId": "kycmart-format", "version": 99}})]);
    let run = verify(here.path(), &[]).expect(3);
    assert!(run.err.contains("written by a newer kycmart"), "{}", run.err);
}

#[test]
fn rows_of_a_batch_that_stand_there_twice() {
    let here = small_mart();
    add_twice(here.path(), "observations");
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    assert_eq!(problems(&run, "files").len(), 0);
    let rows = problems(&run, "rows");
    assert!(rows.len() == 1 && rows[0].contains("observations has 4 of its rows, it wrote 2"), "{rows:?}");
    let twice = problems(&run, "unique");
    assert!(twice.len() == 2 && twice[0].contains("position 0: stands there 2 times"), "{twice:?}");
}

#[test]
fn facts_without_a_receipt() {
    let here = small_mart();
    let add = first_add(here.path(), "receipts");
    commit(here.path(), "receipts", &[removal(&add)]);
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    let found = problems(&run, "received").join("\n");
    for table in ["observations: payload", "checks: payload", "rejects: payload"] {
        assert!(found.contains(table), "{table}: {found}");
    }
    assert!(found.contains("and no receipt") && problems(&run, "rows").len() == 1, "{found}");
}

#[test]
fn accounts_that_do_not_add_up() {
    let here = small_mart();
    let mart = Mart::open(&here.path().join("mart")).unwrap();
    let mut batch = mart.batches().unwrap().remove(0);
    let add = first_add(here.path(), "batches");
    batch.payloads_known += 1;
    add_rows(here.path(), "batches", &Batch::batch(&[batch.clone()]), &[removal(&add)]);
    finds(here.path(), "accounts", &[&batch.batch_id, "3 seen are not 2 new + 1 known + 1 rejected"]);
    batch.payloads_known -= 1;
    add_rows(here.path(), "batches", &Batch::batch(&[batch]), &[]);
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    assert!(problems(&run, "accounts").join("\n").contains("is listed twice"), "{}", run.out);
}

#[test]
fn something_erased_that_is_still_there() {
    let here = small_mart();
    let row = query(here.path(), "mart", "SELECT payload_key, batch_id FROM observations ORDER BY 1").remove(0);
    let tombstone = Tombstone {
        erasure_id: "e".to_owned(),
        payload_key: row["payload_key"].clone(),
        payload_digest: String::new(),
        batch_id: row["batch_id"].clone(),
        operation: Removal::Erase,
        selector: Selector::JobId,
        reason: None,
        erased_at: Micros(0),
        job_digest: None,
        deliveries: 0,
        observations: 0,
        checks: 0,
        authority_rows: 0,
        submissions: 0,
        rejects: 0,
        unknown_fields: None,
    };
    add_rows(here.path(), "tombstones", &Tombstone::batch(&[tombstone]), &[]);
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    let found = problems(&run, "erased").join("\n");
    for table in ["observations", "checks", "receipts"] {
        assert!(found.contains(&format!("{table}: payload {}: was erased", row["payload_key"])), "{table}: {found}");
    }
}

#[test]
fn an_erasure_is_part_of_the_accounts() {
    let here = small_mart();
    mart(here.path(), &["mart", "erase", "--job-id", "0000000001"]).expect(0);
    let run = verify(here.path(), &["--sources"]).expect(0);
    assert!(run.out.contains("1 erased payloads"), "{}", run.out);
    add_twice(here.path(), "rejects");
    let run = verify(here.path(), &["--format", "json"]).expect(1);
    assert!(problems(&run, "rows")[0].contains("rejects has 2 of its rows, it wrote 1"), "{}", run.out);
}

/// What `--sources` counts: unchanged, missing, changed, not checked; and the reasons it names.
fn sources(here: &Path, code: i32) -> ([u64; 4], String) {
    let run = verify(here, &["--sources", "--format", "json"]).expect(code);
    let found = verified(&run)["sources"].clone();
    let count = |n: &serde_json::Value| n.as_u64().unwrap();
    let tally = ["missing", "changed", "unchecked"].map(|name| count(&found[name]["payloads"]));
    assert_eq!(count(&found["recorded"]), count(&found["unchanged"]) + tally.iter().sum::<u64>());
    let named = ["missing", "changed", "unchecked"].map(|name| found[name]["named"].to_string()).concat();
    ([count(&found["unchanged"]), tally[0], tally[1], tally[2]], named)
}

#[test]
fn a_source_that_is_gone() {
    let here = small_mart();
    assert_eq!(sources(here.path(), 0).0, [4, 0, 0, 0]);
    fs::rename(here.path().join("a.ndjson"), here.path().join("moved.ndjson")).unwrap();
    let (counts, named) = sources(here.path(), 1);
    assert_eq!(counts, [1, 3, 0, 0]);
    assert!(named.contains("a.ndjson") && named.contains("is not there"), "{named}");
}

#[test]
fn a_source_with_another_byte() {
    let here = small_mart();
    let path = here.path().join("a.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("order-2", "order-7")).unwrap();
    let (counts, named) = sources(here.path(), 1);
    assert_eq!(counts, [3, 0, 1, 0]);
    assert!(named.contains(r#""index":1"#) && named.contains("other bytes are there now"), "{named}");
    fs::write(&path, text.replace("{\"broken\":", "{\"braken\":")).unwrap();
    assert_eq!(sources(here.path(), 1).0, [3, 0, 1, 0], "a payload that could not be read is recorded, too");
    fs::write(&path, format!("\n{text}")).unwrap();
    let (counts, named) = sources(here.path(), 1);
    assert_eq!(counts, [1, 0, 3, 0]);
    assert!(named.contains("it is at byte 1 now"), "{named}");
    fs::write(&path, text.lines().next().unwrap()).unwrap();
    let (counts, named) = sources(here.path(), 1);
    assert_eq!(counts, [2, 0, 2, 0]);
    assert!(named.contains("the source has fewer rows now"), "{named}");
}

#[test]
fn a_payload_that_came_by_a_pipe_cannot_be_checked() {
    let here = small_mart();
    let input = callback(9);
    kycmart_with_input(here.path(), &["ingest", "-", "--mart", "mart"], input.as_bytes());
    let (counts, named) = sources(here.path(), 0);
    assert_eq!(counts, [4, 0, 0, 1]);
    assert!(named.contains("came by a pipe"), "{named}");
}

#[test]
fn a_log_that_was_read_while_it_was_written_still_holds_what_was_read() {
    let here = small_mart();
    let path = here.path().join("growing.ndjson");
    let (first, second) = (callback(11), callback(12));
    fs::write(&path, format!("{first}{}", &second[..40])).unwrap();
    kycmart_in(here.path(), &["ingest", "growing.ndjson", "--mart", "mart"]).expect(0);
    fs::write(&path, format!("{first}{second}{}", callback(13))).unwrap();
    kycmart_in(here.path(), &["ingest", "growing.ndjson", "--mart", "mart"]).expect(0);
    assert_eq!(sources(here.path(), 0).0[1..], [0, 0, 0]);
}

#[test]
fn sources_are_read_as_they_were_ingested() {
    let here = small_mart();
    let rows = [1, 2].map(|job| format!("{job},\"{}\"\n", callback(20 + job).trim().replace('"', "\"\""))).concat();
    fs::write(here.path().join("e.csv"), format!("n,answer\n{rows}")).unwrap();
    mart(here.path(), &["ingest", "e.csv", "--body-field", "answer"]).expect(0);
    verify(here.path(), &["--sources", "--body-field", "answer"]).expect(0);
    fs::write(here.path().join("kycmart.toml"), "[[sources]]\npath = \"e.csv\"\nbody_field = \"answer\"\n").unwrap();
    verify(here.path(), &["--sources"]).expect(0);
}
