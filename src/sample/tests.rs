use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use super::*;

const SMALL: Options = Options { payloads: 2000, seed: 1, photo_bytes: 0, days: 30 };

/// Every name that a shape can have.
const NAMES: &[&str] = &[
    "advance.callback",
    "advance.database_validation",
    "advance.error",
    "advance.face_comparison",
    "advance.get_result",
    "advance.health_status",
    "advance.idv_result_only",
    "advance.no_result_yet",
    "broken.empty_body",
    "broken.not_an_object",
    "broken.not_utf8",
    "broken.null_bytes",
    "broken.truncated_body",
    "broken.truncated_row",
    "foreign.payment",
    "jumio.authentication",
    "jumio.document",
    "jumio.image_list",
    "jumio.kyx_callback",
    "jumio.kyx_retrieval",
    "jumio.netverify.form",
    "jumio.netverify.json",
    "jumio.retrieval.document",
    "jumio.retrieval.status",
    "jumio.retrieval.transaction",
    "jumio.retrieval.verification",
    "jumio.retrieval.whole",
    "smile.aml",
    "smile.basic_kyc",
    "smile.biometric_kyc",
    "smile.business",
    "smile.callback_minimal",
    "smile.document_verification",
    "smile.enhanced_document_verification",
    "smile.enhanced_kyc.async",
    "smile.enhanced_kyc.sync",
    "smile.fragment",
    "smile.id_half",
    "smile.id_status",
    "smile.job_status.complete",
    "smile.job_status.pending",
    "smile.no_verdict",
    "smile.query_error",
    "smile.refusal",
    "smile.smartselfie_authentication",
    "smile.smartselfie_registration",
    "smile.smartselfie_v2",
    "smile.unknown_code",
    "smile.upload_accepted",
    "smile.v3.accepted",
    "smile.v3.callback",
    "smile.v3.callback_minimal",
    "smile.v3.error",
    "smile.v3.not_found",
    "smile.v3.processing",
    "smile.v3.status",
];

fn quiet(_: u64) {}

fn written(options: &Options) -> (tempfile::TempDir, Written) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = write(folder.path(), options, &quiet).expect("an archive");
    (folder, written)
}

/// Every file of an archive, decompressed, by name.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.expect("a readable folder"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let bytes = fs::read(entry.path()).expect("a readable file");
            let text = match entry.path().extension().and_then(|e| e.to_str()) {
                Some("gz") => {
                    let mut text = Vec::new();
                    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).expect("gzip");
                    text
                }
                Some("zst") => zstd::decode_all(bytes.as_slice()).expect("zstd"),
                _ => bytes,
            };
            (entry.path().strip_prefix(root).expect("a path below").to_owned(), text)
        })
        .collect()
}

/// The payload rows of an archive, recounted from its files: lines, elements, rows, whole files.
fn rows(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    for (path, bytes) in files {
        let name = path.to_string_lossy();
        if name.contains(".ndjson") {
            rows.extend(bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
        } else if name.ends_with("status.json") {
            let list: Vec<Box<serde_json::value::RawValue>> = serde_json::from_slice(bytes).expect("a JSON array");
            rows.extend(list.iter().map(|row| row.get().as_bytes().to_vec()));
        } else if name.ends_with(".csv") {
            let mut table = csv::Reader::from_reader(bytes.as_slice());
            rows.extend(table.records().map(|row| row.expect("a row")[1].as_bytes().to_vec()));
        } else {
            rows.push(bytes.clone());
        }
    }
    rows
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let raw = |root: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let names = files(root).into_keys();
        names.map(|name| (name.clone(), fs::read(root.join(name)).expect("a file"))).collect()
    };
    let (one, first) = written(&SMALL);
    let (two, second) = written(&SMALL);
    assert_eq!(first, second);
    assert!(raw(one.path()) == raw(two.path()), "two runs differ");
    let (three, _) = written(&Options { seed: 2, ..SMALL });
    assert!(raw(one.path()) != raw(three.path()), "the seed changes nothing");
}

#[test]
fn exactly_the_wanted_number_of_payloads_is_stored() {
    for payloads in [0, 1, 7, 333, 2000, 4321] {
        let (folder, written) = written(&Options { payloads, ..SMALL });
        let files = files(folder.path());
        assert_eq!(written.payloads, payloads);
        assert_eq!(rows(&files).len() as u64, payloads);
        assert_eq!(written.files, files.len() as u64);
        assert_eq!(written.shapes.values().sum::<u64>() + written.replays, payloads);
    }
}

#[test]
fn short_and_long_periods_work() {
    for days in [1, 2, 366] {
        assert_eq!(written(&Options { days, payloads: 700, ..SMALL }).1.payloads, 700);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for days in [0, 367] {
        let error = write(folder.path(), &Options { days, ..SMALL }, &quiet).expect_err("days out of range");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let (folder, _) = written(&Options { payloads: 3, ..SMALL });
    let error = write(folder.path(), &SMALL, &quiet).expect_err("a folder in use");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn every_provider_kind_and_outcome_occurs_even_in_a_small_archive() {
    let (_folder, written) = written(&SMALL);
    let kinds: BTreeSet<Kind> = written.shapes.keys().map(|shape| shape.kind).collect();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no payload of {missing:?}");
    let outcomes: BTreeSet<&str> = written.shapes.keys().filter_map(|shape| shape.outcome).collect();
    let all = ["error", "failed", "incomplete", "passed", "pending", "review", "unavailable", "unknown"];
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), all);
    let providers: BTreeSet<_> = written.shapes.keys().map(|shape| shape.provider).collect();
    assert_eq!(providers.len(), 4, "three providers and nobody");
}

#[test]
fn every_shape_occurs_in_an_archive_of_some_size() {
    let (_folder, written) = written(&Options { payloads: 8000, ..SMALL });
    let names: BTreeSet<&str> = written.shapes.keys().map(|shape| shape.name).collect();
    for name in NAMES {
        assert!(names.contains(name), "no payload of {name}");
    }
    assert_eq!(names.len(), NAMES.len(), "a shape that this test does not know");
}

#[test]
fn proportions_are_realistic() {
    let (_folder, written) = written(&Options { payloads: 20_000, ..SMALL });
    let count = |wanted: &dyn Fn(&Shape) -> bool| -> f64 {
        written.shapes.iter().filter(|(shape, _)| wanted(shape)).map(|(_, n)| *n as f64).sum()
    };
    let all = count(&|_| true);
    let smile = count(&|s| s.provider == Some(Provider::SmileId)) / all;
    assert!((0.68..0.72).contains(&smile), "Smile ID has a share of {smile}");
    for provider in Provider::ALL {
        let of = |outcome| count(&|s| s.provider == Some(*provider) && s.outcome == Some(outcome));
        let rate = of("passed") / (of("passed") + of("failed"));
        assert!((0.75..0.88).contains(&rate), "{} passes {rate}", provider.word());
    }
    let unavailable = count(&|s| s.outcome == Some("unavailable")) / all;
    assert!((0.004..0.05).contains(&unavailable), "unavailable {unavailable}");
    let replays = written.replays as f64 / written.payloads as f64;
    assert!((0.025..0.035).contains(&replays), "replays {replays}");
    let broken = written.broken as f64 / written.payloads as f64;
    assert!((0.002..0.005).contains(&broken), "broken {broken}");
}

#[test]
fn every_row_parses_but_the_broken_ones() {
    let (folder, written) = written(&Options { payloads: 6000, ..SMALL });
    let mut unreadable = 0;
    for row in rows(&files(folder.path())) {
        let row = match serde_json::from_slice::<serde_json::Value>(&row) {
            Ok(row) => row,
            Err(_) if row.starts_with(b"callBackType=") || row.starts_with(b"timestamp=") => continue,
            Err(_) => {
                unreadable += 1;
                continue;
            }
        };
        let body = row.get("body").unwrap_or(&row);
        let readable = match body {
            serde_json::Value::Object(_) => true,
            serde_json::Value::String(text) if text.starts_with('{') => {
                serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok()
            }
            serde_json::Value::String(text) => text.contains("Reference="),
            _ => false,
        };
        unreadable += u64::from(!readable);
    }
    assert_eq!(unreadable, written.broken);
}

#[test]
fn every_container_is_used() {
    let (folder, written) = written(&SMALL);
    let names: Vec<String> = files(folder.path()).keys().map(|p| p.to_string_lossy().replace('\\', "/")).collect();
    for ending in [".ndjson", ".ndjson.gz", ".ndjson.zst", "advance_ai/export.csv", "smile_id/status.json", ".form"] {
        assert!(names.iter().any(|name| name.ends_with(ending)), "no file {ending}");
    }
    assert!(names.iter().any(|name| name.starts_with("smile_id/single/")));
    assert!(written.files < 400);
}

#[test]
fn photos_have_the_wanted_length() {
    let (folder, _) = written(&Options { payloads: 500, photo_bytes: 4096, ..SMALL });
    let text: Vec<u8> = files(folder.path()).into_values().flatten().collect();
    let text = String::from_utf8_lossy(&text).replace("\\\"", "\"");
    let photos: Vec<&str> = text.split("\"Photo\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(photos.len() > 50);
    assert!(photos.iter().all(|photo| photo.len() == 4096));
}
