//! A mart loses nothing: the program is killed at every named step and at hundreds of instants, the disk is full or
//! read-only, two write at once; and the mart holds what was before or what an undisturbed run leaves behind, at once for its
//! readers and whole after the next run.
#![cfg(unix)]

mod disk;
mod harness;
mod writers;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use harness::{Demands, Scenario, assert_rows, copy, reports, rows};
use tempfile::TempDir;

use crate::support::{command, folder, kycmart_in, query};

/// Signal 9: nothing is cleaned up.
const SIGKILL: i32 = 9;

/// Tables that every ingest of these tests writes to.
const INGESTED: [&str; 9] =
    ["observations", "checks", "receipts", "authority_status", "submissions", "rejects", "inputs", "codes", "batches"];

/// Steps of each of these kinds for each of these tables.
fn steps(kinds: &[&str], tables: &[&str]) -> Vec<String> {
    kinds.iter().flat_map(|kind| tables.iter().map(move |table| format!("{kind} {table}"))).collect()
}

/// A folder with so many sources `s1`, `s2` … of 50 payloads each, of every kind, and a key for pseudonyms.
fn with_sources(sources: u32) -> TempDir {
    let home = folder();
    kycmart_in(home.path(), &["keys", "new", "key"]).expect(0);
    for number in 1..=sources {
        let (out, seed) = (format!("s{number}"), number.to_string());
        let sample = ["sample", "--out", &out, "--payloads", "50", "--days", "3", "--seed", &seed];
        kycmart_in(home.path(), &sample).expect(0);
    }
    home
}

fn ingest(home: &TempDir, source: u32, mart: &str) {
    kycmart_in(home.path(), &["ingest", &format!("s{source}"), "--mart", mart, "--key-file", "key"]).expect(0);
}

/// A mart of eight ingests, all tables of which had nine commits.
fn nine_commits(home: &TempDir) {
    (1..=8).for_each(|source| ingest(home, source, "ready"));
    kycmart_in(home.path(), &["mart", "compact", "--mart", "ready"]).expect(0);
}

/// Starts a command and lets it die at a step.
#[track_caller]
fn killed(home: &Path, arguments: &[&str], step: &str) {
    let mut command = command(home, arguments);
    // What a killed program leaves in the temporary folder goes with the test.
    let output = command.env("KYCMART_FAULT", step).env("TMPDIR", home).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGKILL), "{step}: {:?}, {text}", output.status);
}

/// References of a few jobs of several providers, and the arguments that erase them.
fn erase(home: &TempDir) -> Vec<String> {
    let jobs = "SELECT provider, MIN(provider_job_id) AS first, MAX(provider_job_id) AS last FROM observations
        WHERE provider_job_id IS NOT NULL GROUP BY provider ORDER BY provider";
    let rows = query(home.path(), "ready", jobs);
    let references = rows.iter().flat_map(|row| [row["first"].clone(), row["last"].clone()]);
    let start = ["mart", "erase", "--mart", "m", "--key-file", "key", "--reason", "asked"].map(str::to_owned);
    start.into_iter().chain(references.flat_map(|job| ["--job-id".to_owned(), job])).collect()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// A mart that does not exist yet.
fn first_ingest() -> Scenario {
    let home = with_sources(1);
    std::fs::create_dir(home.path().join("nothing")).unwrap();
    kycmart_in(home.path(), &["ingest", "nothing", "--mart", "empty"]).expect(0);
    Scenario::new(home, &["ingest", "s1", "--mart", "m", "--key-file", "key"], Demands::default())
}

/// The ingest after which every table is due for a checkpoint.
fn tenth_ingest() -> Scenario {
    let home = with_sources(9);
    nine_commits(&home);
    Scenario::new(home, &["ingest", "s9", "--mart", "m", "--key-file", "key"], Demands::default())
}

/// Eight small ingests and one that was killed before it counted; the compaction is the tenth commit of its tables.
fn compaction() -> Scenario {
    let home = with_sources(9);
    killed(home.path(), &["ingest", "s9", "--mart", "ready", "--key-file", "key"], "commit batches");
    (1..9).for_each(|source| ingest(&home, source, "ready"));
    let demands = Demands { no_garbage: true, ..Demands::default() };
    Scenario::new(home, &["mart", "compact", "--mart", "m"], demands)
}

/// Some jobs of every provider are erased, in the tenth commit of each table.
fn erasure() -> Scenario {
    let home = with_sources(8);
    nine_commits(&home);
    let arguments = erase(&home);
    Scenario::new(home, &words(&arguments), Demands::default())
}

/// An ingest that finds an erasure begun, and finishes it.
fn ingest_after_a_killed_erasure() -> Scenario {
    let home = with_sources(3);
    (1..=2).for_each(|source| ingest(&home, source, "ready"));
    let mut arguments = erase(&home);
    arguments[3] = "ready".to_owned();
    killed(home.path(), &words(&arguments), "committed tombstones");
    Scenario::new(home, &["ingest", "s3", "--mart", "m", "--key-file", "key"], Demands::default())
}

/// Payloads that were taken in without a key are decoded again with one.
fn reprocessing() -> Scenario {
    let home = with_sources(2);
    for source in ["s1", "s2"] {
        kycmart_in(home.path(), &["ingest", source, "--mart", "ready"]).expect(0);
    }
    Scenario::new(home, &["mart", "reprocess", "--mart", "m", "--key-file", "key"], Demands::default())
}

/// Pseudonyms are brought under a second key.
fn rewrapping() -> Scenario {
    let home = with_sources(3);
    (1..=3).for_each(|source| ingest(&home, source, "ready"));
    kycmart_in(home.path(), &["keys", "rotate", "key"]).expect(0);
    let demands = Demands { table_by_table: true, ..Demands::default() };
    Scenario::new(home, &["keys", "rewrap", "key", "--mart", "m"], demands)
}

/// Files of every kind that nothing needs: of a killed ingest, and those that a compaction replaced.
fn vacuuming() -> Scenario {
    let home = with_sources(3);
    (1..=2).for_each(|source| ingest(&home, source, "ready"));
    killed(home.path(), &["ingest", "s3", "--mart", "ready", "--key-file", "key"], "stage receipts");
    killed(home.path(), &["ingest", "s3", "--mart", "ready", "--key-file", "key"], "commit batches");
    kycmart_in(home.path(), &["mart", "compact", "--mart", "ready"]).expect(0);
    let arguments = ["mart", "vacuum", "--mart", "m", "--delete", "--keep", "0h", "--force"];
    Scenario::new(home, &arguments, Demands { no_garbage: true, no_strays: true, ..Demands::default() })
}

#[test]
fn a_first_ingest_survives_kills() {
    let scenario = first_ingest();
    scenario.kill_at_every_step(&steps(&["stage", "commit", "committed"], &INGESTED));
    scenario.kill_at_random(20_261, 12, 1);
}

#[test]
fn a_later_ingest_survives_kills_and_a_disk_that_takes_nothing() {
    let scenario = tenth_ingest();
    scenario.kill_at_every_step(&steps(&["stage", "commit", "committed", "checkpoint"], &INGESTED));
    scenario.kill_at_random(20_262, 60, 4);
    disk::on_full_disks(&scenario);
    disk::with_small_files(&scenario);
    disk::read_only_mart(&scenario);
}

#[test]
fn a_compaction_survives_kills_and_a_disk_that_takes_nothing() {
    let scenario = compaction();
    let all = steps(&["stage", "commit", "committed"], &INGESTED);
    scenario.kill_at_every_step(&[all, steps(&["checkpoint"], &INGESTED[..8])].concat());
    scenario.kill_at_random(20_263, 60, 4);
    disk::on_full_disks(&scenario);
    disk::with_small_files(&scenario);
    disk::read_only_mart(&scenario);
}

#[test]
fn an_erasure_survives_kills_and_a_disk_that_takes_nothing() {
    let scenario = erasure();
    let tables = ["tombstones", "observations", "checks", "receipts"];
    let all = steps(&["stage", "commit", "committed"], &tables);
    scenario.kill_at_every_step(&[all, steps(&["checkpoint"], &tables[1..])].concat());
    scenario.kill_at_random(20_264, 60, 4);
    disk::on_full_disks(&scenario);
    disk::with_small_files(&scenario);
    disk::read_only_mart(&scenario);
}

#[test]
fn an_ingest_that_finishes_an_erasure_survives_kills() {
    ingest_after_a_killed_erasure()
        .kill_at_every_step(&steps(&["commit", "committed"], &["observations", "receipts", "batches"]));
}

#[test]
fn a_reprocessing_survives_kills() {
    let scenario = reprocessing();
    scenario.kill_at_every_step(&steps(&["commit", "committed"], &["observations", "receipts", "batches"]));
    scenario.kill_at_random(20_267, 6, 3);
}

#[test]
fn a_change_of_keys_survives_kills() {
    let scenario = rewrapping();
    scenario.kill_at_every_step(&steps(&["commit", "committed"], &["observations"]));
    scenario.kill_at_random(20_268, 6, 3);
}

#[test]
fn a_vacuum_survives_kills() {
    let scenario = vacuuming();
    scenario.kill_at_every_step(&["remove file".to_owned()]);
    scenario.kill_at_random(20_269, 6, 3);
}

/// The keys are random: what the interrupted rotation made is compared with a quiet change to the same keys.
#[test]
fn a_rotation_that_is_killed_loses_no_key_and_is_finished_by_a_rewrap() {
    let home = with_sources(2);
    (1..=2).for_each(|source| ingest(&home, source, "ready"));
    let home = home.path();
    let before = reports(home, "ready");
    for step in ["keys written", "stage observations", "commit observations", "committed observations"] {
        std::fs::copy(home.join("key"), home.join("ring")).unwrap();
        ["m", "quiet"].iter().for_each(|mart| copy(&home.join("ready"), &home.join(mart)));
        killed(home, &["keys", "rotate", "ring", "--mart", "m"], step);
        assert!(reports(home, "m") == before, "{step}: other reports");
        for mart in ["m", "quiet"] {
            kycmart_in(home, &["keys", "rewrap", "ring", "--mart", mart]).expect(0);
        }
        assert_rows(&rows(&home.join("m")), &rows(&home.join("quiet")), step);
        assert!(reports(home, "m") == before, "{step}: other reports");
    }
}
