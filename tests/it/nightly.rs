//! The scheduled job: what arrives when changes no report, a run is whole or not there, and flags do what they say.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use polars::prelude::{AnyValue, DataFrame, ParquetReader, SerReader};
use serde_json::Value;

use crate::support::{csv_rows, folder, kycmart_in, kycmart_with_input, query, report_files};

mod flags;

type Files = BTreeMap<String, Vec<u8>>;

/// A folder with an invented archive of 3000 payloads in `s`.
fn with_archive() -> tempfile::TempDir {
    let home = folder();
    kycmart_in(home.path(), &["sample", "--out", "s", "--payloads", "3000"]).expect(0);
    home
}

/// A folder with callbacks of these jobs in `in/jobs.ndjson`: `job code time`.
fn with_jobs(jobs: &[&str]) -> tempfile::TempDir {
    let home = folder();
    let line = |job: &&str| {
        let [job, code, time]: [&str; 3] = job.split(' ').collect::<Vec<_>>().try_into().expect("job code time");
        format!(
            r#"{{"SmileJobID":"{job}","ResultCode":"{code}","PartnerParams":{{"job_id":"o-{job}","user_id":"u-{job}","job_type":4}},"timestamp":"{time}"}}"#
        )
    };
    fs::create_dir(home.path().join("in")).unwrap();
    fs::write(home.path().join("in/jobs.ndjson"), jobs.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap();
    home
}

fn ingest(home: &Path, sources: &[&str], mart: &str) {
    kycmart_in(home, &[&["ingest", "--mart", mart], sources].concat()).expect(0);
}

/// Makes a report with more flags and returns its files.
fn reports(home: &Path, mart: &str, flags: &[&str]) -> Files {
    kycmart_in(home, &[&["report", "--mart", mart, "--out", "out"], flags].concat()).expect(0);
    report_files(&home.join("out/latest"))
}

fn run_json(home: &Path, out: &str) -> Value {
    let text = fs::read_to_string(home.join(out).join("latest/run.json")).expect("run.json");
    serde_json::from_str(&text).expect("JSON")
}

/// All files below a folder, as named from `home`.
fn files(home: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(home.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path)
            } else {
                found.push(path.display().to_string())
            }
        }
    }
    found.sort();
    found
}

/// Says which files differ, not how: they are long.
#[track_caller]
fn assert_same(one: &Files, other: &Files) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other));
    let differing: Vec<&String> = one.keys().filter(|name| one[*name] != other[*name]).collect();
    assert!(one.len() >= 12 && differing.is_empty(), "these differ: {differing:?}");
}

fn frame(file: &[u8]) -> DataFrame {
    ParquetReader::new(std::io::Cursor::new(file)).finish().expect("Parquet")
}

fn names(frame: &DataFrame) -> Vec<String> {
    frame.get_column_names().iter().map(|name| name.to_string()).collect()
}

fn only(files: &Files, ending: &str) -> Files {
    files.iter().filter(|(name, _)| name.ends_with(ending)).map(|(n, b)| (n.clone(), b.clone())).collect()
}

// ---- what arrives when ----------------------------------------------------------------------------------------------

#[test]
fn the_same_ingest_twice_changes_no_report_file() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "m");
    let once = reports(home, "m", &[]);
    let again = kycmart_in(home, &["ingest", "s", "--mart", "m"]).expect(0);
    assert!(again.err.contains("3000 payloads seen = 0 new + 3000 already known + 0 rejected"), "{}", again.err);
    assert_same(&once, &reports(home, "m", &[]));
    kycmart_in(home, &["nightly", "s", "--mart", "m", "--out", "out"]).expect(0);
    assert_same(&once, &report_files(&home.join("out/latest")));
}

#[test]
fn half_first_and_the_rest_later_in_reverse_order_is_the_same_as_all_at_once() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "all");
    let at_once = reports(home, "all", &[]);
    let mut names = files(home, "s");
    names.reverse();
    for (mart, parts) in [("halves", 2), ("eighths", 8)] {
        for part in (0..parts).rev() {
            let some: Vec<&str> = names.iter().skip(part).step_by(parts).map(String::as_str).collect();
            ingest(home, &some, mart);
        }
        assert_same(&at_once, &reports(home, mart, &[]));
        let batches = query(home, mart, "SELECT COUNT(*) AS n FROM batches");
        assert_eq!(batches[0]["n"], parts.to_string());
    }
}

#[test]
fn a_copied_or_renamed_file_adds_nothing() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "m");
    let before = reports(home, "m", &[]);
    fs::rename(home.join("s"), home.join("renamed")).unwrap();
    for (number, name) in files(home, "renamed").iter().enumerate() {
        let ending = Path::new(name).extension().unwrap().to_str().unwrap();
        fs::copy(home.join(name), home.join(format!("renamed/copy-{number}.{ending}"))).unwrap();
    }
    let run = kycmart_in(home, &["nightly", "renamed", "--mart", "m", "--out", "out"]).expect(0);
    assert!(run.err.contains("6000 payloads seen = 0 new + 6000 already known + 0 rejected"), "{}", run.err);
    assert_same(&before, &report_files(&home.join("out/latest")));
}

#[test]
fn copies_within_one_ingest_add_nothing() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "m");
    let before = reports(home, "m", &[]);
    let name = files(home, "s").into_iter().find(|name| name.ends_with(".gz")).unwrap();
    fs::copy(home.join(name), home.join("s/0-copy.gz")).unwrap();
    ingest(home, &["s", "s"], "m2");
    assert_same(&before, &reports(home, "m2", &[]));
}

#[test]
fn a_mart_and_reports_below_a_source_are_no_payloads() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T10:00:00Z"]);
    let home = home.path();
    let nightly = || {
        kycmart_in(home, &["nightly", ".", "--mart", "m", "--out", "out"]).expect(0);
        report_files(&home.join("out/latest"))
    };
    let first = nightly();
    assert_eq!(run_json(home, "out")["ingest"]["payloads_seen"], 1);
    assert_same(&first, &nightly());
    assert_eq!(run_json(home, "out")["ingest"]["payloads_seen"], 1);
}

/// The bytes of a file without its compression.
fn plain(path: &Path) -> Vec<u8> {
    let stored = fs::read(path).unwrap();
    let mut bytes = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut bytes).map(|_| ()).unwrap(),
        Some("zst") => bytes = zstd::decode_all(&stored[..]).unwrap(),
        _ => bytes = stored,
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

/// The files without the names of other files: the examples of the reports of what is not known.
fn without_examples(files: &Files) -> Files {
    let named = |name: &str| {
        let report = name.trim_start_matches("circulation/");
        report.starts_with("rejects")
            || report.starts_with("unknown_")
            || name.ends_with(".xlsx")
            || name.ends_with(".html")
    };
    let strip = |(name, bytes): (&String, &Vec<u8>)| {
        let mut rows = csv_rows(bytes);
        rows.iter_mut().for_each(|row| row.retain(|column, _| !column.starts_with("example_")));
        (name.clone(), format!("{rows:?}").into_bytes())
    };
    let plain = files.iter().filter(|(name, _)| !named(name)).map(|(name, bytes)| (name.clone(), bytes.clone()));
    plain.chain(files.iter().filter(|(name, _)| named(name) && name.ends_with(".csv")).map(strip)).collect()
}

#[test]
fn plain_gzip_and_zstd_of_the_same_content_give_the_same_reports() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "stored");
    let stored = reports(home, "stored", &[]);
    for (form, ending) in [("plain", ""), ("gzip", ".gz"), ("zstd", ".zst")] {
        for name in files(home, "s") {
            let bytes = plain(&home.join(&name));
            let bare = name.trim_start_matches("s/").trim_end_matches(".gz").trim_end_matches(".zst");
            let path = home.join(form).join(format!("{bare}{ending}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let packed = match form {
                "gzip" => gzip(&bytes),
                "zstd" => zstd::encode_all(&bytes[..], 1).unwrap(),
                _ => bytes,
            };
            fs::write(path, packed).unwrap();
        }
        let mart = format!("mart-{form}");
        ingest(home, &[form], &mart);
        assert_same(&without_examples(&stored), &without_examples(&reports(home, &mart, &[])));
    }
    // Beside each other they are other files, and what names its job is known again.
    ingest(home, &["gzip", "zstd"], "mart-plain");
    let beside = reports(home, "mart-plain", &[]);
    for name in
        ["pass_rates_by_id_type", "pass_rates_by_product", "pass_rates_daily", "authority_windows", "error_codes"]
    {
        let file = format!("{name}.csv");
        assert_eq!(String::from_utf8_lossy(&beside[&file]), String::from_utf8_lossy(&stored[&file]), "{name}");
    }
}

#[test]
fn standard_input_is_one_more_file() {
    let home = with_archive();
    let home = home.path();
    let name = files(home, "s").into_iter().find(|name| name.ends_with(".ndjson")).unwrap();
    let bytes = fs::read(home.join(&name)).unwrap();
    ingest(home, &[&name], "file");
    let of_file = reports(home, "file", &[]);
    for (mart, input) in [("stdin", bytes.clone()), ("packed", gzip(&bytes))] {
        kycmart_with_input(home, &["ingest", "-", "--mart", mart], &input).expect(0);
        assert_same(&of_file, &reports(home, mart, &[]));
        let again = kycmart_with_input(home, &["ingest", "-", "--mart", mart], &input).expect(0);
        assert!(again.err.contains("= 0 new +") && again.err.contains("+ 0 rejected"), "{}", again.err);
        assert_same(&of_file, &reports(home, mart, &[]));
    }
}

// ---- a run ----------------------------------------------------------------------------------------------------------

#[test]
fn nightly_is_an_ingest_and_a_report() {
    let home = with_archive();
    let home = home.path();
    ingest(home, &["s"], "m");
    let apart = reports(home, "m", &[]);
    let run = kycmart_in(home, &["nightly", "s", "--mart", "n", "--out", "nights"]).expect(0);
    assert_same(&apart, &report_files(&home.join("nights/latest")));
    assert!(run.out.contains("smile_id") && run.out.contains("nights/latest"), "{}", run.out);
}

#[test]
fn latest_names_the_newest_whole_run_and_a_failed_one_leaves_it_alone() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T10:00:00Z"]);
    let home = home.path();
    let target = || fs::read_link(home.join("out/latest")).expect("a symbolic link").display().to_string();
    let nightly = ["nightly", "in", "--mart", "m", "--out", "out"];
    kycmart_in(home, &nightly).expect(0);
    let first = target();
    assert_eq!(run_json(home, "out")["run"], first.as_str());
    kycmart_in(home, &nightly).expect(0);
    let second = target();
    assert_ne!(first, second);
    assert!(home.join("out").join(&first).join("run.json").is_file(), "the run before is still there");
    let content = || {
        let mut names: Vec<_> = fs::read_dir(home.join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = content();
    fs::create_dir_all(home.join("q/reports")).unwrap();
    fs::write(home.join("q/reports/unknown_codes.sql"), "SELECT nothing FROM nowhere").unwrap();
    let failed = kycmart_in(home, &[&nightly[..], &["--queries", "q"]].concat());
    assert!(matches!(failed.code, 2 | 3) && failed.err.contains("unknown_codes"), "{}: {}", failed.code, failed.err);
    assert_eq!((target(), content()), (second, before), "half a night is seen");
}

#[test]
fn a_reader_of_latest_always_sees_a_whole_run() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T10:00:00Z"]);
    let home = home.path();
    ingest(home, &["in"], "m");
    reports(home, "m", &[]);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut runs = std::collections::BTreeSet::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let run = run_json(home, "out");
                let folder = home.join("out").join(run["run"].as_str().unwrap()).join("circulation");
                for report in run["reports"].as_array().unwrap() {
                    for file in report["files"].as_array().unwrap() {
                        assert!(folder.join(file.as_str().unwrap()).is_file(), "{file} is missing");
                    }
                }
                runs.insert(run["run"].as_str().unwrap().to_owned());
            }
            runs
        });
        (0..4).for_each(|_| drop(reports(home, "m", &[])));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().expect("a whole run at every moment").len() >= 2);
    });
}

#[test]
fn run_json_says_what_was_done_and_no_other_file_does() {
    let home = with_archive();
    let home = home.path();
    kycmart_in(home, &["nightly", "s", "--mart", "m", "--out", "out"]).expect(0);
    let run = run_json(home, "out");
    let ingest = &run["ingest"];
    let count = |name: &str| ingest[name].as_u64().unwrap_or_else(|| panic!("{name}: {ingest}"));
    assert_eq!(count("payloads_seen"), 3000);
    assert_eq!(3000, count("payloads_new") + count("payloads_known") + count("payloads_rejected"));
    assert_eq!(ingest["accounting_holds"], true);
    let inputs = ingest["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), files(home, "s").len());
    assert_eq!(inputs.iter().map(|input| input["payloads"].as_u64().unwrap()).sum::<u64>(), 3000);
    let tables = [
        "authority_status",
        "batches",
        "checks",
        "codes",
        "inputs",
        "observations",
        "receipts",
        "rejects",
        "submissions",
        "unknown_fields",
    ];
    assert!(tables.iter().all(|table| run["table_versions"][table].is_u64()), "{}", run["table_versions"]);
    let version = kycmart_in(home, &["--version"]).expect(0).out;
    assert_eq!(version.trim(), format!("kycmart {}", run["tool_version"].as_str().unwrap()));
    let in_mart = query(home, "m", "SELECT catalogue_version, tool_version FROM batches");
    assert_eq!(run["catalogue_version"], in_mart[0]["catalogue_version"].as_str());
    assert!(run["duration_seconds"].as_f64().unwrap() > 0.0);
    assert!(run["reports"].as_array().unwrap().iter().all(|report| report["milliseconds"].is_u64()));
    let volatile = [run["run"].as_str().unwrap(), &run["started_at"].as_str().unwrap()[..16], home.to_str().unwrap()];
    for (name, bytes) in report_files(&home.join("out/latest")) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(volatile.iter().all(|word| !text.contains(word)), "{name} holds something volatile");
    }
}

// ---- files ----------------------------------------------------------------------------------------------------------

/// A cell of a frame as a CSV has it; floats as they were read there.
fn same_cell(value: &AnyValue<'_>, text: &str) -> bool {
    match value {
        AnyValue::Null => text.is_empty(),
        AnyValue::String(word) => *word == text,
        AnyValue::StringOwned(word) => word.as_str() == text,
        AnyValue::Float64(number) => text.parse::<f64>().is_ok_and(|t| t.to_bits() == number.to_bits()),
        AnyValue::Int64(number) => number.to_string() == text,
        AnyValue::Boolean(truth) => truth.to_string() == text,
        AnyValue::Date(days) => text
            .parse::<chrono::NaiveDate>()
            .is_ok_and(|d| (d - chrono::NaiveDate::default()).num_days() == i64::from(*days)),
        AnyValue::Datetime(micros, ..) | AnyValue::DatetimeOwned(micros, ..) => {
            chrono::DateTime::parse_from_rfc3339(text).is_ok_and(|t| t.timestamp_micros() == *micros)
        }
        other => panic!("reports have no {other:?}"),
    }
}

#[test]
fn csv_and_parquet_hold_the_same_values() {
    let home = with_archive();
    ingest(home.path(), &["s"], "m");
    let all = reports(home.path(), "m", &[]);
    let mut cells = 0;
    for (name, parquet) in only(&all, ".parquet") {
        let frame = frame(&parquet);
        let mut csv = csv::Reader::from_reader(&all[&name.replace(".parquet", ".csv")][..]);
        let header: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(header, names(&frame), "{name}");
        let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), frame.height(), "{name}");
        // Nobody is known by a pseudonym where there is no key, nothing was invoiced, nothing was down; of ten minutes with few
        // lookups nothing circulates.
        let empty = [
            "retries",
            "billing_invoice",
            "authority_incidents",
            "circulation/authority_windows",
            "circulation/authority_hourly",
        ];
        let may_be_empty = empty.iter().any(|report| name.ends_with(&format!("{report}.parquet")));
        assert!(!rows.is_empty() || may_be_empty, "{name} shows nothing");
        for (number, row) in rows.iter().enumerate() {
            for (column, text) in frame.columns().iter().zip(row) {
                let value = column.get(number).unwrap();
                assert!(same_cell(&value, text), "{name}, row {number}, {}: {value:?}, {text:?}", column.name());
                cells += 1;
            }
        }
    }
    assert!(cells > 10_000, "only {cells} cells");
}

/// Names and types of all columns, report by report.
fn types(files: &Files) -> String {
    let lines = |(name, bytes): (&String, &Vec<u8>)| {
        let frame = frame(bytes);
        let columns = frame.columns().iter().map(|c| format!("  {}: {:?}", c.name(), c.dtype()));
        std::iter::once(name.clone()).chain(columns).collect::<Vec<_>>().join("\n")
    };
    only(files, ".parquet").iter().map(lines).collect::<Vec<_>>().join("\n")
}

#[test]
fn names_and_types_of_columns_are_pinned_with_data_and_without() {
    let home = with_archive();
    ingest(home.path(), &["s"], "m");
    let full = reports(home.path(), "m", &[]);
    insta::assert_snapshot!(types(&full));
    fs::create_dir(home.path().join("nothing")).unwrap();
    ingest(home.path(), &["nothing"], "empty");
    let empty = reports(home.path(), "empty", &[]);
    assert_eq!(types(&full), types(&empty));
    for (name, bytes) in only(&empty, ".csv") {
        let header = full[&name].split_inclusive(|b| *b == b'\n').next().unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(header), "{name} is more than its header");
    }
}

#[test]
fn a_format_can_be_chosen() {
    let home = with_jobs(&["0000000001 0840 2026-03-02T10:00:00Z"]);
    ingest(home.path(), &["in"], "m");
    let both = reports(home.path(), "m", &[]);
    for format in ["csv", "parquet", "xlsx", "html"] {
        let ending = format!(".{format}");
        let mut files = reports(home.path(), "m", &["--format", format]);
        files.retain(|name, _| !name.ends_with("alerts.json") && !name.ends_with("kycmart.prom"));
        assert!(files == only(&both, &ending), "{format}: {:?}", files.keys());
    }
    kycmart_in(home.path(), &["report", "--mart", "m", "--out", "out", "--format", "ods"]).expect(2);
}
