//! Flags, configuration and environment: what a run covers, whose codes and queries it uses, where things are.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use super::{assert_same, ingest, reports, run_json, with_archive, with_jobs};
use crate::support::{command, csv_rows, folder, kycmart_in, query, report};

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> u64 {
    rows.iter().map(|row| row[column].parse::<u64>().unwrap()).sum()
}

#[test]
fn a_range_takes_whole_days_and_what_has_no_day() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "m");
    let whole = reports(home, "m", &[]);
    let daily = csv_rows(&whole["pass_rates_daily.csv"]);
    let newest = run_json(home, "out")["range"]["to"].as_str().unwrap().to_owned();
    assert!(daily.iter().all(|row| row["local_date"] <= newest));
    assert_same(&whole, &reports(home, "m", &["--to", &newest]));
    let days = ["2026-10-10", "2026-10-16"];
    let week = reports(home, "m", &["--from", days[0], "--to", days[1]]);
    let within = |day: &str| day.is_empty() || (days[0] <= day && day <= days[1]);
    let expected: Vec<_> = daily.into_iter().filter(|row| within(&row["local_date"])).collect();
    assert_eq!(csv_rows(&week["pass_rates_daily.csv"]), expected);
    assert_eq!(sum(&report(&home.join("out"), "pass_rates_by_id_type"), "passed"), sum(&expected, "passed"));
    assert!(csv_rows(&week["authority_daily.csv"]).iter().all(|row| within(&row["local_date"])));
    let range = &run_json(home, "out")["range"];
    assert_eq!((range["from"].as_str(), range["to"].as_str()), (Some(days[0]), Some(days[1])));
    kycmart_in(home, &["report", "--mart", "m", "--out", "out", "--from", days[1], "--to", days[0]]).expect(2);
    kycmart_in(home, &["report", "--mart", "m", "--out", "out", "--from", "yesterday"]).expect(2);
}

#[test]
fn the_range_bounds_verifications_and_not_what_is_known_of_them() {
    let home = with_jobs(&["0000000001 0842 2026-03-02T10:00:00Z", "0000000001 1240 2026-03-09T10:00:00Z"]);
    ingest(home.path(), &["in"], "m");
    reports(home.path(), "m", &["--to", "2026-03-02"]);
    let row = report(&home.path().join("out"), "pass_rates_daily").remove(0);
    assert_eq!(
        (row["local_date"].as_str(), row["passed"].as_str()),
        ("2026-03-02", "1"),
        "it was decided a week later"
    );
    let after = reports(home.path(), "m", &["--from", "2026-03-03"]);
    assert_eq!(csv_rows(&after["pass_rates_daily.csv"]), []);
}

#[test]
fn a_time_zone_moves_days() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T22:59:59Z", "0000000002 0840 2026-03-02T23:00:00Z"]);
    ingest(home.path(), &["in"], "m");
    let days = |flags: &[&str]| {
        let all = reports(home.path(), "m", flags);
        csv_rows(&all["pass_rates_daily.csv"])
            .iter()
            .map(|r| format!("{} {}", r["local_date"], r["passed"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(days(&[]), ["2026-03-02 2"]);
    assert_eq!(days(&["--time-zone", "Africa/Lagos"]), ["2026-03-02 1", "2026-03-03 1"]);
    assert_eq!(run_json(home.path(), "out")["range"]["to"], "2026-03-03");
    assert_eq!(days(&["--time-zone", "Africa/Lagos", "--to", "2026-03-02"]), ["2026-03-02 1"]);
    kycmart_in(home.path(), &["report", "--mart", "m", "--out", "out", "--time-zone", "Lagos"]).expect(2);
}

#[test]
fn a_folder_of_queries_overrides_a_report_and_no_other() {
    let home = with_archive();
    ingest(home.path(), &["s"], "m");
    let mut builtin = reports(home.path(), "m", &[]);
    fs::create_dir_all(home.path().join("q/reports")).unwrap();
    fs::write(home.path().join("q/reports/rejects.sql"), "SELECT COUNT(*) AS batches FROM batches").unwrap();
    let mut own = reports(home.path(), "m", &["--queries", "q"]);
    assert_eq!(own["rejects.csv"], b"batches,disclosure\n1,internal\n");
    assert!(!own.contains_key("circulation/rejects.csv"), "nobody can say what its cells count");
    for files in [&mut builtin, &mut own] {
        let of_rejects = |name: &str| name.contains("rejects.") || name.ends_with(".xlsx") || name.ends_with(".html");
        files.retain(|name, _| !of_rejects(name));
    }
    assert_same(&builtin, &own);
}

#[test]
fn own_codes_change_past_outcomes_without_another_ingest() {
    let home = with_jobs(&["0000000001 0841 2026-03-02T10:00:00Z", "0000000002 0840 2026-03-02T10:00:00Z"]);
    let home = home.path();
    ingest(home, &["in"], "m");
    let outcomes = |flags: &[&str]| {
        let all = reports(home, "m", flags);
        let row = csv_rows(&all["pass_rates_by_product.csv"]).remove(0);
        let version = run_json(home, "out")["catalogue_version"].as_str().unwrap().to_owned();
        ([row["passed"].clone(), row["failed"].clone(), row["review"].clone()], version)
    };
    let (before, builtin) = outcomes(&[]);
    assert_eq!(before, ["1", "1", "0"]);
    let header = "provider,product,code,error_code,text,outcome,is_final,half,is_human,authority_signal,billable,retryable,meaning,source";
    let row = "smile_id,smartselfie_registration,0841,*,*,review,false,whole,false,,,,we look at these ourselves,own";
    fs::write(home.join("codes.csv"), format!("{header}\n{row}\n")).unwrap();
    let (after, own) = outcomes(&["--codes", "codes.csv"]);
    assert_eq!(after, ["1", "0", "1"]);
    assert_ne!(builtin, own);
    assert_eq!(outcomes(&[]), (before, builtin), "nothing was stored");
}

// ---- where things are -----------------------------------------------------------------------------------------------

#[test]
fn a_mart_that_does_not_exist_is_said_with_what_makes_one() {
    let home = folder();
    for arguments in [&["report", "--mart", "none", "--out", "out"][..], &["query", "--mart", "none", "SELECT 1"][..]] {
        let run = kycmart_in(home.path(), arguments).expect(2);
        assert!(run.err.contains("no mart at none") && run.err.contains("kycmart ingest"), "{}", run.err);
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "it left something behind");
}

#[track_caller]
fn succeeded(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_configuration_names_what_flags_and_environment_override() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T23:30:00Z"]);
    let home = home.path();
    let text = "mart = \"marts/m\"\nout = \"out\"\n[[sources]]\npath = \"in\"\npartner = \"085\"\nenvironment = \"production\"\n\
        [reports]\ntime_zone = \"Africa/Lagos\"\n";
    fs::write(home.join("kycmart.toml"), text).unwrap();
    let key = |mart: &str| query(home, mart, "SELECT job_key FROM verifications").remove(0)["job_key"].clone();
    kycmart_in(home, &["nightly"]).expect(0);
    assert_eq!(key("marts/m"), "smile_id:85:production:0000000001");
    assert_eq!(report(&home.join("out"), "pass_rates_daily")[0]["local_date"], "2026-03-03");
    kycmart_in(home, &["nightly", "--mart", "flag", "--out", "flags", "--partner", "77", "--time-zone", "UTC"])
        .expect(0);
    assert_eq!(key("flag"), "smile_id:77:production:0000000001");
    assert_eq!(report(&home.join("flags"), "pass_rates_daily")[0]["local_date"], "2026-03-02");
    let nightly = |arguments: &[&str]| command(home, arguments).env("KYCMART_MART", "env").output().unwrap();
    succeeded(nightly(&["nightly", "--environment", "sandbox"]));
    assert_eq!(key("env"), "smile_id:85:sandbox:0000000001");
    succeeded(nightly(&["nightly", "--mart", "flag-before-env"]));
    assert_eq!(key("flag-before-env"), "smile_id:85:production:0000000001");
}

#[test]
fn a_configuration_elsewhere_is_relative_to_itself_and_its_mistakes_are_named() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T10:00:00Z"]);
    let home = home.path();
    fs::create_dir(home.join("etc")).unwrap();
    fs::write(home.join("etc/k.toml"), "mart = \"m\"\nout = \"out\"\n[[sources]]\npath = \"../in\"\n").unwrap();
    kycmart_in(home, &["nightly", "--config", "etc/k.toml"]).expect(0);
    assert_eq!(report(&home.join("etc/out"), "pass_rates_daily")[0]["passed"], "1");
    kycmart_in(home, &["nightly", "--config", "etc/none.toml"]).expect(2);
    kycmart_in(home, &["nightly", "--mart", "m", "--out", "out"]).expect(2);
    fs::write(home.join("kycmart.toml"), "marts = \"m\"\n").unwrap();
    let run = kycmart_in(home, &["report"]).expect(2);
    assert!(run.err.contains("marts"), "{}", run.err);
}
