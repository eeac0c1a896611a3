//! Where payloads are found, and what is read around them.

use serde_json::json;

use super::*;
use crate::envelope::Request;
use crate::record::{Channel, Kind, Micros, Provider};

fn read(row: &str) -> (String, Envelope) {
    read_with(row, &Options::default())
}

fn read_with(row: &str, options: &Options) -> (String, Envelope) {
    let found = parse(row.as_bytes(), options).unwrap();
    (String::from_utf8(found.body.into_owned()).unwrap(), found.envelope)
}

fn with_field(name: &str) -> Options {
    Options { body_field: Some(name.into()), ..Options::default() }
}

#[test]
fn a_body_is_taken_out_exactly_as_written() {
    let (body, envelope) = read(r#"{"received_at":"2026-01-02T03:04:05Z","body":{ "a" : 1.50,"é":"\u00e9" }}"#);
    assert_eq!(body, r#"{ "a" : 1.50,"é":"\u00e9" }"#);
    assert_eq!(envelope.received_at, Some(Micros(1_767_323_045_000_000)));
    let (body, _) = read(r#"{"kind":"callback","body":"{\"a\":\"\\u00e9\"}\n"}"#);
    assert_eq!(body, r#"{"a":"\u00e9"}"#);
    let (body, _) = read(r#"{"headers":{},"body":"callBackType=NETVERIFYID&idType=PASSPORT"}"#);
    assert_eq!(body, "callBackType=NETVERIFYID&idType=PASSPORT");
    let (body, _) = read(r#"{"remote_ip":"192.0.2.1","body":"{\"cut\":"}"#);
    assert_eq!(body, r#"{"cut":"#);
}

#[test]
fn a_body_alone_is_an_envelope_if_it_holds_a_payload() {
    assert_eq!(read(r#"{"body":{"a":1}}"#).0, r#"{"a":1}"#);
    assert_eq!(read(r#"{"body":"a=1"}"#).0, "a=1");
    for bare in [r#"{"body":"slim"}"#, r#"{"body":[1]}"#, r#"{"body":7,"kind":"x"}"#, r#"{"body":null}"#] {
        assert_eq!(read(bare).0, bare);
    }
}

#[test]
fn payloads_are_not_taken_apart() {
    for bare in [
        r#"{"code":"SUCCESS","data":{"signatureId":"x"},"transactionId":"t"}"#,
        r#"{"job_complete":true,"result":{"ResultCode":"1012"},"signature":"s"}"#,
        r#"{"body":{"a":1},"score":3}"#,
        r#"{"broken":"#,
        "callBackType=NETVERIFYID&body=1",
        "\"just text\"",
    ] {
        assert_eq!(read(bare), (bare.to_owned(), Envelope::default()), "{bare}");
    }
}

#[test]
fn a_field_that_the_user_names_needs_no_company() {
    assert_eq!(read_with(r#"{"id":7,"data":{"a":1}}"#, &with_field("data")).0, r#"{"a":1}"#);
    let named =
        Options { names: EnvelopeNames { body: "raw".into(), ..EnvelopeNames::default() }, ..Options::default() };
    assert_eq!(read_with(r#"{"id":7,"raw":"{\"a\":1}"}"#, &named).0, r#"{"a":1}"#);
    assert_eq!(read_with(r#"{"SmileJobID":"1"}"#, &with_field("data")).0, r#"{"SmileJobID":"1"}"#);
}

#[test]
fn an_envelope_without_a_body_is_said_to_be_one() {
    assert!(parse(br#"{"kind":"callback","body":null}"#, &Options::default()).is_err());
    assert!(parse(br#"{"kind":"callback","body":" "}"#, &Options::default()).is_err());
    assert!(parse(br#"{"data":null}"#, &with_field("data")).is_err());
}

#[test]
fn a_row_may_be_a_string_that_holds_the_payload() {
    assert_eq!(read(r#""{\"a\":1}""#).0, r#"{"a":1}"#);
    assert_eq!(read(r#""a=1&b=2""#).0, "a=1&b=2");
}

#[test]
fn providers_and_kinds_are_read_as_people_write_them() {
    let of = |word: &str| read(&format!(r#"{{"provider":"{word}","kind":"Job_Status","body":{{}}}}"#)).1;
    for word in ["smile_id", "SmileID", "smile-id", "Smile Identity"] {
        assert_eq!(of(word).provider, Some(Provider::SmileId), "{word}");
    }
    assert_eq!(of("Advance.AI").provider, Some(Provider::AdvanceAi));
    assert_eq!(of("advanceai").provider, Some(Provider::AdvanceAi));
    assert_eq!(of("JUMIO").provider, Some(Provider::Jumio));
    assert_eq!(of("acme").provider, None);
    assert_eq!(of("jumio").kind, Some(Kind::JobStatus));
}

#[test]
fn headers_come_in_several_shapes() {
    let expected = vec![("Job-ID".to_owned(), "job_1".to_owned()), ("X-Count".to_owned(), "2".to_owned())];
    for headers in [
        r#"{"Job-ID":"job_1","X-Count":2,"X-None":null}"#,
        r#"{"Job-ID":["job_1","other"],"X-Count":["2"],"X-None":[]}"#,
        r#"[["Job-ID","job_1"],["X-Count",2],["odd"]]"#,
        r#"[{"name":"Job-ID","value":"job_1"},{"key":"X-Count","value":"2"}]"#,
        r#""{\"Job-ID\":\"job_1\",\"X-Count\":2}""#,
    ] {
        let envelope = read(&format!(r#"{{"headers":{headers},"body":{{}}}}"#)).1;
        assert_eq!(envelope.headers, expected, "{headers}");
    }
    assert_eq!(read(r#"{"headers":"none","body":{}}"#).1.headers, []);
}

#[test]
fn the_usual_names_of_the_payload_are_known_where_the_row_is_surely_an_envelope() {
    let (body, envelope) = read(r#"{"received_at":"2026-01-02T03:04:05Z","headers":{"Job-ID":"j"},"payload":{"a":1}}"#);
    assert_eq!((body.as_str(), envelope.header("job-id")), (r#"{"a":1}"#, Some("j")));
    assert!(envelope.received_at.is_some());
    assert_eq!(read(r#"{"code":"SUCCESS","data":{"a":1}}"#).0, r#"{"code":"SUCCESS","data":{"a":1}}"#);
}

#[test]
fn the_parts_of_a_request_are_found_wherever_they_stand() {
    for row in [
        r#"{"request":{"country":"NG","id_type":"BVN"},"body":{}}"#,
        r#"{"request":"{\"country\":\"NG\",\"idType\":\"BVN\"}","body":{}}"#,
        r#"{"request":{"body":{"country":"NG","id_type":"BVN"}},"body":{}}"#,
        r#"{"request":{"body":"{\"country\":\"NG\",\"id_type\":\"BVN\"}"},"body":{}}"#,
        r#"{"request":{"query":{"country":"NG","id_type":"BVN"}},"body":{}}"#,
        r#"{"request":{"query":"?country=NG&id_type=BVN"},"body":{}}"#,
        r#"{"request":{"url":"https://example.test/id_status?country=NG&id_type=BVN"},"body":{}}"#,
        r#"{"request":"/id_status?country=NG&id_type=BVN","body":{}}"#,
        r#"{"country":"NG","id_type":"BVN","body":{}}"#,
    ] {
        let request = read(row).1.request;
        assert_eq!((request.country.as_deref(), request.id_type.as_deref()), (Some("NG"), Some("BVN")), "{row}");
    }
}

#[test]
fn partner_parameters_and_channel_belong_to_the_request() {
    let row = r#"{"request":{"url":"u","partner_id":"085","environment":"sandbox","channel":"ASYNC",
        "body":{"partner_params":{"job_id":"j","user_id":"u","job_type":5}}},"body":{}}"#;
    let envelope = read(row).1;
    let expected = Request {
        url: Some("u".into()),
        partner_id: Some("085".into()),
        environment: Some("sandbox".into()),
        job_id: Some("j".into()),
        user_id: Some("u".into()),
        job_type: Some("5".into()),
        ..Request::default()
    };
    assert_eq!(envelope.request, expected);
    assert_eq!(envelope.channel, Some(Channel::Async));
}
const PAYLOAD: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012","ResultText":"Exact Match"}"#;

/// Where a row's payload is found, which must be [`PAYLOAD`].
fn field(row: &str) -> Option<String> {
    let found = parse(row.as_bytes(), &Options::default()).unwrap();
    assert_eq!(String::from_utf8_lossy(&found.body), PAYLOAD, "{row}");
    found.field
}

#[test]
fn the_payload_is_found_in_whatever_field_a_store_put_it() {
    let text = serde_json::to_string(PAYLOAD).unwrap();
    let twice = serde_json::to_string(&text).unwrap();
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, PAYLOAD);
    for (row, expected) in [
        (PAYLOAD.to_owned(), None),
        (text.clone(), None),
        (format!(r#"{{"id":7,"smile_result":{PAYLOAD}}}"#), Some("smile_result")),
        (
            format!(r#"{{"id":7,"raw_response":{text},"smile_job_id":"0000000007","result_code":"1012"}}"#),
            Some("raw_response"),
        ),
        (format!(r#"{{"id":7,"payload":{twice}}}"#), Some("payload")),
        (format!(r#"{{"id":7,"payload":"{coded}"}}"#), Some("payload")),
        (format!(r#"{{"id":7,"data":{PAYLOAD}}}"#), Some("data")),
        (format!(r#"{{"_id":{{"$oid":"5f"}},"whatever":{PAYLOAD}}}"#), Some("whatever")),
        (format!(r#"{{"Item":{{"pk":{{"S":"x"}},"payload":{{"S":{text}}}}}}}"#), Some("Item.payload")),
        (format!(r#"{{"Records":[{{"messageId":"x","body":{text}}}]}}"#), Some("Records.body")),
        (format!(r#"{{"message":{{"data":"{coded}","publishTime":"2026-10-01T10:00:00Z"}}}}"#), Some("message.data")),
        (json!({"log": format!("INFO callback {PAYLOAD}\n"), "stream": "stdout"}).to_string(), Some("log")),
    ] {
        assert_eq!(field(&row).as_deref(), expected, "{row}");
    }
}

#[test]
fn an_event_inside_an_event_is_opened_and_both_tell_what_they_know() {
    let event = format!(
        r#"{{"headers":{{"Job-ID":"job_1"}},"requestContext":{{"requestTimeEpoch":1767323045000,"identity":{{"sourceIp":"192.0.2.7"}}}},"body":{}}}"#,
        serde_json::to_string(PAYLOAD).unwrap()
    );
    let queued = format!(
        r#"{{"messageId":"1","attributes":{{"SentTimestamp":"1767323099000"}},"body":{}}}"#,
        serde_json::to_string(&event).unwrap()
    );
    for (row, way) in [(event, "body"), (queued, "body.body")] {
        let found = parse(row.as_bytes(), &Options::default()).unwrap();
        assert_eq!(String::from_utf8_lossy(&found.body), PAYLOAD);
        let envelope = &found.envelope;
        assert_eq!(
            (envelope.header("job-id"), envelope.remote_ip.as_deref()),
            (Some("job_1"), Some("192.0.2.7")),
            "{way}"
        );
        assert_eq!(envelope.received_at, Some(Micros(1_767_323_045_000_000)));
        assert_eq!(found.field.as_deref(), Some(way));
    }
}

#[test]
fn a_body_in_base64_is_decoded_where_the_event_says_so() {
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "status=anything");
    let (body, _) = read(&format!(r#"{{"isBase64Encoded":true,"body":"{coded}"}}"#));
    assert_eq!(body, "status=anything");
}

#[test]
fn recorded_exchanges_give_what_was_answered_or_else_what_was_received() {
    let text = serde_json::to_string(PAYLOAD).unwrap();
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, PAYLOAD);
    let asked = r#"{"method":"POST","url":"https://example.test/v1/job_status?country=NG","headers":[{"name":"X","value":"1"}],"postData":{"text":"{\"job_id\":\"j\"}"}}"#;
    for response in [
        format!(r#"{{"status":200,"content":{{"mimeType":"application/json","text":{text}}}}}"#),
        format!(r#"{{"status":200,"content":{{"encoding":"base64","text":"{coded}"}}}}"#),
        format!(r#"{{"status":{{"code":200}},"body":{{"encoding":"UTF-8","string":{text}}}}}"#),
        format!(r#"{{"status":{{"code":200}},"body":{{"base64_string":"{coded}"}}}}"#),
    ] {
        let row = format!(r#"{{"startedDateTime":"2026-01-02T03:04:05Z","request":{asked},"response":{response}}}"#);
        let (body, envelope) = read(&row);
        assert_eq!(body, PAYLOAD, "{row}");
        let request = &envelope.request;
        assert_eq!((request.country.as_deref(), request.job_id.as_deref()), (Some("NG"), Some("j")));
        assert_eq!(envelope.received_at, Some(Micros(1_767_323_045_000_000)));
    }
    let row = format!(
        r#"{{"request":{{"headers":{{"Job-ID":["job_1"]}},"body":{{"string":{text}}}}},"response":{{"body":{{"string":"OK"}}}}}}"#
    );
    let (body, envelope) = read(&row);
    assert_eq!((body.as_str(), envelope.header("Job-ID")), (PAYLOAD, Some("job_1")));
}

#[test]
fn the_way_that_the_user_names_is_taken_whatever_is_there() {
    for (row, way) in [
        (r#"{"a":{"b":[{"c":"{\"x\":1}"}]}}"#, "a.b[0].c"),
        (r#"{"a.b":{"x":1}}"#, "a.b"),
        (r#"{"a":"{\"b\":{\"x\":1}}"}"#, "a.b"),
    ] {
        assert_eq!(read_with(row, &with_field(way)).0, r#"{"x":1}"#, "{row}");
    }
    assert!(parse(br#"{"a":{"c":1}}"#, &with_field("a.b")).is_err());
}

#[test]
fn what_holds_no_payload_stays_whole() {
    for row in [
        r#"{"order":7,"data":{"buyer":"x"},"items":[{"a":1},{"b":2}]}"#,
        r#"{"Records":[{"body":"{}"},{"body":"{}"}]}"#,
        r#"{"partner_params":{"job_id":"j","user_id":"u","job_type":1},"note":"parts stay with their row"}"#,
    ] {
        assert_eq!(read(row), (row.to_owned(), Envelope::default()));
    }
}

#[test]
fn envelopes_within_envelopes_are_opened_a_few_times_and_not_for_ever() {
    let within = |levels: usize| {
        let (open, close) = (r#"{"headers":{},"payload":"#.repeat(levels), "}".repeat(levels));
        format!("{open}{PAYLOAD}{close}")
    };
    assert_eq!(field(&within(3)).as_deref(), Some("payload.payload.payload"));
    let deep = within(100_000);
    let found = parse(deep.as_bytes(), &Options::default()).unwrap();
    assert!(found.body.len() > deep.len() / 2, "left as it is");
}

#[test]
fn a_second_payload_of_a_row_is_said() {
    let two = format!(r#"{{"id":1,"provisional":{PAYLOAD},"final":{PAYLOAD}}}"#);
    assert_eq!(field(&two).as_deref(), Some("provisional, while final holds another that is not read"));
    let named = format!(r#"{{"payload":{PAYLOAD},"previous":{PAYLOAD}}}"#);
    assert_eq!(field(&named).as_deref(), Some("payload, while previous holds another that is not read"));
    let keyed = format!(r#"{{"-N0":{{"payload":{PAYLOAD}}},"-N1":{{"payload":{PAYLOAD}}}}}"#);
    assert_eq!(field(&keyed).as_deref(), Some("-N0.payload, while -N1 holds another that is not read"));
    let line = format!("2026-10-01T10:00:00Z batch {PAYLOAD} {PAYLOAD}");
    assert_eq!(field(&line).as_deref(), Some("the text of a line, of which another is not read"));
}

#[test]
fn a_column_that_names_the_provider_makes_no_payload_of_the_others() {
    let noted = format!(r#"{{"provider":"smile_id","metadata":{{"k":1}},"blob":{PAYLOAD}}}"#);
    assert_eq!(field(&noted).as_deref(), Some("blob"));
    let failed = format!(r#"{{"provider":"smile_id","payload":{{"error":"timeout"}},"raw_response":{PAYLOAD}}}"#);
    assert_eq!(field(&failed).as_deref(), Some("raw_response"));
    let bare = r#"{"provider":"smile_id","payload":{"status":"clear","message":"done"}}"#;
    assert_eq!(read(bare).0, r#"{"status":"clear","message":"done"}"#, "its content says nothing, the column does");
}
