//! Erasure, retention and legal holds: what must go is gone from every table and, after `vacuum`, from every byte; what must
//! stay is untouched; nothing comes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use crate::support::{Run, command, folder, kycmart_in, query};

/// Tables whose rows belong to payloads.
const TABLES: [&str; 6] = ["observations", "checks", "receipts", "authority_status", "submissions", "rejects"];

/// A Smile ID callback; references, names and numbers are invented.
fn callback(job: &str, order: &str, user: &str, code: &str, time: &str) -> String {
    format!(
        r#"{{"SmileJobID":"{job}","ResultCode":"{code}","PartnerParams":{{"job_id":"{order}","user_id":"{user}","job_type":5}},"Actions":{{"Verify_ID_Number":"Verified"}},"Country":"NG","IDType":"BVN","timestamp":"{time}"}}"#
    )
}

/// A poll of the same job, which does not state the user.
fn poll(job: &str, time: &str) -> String {
    format!(
        r#"{{"job_complete":true,"job_success":true,"code":"2302","timestamp":"{time}","result":{{"SmileJobID":"{job}","ResultCode":"1012"}}}}"#
    )
}

const ZOLA: &str = "zola-user-4711";
const ZOLA_JOB: &str = "0007654321";
const ZOLA_ORDER: &str = "order-zq77";

/// A mart with two people: one whom this is about, in a log and in a file that bears her order's name, and one who stays.
fn two_people(here: &Path) {
    fs::create_dir(here.join("in")).unwrap();
    let log = [
        callback(ZOLA_JOB, ZOLA_ORDER, ZOLA, "1012", "2026-03-04T05:06:07Z"),
        callback("0000000002", "order-2", "user-2", "1022", "2026-03-04T06:06:07Z"),
        poll(ZOLA_JOB, "2026-03-04T07:06:07Z"),
        poll("0000000002", "2026-03-05T07:06:07Z"),
    ];
    fs::write(here.join("in/log.ndjson"), log.join("\n") + "\n").unwrap();
    let refused = format!(r#"{{"success":false,"code":"2204","error":"unable to complete","job_id":"{ZOLA_ORDER}"}}"#);
    fs::write(here.join(format!("in/{ZOLA_ORDER}.json")), poll(ZOLA_JOB, "2026-03-06T07:06:07Z")).unwrap();
    fs::write(here.join("in/refused.json"), refused).unwrap();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    ingest(here, "in", &[]).expect(0);
}

fn ingest(here: &Path, source: &str, more: &[&str]) -> Run {
    kycmart_in(here, &[&["ingest", source, "--mart", "mart", "--key-file", "a.key"], more].concat())
}

fn erase(here: &Path, more: &[&str]) -> Run {
    kycmart_in(here, &[&["mart", "erase", "--mart", "mart", "--key-file", "a.key"], more].concat())
}

fn purge(here: &Path) {
    kycmart_in(here, &["mart", "vacuum", "--mart", "mart", "--delete", "--keep", "0h", "--force"]).expect(0);
}

fn verified(here: &Path) {
    kycmart_in(here, &["mart", "verify", "--mart", "mart"]).expect(0);
}

/// Rows of every table, whatever their batch.
fn counts(here: &Path) -> BTreeMap<&'static str, String> {
    let count = |table: &'static str| {
        let rows = query(here, "mart", &format!("SELECT COUNT(*) AS n FROM {table}"));
        (table, rows[0]["n"].clone())
    };
    TABLES.into_iter().map(count).collect()
}

/// Files of the mart that hold one of some texts, in their bytes or in a cell of a Parquet file.
fn holding(mart: &Path, texts: &[&str]) -> Vec<String> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let mut found = Vec::new();
    for entry in WalkDir::new(mart).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file()) {
        let mut content = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
        if entry.path().extension().is_some_and(|e| e == "parquet") {
            let reader = SerializedFileReader::new(fs::File::open(entry.path()).unwrap()).unwrap();
            reader.get_row_iter(None).unwrap().for_each(|row| content += &row.unwrap().to_string());
        }
        content += &entry.path().display().to_string();
        found
            .extend(texts.iter().filter(|t| content.contains(**t)).map(|t| format!("{t}: {}", entry.path().display())));
    }
    found
}

#[test]
fn all_payloads_of_a_users_jobs_go_from_every_table_and_byte() {
    let here = folder();
    let here = here.path();
    two_people(here);
    let pseudonym = query(here, "mart", &format!("SELECT user_pseudonym AS p FROM observations WHERE provider_job_id = '{ZOLA_JOB}' AND user_pseudonym IS NOT NULL"))[0]["p"].clone();
    let hers = [ZOLA, ZOLA_JOB, ZOLA_ORDER, pseudonym.as_str()];
    assert!(holding(&here.join("mart"), &hers).len() > 3, "the search finds what is there");

    let run = erase(here, &["--user-id", ZOLA, "--reason", "request 17"]).expect(0);
    // Her callback, her two polls, and the refusal of her order.
    assert!(run.out.starts_with("4 payloads erased"), "{}", run.out);
    assert_eq!(
        counts(here),
        BTreeMap::from([
            ("authority_status", "0".into()),
            ("checks", "1".into()),
            ("observations", "2".into()),
            ("receipts", "2".into()),
            ("rejects", "0".into()),
            ("submissions", "0".into()),
        ])
    );
    purge(here);
    assert_eq!(holding(&here.join("mart"), &hers), Vec::<String>::new());
    verified(here);
    let stones = query(here, "mart", "SELECT DISTINCT operation, selector, reason FROM tombstones");
    assert_eq!(
        (stones.len(), stones[0]["selector"].as_str(), stones[0]["reason"].as_str()),
        (1, "user_id", "request 17")
    );
}

#[test]
fn what_was_erased_does_not_come_back_from_its_sources() {
    let here = folder();
    let here = here.path();
    two_people(here);
    erase(here, &["--user-id", ZOLA]).expect(0);
    let erased = counts(here);
    // Known inputs, the same payloads in another file, and with what is known of their account only now.
    let log = fs::read_to_string(here.join("in/log.ndjson")).unwrap();
    let again = poll("0000000003", "2026-03-09T00:00:00Z") + "\n" + &log;
    fs::write(here.join("again.ndjson"), again).unwrap();
    ingest(here, "in", &[]).expect(0);
    let run = ingest(here, "again.ndjson", &[]).expect(0);
    assert!(run.err.contains("5 payloads seen = 1 new + 4 already known + 0 rejected"), "{}", run.err);
    assert!(run.err.contains("2 of the known payloads were erased"), "{}", run.err);
    let more = |name: &str| counts(here)[name].parse::<u32>().unwrap() - erased[name].parse::<u32>().unwrap();
    assert_eq!(
        (more("observations"), more("checks"), more("receipts")),
        (1, 0, 3),
        "one new, two replays of the other"
    );
    fs::write(here.join("third.ndjson"), format!("\n{log}")).unwrap();
    ingest(here, "third.ndjson", &["--partner", "2442", "--environment", "production"]).expect(0);
    let hers =
        query(here, "mart", &format!("SELECT payload_key FROM observations WHERE provider_job_id = '{ZOLA_JOB}'"));
    assert!(hers.is_empty(), "another identity, the same body");
    verified(here);
}

#[test]
fn rows_of_a_killed_ingest_are_erased_too() {
    let here = folder();
    let here = here.path();
    two_people(here);
    fs::write(here.join("late.json"), callback(ZOLA_JOB, ZOLA_ORDER, ZOLA, "1012", "2026-04-04T05:06:07Z")).unwrap();
    let mut killed = command(here, &["ingest", "late.json", "--mart", "mart", "--key-file", "a.key"]);
    assert!(!killed.env("KYCMART_FAULT", "commit batches").output().unwrap().status.success());
    erase(here, &["--user-id", ZOLA]).expect(0);
    purge(here);
    assert_eq!(holding(&here.join("mart"), &[ZOLA_JOB, ZOLA_ORDER]), Vec::<String>::new());
}

#[test]
fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let here = folder();
    let here = here.path();
    two_people(here);
    let bytes = || {
        let files = WalkDir::new(here.join("mart")).sort_by_file_name().into_iter().map(Result::unwrap);
        files
            .filter(|e| e.file_type().is_file())
            .map(|e| (e.path().to_owned(), fs::read(e.path()).unwrap()))
            .collect::<Vec<_>>()
    };
    let before = bytes();
    let run = erase(here, &["--job-id", ZOLA_ORDER, "--dry-run"]).expect(0);
    assert!(run.out.contains("4 payloads would be erased") && run.out.contains(ZOLA_JOB), "{}", run.out);
    assert_eq!(bytes(), before);
    let nobody = erase(here, &["--job-id", "nobody-1"]).expect(0);
    assert!(nobody.out.starts_with("0 payloads erased"), "{}", nobody.out);
    assert_eq!(bytes().len(), before.len());
}

#[test]
fn a_user_is_found_under_every_key_and_not_without() {
    let here = folder();
    let here = here.path();
    two_people(here);
    kycmart_in(here, &["keys", "rotate", "a.key", "--mart", "mart"]).expect(0);
    fs::write(here.join("late.json"), callback("0007654322", "order-late", ZOLA, "1012", "2026-04-04T05:06:07Z"))
        .unwrap();
    ingest(here, "late.json", &[]).expect(0);
    let without = kycmart_in(here, &["mart", "erase", "--mart", "mart", "--user-id", ZOLA]).expect(2);
    assert!(without.err.contains("--key-file"), "{}", without.err);
    kycmart_in(here, &["keys", "new", "other.key"]).expect(0);
    let other =
        kycmart_in(here, &["mart", "erase", "--mart", "mart", "--user-id", ZOLA, "--key-file", "other.key"]).expect(2);
    assert!(other.err.contains("keys that are not in this file"), "{}", other.err);
    let run = erase(here, &["--user-id", ZOLA]).expect(0);
    assert!(run.out.starts_with("5 payloads erased"), "{}", run.out);
}

#[test]
fn a_rotation_that_missed_the_mart_still_finds_the_user() {
    let here = folder();
    let here = here.path();
    two_people(here);
    kycmart_in(here, &["keys", "rotate", "a.key"]).expect(0);
    let run = erase(here, &["--user-id", ZOLA]).expect(0);
    assert!(run.out.starts_with("4 payloads erased"), "{}", run.out);
}

#[test]
fn a_reference_of_several_accounts_needs_to_be_told_whose() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    for (partner, name) in [("1001", "one"), ("1002", "two")] {
        fs::write(
            here.join(format!("{name}.json")),
            callback("0000000009", "same", name, "1012", "2026-03-04T05:06:07Z"),
        )
        .unwrap();
        ingest(here, &format!("{name}.json"), &["--partner", partner, "--environment", "production"]).expect(0);
    }
    let run = erase(here, &["--job-id", "0000000009"]).expect(2);
    assert!(run.err.contains("smile_id 1001 production; smile_id 1002 production"), "{}", run.err);
    assert!(run.err.contains("--partner"), "{}", run.err);
    erase(here, &["--job-id", "0000000009", "--partner", "1001"]).expect(0);
    let left = query(here, "mart", "SELECT partner FROM observations");
    assert_eq!(left.iter().map(|r| r["partner"].as_str()).collect::<Vec<_>>(), ["1002"]);
}

#[test]
fn a_legal_hold_keeps_its_payloads() {
    let here = folder();
    let here = here.path();
    two_people(here);
    fs::write(here.join("holds.csv"), format!("field,value,why\njob_id,{ZOLA_ORDER},case 12\n")).unwrap();
    let run = erase(here, &["--user-id", ZOLA, "--holds", "holds.csv"]).expect(0);
    assert!(run.out.contains("0 payloads erased") && run.out.contains("4 payloads stay: legal hold"), "{}", run.out);
    let run =
        kycmart_in(here, &["mart", "retention", "--mart", "mart", "--before", "2026-12-31", "--holds", "holds.csv"]);
    let run = run.expect(0);
    assert!(run.out.contains("2 payloads erased") && run.out.contains("4 payloads stay"), "{}", run.out);
    for wrong in ["user,value\n", "field,value\nname,x\n", "field,value\njob_id,\n"] {
        fs::write(here.join("holds.csv"), wrong).unwrap();
        assert!(erase(here, &["--user-id", ZOLA, "--holds", "holds.csv"]).expect(2).err.contains("field,value"));
    }
}

#[test]
fn retention_lets_a_job_go_as_a_whole_once_it_is_old() {
    let here = folder();
    let here = here.path();
    two_people(here);
    let keep = |day: &str, more: &[&str]| {
        kycmart_in(here, &[&["mart", "retention", "--mart", "mart", "--before", day], more].concat()).expect(0)
    };
    // Her last poll is of 6 March, the other's of 5 March; the refusal has no time but that of the ingest.
    assert!(keep("2026-03-05", &[]).out.starts_with("0 payloads erased"));
    assert!(keep("2026-03-06", &["--dry-run"]).out.starts_with("2 payloads would be erased"));
    assert!(keep("2026-03-06", &["--reason", "two years"]).out.starts_with("2 payloads erased"));
    let jobs = query(here, "mart", "SELECT DISTINCT provider_job_id AS job FROM observations");
    assert_eq!((jobs.len(), jobs[0]["job"].as_str()), (1, ZOLA_JOB));
    assert_eq!(query(here, "mart", "SELECT DISTINCT operation AS o FROM tombstones")[0]["o"], "retention");
    verified(here);
    ingest(here, "in", &[]).expect(0);
    assert_eq!(counts(here)["observations"], "3");
    kycmart_in(here, &["mart", "retention", "--mart", "mart", "--keep", "12"]).expect(2);
}

#[test]
fn an_erasure_that_was_killed_counts_at_once_and_is_finished_by_the_next_writer() {
    for step in ["committed tombstones", "commit observations", "committed observations", "commit receipts"] {
        let here = folder();
        let here = here.path();
        two_people(here);
        let mut killed = command(here, &["mart", "erase", "--mart", "mart", "--key-file", "a.key", "--user-id", ZOLA]);
        assert!(!killed.env("KYCMART_FAULT", step).output().unwrap().status.success(), "{step}");
        assert_eq!((counts(here)["receipts"].as_str(), counts(here)["observations"].as_str()), ("2", "2"), "{step}");
        fs::write(here.join("new.json"), poll("0000000003", "2026-03-09T00:00:00Z")).unwrap();
        ingest(here, "new.json", &[]).expect(0);
        purge(here);
        assert_eq!(holding(&here.join("mart"), &[ZOLA_JOB, ZOLA_ORDER]), Vec::<String>::new(), "{step}");
        assert_eq!(counts(here)["observations"], "3", "{step}");
        verified(here);
    }
}

#[test]
fn the_answers_about_everybody_else_stay() {
    let here = folder();
    let here = here.path();
    two_people(here);
    let others = "SELECT * EXCLUDE (batch_id) FROM observations WHERE provider_job_id <> '0007654321' ORDER BY ALL";
    let before = query(here, "mart", others);
    assert_eq!(before.len(), 2);
    erase(here, &["--user-id", ZOLA]).expect(0);
    assert_eq!(query(here, "mart", others), before);
}

/// A refusal, and a v3 callback whose job only its header names: their bodies alone do not tell whose they are.
#[test]
fn what_was_erased_does_not_come_back_when_more_is_known_of_it() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    let refusal = r#"{"success":false,"code":"2204","error":"unable to complete","job_id":"order-zq77"}"#;
    let v3 = r#"{"headers":{"Job-ID":"0f9c8d7e-1111-4222-8333-444455556666"},"body":{"status":"clear","reason":"approved","product":"enhanced_kyc","completed_at":"2026-03-04T05:06:07Z"}}"#;
    fs::write(here.join("two.ndjson"), format!("{refusal}\n{v3}\n")).unwrap();
    ingest(here, "two.ndjson", &[]).expect(0);
    assert_eq!(counts(here)["receipts"], "2");
    for job in [ZOLA_ORDER, "0f9c8d7e-1111-4222-8333-444455556666"] {
        let run = erase(here, &["--job-id", job]).expect(0);
        assert!(run.out.starts_with("1 payloads erased"), "{}", run.out);
    }
    fs::write(here.join("again.ndjson"), format!("\n{refusal}\n{v3}\n")).unwrap();
    let run = ingest(here, "again.ndjson", &["--partner", "2442", "--environment", "production"]).expect(0);
    assert!(run.err.contains("2 of the known payloads were erased"), "{}", run.err);
    assert_eq!(counts(here)["receipts"], "0");
}

/// The name goes with the last payload: after two erasures, of a file that grew, and of one that only brings back.
#[test]
fn a_file_name_goes_with_the_last_payload_of_the_file() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    let name = format!("{ZOLA_ORDER}.ndjson");
    let (one, two) = (poll(ZOLA_JOB, "2026-03-04T05:06:07Z"), poll("0007654399", "2026-03-05T05:06:07Z"));
    fs::write(here.join(&name), format!("{one}\n")).unwrap();
    ingest(here, &name, &[]).expect(0);
    fs::write(here.join(&name), format!("{one}\n{two}\n")).unwrap();
    ingest(here, &name, &[]).expect(0);
    erase(here, &["--job-id", ZOLA_JOB]).expect(0);
    assert_eq!(
        query(here, "mart", "SELECT DISTINCT source AS s FROM inputs")[0]["s"],
        name,
        "the other one is still there"
    );
    erase(here, &["--job-id", "0007654399"]).expect(0);
    let other = format!("copy-of-{ZOLA_ORDER}.ndjson");
    fs::write(here.join(&other), format!("{two}\n{one}\n")).unwrap();
    ingest(here, &other, &[]).expect(0);
    purge(here);
    assert_eq!(holding(&here.join("mart"), &[ZOLA_ORDER, ZOLA_JOB]), Vec::<String>::new());
    verified(here);
}

#[test]
fn a_user_known_by_the_companys_reference_alone_has_the_whole_job() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    let early = r#"{"ResultCode":"1012","PartnerParams":{"job_id":"order-zq77","user_id":"zola-user-4711","job_type":5},"timestamp":"2026-03-04T05:06:07Z"}"#;
    let later = r#"{"SmileJobID":"0007654321","ResultCode":"1012","PartnerParams":{"job_id":"order-zq77","job_type":5},"timestamp":"2026-03-05T05:06:07Z"}"#;
    let lines = [
        early.to_owned(),
        later.to_owned(),
        poll(ZOLA_JOB, "2026-03-06T05:06:07Z"),
        poll("0000000002", "2026-03-06T05:06:07Z"),
    ];
    fs::write(here.join("log.ndjson"), lines.join("\n") + "\n").unwrap();
    ingest(here, "log.ndjson", &[]).expect(0);
    let run = erase(here, &["--user-id", ZOLA]).expect(0);
    assert!(run.out.starts_with("3 payloads erased"), "{}", run.out);
}

#[test]
fn whose_refusals_are_meant_is_asked_too() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    for (partner, error) in [("1001", "one"), ("1002", "two")] {
        let refusal = format!(r#"{{"success":false,"code":"2204","error":"{error}","job_id":"same"}}"#);
        fs::write(here.join(error), refusal).unwrap();
        ingest(here, error, &["--partner", partner, "--environment", "production"]).expect(0);
    }
    let run = erase(here, &["--job-id", "same"]).expect(2);
    assert!(run.err.contains("smile_id 1001 production; smile_id 1002 production"), "{}", run.err);
    assert!(erase(here, &["--job-id", "same", "--partner", "1002"]).expect(0).out.starts_with("1 payloads erased"));
}

#[test]
fn what_a_search_cannot_see_is_said() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    fs::write(here.join("a.json"), callback("0000000001", "zola@example.com", ZOLA, "1012", "2026-03-04T05:06:07Z"))
        .unwrap();
    ingest(here, "a.json", &[]).expect(0);
    let blind = kycmart_in(here, &["mart", "erase", "--mart", "mart", "--job-id", "zola@example.com"]).expect(0);
    assert!(blind.out.starts_with("0 payloads") && blind.err.contains("--key-file"), "{}{}", blind.out, blind.err);
    fs::write(here.join("b.json"), callback("0000000002", "order-2", ZOLA, "1012", "2026-03-04T05:06:07Z")).unwrap();
    kycmart_in(here, &["ingest", "b.json", "--mart", "mart"]).expect(0);
    let run = erase(here, &["--user-id", ZOLA]).expect(0);
    assert!(run.out.starts_with("1 payloads") && run.err.contains("without a pseudonym key"), "{}{}", run.out, run.err);
    assert!(erase(here, &["--job-id", "zola@example.com", "--dry-run"]).expect(0).out.starts_with("0 payloads"));
}

/// Somebody who is only in a batch that never counted, killed before her receipt was committed.
#[test]
fn who_is_only_in_a_killed_ingest_is_erased_and_the_mart_goes_on() {
    let here = folder();
    let here = here.path();
    two_people(here);
    fs::write(
        here.join("late.json"),
        callback("0007654377", "order-late", "late-user", "1012", "2026-04-04T05:06:07Z"),
    )
    .unwrap();
    let mut killed = command(here, &["ingest", "late.json", "--mart", "mart", "--key-file", "a.key"]);
    assert!(!killed.env("KYCMART_FAULT", "commit receipts").output().unwrap().status.success());
    erase(here, &["--user-id", "late-user"]).expect(0);
    ingest(here, "in", &[]).expect(0);
    purge(here);
    assert_eq!(holding(&here.join("mart"), &["0007654377"]), Vec::<String>::new());
    verified(here);
}

#[test]
fn a_hold_that_cannot_be_seen_stops_a_removal() {
    let here = folder();
    let here = here.path();
    kycmart_in(here, &["keys", "new", "a.key"]).expect(0);
    fs::write(here.join("a.json"), callback("0000000001", "hal@example.com", "hal", "1012", "2026-03-04T05:06:07Z"))
        .unwrap();
    ingest(here, "a.json", &[]).expect(0);
    fs::write(here.join("holds.csv"), "field,value\njob_id,hal@example.com\n").unwrap();
    let retention = ["mart", "retention", "--mart", "mart", "--before", "2026-12-31", "--holds", "holds.csv"];
    assert!(kycmart_in(here, &retention).expect(2).err.contains("--key-file"));
    let run = kycmart_in(here, &[&retention[..], &["--key-file", "a.key"]].concat()).expect(0);
    assert!(run.out.starts_with("0 payloads erased\n1 payloads stay"), "{}", run.out);
}

#[test]
fn a_job_stays_whole_though_its_account_is_stated_once_only() {
    let here = folder();
    let here = here.path();
    fs::write(here.join("old.json"), callback(ZOLA_JOB, ZOLA_ORDER, ZOLA, "1012", "2024-03-04T05:06:07Z")).unwrap();
    fs::write(here.join("new.json"), poll(ZOLA_JOB, "2026-03-04T05:06:07Z")).unwrap();
    kycmart_in(here, &["ingest", "old.json", "--mart", "mart", "--partner", "2442"]).expect(0);
    kycmart_in(here, &["ingest", "new.json", "--mart", "mart"]).expect(0);
    let retention =
        |day: &str| kycmart_in(here, &["mart", "retention", "--mart", "mart", "--before", day, "--dry-run"]);
    assert!(retention("2025-01-01").expect(0).out.starts_with("0 payloads"));
    assert!(retention("2026-12-31").expect(0).out.starts_with("2 payloads"));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let here = folder();
    let here = here.path();
    two_people(here);
    for arguments in [
        &["mart", "compact", "--mart", "mart"][..],
        &["mart", "erase", "--mart", "mart", "--job-id", ZOLA_ORDER, "--dry-run"],
        &["mart", "reprocess", "--mart", "mart", "--key-file", "a.key", "--dry-run"],
        &["report", "--mart", "mart", "--out", "out"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(here, arguments).stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
