//! Whole payloads, invented in the shapes that Smile ID and its integrators use.

use proptest::prelude::*;

use super::*;
use crate::envelope::Request;
use crate::record::{Channel, Environment, Product, SignatureClass};

fn read_with(json: &str, envelope: &Envelope) -> Decoded {
    decode(&Object::parse(json).expect("well-formed"), envelope)
}

fn read(json: &str) -> Decoded {
    read_with(json, &Envelope::default())
}

fn asked(request: Request) -> Envelope {
    Envelope { request, ..Envelope::default() }
}

#[test]
fn a_job_status_answer_states_its_job_and_each_history_entry() {
    let decoded = read(
        r#"{"timestamp":"1700000000000","signature":"...","job_complete":true,"job_success":true,"code":2302,
        "result":{"ResultText":"Enroll User","SmileJobID":"0000004712","PartnerParams":{"job_id":"j-2","user_id":"u-1","job_type":4}},
        "history":[{"ResultCode":"1210","SmileJobID":"0000004711","PartnerParams":{"job_id":"j-1","job_type":"1"},"Actions":{"Liveness_Check":"Passed"}},
                   {"ResultCode":"1012","Country":"Nigeria","IDType":"BVN","PartnerParams":{}}, "gone"]}"#,
    );
    assert_eq!(decoded.kind, Kind::JobStatus);
    assert_eq!(decoded.statements.len(), 3);
    let [job, face, lookup] = &decoded.statements[..] else { panic!("three statements") };
    assert_eq!((job.job_complete, job.job_success, job.query_code.as_deref()), (Some(true), Some(true), Some("2302")));
    assert_eq!((job.result_code.as_deref(), job.product), (None, Some(Product::SmartselfieRegistration)));
    assert_eq!((face.position, face.is_history, face.job_complete, face.query_code.as_deref()), (1, true, None, None));
    assert_eq!((face.provider_job_id.as_deref(), face.product), (Some("0000004711"), Some(Product::BiometricKyc)));
    assert_eq!((lookup.position, lookup.provider_job_id.as_deref(), lookup.partner_job_id.as_deref()), (2, None, None));
    assert_eq!(lookup.country.as_deref(), Some("NG"));
    assert_eq!(decoded.checks[0].position, 1);
    assert_eq!(decoded.problems, ["a history entry is not an object"]);
}

#[test]
fn history_takes_nothing_from_the_request() {
    let json = r#"{"job_complete":false,"code":"2302","result":null,"history":[{"ResultCode":"1012"}]}"#;
    let request = Request {
        job_id: Some("j-1".into()),
        job_type: Some("1".into()),
        country: Some("KE".into()),
        ..Request::default()
    };
    let decoded = read_with(json, &asked(request));
    let [job, entry] = &decoded.statements[..] else { panic!("two statements") };
    assert_eq!((job.partner_job_id.as_deref(), job.country.as_deref()), (Some("j-1"), Some("KE")));
    assert_eq!(job.product, Some(Product::BiometricKyc));
    assert_eq!((&entry.partner_job_id, &entry.country, entry.product), (&None, &None, None));
}

#[test]
fn a_job_status_answer_without_a_result_still_states_its_job() {
    for result in ["null", "{}", "[]", "\"[]\"", "\"\"", "7"] {
        let json =
            format!(r#"{{"job_complete":true,"job_success":false,"code":"2302","result":{result},"history":[]}}"#);
        let decoded = read(&json);
        assert_eq!(decoded.kind, Kind::JobStatus, "{json}");
        let [job] = &decoded.statements[..] else { panic!("one statement: {json}") };
        assert_eq!((&job.result_code, &job.result_text, job.job_success), (&None, &None, Some(false)), "{json}");
    }
    let decoded = read(r#"{"job_complete":false,"job_success":false,"code":"2314","result":"No zip file received"}"#);
    assert_eq!(decoded.statements[0].result_text.as_deref(), Some("No zip file received"));
    assert_eq!(decoded.statements[0].query_code.as_deref(), Some("2314"));
    let decoded = read(r#"{"code":"2304","error":"Job not found","signature":"...","timestamp":"t"}"#);
    assert_eq!((decoded.kind, decoded.statements.len()), (Kind::ErrorResponse, 0));
    assert_eq!(decoded.submission.and_then(|s| s.code).as_deref(), Some("2304"));
}

#[test]
fn the_receipt_attributes_a_result_that_names_no_job() {
    let decoded = read(
        r#"{"job_complete":true,"job_success":true,"code":"2302","signature":"Ab...","timestamp":"2024-05-23T10:47:51.533Z",
        "kyc_receipt":"https://portal.smileidentity.com/api/v3/077/job_result_summary/0000000042/generate_pdf?environment=production"}"#,
    );
    assert_eq!(decoded.statements[0].provider_job_id.as_deref(), Some("0000000042"));
    assert_eq!((decoded.partner.as_deref(), decoded.environment), (Some("77"), Some(Environment::Production)));
}

#[test]
fn a_receipt_alone_states_nothing() {
    let decoded = read(
        r#"{"KYCReceipt":"https://portal.smileidentity.com/api/v3/77/job_result_summary/0000000042/generate_pdf","signature":"Ab...","timestamp":"2024-05-23T10:41:27Z"}"#,
    );
    assert_eq!((decoded.kind, decoded.statements.len()), (Kind::Callback, 0));
    assert!(decoded.receipt.is_some() && decoded.stated_at.is_some());
}

#[test]
fn a_v3_webhook_is_named_and_signed_in_its_headers() {
    let headers = [
        ("job-id", "job_01abc"),
        ("USER-ID", "user_01abc"),
        ("Response-Signature", "sig"),
        ("Response-Timestamp", "2026-07-01T00:00:05Z"),
    ];
    let envelope = Envelope { headers: headers.map(|(n, v)| (n.into(), v.into())).to_vec(), ..Envelope::default() };
    let decoded = read_with(
        r#"{"status":"BLOCK","message":"Verification failed","reason":"high_risk","product":"enhanced_kyc","created_at":"2026-07-01T00:00:00Z",
        "completed_at":"2026-07-01T00:00:04Z","partner_params":{"job_id":"case-7","branch":"Ikeja"},"id_fields":{"country":"NG","id_type":"NIN_V2","full_name":"Ada Okoro"}}"#,
        &envelope,
    );
    let [statement] = &decoded.statements[..] else { panic!("one statement") };
    assert_eq!(decoded.kind, Kind::V3Callback);
    assert_eq!((statement.result_code.as_deref(), statement.error_code.as_deref()), (Some("block"), Some("high_risk")));
    assert_eq!(
        (statement.provider_job_id.as_deref(), statement.partner_job_id.as_deref()),
        (Some("job_01abc"), Some("case-7"))
    );
    assert_eq!((statement.country.as_deref(), statement.id_type.as_deref()), (Some("NG"), Some("NIN_V2")));
    assert_eq!(statement.stated_at, time::parse("2026-07-01T00:00:04Z"));
    assert_eq!(statement.requested_at, time::parse("2026-07-01T00:00:00Z"));
    assert_eq!(decoded.signature.class, SignatureClass::HeaderOnlyScheme);
    assert_eq!(decoded.signature.value.as_deref(), Some("sig"));
    // When it was sent is the delivery's, not the payload's.
    assert_eq!(decoded.stated_at, time::parse("2026-07-01T00:00:04Z"));
    assert_eq!(decoded.personal, ["Ada Okoro", "user_01abc"]);
}

#[test]
fn headers_show_a_bare_v3_body_to_be_one() {
    let body = r#"{"status":"error","message":"not now"}"#;
    let object = Object::parse(body).expect("well-formed");
    assert!(!sniff(&object));
    let envelope = Envelope { headers: vec![("Job-ID".into(), "job_1".into())], ..Envelope::default() };
    assert_eq!(decode(&object, &envelope).kind, Kind::V3Callback);
}

#[test]
fn a_v2_answer_is_coded_by_its_number_or_else_its_status() {
    let json = |code: &str| {
        format!(
            r#"{{"code":"{code}","status":"approved","job_id":"0000000042","job_type":"smart_selfie_authentication","partner_id":"077",
            "message":"Authenticated","partner_params":{{"job_id":"j-1"}},"created_at":"2026-07-01T00:00:00Z","updated_at":"2026-07-01T00:00:09Z","user_id":"u-1"}}"#
        )
    };
    let decoded = read(&json("0820"));
    let statement = &decoded.statements[0];
    assert_eq!(
        (statement.result_code.as_deref(), statement.product),
        (Some("0820"), Some(Product::SmartselfieAuthentication))
    );
    assert_eq!(
        (statement.provider_job_id.as_deref(), statement.partner_job_id.as_deref()),
        (Some("0000000042"), Some("j-1"))
    );
    assert_eq!((decoded.kind, decoded.partner.as_deref()), (Kind::Callback, Some("77")));
    assert_eq!(decoded.stated_at, time::parse("2026-07-01T00:00:09Z"));
    assert_eq!(read(&json("2202")).statements[0].result_code.as_deref(), Some("approved"));
}

#[test]
fn the_request_gives_channel_environment_and_authority() {
    let request = Request {
        url: Some("https://testapi.smileidentity.com/v1/async_id_verification".into()),
        country: Some("Ghana".into()),
        id_type: Some("voter_id".into()),
        partner_id: Some("077".into()),
        ..Request::default()
    };
    let decoded = read_with(r#"{"ResultCode":"1015","ResultText":"Queried Database Unavailable"}"#, &asked(request));
    assert_eq!((decoded.channel, decoded.environment), (Some(Channel::Async), Some(Environment::Sandbox)));
    assert_eq!(decoded.partner.as_deref(), Some("77"));
    let statement = &decoded.statements[0];
    assert_eq!((statement.country.as_deref(), statement.id_type.as_deref()), (Some("GH"), Some("VOTER_ID")));
}

#[test]
fn problems_never_repeat_what_the_payload_says() {
    let decoded = read(
        r#"{"SmileJobID":"1","ResultCode":"1012","Country":"SECRET","DOB":"SECRET","ExpirationDate":"SECRET","KYCReceipt":"SECRET","SmileJobID":"1"}"#,
    );
    assert_eq!(decoded.problems.len(), 5, "{:?}", decoded.problems);
    assert!(!decoded.problems.concat().contains("SECRET"));
}

#[test]
fn a_text_is_read_only_if_it_speaks_of_the_archive() {
    for text in ["No zip uploaded yet", "Zip file failed", "Zip Corrupt"] {
        let decoded = decode_text(text).expect("known text");
        assert_eq!(decoded.kind, Kind::Fragment);
        assert_eq!(decoded.statements[0].result_text.as_deref(), Some(text));
    }
    assert!(decode_text("ok").is_none() && decode_text("SUCCESS").is_none() && decode_text("").is_none());
}

#[test]
fn what_is_no_message_is_a_reject() {
    assert_eq!(read(r#"{"hello":"world"}"#).reject.map(|(reason, _)| reason), Some(RejectReason::UnknownShape));
}

/// Values of every sort, well-formed or absurd, for any field.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("true".to_owned()),
        "[1-9][0-9]{0,4}",
        "\"[ -!#-\\[\\]-~]{0,30}\"",
        Just(r#"{"job_id":7,"user_id":[],"job_type":{}}"#.to_owned()),
        Just(r#"[{"ResultCode":810},"x",null,[[]]]"#.to_owned()),
        Just(r#""{\"country\":\"NG\"}""#.to_owned()),
        Just(r#""https://portal.smileidentity.com/api/v3/é/job_result_summary""#.to_owned()),
    ]
}

/// Every field that decides or is read.
const FIELDS: &[&str] = &[
    "status",
    "code",
    "error",
    "result",
    "history",
    "job_complete",
    "job_success",
    "ResultCode",
    "ResultText",
    "SmileJobID",
    "JobId",
    "PartnerParams",
    "partner_params",
    "Actions",
    "timestamp",
    "signature",
    "sec_key",
    "kyc_receipt",
    "image_links",
    "upload_url",
    "ref_id",
    "smile_job_id",
    "id_fields",
    "product",
    "reason",
    "job_id",
    "user_id",
    "Country",
    "DOB",
    "company_information",
    "FullData",
    "last_known_status",
    "last_checked",
    "last_hour_success_rate",
    "_debug",
    "created_at",
    "completed_at",
    "ConfidenceValue",
    "partner_id",
];

fn any_field() -> impl Strategy<Value = String> {
    (proptest::sample::select(FIELDS), any_value()).prop_map(|(name, value)| format!("\"{name}\":{value}"))
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(fields in proptest::collection::vec(any_field(), 0..10)) {
        let json = format!("{{{}}}", fields.join(","));
        let object = Object::parse(&json).expect("well-formed");
        let decoded = decode(&object, &Envelope::default());
        prop_assert!(decoded.statements.iter().all(|statement| statement.is_history == (statement.position > 0)));
        prop_assert_eq!(decoded.reject.is_some(), decoded.kind == Kind::Unreadable);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = decode_text(&text);
    }
}
