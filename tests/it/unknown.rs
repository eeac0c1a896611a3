//! What nobody knows is seen the morning after: unknown codes, fields and shapes, counted, each with one place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, corpus, folder, kycmart_in, query, report};

/// A callback whose person and references are invented, with more fields in it.
fn callback(job: u32, more: &str) -> String {
    format!(
        r#"{{"SmileJobID":"{job:010}","ResultCode":"1012","PartnerParams":{{"job_id":"o-{job}","user_id":"u-{job}","job_type":5}},"FullName":"Zuri Okafor","timestamp":"2026-03-04T05:06:07Z"{more}}}"#
    ) + "\n"
}

fn nightly(home: &Path, sources: &[&str]) -> Run {
    let night = ["nightly", "--mart", "mart", "--out", "out", "--format", "csv"];
    kycmart_in(home, &[&night, sources].concat()).expect(0)
}

fn row<'a>(rows: &'a [BTreeMap<String, String>], column: &str, value: &str) -> &'a BTreeMap<String, String> {
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("no {column} {value} in {rows:?}"))
}

/// The example that a row of a report names: file, byte, row.
fn example(row: &BTreeMap<String, String>) -> [&str; 3] {
    ["example_source", "example_offset", "example_index"].map(|name| row[name].as_str())
}

/// Files of a folder that hold a text, in their bytes or in a cell.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    let holds = |path: &Path| {
        let mut content = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
            reader.get_row_iter(None).unwrap().for_each(|row| content += &row.unwrap().to_string());
        }
        content.contains(text)
    };
    files.filter(|file| holds(file.path())).map(|file| file.path().display().to_string()).collect()
}

#[test]
fn a_field_that_a_provider_adds_is_counted_with_its_place_and_never_its_value() {
    let home = folder();
    let home = home.path();
    let (plain, more) = (callback(1, ""), r#","FooBar":"secret-4711""#);
    let text = format!("{plain}{}{}{}", callback(2, ""), callback(3, more), callback(4, r#","foo_bar":1,"FooBar":2"#));
    fs::write(home.join("a.ndjson"), &text).unwrap();
    nightly(home, &["a.ndjson"]);
    let found = report(&home.join("out"), "unknown_fields");
    let third = (2 * plain.len()).to_string();
    assert_eq!(found.len(), 2, "{found:?}");
    let foo = row(&found, "field", "FooBar");
    assert_eq!(
        ["provider", "kind", "shape", "payloads", "first_seen"].map(|name| foo[name].as_str()),
        ["smile_id", "callback", "", "2", "2026-03-04T05:06:07.000000Z"]
    );
    assert_eq!(example(foo), ["a.ndjson", &third, "2"]);
    assert_eq!(row(&found, "field", "foo_bar")["payloads"], "1");
    for place in ["mart", "out"] {
        assert_eq!(holding(&home.join(place), "secret-4711"), Vec::<String>::new());
    }
}

#[test]
fn a_replay_adds_nothing_and_the_example_is_the_first_place_in_any_order() {
    let odd = callback(3, r#","FooBar":1"#);
    let mut seen = Vec::new();
    for order in [["a.ndjson", "b.ndjson"], ["b.ndjson", "a.ndjson"]] {
        let home = folder();
        let home = home.path();
        fs::write(home.join("a.ndjson"), format!("{}{odd}", callback(1, ""))).unwrap();
        fs::write(home.join("b.ndjson"), format!("{odd}{odd}{}", callback(2, ""))).unwrap();
        for file in order {
            nightly(home, &[file]);
        }
        let found = report(&home.join("out"), "unknown_fields");
        assert_eq!((found.len(), found[0]["payloads"].as_str()), (1, "1"), "{found:?}");
        assert_eq!(query(home, "mart", "SELECT COUNT(*) AS n FROM unknown_fields")[0]["n"], "1");
        seen.push(example(&found[0]).map(str::to_owned));
        kycmart_in(home, &["mart", "verify", "--mart", "mart"]).expect(0);
    }
    assert_eq!(seen[0], ["a.ndjson", &callback(1, "").len().to_string(), "1"]);
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn names_that_could_be_of_a_person_are_counted_and_withheld() {
    let home = folder();
    let home = home.path();
    let names = r#","okafor_zuri":1,"ada@example.com":1,"08012345678":1,"FooBar":1"#;
    fs::write(home.join("a.ndjson"), callback(3, names)).unwrap();
    fs::write(home.join("b.json"), r#"{"full_name":"Amina Bello","bello":{"order":7}}"#).unwrap();
    nightly(home, &["a.ndjson", "b.json"]);
    let found = report(&home.join("out"), "unknown_fields");
    let fields: Vec<[&str; 2]> = found.iter().map(|row| [row["kind"].as_str(), row["field"].as_str()]).collect();
    for expected in
        [["callback", "(withheld)"], ["callback", "FooBar"], ["unreadable", "full_name"], ["unreadable", "(withheld)"]]
    {
        assert!(fields.contains(&expected), "{fields:?}");
    }
    assert_eq!(fields.len(), 4, "{fields:?}");
}

#[test]
fn unknown_shapes_are_told_apart_by_their_fields() {
    let home = folder();
    let home = home.path();
    let lines = "{\"order\":7,\"buyer\":1}\n{\"buyer\":2,\"order\":8}\n{\"event\":\"x\",\"data\":{}}\n";
    fs::write(home.join("a.ndjson"), lines).unwrap();
    fs::write(home.join("b.txt"), "event=paid&amount=7\n").unwrap();
    nightly(home, &["a.ndjson", "b.txt"]);
    let found = report(&home.join("out"), "unknown_fields");
    let shape = |field: &str, payloads: &str| {
        let of = |row: &&BTreeMap<String, String>| row["field"] == field && row["payloads"] == payloads;
        found.iter().find(of).unwrap_or_else(|| panic!("{field}: {found:?}"))["shape"].clone()
    };
    assert_eq!(found.len(), 6, "{found:?}");
    assert_eq!(shape("order", "2"), shape("buyer", "2"));
    assert_ne!(shape("order", "2"), shape("data", "1"));
    assert_eq!(example(row(&found, "field", "data"))[2], "2");
    assert_eq!(example(row(&found, "field", "amount")), ["b.txt", "0", "0"]);
    let rejects = report(&home.join("out"), "rejects");
    assert_eq!((rejects[0]["payloads"].as_str(), example(&rejects[0])), ("4", ["a.ndjson", "0", "0"]));
}

#[test]
fn a_code_that_nobody_knows_names_one_place() {
    let home = folder();
    let home = home.path();
    let text = callback(1, "") + &callback(2, "").replace("1012", "9999") + &callback(3, "").replace("1012", "9999");
    fs::write(home.join("a.ndjson"), text).unwrap();
    nightly(home, &["a.ndjson"]);
    let found = report(&home.join("out"), "unknown_codes");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["observations"].as_str(), example(&found[0])[2]), ("2", "1"));
}

#[test]
fn a_night_says_what_it_saw_for_the_first_time_and_no_more() {
    let home = folder();
    let home = home.path();
    let (plain, odd) = (callback(1, ""), callback(2, r#","FooBar":1"#));
    fs::write(home.join("1.ndjson"), format!("{plain}{odd}{}", callback(3, r#","FooBar":1"#))).unwrap();
    let first = nightly(home, &["1.ndjson"]);
    let line = format!(
        "new: smile_id callback: unknown field FooBar in 2 payloads, first at 1.ndjson byte {} (row 1)",
        plain.len()
    );
    assert!(first.err.contains(&line), "{}", first.err);
    assert_eq!(first.err.matches("new: ").count(), 1, "{}", first.err);

    let code = callback(5, r#","FooBar":1"#).replace("1012", "9999");
    fs::write(home.join("2.ndjson"), format!("{odd}{code}{}{{\"order\":7}}\n", callback(6, r#","BarFoo":1"#))).unwrap();
    let second = nightly(home, &["2.ndjson"]);
    let new: Vec<&str> = second.err.lines().filter(|line| line.starts_with("new: ")).collect();
    assert_eq!(new.len(), 3, "{}", second.err);
    assert!(
        new[0].starts_with("new: smile_id enhanced_kyc: unknown code 9999 in 1 payload, first at 2.ndjson byte "),
        "{new:?}"
    );
    assert!(new[1].starts_with("new: smile_id callback: unknown field BarFoo in 1 payload, "), "{new:?}");
    assert!(new[2].starts_with("new: of nobody: unknown shape with order in 1 payload, "), "{new:?}");
    let run: Value = serde_json::from_slice(&fs::read(home.join("out/latest/run.json")).unwrap()).unwrap();
    assert_eq!((&run["news"]["total"], &run["news"]["named"][1]["name"]), (&3.into(), &"BarFoo".into()));

    assert!(!nightly(home, &["1.ndjson", "2.ndjson"]).err.contains("new: "), "nothing came");
    fs::write(home.join("3.ndjson"), callback(8, r#","FooBar":1"#)).unwrap();
    assert!(!nightly(home, &["3.ndjson"]).err.contains("new: "), "it was known by then");
}

#[test]
fn a_night_names_ten_and_counts_the_rest() {
    let home = folder();
    let home = home.path();
    let fields: String = (0..14).map(|n| format!(",\"Field{n}\":{n}")).collect();
    fs::write(home.join("a.ndjson"), callback(1, &fields)).unwrap();
    let run = nightly(home, &["a.ndjson"]);
    assert_eq!(run.err.matches("unknown field").count(), 10, "{}", run.err);
    assert!(run.err.contains("new: 4 more"), "{}", run.err);
}

#[test]
fn an_erasure_takes_them_along_and_a_reprocessing_finds_them_again() {
    let home = folder();
    let home = home.path();
    fs::write(home.join("a.ndjson"), callback(1, r#","FooBar":1"#) + &callback(2, r#","FooBar":1"#)).unwrap();
    fs::write(home.join("b.json"), r#"{"order":7}"#).unwrap();
    kycmart_in(home, &["ingest", "a.ndjson", "b.json", "--mart", "mart"]).expect(0);
    let fields = || query(home, "mart", "SELECT field FROM unknown_fields ORDER BY field");
    let fields = || fields().into_iter().map(|row| row["field"].clone()).collect::<Vec<_>>();
    assert_eq!(fields(), ["FooBar", "FooBar", "order"]);
    kycmart_in(home, &["mart", "reprocess", "--mart", "mart"]).expect(0);
    assert_eq!(
        query(home, "mart", "SELECT field FROM unknown_fields WHERE batch_id IN (SELECT batch_id FROM batches)").len(),
        3
    );
    kycmart_in(home, &["mart", "compact", "--mart", "mart"]).expect(0);
    assert_eq!(fields(), ["FooBar", "FooBar", "order"]);
    kycmart_in(home, &["mart", "verify", "--mart", "mart"]).expect(0);
    kycmart_in(home, &["mart", "erase", "--mart", "mart", "--job-id", "0000000001"]).expect(0);
    assert_eq!(fields(), ["FooBar", "order"]);
    kycmart_in(home, &["mart", "verify", "--mart", "mart"]).expect(0);
}

/// The names that `inspect` reports as unknown, by the file they are in.
fn unknown_in(home: &Path, files: &[String]) -> BTreeMap<String, Vec<String>> {
    let arguments: Vec<&str> = ["inspect"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in kycmart_in(home, &arguments).out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let names: Vec<String> = serde_json::from_value(line["unknown_fields"].clone()).unwrap();
        if !names.is_empty() && line["kind"] != "unreadable" {
            let file = Path::new(line["file"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
            found.entry(file).or_default().extend(names);
        }
    }
    found
}

#[test]
fn the_sample_has_no_field_that_is_unknown() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    assert_eq!(unknown_in(folder().path(), &[sample.display().to_string()]), BTreeMap::new());
}

/// Published payloads in which something stands that no provider documents: what integrators and test authors added.
const REVIEWED: &[(&str, &[&str])] = &[
    // A test's own name.
    ("jumio__netverify_callback__snap-swap-minimal__1.form", &["unknownField"]),
    // An integrator's own summary around the result.
    ("smileid__integrator_wrapped__kyc-api-doc__1.json", OF_AN_INTEGRATOR),
    ("smileid__integrator_wrapped__kyc-api-doc__2.json", OF_AN_INTEGRATOR),
    ("smileid__integrator_wrapped__kyc-api-doc__3.json", OF_AN_INTEGRATOR),
];
const OF_AN_INTEGRATOR: &[&str] = &["complete", "passed", "underReview", "message", "category", "completedAt"];

#[test]
fn no_published_payload_has_an_unknown_field_but_those_that_were_looked_at() {
    let Some(corpus) = corpus("unknown fields of the corpus") else { return };
    let files: Vec<String> = fs::read_dir(corpus)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| !path.ends_with("INDEX.tsv"))
        .map(|path| path.display().to_string())
        .collect();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let reviewed: BTreeMap<String, Vec<String>> =
        REVIEWED.iter().map(|(file, names)| ((*file).to_owned(), own(names))).collect();
    assert_eq!(unknown_in(folder().path(), &files), reviewed);
}
