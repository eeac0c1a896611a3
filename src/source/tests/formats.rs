//! Every format, with exact offsets.

use super::*;

const CSV: &str = "id,received_at,payload,Country\r\n1,2026-01-02T03:04:05Z,\"{\"\"a\"\":\n1}\",NG\r\n2,,callBackType=X&b=2,\r\n3,,,KE\r\n4\r\n";

#[test]
fn every_format_reads_alike_plain_gzip_and_zstd() {
    let cases: [(&str, &str, &str, usize); 8] = [
        ("one.json", "{\n  \"a\": 1\n}\n", "single", 1),
        ("one.form", "callBackType=NETVERIFYID&idType=PASSPORT\n", "single", 1),
        ("lone.json", "{\"a\":1}", "single", 1),
        ("rows.log", "{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}", "ndjson", 3),
        ("one.jsonl", "{\"a\":1}\n", "ndjson", 1),
        ("array.json", "[{\"a\":1},\n {\"a\":[2,{}]}]\n", "json_array", 2),
        ("export.csv", CSV, "csv", 4),
        ("export", CSV, "csv", 4),
    ];
    for (name, text, format, rows) in cases {
        let plain = read(name, text);
        assert_eq!((plain.1, plain.0.len()), (format, rows), "{name}");
        assert_eq!(read(&format!("{name}.gz"), gzip(text.as_bytes())), plain, "{name}");
        assert_eq!(read(&format!("{name}.zst"), zstandard(text.as_bytes())), plain, "{name}");
    }
}

#[test]
fn a_file_of_one_payload_is_that_payload_without_the_blanks_around_it() {
    assert_eq!(read("a.json", "\n{\n \"a\": 1\n}\r\n\n").0, [body("{\n \"a\": 1\n}", 1)]);
    assert_eq!(read("a.form", "a=1&b=2\n").0, [body("a=1&b=2", 0)]);
    assert_eq!(read("a.txt", "whatever\nit is").0, [body("whatever\nit is", 0)]);
    assert_eq!(read("a.bin", b"\0\xff\0").0, [body(b"\0\xff\0", 0)]);
}

#[test]
fn a_broken_line_leaves_the_others_unharmed() {
    let text = "{\"a\":1}\n{\"a\":\n\x00\n{\"a\":2}\n";
    let expected = vec![body("{\"a\":1}", 0), body("{\"a\":", 8), body("\0", 14), body("{\"a\":2}", 16)];
    assert_eq!(read("rows.json", text), (expected, "ndjson"));
    assert_eq!(bodies(&read("rows.json", "{\"a\":\n{\"a\":2}\n{\"a\":3}").0), ["{\"a\":", "{\"a\":2}", "{\"a\":3}"]);
    assert_eq!(bodies(&read("rows.ndjson", "[broken\n{\"a\":2}\n").0), ["[broken", "{\"a\":2}"]);
    let bytes = read("rows", b"{\"a\":\"\xff\"}\n{\"b\":1}\n").0;
    assert_eq!(bytes, [body(b"{\"a\":\"\xff\"}", 0), body("{\"b\":1}", 10)]);
}

#[test]
fn pretty_printed_documents_are_not_taken_for_lines() {
    for text in ["{\n\"a\": {}\n}", "{\"a\":\n{\"b\":1}\n}", "{\"a\":[\n{\"b\":1}\n]}", "{\"a\":[1,\n{\"b\":1}\n]}"] {
        assert_eq!(read("a.json", text), (vec![body(text, 0)], "single"));
    }
}

#[test]
fn elements_of_an_array_are_rows() {
    let text = "\u{feff}[ {\"a\":1} , \"{\\\"a\\\":2}\",\n\"a=1&b=2\",7,{\"a\":\"]\"}]";
    let expected = vec![
        body("{\"a\":1}", 5),
        body("{\"a\":2}", 15),
        body("a=1&b=2", 28),
        body("7", 38),
        body("{\"a\":\"]\"}", 40),
    ];
    assert_eq!(read("a.json", text), (expected, "json_array"));
    assert_eq!(bodies(&read("a.json", "[{\"a\":1}]\n[{\"a\":2}]\n").0), ["{\"a\":1}", "{\"a\":2}"]);
    assert_eq!(
        bodies(&read("a.json", "[1,{\"a\":1} {\"a\":2},{\"a\":3},]").0),
        ["1", "{\"a\":1} {\"a\":2}", "{\"a\":3}"]
    );
}

#[test]
fn an_array_without_payloads_is_one_payload() {
    for text in ["[]", "[\"not\",\"an\",\"object\"]", "[[[[", "[1,\n2]", "[\"{\\\"a"] {
        assert_eq!(read("a.json", text), (vec![body(text, 0)], "single"));
    }
}

#[test]
fn a_truncated_array_gives_its_complete_elements() {
    use RejectReason::{InvalidJson, TruncatedJson};
    let cut = read("a.json", "[{\"a\":1}, {\"b\":\"x").0;
    assert_eq!(cut, [body("{\"a\":1}", 1), broken(TruncatedJson, "{\"b\":\"x", 10)]);
    let unclosed = read("a.json", "[{\"a\":1},{\"b\":2}\n").0;
    assert_eq!(unclosed, [body("{\"a\":1}", 1), body("{\"b\":2}", 9), broken(TruncatedJson, "", 17)]);
    assert_eq!(read("a.json", "[{\"a\"").0, [broken(TruncatedJson, "{\"a\"", 1)]);
    assert_eq!(read("a.json", "[{}] x\ny").0, [body("{}", 1), broken(InvalidJson, "x\ny", 5)]);
}

#[test]
fn csv_rows_fill_body_and_envelope() {
    let (seen, _) = read("export.csv", CSV);
    let Seen::Body { body: first, envelope, offset } = &seen[0] else { panic!("{seen:?}") };
    assert_eq!((first.as_slice(), *offset), (b"{\"a\":\n1}".as_slice(), 32));
    assert_eq!(envelope.received_at, Some(Micros(1_767_323_045_000_000)));
    assert_eq!(envelope.request.country.as_deref(), Some("NG"));
    assert_eq!(seen[1], body("callBackType=X&b=2", 72));
    assert_eq!(seen[2], broken(RejectReason::NoPayload, "3,,,KE", 96));
    assert_eq!(seen[3], broken(RejectReason::NoPayload, "4", 104));
}

#[test]
fn a_csv_file_without_a_payload_column_is_one_reject() {
    let text = "id,name\n1,x\n2,y\n";
    assert_eq!(read("a.csv", text), (vec![broken(RejectReason::NoPayload, text, 0)], "csv"));
    assert_eq!(read("a.txt", text), (vec![body(text.trim_end(), 0)], "single"));
    assert_eq!(read("a.csv", "id,payload\n"), (vec![], "csv"));
    assert_eq!(bodies(&read("a.csv", "{\"a\":1}\n{\"a\":2}\n").0), ["{\"a\":1}", "{\"a\":2}"]);
    let options = Options { body_field: Some("name".into()), ..Options::default() };
    assert_eq!(bodies(&read_named("a.csv", text.as_bytes(), 7, &options).0), ["x", "y"]);
}

#[test]
fn envelopes_are_opened_in_every_format() {
    let row = r#"{"headers":{"Job-ID":"job_1"},"body":{"status":"clear"}}"#;
    for (name, text) in [("a.json", row.to_owned()), ("a.jsonl", row.to_owned() + "\n"), ("b.json", format!("[{row}]"))]
    {
        let (seen, _) = read(name, text);
        let Seen::Body { body, envelope, .. } = &seen[0] else { panic!("{seen:?}") };
        assert_eq!(body, br#"{"status":"clear"}"#);
        assert_eq!(envelope.header("job-id"), Some("job_1"));
    }
    assert_eq!(read("a.jsonl", r#"{"kind":"callback","body":""}"#).0.len(), 1);
    let empty = r#"{"kind":"callback","body":""}"#;
    assert_eq!(read("a.jsonl", empty).0, [broken(RejectReason::NoPayload, empty, 0)]);
}

const PAYLOAD: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012"}"#;

#[test]
fn a_log_is_one_however_its_lines_begin_and_however_late_its_first_payload_comes() {
    let quiet = "2026-10-05T07:00:00Z INFO nothing here\n".repeat(40_000);
    let late = format!("{quiet}2026-10-05T07:05:00Z INFO {PAYLOAD}\n2026-10-05T07:06:00Z INFO {PAYLOAD}\n");
    let (seen, format) = read("app.log", &late);
    assert_eq!((bodies(&seen), format), (vec![PAYLOAD, PAYLOAD], "log"));
    let Seen::Body { envelope, .. } = &seen[0] else { panic!("{seen:?}") };
    assert_eq!(envelope.received_at.map(Micros::rfc3339).as_deref(), Some("2026-10-05T07:05:00Z"));
    let bracketed = format!("[2026-10-05 07:00:00] production.INFO: hook {PAYLOAD} []\n[2026-10-05 07:00:01] up\n");
    assert_eq!(bodies(&read("laravel.log", &bracketed).0), [PAYLOAD]);
    let (seen, format) = read("quiet.log", &quiet);
    assert!(matches!(seen[..], [Seen::Broken { reason: RejectReason::NoPayload, .. }]) && format == "log");
    let laid_out = format!("got:\n{}\nand\n", PAYLOAD.replace(',', ",\n"));
    assert_eq!(bodies(&read("pretty.log", &laid_out).0).len(), 1, "one row, whole, for somebody to look at");
}

#[test]
fn a_page_may_be_longer_than_any_payload() {
    let row = format!("{{\"id\":1,\"body\":{PAYLOAD}}}");
    let page = format!("{{\"Items\":[{}]}}", vec![row; 40].join(","));
    let limits = Limits { max_payload_bytes: 1_000, ..Limits::default() };
    let (seen, summary) = read_named("page.json", page.as_bytes(), 100, &Options { limits, ..Options::default() });
    assert_eq!((bodies(&seen).len(), summary.format), (40, "json_page"));
}
