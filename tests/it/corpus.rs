//! Every published payload is decoded or rejected with a reason, as somebody judged who read the payload and did not look at
//! the program: `tests/testdata/corpus_expected.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{corpus, folder, kycmart_in};

#[test]
fn every_payload_of_the_corpus_says_what_a_reader_says() {
    let Some(corpus) = corpus("corpus") else { return };
    let expected: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../testdata/corpus_expected.json")).expect("valid JSON");
    let mut arguments = vec!["inspect".to_owned()];
    arguments.extend(expected.keys().map(|file| corpus.join(file).display().to_string()));
    let run = kycmart_in(folder().path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let run = run.expect(1); // some of them are not JSON, as published
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(lines.len(), expected.len(), "one line per payload");
    let mut wrong = Vec::new();
    for ((file, expected), line) in expected.iter().zip(&lines) {
        assert!(line["file"].as_str().is_some_and(|name| name.ends_with(file.as_str())));
        compare(file, expected, line, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let on_disk = std::fs::read_dir(&corpus).unwrap().count() - 1;
    assert_eq!(expected.len(), on_disk, "a payload of the corpus has no judgement");
}

/// Notes where `found` lacks something that `expected` states; what is not stated is not compared.
pub fn compare(place: &str, expected: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                compare(&format!("{place}.{name}"), value, &found[name], wrong);
            }
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            for (number, (item, other)) in items.iter().zip(others).enumerate() {
                compare(&format!("{place}[{number}]"), item, other, wrong);
            }
        }
        (Value::String(time), Value::String(other)) if place.ends_with(".event_time") => {
            let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339");
            if instant(time) != instant(other) {
                wrong.push(format!("{place}: {other}, a reader says {time}"));
            }
        }
        _ if expected == found => {}
        _ => wrong.push(format!("{place}: {found}, a reader says {expected}")),
    }
}
