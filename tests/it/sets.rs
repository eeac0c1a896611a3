//! The two sets of a run: who may read them, what is in every format of them, and what the next run finds changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use serde_json::{Value, json};

use crate::support::{answer_line, command, csv_rows, folder, kycmart_in, report};

fn jumio_line(scan: u32, received: &str) -> String {
    let body = json!({
        "callBackType": "NETVERIFYID",
        "jumioIdScanReference": format!("scan-{scan}"),
        "verificationStatus": "APPROVED_VERIFIED",
        "idScanStatus": "SUCCESS",
        "idType": "PASSPORT",
        "idCountry": "KEN",
        "callbackDate": received,
    });
    format!("{}\n", json!({"received_at": received, "body": body}))
}

fn night(home: &Path, flags: &[&str]) -> crate::support::Run {
    kycmart_in(home, &[&["nightly", "in", "--mart", "m", "--out", "out"], flags].concat())
}

fn run_json(home: &Path) -> Value {
    serde_json::from_slice(&fs::read(home.join("out/latest/run.json")).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Twelve days with forty answers each, three of them failures.
fn twelve_days(home: &Path) {
    fs::create_dir_all(home.join("in")).unwrap();
    let mut job = 0;
    for day in 1..=12 {
        let lines: String = (0..40)
            .map(|n| {
                job += 1;
                answer_line(job, if n < 3 { "1013" } else { "1012" }, &format!("2026-03-{day:02}T{:02}:30:00Z", n % 24))
            })
            .collect();
        fs::write(home.join(format!("in/{day:02}.ndjson")), lines).unwrap();
    }
}

#[test]
fn full_figures_are_written_only_when_asked_for_and_for_their_owner_alone() {
    let home = folder();
    let home = home.path();
    twelve_days(home);
    let arguments = ["nightly", "in", "--mart", "m", "--out", "out"];
    let plain = command(home, &arguments).env_remove("KYCMART_INTERNAL").output().unwrap();
    assert!(plain.status.success());
    let latest = home.join("out/latest");
    assert!(!latest.join("internal").exists());
    assert!(String::from_utf8_lossy(&plain.stdout).contains("for circulation: counts below 10"));
    let full = night(home, &["--internal"]).expect(0);
    assert!(full.out.contains("internal: full figures"), "{}", full.out);
    assert_eq!((mode(&latest.join("circulation")), mode(&latest.join("internal"))), (0o755, 0o700));
    assert_eq!(mode(&latest.join("run.json")), 0o600, "it counts what was found, however few");
    for set in ["circulation", "internal"] {
        for file in ["alerts.json", "kycmart.prom", "kycmart.xlsx", "report.html", "pass_rates_daily.parquet"] {
            assert!(fs::metadata(latest.join(set).join(file)).unwrap().len() > 0, "{set}/{file}");
        }
    }
}

/// Cells of a sheet as the CSV has them, as far as a workbook can hold them: times to the second.
fn sheet_rows(path: &Path, sheet: &str) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let formulas = book.worksheet_formula(sheet).unwrap();
    assert_eq!(formulas.used_cells().count(), 0, "{sheet} has a formula");
    let range = book.worksheet_range(sheet).unwrap();
    range.rows().map(|row| row.iter().map(cell).collect()).collect()
}

fn cell(data: &Data) -> String {
    match data {
        Data::Empty => String::new(),
        Data::Float(number) => format!("{number:.9}"),
        Data::Bool(truth) => truth.to_string(),
        Data::DateTime(time) => format!("{:.9}", time.as_f64()),
        other => same(&other.to_string()),
    }
}

/// A CSV cell in the same manner.
fn same(csv: &str) -> String {
    if let Ok(number) = csv.parse::<f64>() {
        return format!("{number:.9}");
    }
    let epoch = chrono::NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().and_time(chrono::NaiveTime::MIN);
    let time = chrono::DateTime::parse_from_rfc3339(csv).ok().map(|t| t.naive_utc());
    let time = time.or_else(|| csv.parse::<chrono::NaiveDate>().ok().map(|d| d.and_time(chrono::NaiveTime::MIN)));
    match time {
        Some(time) => format!("{:.9}", (time - epoch).num_seconds() as f64 / 86_400.0),
        None => csv.to_owned(),
    }
}

#[test]
fn the_workbook_has_the_cells_of_the_csv_files_and_no_formula() {
    let home = folder();
    kycmart_in(home.path(), &["sample", "--out", "in", "--payloads", "3000"]).expect(0);
    night(home.path(), &["--internal"]);
    for set in ["circulation", "internal"] {
        let set = home.path().join("out/latest").join(set);
        let book: Xlsx<_> = open_workbook(set.join("kycmart.xlsx")).unwrap();
        let sheets: Vec<String> = book.sheet_names();
        assert_eq!(sheets[0], "about");
        let mut compared = 0;
        for file in fs::read_dir(&set).unwrap().map(|f| f.unwrap().path()) {
            if file.extension().is_none_or(|e| e != "csv") {
                continue;
            }
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(sheets.contains(&name), "no sheet {name}");
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&file).unwrap();
            let rows: Vec<Vec<String>> = reader
                .records()
                .map(|r| r.unwrap().iter().map(|c| same(c.trim_start_matches('\''))).collect())
                .collect();
            let sheet = sheet_rows(&set.join("kycmart.xlsx"), &name);
            if rows.len() == sheet.len() {
                let differs = rows.iter().zip(&sheet).position(|(csv, sheet)| csv != sheet);
                assert_eq!(differs, None, "{name}: {:?} {:?}", rows[differs.unwrap()], sheet[differs.unwrap()]);
                compared += rows.len();
            } else {
                assert!(name.starts_with("authority_"), "{name}: {} rows, {} in the sheet", rows.len(), sheet.len());
            }
        }
        assert!(compared > 300, "{compared}");
    }
}

#[test]
fn a_late_payload_restates_its_day_and_the_day_is_written_again() {
    let home = folder();
    let home = home.path();
    twelve_days(home);
    night(home, &["--from", "2026-03-12"]).expect(0);
    assert_eq!(run_json(home)["restated"], json!([]));
    fs::write(home.join("in/late.ndjson"), answer_line(9001, "1013", "2026-03-03T10:00:00Z")).unwrap();
    fs::write(home.join("in/13.ndjson"), answer_line(9002, "1012", "2026-03-13T10:00:00Z")).unwrap();
    let run = night(home, &["--from", "2026-03-12"]).expect(0);
    assert!(run.out.contains("restated: 1 earlier days (2026-03-03)"), "{}", run.out);
    let restated = &run_json(home)["restated"];
    assert_eq!(restated[0]["day"], "2026-03-03");
    assert_eq!(restated[0]["why"][0], "1 payloads about it were taken in since");
    assert_eq!(restated.as_array().unwrap().len(), 1, "{restated}");
    let again = home.join("out/latest/restated/2026-03-03/internal/pass_rates_daily.csv");
    let rows = csv_rows(&fs::read(again).unwrap());
    assert_eq!((rows[0]["passed"].as_str(), rows[0]["failed"].as_str()), ("37", "4"));
    assert_eq!(rows.len(), 1);
    night(home, &[]).expect(0);
    assert_eq!(run_json(home)["restated"], json!([]), "nothing changed since");
}

#[test]
fn a_corrected_code_restates_days_and_says_so() {
    let home = folder();
    let home = home.path();
    twelve_days(home);
    night(home, &[]).expect(0);
    let own = "provider,product,code,error_code,text,outcome,is_final,half,is_human,authority_signal,billable,retryable,meaning,source\n";
    fs::write(
        home.join("codes.csv"),
        format!("{own}smile_id,enhanced_kyc,1013,*,*,review,false,whole,false,answered,yes,,,ours\n"),
    )
    .unwrap();
    kycmart_in(home, &["--codes", "codes.csv", "report", "--mart", "m", "--out", "out"]).expect(0);
    let run = run_json(home);
    let restated = run["restated"].as_array().unwrap();
    assert_eq!(restated.len(), 12);
    assert!(restated[0]["why"][0].as_str().unwrap().starts_with("the code catalogue is"), "{}", restated[0]);
}

/// Alerts of the full set by rule and subject.
fn alerts(home: &Path) -> BTreeMap<String, String> {
    let text = fs::read(home.join("out/latest/internal/alerts.json")).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["disclosure"], "internal");
    let one = |alert: &Value| {
        let text = |name: &str| alert[name].as_str().unwrap().to_owned();
        (format!("{}: {}", text("rule"), text("subject")), text("message"))
    };
    document["alerts"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn an_input_that_fell_silent_is_an_alert_and_fails_the_run_that_asks() {
    let home = folder();
    let home = home.path();
    twelve_days(home);
    let jumio: String = (1..=11).map(|day| jumio_line(day, &format!("2026-03-{day:02}T08:00:00Z"))).collect();
    fs::write(home.join("in/jumio.ndjson"), &jumio).unwrap();
    let run = night(home, &["--fail-on", "silence"]).expect(1);
    assert!(
        run.out.starts_with("critical silence: jumio callback: no payload in the newest 24 hours, 11 in"),
        "{}",
        run.out
    );
    assert!(run.err.contains("silence: 1, above the threshold of 0"), "{}", run.err);
    assert_eq!(alerts(home).keys().collect::<Vec<_>>(), ["silence: jumio callback"]);
    let prometheus = fs::read_to_string(home.join("out/latest/internal/kycmart.prom")).unwrap();
    assert!(
        prometheus.contains("kycmart_input_silent{provider=\"jumio\",kind=\"callback\",partner=\"\"} 1"),
        "{prometheus}"
    );
    fs::write(home.join("in/jumio.ndjson"), jumio + &jumio_line(12, "2026-03-12T08:00:00Z")).unwrap();
    night(home, &["--fail-on", "silence"]).expect(0);
    assert_eq!(report(&home.join("out"), "inputs").iter().filter(|row| row["silent"] == "true").count(), 0);
    let nothing = night(home, &["--fail-on", "silence"]).expect(1);
    assert!(nothing.out.starts_with("warning silence: all sources: nothing new in 13 inputs"), "{}", nothing.out);
    kycmart_in(
        home,
        &["--set", "alerts.silence=false", "report", "--mart", "m", "--out", "out", "--fail-on", "silence"],
    )
    .expect(0);
}

#[test]
fn every_column_of_every_report_says_what_it_is() {
    let home = folder();
    twelve_days(home.path());
    night(home.path(), &["--format", "csv"]).expect(0);
    let specs = kycmart::report::spec::specs();
    let mut reports = 0;
    for file in fs::read_dir(home.path().join("out/latest/internal")).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let spec = specs.iter().find(|spec| spec.name == name).unwrap_or_else(|| panic!("{name} has no specification"));
        let text = fs::read_to_string(&file).unwrap();
        let mut columns: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        assert_eq!(columns.pop(), Some("disclosure"));
        let mut specified: Vec<&str> = spec.columns.iter().map(|(column, _)| *column).collect();
        columns.sort_unstable();
        specified.sort_unstable();
        assert_eq!(columns, specified, "{name}");
        reports += 1;
    }
    assert_eq!(reports, specs.len());
}
