//! The ways in which people store payloads: whatever the container, the mart knows the same payloads, byte for byte, from the
//! same command.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{folder, kycmart_in, query};

const CALLBACK: &str = r#"{"SmileJobID":"0000000007","PartnerParams":{"job_id":"j-7","user_id":"u-7","job_type":5},"ResultType":"ID Verification","ResultText":"Exact \"Match\"\n","ResultCode":"1020","timestamp":"2026-10-01T10:00:00.000Z"}"#;
const POLL: &str = r#"{"timestamp":"2026-10-01T11:00:00.000Z","job_complete":true,"job_success":false,"code":"2302","result":{"SmileJobID":"0000000008","PartnerParams":{"job_id":"j-8","job_type":1},"ResultCode":"0911"}}"#;
const FORM: &str = "callBackType=NETVERIFYID&jumioIdScanReference=00000000-0000-0000-0000-000000000009&verificationStatus=DENIED_FRAUD&callbackDate=2026-10-01T12%3A00%3A00.000Z";

/// The payloads, in the order in which stores keep them.
const PAYLOADS: [&str; 3] = [CALLBACK, POLL, FORM];

fn digests(payloads: &[&str]) -> BTreeSet<String> {
    payloads.iter().map(|payload| blake3::hash(payload.as_bytes()).to_hex().to_string()).collect()
}

/// Ingests a folder and says which payloads the mart then knows, and what it does not.
#[track_caller]
fn known(folder: &Path, flags: &[&str]) -> (BTreeSet<String>, usize) {
    let arguments = [&["ingest", "store", "--mart", "mart"], flags].concat();
    kycmart_in(folder, &arguments).expect(0);
    let column =
        |sql: &str, name: &str| query(folder, "mart", sql).iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    let rejects = column("SELECT reason FROM rejects", "reason").len();
    let facts = column("SELECT payload_digest FROM observations", "payload_digest");
    (facts.into_iter().collect(), rejects)
}

/// What a store of these files comes to must be all payloads and nothing else.
#[track_caller]
fn holds_all(name: &str, files: &[(&str, Vec<u8>)]) {
    holds(name, files, &[], &PAYLOADS);
}

#[track_caller]
fn holds(name: &str, files: &[(&str, Vec<u8>)], flags: &[&str], payloads: &[&str]) {
    let folder = folder();
    for (file, bytes) in files {
        let path = folder.path().join("store").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(known(folder.path(), flags), (digests(payloads), 0), "{name}");
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn lines(rows: impl IntoIterator<Item = String>) -> Vec<u8> {
    rows.into_iter().map(|row| row + "\n").collect::<String>().into_bytes()
}

/// One row of JSON for each payload.
fn rows(row: impl Fn(usize, &str) -> Value) -> Vec<u8> {
    lines(PAYLOADS.iter().enumerate().map(|(n, payload)| row(n, payload).to_string()))
}

/// A payload as the object that it is; the form stays text.
fn object(payload: &str) -> Value {
    serde_json::from_str::<Box<serde_json::value::RawValue>>(payload).map_or(json!(payload), |_| json!(payload))
}

#[test]
fn files_lines_lists_and_documents() {
    let pretty =
        |payload: &str| payload.replace("\",\"", "\",\n  \"").replace("{\"S", "{\n  \"S").replace("{\"t", "{\n  \"t");
    let laid_out = [CALLBACK, POLL].map(pretty);
    holds_all("one file each", &[("a/1.json", CALLBACK.into()), ("b/2", POLL.into()), ("c.form", FORM.into())]);
    holds_all("lines", &[("all.ndjson", lines(PAYLOADS.map(String::from)))]);
    holds("pretty documents", &[("all.json", laid_out.join("\n").into())], &[], &[&laid_out[0], &laid_out[1]]);
    holds_all("strings in a list", &[("all.json", json!(PAYLOADS).to_string().into())]);
    holds_all("encoded twice", &[("all.txt", rows(|_, payload| object(payload)))]);
    holds_all(
        "forms and texts",
        &[("f.txt", lines([FORM.to_owned(), FORM.to_owned()])), ("a.json", CALLBACK.into()), ("b.json", POLL.into())],
    );
    let page = |key: &str| json!({"next": null, key: PAYLOADS.map(|payload| json!({"payload": payload})), "count": 3});
    for key in ["Items", "data", "records", "rows", "events"] {
        holds_all(key, &[("page.json", page(key).to_string().into())]);
    }
}

#[test]
fn rows_with_the_payload_in_a_field() {
    for name in [
        "payload",
        "raw_response",
        "full_response",
        "smile_result",
        "response",
        "body",
        "data",
        "event",
        "result_json",
        "anything",
    ] {
        let text = rows(|n, payload| json!({"id": n, name: payload, "processed": true}));
        holds_all(name, &[("rows.ndjson", text)]);
        let coded = rows(|n, payload| json!({"id": n, name: STANDARD.encode(payload)}));
        holds_all(name, &[("rows.ndjson", coded)]);
    }
    let odd = rows(|n, payload| json!({"id": n, "payload": "{\"not\":\"this\"}", "x": {"y": [{"z": payload}]}}));
    holds("a way", &[("rows.ndjson", odd)], &["--body-field", "x.y[0].z"], &PAYLOADS);
}

#[test]
fn exports_of_databases() {
    let plain = rows(
        |n, payload| json!({"_id": {"$oid": format!("5f{n:022}")}, "payload": payload, "at": {"$date": {"$numberLong": "1760000000000"}}}),
    );
    holds_all("mongoexport", &[("export.json", plain)]);
    let typed =
        rows(|n, payload| json!({"Item": {"pk": {"S": n.to_string()}, "payload": {"S": payload}, "ttl": {"N": "1"}}}));
    holds_all("DynamoDB", &[("export.json", typed)]);
    let mapped = json!({"Item": {"payload": {"M": {"SmileJobID": {"S": "0000000007"}, "ResultCode": {"N": "1020"}, "ResultText": {"S": "x"}}}}});
    let folder = folder();
    std::fs::create_dir(folder.path().join("store")).unwrap();
    std::fs::write(folder.path().join("store/map.json"), mapped.to_string()).unwrap();
    kycmart_in(folder.path(), &["ingest", "store", "--mart", "mart"]).expect(0);
    let jobs = query(folder.path(), "mart", "SELECT provider_job_id, result_code FROM observations");
    assert_eq!((jobs[0]["provider_job_id"].as_str(), jobs[0]["result_code"].as_str()), ("0000000007", "1020"));
}

#[test]
fn tables_in_text() {
    let table = |delimiter: &str, header: &str, cell: fn(&str) -> String| {
        let rows = PAYLOADS.iter().enumerate().map(|(n, payload)| [n.to_string(), cell(payload)].join(delimiter));
        lines((!header.is_empty()).then(|| header.replace(',', delimiter)).into_iter().chain(rows))
    };
    for (name, delimiter) in [("x.csv", ","), ("x.tsv", "\t"), ("x.txt", ";"), ("x", "|")] {
        holds_all(name, &[(name, table(delimiter, "id,payload", quoted))]);
        holds_all(name, &[(name, table(delimiter, "", quoted))]);
        let coded = |payload: &str| STANDARD.encode(payload);
        holds_all(name, &[(name, table(delimiter, "id,full_response", coded))]);
    }
    let copied = |payload: &str| payload.replace('\\', "\\\\");
    holds_all(
        "COPY",
        &[("events.copy", [table("\t", "", copied), b"3\t\\N\n\\.\n".to_vec()].concat())]
            .map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap().replace("3\t\\N\n", "").into_bytes())),
    );
    let hexadecimal =
        |payload: &str| format!("\\\\x{}", payload.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    holds_all("COPY of bytea", &[("events.copy", table("\t", "", hexadecimal))]);
}

#[test]
fn events_logs_and_recordings() {
    let event = |payload: &str| {
        json!({"resource": "/hook", "httpMethod": "POST", "headers": {"Host": "example.test"}, "body": STANDARD.encode(payload), "isBase64Encoded": true,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "requestTimeEpoch": 1_760_000_000_000_i64}})
    };
    holds_all("gateway events", &[("events.ndjson", rows(|_, payload| event(payload)))]);
    let queued =
        json!({"Records": PAYLOADS.map(|payload| json!({"messageId": "m", "body": event(payload).to_string()}))});
    holds_all("a queue's batch", &[("batch.json", queued.to_string().into())]);
    let logged = PAYLOADS.iter().map(|payload| format!("2026-10-01T10:00:00Z INFO [hook] got {payload}"));
    let noise = ["starting".to_owned(), "GET / 200".to_owned()];
    holds_all("a log", &[("app.log", lines(noise.into_iter().chain(logged)))]);
    let docker = rows(
        |_, payload| json!({"log": format!("INFO got {payload}\n"), "stream": "stdout", "time": "2026-10-01T10:00:00.1Z"}),
    );
    holds_all("a container's log", &[("container.log", docker)]);
    let entry = |payload: &str| {
        json!({"startedDateTime": "2026-10-01T10:00:00Z", "request": {"url": "https://example.test/", "headers": []},
        "response": {"status": 200, "content": {"text": payload}}})
    };
    let har = json!({"log": {"version": "1.2", "entries": PAYLOADS.map(entry)}});
    holds_all("HAR", &[("session.har", har.to_string().into())]);
    let cassette: String = PAYLOADS.iter().map(|payload| format!(
        "- request:\n    method: post\n    uri: https://example.test/\n    body:\n      string: ''\n  response:\n    body:\n      base64_string: {}\n  recorded_at: Thu, 01 Oct 2026 10:00:00 GMT\n", STANDARD.encode(payload))).collect();
    holds_all(
        "VCR",
        &[("cassette.yml", format!("---\nhttp_interactions:\n{cassette}recorded_with: VCR 6.1.0\n").into())],
    );
}

fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_and_compression() {
    let csv = lines(["id,payload".to_owned(), format!("2,{}", quoted(POLL))]);
    let files = [("day/1.json", CALLBACK.into()), ("day/2.csv", csv), ("day/3.form.gz", gzip(FORM.as_bytes()))];
    let ndjson = lines(PAYLOADS.map(String::from));
    for (name, bytes) in [
        ("a.tar", tar(&files)),
        ("a.tar.gz", gzip(&tar(&files))),
        ("a.tar.xz", xz(&tar(&files))),
        ("a.tar.bz2", bzip2(&tar(&files))),
        ("a.tar.zst", zstd::encode_all(tar(&files).as_slice(), 1).unwrap()),
        ("a.zip", zip(&files)),
        ("no_name", zip(&[("in.tar", tar(&files)), (".hidden", b"x".to_vec()), ("__MACOSX/x", b"x".to_vec())])),
        ("a.ndjson.bz2", bzip2(&ndjson)),
        ("a.ndjson.xz", xz(&ndjson)),
    ] {
        holds_all(name, &[(name, bytes)]);
    }
}

#[test]
fn a_payload_in_an_archive_is_found_again_by_its_member() {
    let folder = folder();
    std::fs::write(
        folder.path().join("a.zip"),
        zip(&[("x/1.ndjson", lines([CALLBACK.into(), POLL.into()])), ("x/2.form", FORM.into())]),
    )
    .unwrap();
    kycmart_in(folder.path(), &["ingest", "a.zip", "--mart", "mart"]).expect(0);
    let rows = query(
        folder.path(),
        "mart",
        "SELECT source, source_member, source_offset, source_index FROM receipts ORDER BY source_index",
    );
    let places: Vec<_> = rows
        .iter()
        .map(|row| (row["source_member"].as_str(), row["source_offset"].as_str(), row["source_index"].as_str()))
        .collect();
    let second = (CALLBACK.len() + 1).to_string();
    assert_eq!(places, [("x/1.ndjson", "0", "0"), ("x/1.ndjson", second.as_str(), "1"), ("x/2.form", "0", "2")]);
    kycmart_in(folder.path(), &["mart", "verify", "--mart", "mart", "--sources"]).expect(0);
    let again = kycmart_in(folder.path(), &["ingest", "a.zip", "--mart", "mart"]).expect(0);
    assert!(again.err.contains("0 new + 3 already known"), "{}", again.err);
    let redone = kycmart_in(folder.path(), &["mart", "reprocess", "--mart", "mart"]).expect(0);
    assert!(redone.out.contains("3 payloads selected: 3 were decoded again"), "{}", redone.out);
}

#[test]
fn damaged_encrypted_and_bottomless_archives_are_rejects_and_the_rest_is_read() {
    let folder = folder();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let files = [
        ("1.json", CALLBACK.as_bytes().to_vec()),
        ("2.json", POLL.as_bytes().to_vec()),
        ("3.form", FORM.as_bytes().to_vec()),
    ];
    let whole = tar(&files);
    put("cut.tar", &whole[..1024 + 512 + 100]);
    let mut torn = zip(&files);
    let at = torn.windows(6).position(|bytes| bytes == b"2.json").unwrap() + 10;
    torn[at] ^= 0xff;
    put("torn.zip", &torn);
    put("short.zip", &torn[..40]);
    let mut bomb = zip(&[("0", vec![0; 300 << 20])]);
    for _ in 0..6 {
        bomb = zip(&[("in.zip", bomb)]);
    }
    put("bottomless.zip", &bomb);
    put("flat.gz", &gzip(&zip(&[("0", vec![b' '; 300 << 20])])));
    kycmart_in(folder.path(), &["ingest", ".", "--mart", "mart"]).expect(0);
    let rejects = query(folder.path(), "mart", "SELECT source, reason FROM rejects ORDER BY source, reason");
    let named: Vec<_> =
        rejects.iter().map(|row| (row["source"].rsplit('/').next().unwrap(), row["reason"].as_str())).collect();
    let expected = [
        ("bottomless.zip", "damaged_archive"),
        ("cut.tar", "damaged_archive"),
        ("flat.gz", "decompression_bomb"),
        ("short.zip", "damaged_archive"),
        ("torn.zip", "damaged_archive"),
    ];
    assert_eq!(named, expected);
    let facts = query(folder.path(), "mart", "SELECT DISTINCT payload_digest FROM observations");
    assert_eq!(facts.len(), 2, "the first of the tar, and of the zip all but the torn one");
}

#[test]
fn tables_of_others() {
    use arrow::array::{ArrayRef, BinaryArray, StringArray, TimestampMicrosecondArray};
    use arrow::record_batch::RecordBatch;
    use std::sync::Arc;
    let texts: ArrayRef = Arc::new(StringArray::from(PAYLOADS.to_vec()));
    let bytes: ArrayRef =
        Arc::new(BinaryArray::from(PAYLOADS.iter().map(|payload| payload.as_bytes()).collect::<Vec<_>>()));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_760_000_000_000_000; 3]));
    for (name, column) in [("full_response", texts), ("blob", bytes)] {
        let batch = RecordBatch::try_from_iter([("received_at", Arc::clone(&times)), (name, column)]).unwrap();
        let mut file = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        holds_all(name, &[("x.parquet", file.clone())]);
        holds_all(name, &[("x.tar", tar(&[("x.parquet", file)]))]);
        let mut stream = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        stream.write(&batch).unwrap();
        holds_all(name, &[("x.arrows", stream.into_inner().unwrap())]);
    }
    let folder = folder();
    let path = folder.path().join("app.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE users (id INTEGER, name TEXT); INSERT INTO users VALUES (1, 'x');
        CREATE TABLE transactions (id INTEGER PRIMARY KEY, scan_result TEXT, created_at TEXT)",
        )
        .unwrap();
    for payload in PAYLOADS {
        database.execute("INSERT INTO transactions (scan_result) VALUES (?)", [payload]).unwrap();
    }
    database.close().unwrap();
    let file = std::fs::read(&path).unwrap();
    holds_all("SQLite", &[("app.db", file.clone())]);
    holds_all("SQLite in an archive", &[("backup.zip", zip(&[("app.db", file)]))]);
}

#[test]
fn a_database_whose_last_rows_are_beside_it_is_not_read_by_halves() {
    let folder = folder();
    std::fs::write(folder.path().join("a.json"), CALLBACK).unwrap();
    let database = rusqlite::Connection::open(folder.path().join("live.db")).unwrap();
    let insert = format!("PRAGMA journal_mode = WAL; CREATE TABLE t (payload TEXT); INSERT INTO t VALUES ('{POLL}');");
    database.execute_batch(&insert).unwrap();
    let run = kycmart_in(folder.path(), &["ingest", ".", "--mart", "mart"]).expect(3);
    assert!(
        run.err.contains("live.db: the SQLite file has rows in the -wal file") && !run.err.contains("permissions"),
        "{}",
        run.err
    );
    assert_eq!(query(folder.path(), "mart", "SELECT payload_digest FROM observations").len(), 1);
    drop(database);
    kycmart_in(folder.path(), &["ingest", ".", "--mart", "mart"]).expect(0);
    assert_eq!(query(folder.path(), "mart", "SELECT payload_digest FROM observations").len(), 2);
}

#[test]
fn a_table_that_a_store_took_apart_states_what_it_stated() {
    let folder = folder();
    let csv = "id,smile_job_id,result_code,result_text,job_type,actions,is_final_result\n\
               1,0000000007,1020,Exact Match,5,\"{\"\"Verify_ID_Number\"\":\"\"Verified\"\"}\",true\n";
    std::fs::write(folder.path().join("flat.csv"), csv).unwrap();
    kycmart_in(folder.path(), &["ingest", "flat.csv", "--mart", "mart"]).expect(0);
    let rows = query(folder.path(), "mart", "SELECT provider_job_id, result_code, is_final_stated FROM observations");
    let said: Vec<&str> =
        ["provider_job_id", "result_code", "is_final_stated"].map(|name| rows[0][name].as_str()).into();
    assert_eq!(said, ["0000000007", "1020", "true"]);
    assert_eq!(query(folder.path(), "mart", "SELECT name, value FROM checks").len(), 1);
}

#[test]
fn what_was_chosen_is_said_and_explained() {
    let folder = folder();
    let rows = rows(
        |n, payload| json!({"id": n, "created_at": "2026-10-01 10:00:00", "ip": "192.0.2.1", "verification": payload}),
    );
    std::fs::write(folder.path().join("rows.ndjson"), rows).unwrap();
    let said = kycmart_in(folder.path(), &["ingest", "rows.ndjson", "--mart", "mart"]).expect(0).err;
    assert!(said.contains("3 payloads were found in verification (first in rows.ndjson)"), "{said}");
    let explained = kycmart_in(folder.path(), &["inspect", "--explain", "rows.ndjson"]).expect(0).out;
    insta::assert_snapshot!(explained);
    let mapping: String = explained.split_once("kycmart.toml:\n").unwrap().1.into();
    std::fs::write(folder.path().join("kycmart.toml"), mapping).unwrap();
    kycmart_in(folder.path(), &["nightly", "--mart", "again", "--out", "out"]).expect(0);
    let received = query(folder.path(), "again", "SELECT DISTINCT received_at, sender_address FROM receipts");
    assert_eq!(received.len(), 1);
    assert_eq!(
        (received[0]["sender_address"].as_str(), &received[0]["received_at"][..10]),
        ("192.0.2.1", "2026-10-01")
    );
}
