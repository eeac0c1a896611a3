use super::*;
use crate::provider::{StatedCheck, Statement};
use crate::record::Product;
use proptest::prelude::*;

fn read(object: &Object) -> Decoded {
    assert!(sniff(object));
    decode(object, &Envelope::default())
}

fn json(text: &str) -> Decoded {
    read(&Object::parse(text).unwrap())
}

fn form(fields: &[(&str, &str)]) -> Decoded {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    read(&Object::parse_form(body.as_bytes()))
}

fn only(decoded: &Decoded) -> &Statement {
    assert_eq!(decoded.statements.len(), 1);
    &decoded.statements[0]
}

fn codes(decoded: &Decoded) -> (Option<&str>, Option<&str>) {
    let statement = only(decoded);
    (statement.result_code.as_deref(), statement.error_code.as_deref())
}

fn value<'a>(checks: &'a [StatedCheck], name: &str) -> Option<&'a str> {
    checks.iter().find(|check| check.name == name).and_then(|check| check.value.as_deref())
}

const CALLBACK: &[(&str, &str)] = &[
    ("callBackType", "NETVERIFYID"),
    ("jumioIdScanReference", "0a0a0a0a-1111-4222-8333-bbbbbbbbbbbb"),
    ("merchantIdScanReference", "order-17"),
    ("customerId", "customer-17"),
    ("idScanSource", "WEB_CAM"),
    ("idScanStatus", "SUCCESS"),
    ("verificationStatus", "APPROVED_VERIFIED"),
    ("idType", "passport"),
    ("idCountry", "XKX"),
    ("idFirstName", "Blerta"),
    ("idLastName", "N/A"),
    ("idDob", "1990-02-03"),
    ("idNumber", "K0000001"),
    ("idAddress", r#"{"line1":"1 Made Up Street","country":"XKX"}"#),
    ("idCheckHologram", "OK"),
    ("transactionDate", "2021-05-06T07:08:09.1Z"),
    ("callbackDate", "2021-05-06T07:10:00.000Z"),
];

fn callback_with(name: &'static str, value: &'static str) -> Decoded {
    let fields: Vec<_> = CALLBACK.iter().copied().filter(|(n, _)| *n != name).chain([(name, value)]).collect();
    form(&fields)
}

#[test]
fn a_netverify_form_is_read_whole() {
    let decoded = form(CALLBACK);
    let s = only(&decoded);
    assert_eq!((decoded.kind, s.product), (Kind::Callback, Some(Product::Netverify)));
    assert_eq!(s.provider_job_id.as_deref(), Some("0a0a0a0a-1111-4222-8333-bbbbbbbbbbbb"));
    assert_eq!((s.partner_job_id.as_deref(), s.user_id.as_deref()), (Some("order-17"), Some("customer-17")));
    assert_eq!((s.country.as_deref(), s.id_type.as_deref()), (Some("XK"), Some("PASSPORT")));
    assert_eq!(s.id_scan_source.as_deref(), Some("WEB_CAM"));
    assert_eq!(s.stated_at.map(|t| t.rfc3339()).as_deref(), Some("2021-05-06T07:10:00Z"));
    assert_eq!(s.requested_at.map(|t| t.rfc3339()).as_deref(), Some("2021-05-06T07:08:09.100Z"));
    assert_eq!(value(&decoded.checks, "idCheckHologram"), Some("OK"));
    assert_eq!(decoded.personal, ["customer-17", "Blerta", "1990-02-03", "K0000001", "1 Made Up Street"]);
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
}

#[test]
fn a_form_and_its_json_re_encodings_state_the_same() {
    let plain = format!(
        "{{{},\"identityVerification\":{{\"similarity\":\"NO_MATCH\",\"validity\":true}}}}",
        CALLBACK.iter().map(|(n, v)| format!("{n:?}:{v:?}")).collect::<Vec<_>>().join(",")
    );
    let lists = format!(
        "{{{},\"identityVerification\":[\"{{'similarity': 'NO_MATCH', 'validity': True}}\"]}}",
        CALLBACK.iter().map(|(n, v)| format!("{n:?}:[{v:?}]")).collect::<Vec<_>>().join(",")
    );
    let of_form = callback_with("identityVerification", r#"{"similarity":"NO_MATCH","validity":true}"#);
    assert_eq!(codes(&of_form), (Some("APPROVED_VERIFIED"), Some("NO_MATCH")));
    for re_encoded in [json(&plain), json(&lists)] {
        assert_eq!(re_encoded.statements, of_form.statements);
        assert_eq!(re_encoded.personal, of_form.personal);
    }
}

#[test]
fn the_face_check_gives_the_reason_of_an_approved_document_only() {
    let invalid =
        callback_with("identityVerification", r#"{"similarity":"MATCH","validity":false,"reason":"LIVENESS_FAILED"}"#);
    assert_eq!(codes(&invalid), (Some("APPROVED_VERIFIED"), Some("LIVENESS_FAILED")));
    assert_eq!(value(&invalid.checks, "identityVerification.similarity"), Some("MATCH"));
    let passed = callback_with("identityVerification", r#"{"similarity":"MATCH","validity":"TRUE"}"#);
    assert_eq!(codes(&passed), (Some("APPROVED_VERIFIED"), None));
    let denied = json(
        r#"{"jumioIdScanReference":"r","verificationStatus":"DENIED_FRAUD","rejectReason":{"rejectReasonCode":"106"},
        "identityVerification":{"similarity":"NO_MATCH","validity":true}}"#,
    );
    assert_eq!(codes(&denied), (Some("DENIED_FRAUD"), Some("106")));
}

#[test]
fn reject_reasons_are_read_however_they_are_written() {
    let reasons = [
        r#"{"rejectReasonCode":"200","rejectReasonDescription":"NOT_READABLE_DOCUMENT","rejectReasonDetails":{"detailsCode":"2001","detailsDescription":"BLURRED"}}"#,
        r#"{'rejectReasonCode': '200', 'rejectReasonDescription': 'NOT_READABLE_DOCUMENT', 'rejectReasonDetails': [{'detailsCode': '2001', 'detailsDescription': 'BLURRED'}]}"#,
    ];
    for reason in reasons {
        let decoded = form(&[
            ("jumioIdScanReference", "r"),
            ("verificationStatus", "ERROR_NOT_READABLE_ID"),
            ("rejectReason", reason),
        ]);
        assert_eq!(codes(&decoded), (Some("ERROR_NOT_READABLE_ID"), Some("200")));
        assert_eq!(value(&decoded.checks, "rejectReason"), Some("200"));
        assert_eq!(value(&decoded.checks, "rejectReasonDetail"), Some("2001"));
    }
    let none = form(&[
        ("jumioIdScanReference", "r"),
        ("verificationStatus", "DENIED_UNSUPPORTED_ID_TYPE"),
        ("rejectReason", "N/A"),
    ]);
    assert_eq!(codes(&none), (Some("DENIED_UNSUPPORTED_ID_TYPE"), None));
}

#[test]
fn only_a_match_of_a_live_person_passes() {
    fn codes_of(face: &'static str) -> Option<String> {
        callback_with("identityVerification", face).statements[0].error_code.clone()
    }
    for passing in [r#"{"similarity":"MATCH","validity":1}"#, r#"{"similarity":"match","validity":"True"}"#, "N/A"] {
        assert_eq!(codes_of(passing), None, "{passing}");
    }
    for (face, error) in [
        (r#"{"similarity":"MATCH","validity":0}"#, "VALIDITY_FALSE"),
        (r#"{"similarity":"NO MATCH","validity":true}"#, "NO_MATCH"),
        (r#"{"similarity":"NOT_POSSIBLE"}"#, "NOT_POSSIBLE"),
        (r#"{"similarity":"MATCH"}"#, "IDENTITY_VERIFICATION_UNREADABLE"),
        (r#"{"validity":true}"#, "IDENTITY_VERIFICATION_UNREADABLE"),
        (r#"{"similarity":"MATCH","validity":"no"}"#, "IDENTITY_VERIFICATION_UNREADABLE"),
        ("NO_MATCH", "IDENTITY_VERIFICATION_UNREADABLE"),
    ] {
        assert_eq!(codes_of(face).as_deref(), Some(error), "{face}");
    }
    let flat = b"jumioIdScanReference=r&verificationStatus=APPROVED_VERIFIED\
                 &identityVerification%5Bsimilarity%5D=NO_MATCH&identityVerification%5Bvalidity%5D=true";
    let flat = crate::provider::decode(flat, &Envelope::default());
    assert_eq!(flat.statements[0].error_code.as_deref(), Some("NO_MATCH"));
}

#[test]
fn contradictions_and_gaps_are_problems() {
    let beside = callback_with("rejectReason", r#"{"rejectReasonCode":"201"}"#);
    assert_eq!(
        (codes(&beside), beside.problems.as_slice()),
        ((Some("APPROVED_VERIFIED"), Some("201")), &["rejectReason beside APPROVED_VERIFIED".to_owned()][..])
    );
    let error = callback_with("idScanStatus", "ERROR");
    assert_eq!(error.problems, ["idScanStatus ERROR beside APPROVED_VERIFIED"]);
    let minimal = form(&[("idScanSource", "SDK"), ("jumioIdScanReference", "r"), ("merchantIdScanReference", "m")]);
    assert_eq!(
        (codes(&minimal), minimal.problems.as_slice()),
        ((None, None), &["verificationStatus is missing".to_owned()][..])
    );
    let odd = callback_with("idDob", "NaN-NaN-NaN");
    assert_eq!(odd.problems, ["idDob is not a date"]);
    let odd = callback_with("callbackDate", "yesterday");
    assert_eq!(odd.problems, ["callbackDate is not a time"]);
    assert_eq!(only(&odd).stated_at, only(&odd).requested_at);
}

#[test]
fn document_callbacks_tell_how_far_extraction_came_and_give_no_verdict() {
    let transaction = |status: &str| {
        format!(
            r#"{{"date":"2020-01-02T03:04:05.006Z","status":"{status}","source":"DOC_API","merchantScanReference":"m-1"}}"#
        )
    };
    let document = r#"{"type":"UB","country":"KEN","images":["https://example.invalid/1"],"status":"EXTRACTED","extractedData":{"name":"Wanjiru Test"}}"#;
    let head = [("timestamp", "2020-01-02T03:05:00.000Z"), ("scanReference", "d-1")];
    let decoded = form(&[head[0], head[1], ("document", document), ("transaction", &transaction("DONE"))]);
    assert_eq!((decoded.kind, decoded.statements.len()), (Kind::DocumentCallback, 0));
    assert_eq!(value(&decoded.checks, "document_status"), Some("EXTRACTED"));
    assert_eq!(decoded.personal, ["Wanjiru Test"]);
    let failed = form(&[head[0], head[1], ("transaction", &transaction("FAILED"))]);
    assert_eq!((failed.kind, codes(&failed)), (Kind::DocumentCallback, (Some("FAILED"), None)));
    let s = only(&failed);
    assert_eq!((s.product, s.provider_job_id.as_deref()), (Some(Product::Document), Some("d-1")));
    assert_eq!((s.partner_job_id.as_deref(), s.id_scan_source.as_deref()), (Some("m-1"), Some("DOC_API")));
}

#[test]
fn authentications_are_callbacks_or_retrieval_answers() {
    let decoded = form(&[
        ("callBackType", "NETVERIFY_AUTHENTICATION"),
        ("transactionReference", "a-1"),
        ("transactionResult", "EXPIRED"),
        ("callbackDate", "2020-01-02T03:04:05.006Z"),
    ]);
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::AuthenticationCallback, (Some("EXPIRED"), None)));
    assert_eq!(only(&decoded).product, Some(Product::Authentication));
    let decoded = json(
        r#"{"transactionReference":"a-1","enrollmentTransactionReference":"e-1","transactionResult":"PASSED","scanSource":"SDK",
        "transactionDate":"2020-01-02T03:04:05.006","images":[{"classifier":"face","href":"https://example.invalid/f"}]}"#,
    );
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::Retrieval, (Some("PASSED"), None)));
    assert_eq!(only(&decoded).provider_job_id.as_deref(), Some("a-1"));
    assert!(only(&decoded).stated_at.is_some());
}

#[test]
fn a_bare_status_states_that_a_scan_is_open_or_failed_but_not_that_it_is_done() {
    let status = |word: &str| {
        json(&format!(r#"{{"timestamp":"2020-01-02T03:04:05.006Z","scanReference":"r-1","status":"{word}"}}"#))
    };
    assert!(status("DONE").statements.is_empty());
    assert_eq!(status("DONE").kind, Kind::Retrieval);
    assert_eq!(codes(&status("PENDING")), (Some("PENDING"), None));
    assert_eq!(codes(&status("FAILED")), (Some("FAILED"), None));
    assert_eq!(only(&status("FAILED")).product, None);
}

#[test]
fn whole_retrieval_answers_give_the_documents_verdict() {
    let answer = |document: &str, rest: &str| {
        json(&format!(
            r#"{{"timestamp":"2020-01-02T03:04:05.006Z","scanReference":"r-1","document":{document},
            "transaction":{{"status":"DONE","source":"SDK","date":"2020-01-01T00:00:00.000Z","merchantScanReference":"m-1"}}{rest}}}"#
        ))
    };
    let approved = r#"{"type":"ID_CARD","issuingCountry":"GHA","status":"APPROVED_VERIFIED","number":"G-000001","dob":"1990-01-01"}"#;
    let decoded = answer(
        approved,
        r#","verification":{"mrzCheck":"NOT_AVAILABLE","identityVerification":{"similarity":"MATCH","validity":"true","similarityScore":0.91}}"#,
    );
    assert_eq!(codes(&decoded), (Some("APPROVED_VERIFIED"), None));
    let s = only(&decoded);
    assert_eq!(
        (s.product, s.country.as_deref(), s.similarity_score),
        (Some(Product::Netverify), Some("GH"), Some(0.91))
    );
    assert_eq!((s.id_number.as_deref(), s.partner_job_id.as_deref()), (Some("G-000001"), Some("m-1")));
    let decoded =
        answer(approved, r#","verification":{"identityVerification":{"similarity":"NOT_POSSIBLE","validity":false}}"#);
    assert_eq!(codes(&decoded), (Some("APPROVED_VERIFIED"), Some("NOT_POSSIBLE")));
    let decoded = answer(r#"{"type":"ID_CARD","status":"DENIED_FRAUD","extractedData":{}}"#, "");
    assert_eq!((codes(&decoded), only(&decoded).product), ((Some("DENIED_FRAUD"), None), Some(Product::Netverify)));
    let decoded = answer(r#"{"type":"ID_CARD","status":"DENIED_SOMETHING_NEW"}"#, "");
    assert_eq!(codes(&decoded), (Some("DENIED_SOMETHING_NEW"), None));
}

#[test]
fn open_and_failed_scans_have_an_empty_document() {
    let answer = |status: &str, rest: &str| {
        json(&format!(
            r#"{{"scanReference":"r-1","document":{{}},"transaction":{{"status":"{status}","source":"SDK"}}{rest}}}"#
        ))
    };
    assert_eq!(codes(&answer("PENDING", "")), (Some("PENDING"), None));
    let failed = answer("FAILED", r#","verification":{"rejectReason":{"rejectReasonCode":"100"}}"#);
    assert_eq!((codes(&failed), failed.kind), ((Some("FAILED"), Some("100")), Kind::Retrieval));
    assert_eq!(only(&failed).product, Some(Product::Netverify));
}

#[test]
fn parts_of_retrieval_answers_state_what_they_can() {
    let part =
        |fields: &str| json(&format!(r#"{{"scanReference":"r-1","timestamp":"2020-01-02T03:04:05.006Z",{fields}}}"#));
    let document = part(r#""type":"PASSPORT","issuingCountry":"NGA","status":"DENIED_FRAUD""#);
    assert_eq!(codes(&document), (Some("DENIED_FRAUD"), None));
    assert_eq!(only(&document).id_type.as_deref(), Some("PASSPORT"));
    let transaction = part(r#""status":"FAILED","source":"DOC_UPLOAD","customerId":"customer-9""#);
    assert_eq!((codes(&transaction), only(&transaction).product), ((Some("FAILED"), None), Some(Product::Document)));
    assert!(part(r#""status":"DONE","source":"WEB_UPLOAD""#).statements.is_empty());
    assert!(
        part(r#""mrzCheck":"OK","identityVerification":{"similarity":"MATCH","validity":"true"}"#)
            .statements
            .is_empty()
    );
    assert_eq!(codes(&part(r#""mrzCheck":"OK","rejectReason":{"rejectReasonCode":"201"}"#)), (None, Some("201")));
    assert_eq!(
        codes(&part(r#""identityVerification":{"similarity":"NO_MATCH","validity":"true"}"#)),
        (None, Some("NO_MATCH"))
    );
    let images = part(r#""images":{"classifier":"front","href":"https://example.invalid/front"}"#);
    assert_eq!((images.kind, images.statements.len()), (Kind::Retrieval, 0));
    let extraction = part(r#""status":"EXTRACTED","type":"CC","extractedData":{"pan":"XXXX0000"}"#);
    assert_eq!((extraction.statements.len(), value(&extraction.checks, "document_status")), (0, Some("EXTRACTED")));
}

#[test]
fn parts_without_a_scan_reference_are_fragments() {
    let decoded = json(r#"{"mrzCheck":"OK","rejectReason":{"rejectReasonCode":"201"}}"#);
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::Fragment, (None, Some("201"))));
    let decoded = json(r#"{"document":{"status":"APPROVED_VERIFIED"},"transaction":{"status":"DONE","source":"API"}}"#);
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::Fragment, (Some("APPROVED_VERIFIED"), None)));
}

#[test]
fn acknowledgements_and_refusals_state_nothing_about_a_verification() {
    for text in [
        r#"{"timestamp":"2020-01-02T03:04:05.006Z","jumioIdScanReference":"r-1"}"#,
        r#"{"timestamp":"2020-01-02T03:04:05.006Z","transactionReference":"r-1","redirectUrl":"https://x.netverify.com/web"}"#,
        r#"{"timestamp":"2020-01-02T03:04:05.006Z","account":{"id":"a"},"web":{"href":"https://x"},"workflowExecution":{"id":"r-1","credentials":[]}}"#,
    ] {
        let decoded = json(text);
        let submission = decoded.submission.as_ref().unwrap();
        assert_eq!((decoded.kind, decoded.statements.len()), (Kind::SubmissionAck, 0), "{text}");
        assert_eq!((submission.accepted, submission.provider_job_id.as_deref()), (true, Some("r-1")));
    }
    let decoded = json(
        r#"{"message":"Access denied","httpStatus":"403","requestURI":"https://netverify.com/api/netverify/v2/scans/r"}"#,
    );
    let submission = decoded.submission.unwrap();
    assert_eq!(
        (decoded.kind, submission.accepted, submission.code.as_deref()),
        (Kind::ErrorResponse, false, Some("403"))
    );
}

#[test]
fn foreign_objects_are_not_claimed() {
    for text in [
        "{}",
        r#"{"timestamp":"2020-01-02T03:04:05Z","status":"DONE"}"#,
        r#"{"status":"PASSED","type":"x"}"#,
        r#"{"transactionReference":"p-1","transactionResult":"APPROVED","transactionDate":"2020-01-01"}"#,
        r#"{"transactionReference":"p-1","status":"FAILED","timestamp":"2020-01-02T03:04:05Z"}"#,
        r#"{"transactionReference":"p-1","timestamp":"2020-01-02","redirectUrl":"https://pay.example.invalid"}"#,
        r#"{"workflow":{"id":"1","status":"completed"},"account":{"id":"2"}}"#,
        r#"{"workflowExecution":{"workflowId":"1","runId":"2"},"status":"PROCESSED"}"#,
        r#"{"decision":{"type":"approve"},"workflow":{"id":"1"}}"#,
        r#"{"signature":"x","timestamp":"t","job_complete":true,"result":{}}"#,
        r#"{"code":"SUCCESS","data":{"signatureId":"s","overallResult":"PASS"},"transactionId":"t"}"#,
        r#"{"scanReference":"1","barcode":"2"}"#,
    ] {
        assert!(!sniff(&Object::parse(text).unwrap()), "{text}");
    }
    assert!(!sniff(&Object::parse_form(b"status=DONE&source=web&customerId=1")));
}

proptest! {
    #[test]
    fn no_value_of_any_field_makes_it_panic_or_leak(value in "\\PC{6,40}", field in 0..CALLBACK.len()) {
        let mut fields: Vec<(&str, &str)> = CALLBACK.to_vec();
        fields[field].1 = &value;
        fields.push(("rejectReason", &value));
        fields.push(("identityVerification", &value));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let decoded = decode(&Object::parse_form(body.as_bytes()), &Envelope::default());
        prop_assert!(decoded.problems.iter().all(|problem| !problem.contains(&value)));
    }
}
