use super::*;
use crate::provider::StatedCheck;
use proptest::prelude::*;

fn decode_json(json: &str) -> Decoded {
    let object = Object::parse(json).unwrap();
    assert!(sniff(&object), "{json}");
    decode(&object, &Envelope::default())
}

/// The only statement of a result with these fields in its `data`.
fn statement(data: &str) -> Statement {
    let json = format!(r#"{{"code":"SUCCESS","message":"OK","data":{{{data}}},"transactionId":"00aa11bb22cc33dd"}}"#);
    let mut decoded = decode_json(&json);
    assert_eq!((decoded.kind, decoded.statements.len()), (Kind::GetResult, 1));
    decoded.statements.remove(0)
}

fn pairs(checks: &[StatedCheck]) -> Vec<(&str, &str)> {
    checks.iter().map(|c| (c.name.as_str(), c.value.as_deref().unwrap_or(""))).collect()
}

#[test]
fn a_passed_verification_is_read_whole() {
    let decoded = decode_json(
        r#"{"code":"SUCCESS","message":"OK","transactionId":"00aa11bb22cc33dd","pricingStrategy":"FREE","extra":null,
        "data":{"signatureId":"5151515151515151","overallResult":"PASS","submissionCompleted":true,"idvResult":"PASS",
        "errorCode":"SUCCESS","docDatabaseDetail":{"nin":"30********7","numberValue":"30********7",
        "numberTypeInfo":{"numberType":"NG_NIN","region":"NGA"},"firstName":"Adaeze","lastName":"I***A",
        "birthday":"1991/**/**","phoneNumber":"08030000001","verification":{"numberValue":"pass","fullName":"fail","dob":null}},
        "faceDetail":{"faceResult":"PASS","faceLivenessScore":97,"faceSimilarityScore":81.5,"livenessAttackType":null},
        "inputParameters":{"region":"NGA","numberType":"NIN"},"countryCodeIso3":"NGA"}}"#,
    );
    let s = &decoded.statements[0];
    assert_eq!((s.product, s.provider_job_id.as_deref()), (Some(Product::Idv), Some("5151515151515151")));
    assert_eq!((s.result_code.as_deref(), s.error_code.as_deref()), (Some("PASS"), Some("SUCCESS")));
    assert_eq!((s.country.as_deref(), s.id_type.as_deref()), (Some("NG"), Some("NIN")));
    assert_eq!((s.liveness_score, s.similarity_score), (Some(97.0), Some(81.5)));
    assert_eq!((s.submission_completed, s.job_complete), (Some(true), None));
    assert_eq!((s.query_code.as_deref(), s.pricing_strategy.as_deref()), (Some("SUCCESS"), Some("FREE")));
    assert_eq!(s.id_number, None);
    assert_eq!(decoded.personal, ["Adaeze", "08030000001"]);
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    let expected = [("faceResult", "PASS"), ("verification.numberValue", "pass"), ("verification.fullName", "fail")];
    assert_eq!(pairs(&decoded.checks), expected);
}

#[test]
fn older_results_know_only_idv_result() {
    let s =
        statement(r#""signatureId":"s1","idvResult":"FAIL","errorCode":"NUMBER_NOT_EXIST","countryCodeIso3":"ZAF""#);
    assert_eq!((s.product, s.result_code.as_deref()), (Some(Product::Idv), Some("FAIL")));
    assert_eq!((s.error_code.as_deref(), s.country.as_deref()), (Some("NUMBER_NOT_EXIST"), Some("ZA")));
}

#[test]
fn a_verification_without_a_result_is_not_complete() {
    let s = statement(
        r#""signatureId":"s1","overallResult":null,"idvResult":null,"submissionCompleted":false,"errorCode":null,
        "inputParameters":{"region":"IDN","numberType":"NIK"},"countryCodeIso3":"IDN""#,
    );
    assert_eq!((s.result_code, s.error_code, s.job_complete), (None, None, Some(false)));
    assert_eq!((s.country.as_deref(), s.id_type.as_deref()), (Some("ID"), Some("NIK")));
}

#[test]
fn the_request_id_names_a_database_validation_only_where_nothing_else_does() {
    let s = statement(r#""overallResult":"PASS","errorCode":"","docDatabaseDetail":{"firstName":"Adaeze"}"#);
    assert_eq!(
        (s.product, s.provider_job_id.as_deref()),
        (Some(Product::DatabaseValidation), Some("00aa11bb22cc33dd"))
    );
    assert_eq!((s.result_code.as_deref(), s.error_code), (Some("PASS"), None));
    let s =
        statement(r#""signatureId":"s7","overallResult":"FAIL","errorCode":"BVN_SUSPEND","docDatabaseDetail":null"#);
    assert_eq!((s.product, s.provider_job_id.as_deref()), (Some(Product::DatabaseValidation), Some("s7")));
    let s =
        statement(r#""overallResult":"FAIL","errorCode":"LIVENESS_ATTACK","faceDetail":{},"countryCodeIso3":"NGA""#);
    assert_eq!((s.product, s.provider_job_id), (Some(Product::Idv), None));
}

#[test]
fn country_and_type_come_from_the_number_type_where_nothing_else_tells() {
    let s = statement(
        r#""signatureId":"s1","overallResult":"PASS","idvResult":"PASS","errorCode":"SUCCESS",
        "docDatabaseDetail":{"numberTypeInfo":{"numberType":"BR_CPF"},"numberValue":"00000000191"}"#,
    );
    assert_eq!((s.country.as_deref(), s.id_type.as_deref()), (Some("BR"), Some("CPF")));
    assert_eq!(s.id_number.as_deref(), Some("00000000191"));
    assert_eq!(split_number_type("IN_AADHAAR_PAN"), (Some("IN".to_owned()), Some("AADHAAR_PAN".to_owned())));
    assert_eq!(split_number_type("gb_gb"), (Some("GB".to_owned()), Some("GB".to_owned())));
    assert_eq!(split_number_type("NATIONALID"), (None, Some("NATIONALID".to_owned())));
}

#[test]
fn nested_persons_are_personal_and_their_dates_are_checked() {
    let decoded = decode_json(
        r#"{"code":"SUCCESS","transactionId":"t","data":{"signatureId":"s1","overallResult":"PASS","countryCodeIso3":"IND",
        "docDatabaseDetail":{"aadhaarDetail":{"fullName":"Meera Test","birthday":"soon"},"panDetail":{"panNumber":"AAAAA0000A"}}}}"#,
    );
    assert_eq!(decoded.personal, ["Meera Test", "soon", "AAAAA0000A"]);
    assert_eq!(decoded.problems, ["birthday is not a date"]);
}

#[test]
fn a_callback_states_only_that_a_result_is_due() {
    for word in ["COMPLETED", "SUBMIT_COMPLETED"] {
        let decoded = decode_json(&format!(r#"{{"signatureId":"s1","type":"{word}"}}"#));
        assert_eq!((decoded.kind, decoded.statements.len()), (Kind::Callback, 1));
        assert_eq!(decoded.statements[0].result_code.as_deref(), Some(word));
    }
}

#[test]
fn health_names_the_authority() {
    let decoded = decode_json(
        r#"{"code":"SUCCESS","message":"OK","data":{"numberType":"NG_BVN","status":"UNSTABLE"},"transactionId":"t"}"#,
    );
    let authority = decoded.authority.unwrap();
    assert_eq!((decoded.kind, authority.status.as_deref()), (Kind::HealthStatus, Some("unstable")));
    assert_eq!((authority.country.as_deref(), authority.id_type.as_deref()), (Some("NG"), Some("BVN")));
    assert!(decoded.statements.is_empty());
}

#[test]
fn refusals_are_submissions_and_no_statements() {
    for (json, code) in [
        (r#"{"code":"SIGNATURE_NOT_EXIST","message":"m","data":null,"transactionId":"t"}"#, "SIGNATURE_NOT_EXIST"),
        (r#"{"code":"ERROR","message":"m","data":null,"transactionId":"t"}"#, "ERROR"),
        (
            r#"{"code":"PARAMETER_ERROR","message":"m","data":null,"transactionId":"t","pricingStrategy":"FREE"}"#,
            "PARAMETER_ERROR",
        ),
    ] {
        let decoded = decode_json(json);
        let submission = decoded.submission.unwrap();
        assert_eq!((decoded.kind, submission.accepted), (Kind::ErrorResponse, false));
        assert_eq!(submission.code.as_deref(), Some(code));
        assert!(decoded.statements.is_empty());
    }
}

#[test]
fn a_prepared_verification_is_an_acknowledgement() {
    let decoded = decode_json(
        r#"{"code":"SUCCESS","data":{"signatureId":"s1","url":"https://example.invalid/x"},"transactionId":"t"}"#,
    );
    let submission = decoded.submission.unwrap();
    assert_eq!((decoded.kind, submission.accepted), (Kind::SubmissionAck, true));
    assert_eq!(submission.provider_job_id.as_deref(), Some("s1"));
}

#[test]
fn comparisons_and_licences_give_no_verdict() {
    for data in [r#"{"similarity":41.0,"firstFace":{},"secondFace":{}}"#, r#"{"license":"abc","expireTimestamp":1}"#] {
        let decoded =
            decode_json(&format!(r#"{{"code":"SUCCESS","transactionId":"t","pricingStrategy":"PAY","data":{data}}}"#));
        assert_eq!((decoded.kind, decoded.statements.len()), (Kind::OtherNoVerdict, 0));
    }
}

#[test]
fn results_without_their_envelope_are_fragments() {
    let decoded = decode_json(r#"{"signatureId":"s1","overallResult":"FAIL","errorCode":"NAME_NOT_MATCH"}"#);
    assert_eq!((decoded.kind, decoded.statements[0].result_code.as_deref()), (Kind::Fragment, Some("FAIL")));
    assert_eq!(decoded.statements[0].query_code, None);
}

#[test]
fn foreign_answers_are_not_claimed() {
    for json in [
        "{}",
        r#"{"code":"SUCCESS","data":{"id":1},"transactionId":"t"}"#,
        r#"{"code":"SUCCESS","message":"OK","data":null}"#,
        r#"{"code":"NOT_FOUND","message":"m","data":null,"transactionId":"t"}"#,
        r#"{"code":"ERROR","message":"m"}"#,
        r#"{"code":"2302","job_complete":true,"result":{}}"#,
        r#"{"code":"200","data":{"status":"ok","numberType":"mobile"}}"#,
        r#"{"signatureId":"s1","type":"invoice","amount":5,"currency":"NGN"}"#,
    ] {
        assert!(!sniff(&Object::parse(json).unwrap()), "{json}");
    }
}

proptest! {
    #[test]
    fn no_value_of_any_field_makes_it_panic_or_leak(value in "\\PC{4,40}", field in 0usize..8) {
        let names = ["signatureId", "overallResult", "errorCode", "countryCodeIso3", "faceDetail", "docDatabaseDetail", "birthday", "inputParameters"];
        let text = serde_json::to_string(&value).unwrap();
        let json = format!(r#"{{"code":"SUCCESS","transactionId":"t","data":{{"signatureId":"s","overallResult":"PASS","{}":{text}}}}}"#, names[field]);
        let decoded = decode(&Object::parse(&json).unwrap(), &Envelope::default());
        prop_assert!(decoded.problems.iter().all(|problem| !problem.contains(&value)));
    }
}
