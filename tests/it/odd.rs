//! Payloads as stores leave them: what has been read wrongly once stays read rightly.

use serde_json::{Value, json};

use crate::corpus::compare;
use crate::support::{folder, kycmart_in};

const TIME: &str = "2024-03-02T10:11:12.345Z";
const HMAC: &str = "oqLn1vZduPvqq+S67DYXqUpVRhNWTTKhmVIv0DeDl5M=";

/// A Smile ID face result of a Biometric KYC job, with other fields in it.
fn smile(extra: &Value) -> Value {
    let mut body = json!({"SmileJobID": "0000001215", "ResultCode": "0810", "ResultText": "Enroll User",
        "PartnerParams": {"job_id": "o-4", "user_id": "u-4", "job_type": 1}});
    for (name, value) in extra.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// An approved Netverify scan with this face check.
fn approved(face: &Value) -> Value {
    json!({"jumioIdScanReference": "r-1", "idScanSource": "SDK", "verificationStatus": "APPROVED_VERIFIED",
        "identityVerification": face})
}

/// Inspects each payload as a file of its own and compares the stated parts of the answer.
#[track_caller]
fn all_say(cases: &[(&str, String, Value)]) {
    let folder = folder();
    for (number, (_, body, _)) in cases.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:03}.json")), body).unwrap();
    }
    let run = kycmart_in(folder.path(), &["inspect", "."]);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), cases.len(), "{}", run.err);
    let mut wrong = Vec::new();
    for ((name, _, expected), line) in cases.iter().zip(&lines) {
        compare(name, expected, line, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn one(name: &'static str, body: Value, observation: Value) -> (&'static str, String, Value) {
    (name, body.to_string(), json!({"observations": [observation]}))
}

#[test]
fn values_are_read_through_the_types_that_stores_give_them() {
    let dynamo = json!({"Item": {"SmileJobID": {"S": "0000001216"}, "ResultCode": {"S": "0811"},
        "PartnerParams": {"M": {"job_id": {"S": "o-5"}, "job_type": {"N": "1"}}}}});
    let jumio = json!({"verificationStatus": {"S": "DENIED_FRAUD"}, "jumioIdScanReference": {"S": "r-1"},
        "rejectReason": {"S": "{\"rejectReasonCode\": \"100\"}"}});
    all_say(&[
        one(
            "Mongo date",
            smile(&json!({"_id": {"$oid": "65f1"}, "timestamp": {"$date": TIME}})),
            json!({"event_time": TIME}),
        ),
        one(
            "Mongo number",
            smile(&json!({"PartnerParams": {"job_id": "o", "job_type": {"$numberInt": "1"}}})),
            json!({"product": "biometric_kyc", "outcome": "passed"}),
        ),
        one("DynamoDB", dynamo, json!({"outcome": "failed", "partner_job_id": "o-5", "job_key_source": "0000001216"})),
        one("DynamoDB form field", jumio, json!({"outcome": "failed", "error_code": "100"})),
        one(
            "bits",
            json!({"timestamp": TIME, "signature": HMAC, "job_complete": 0, "job_success": 0, "code": "2302", "result": null}),
            json!({"outcome": "pending", "event_time": TIME}),
        ),
        one(
            "camelCase columns",
            json!({"partnerJobId": "pj-2", "smileJobId": "0000000078", "resultCode": "0811", "jobType": 1}),
            json!({"partner_job_id": "pj-2", "job_key_source": "0000000078", "outcome": "failed"}),
        ),
    ]);
}

#[test]
fn what_stores_make_of_nested_objects_is_read() {
    let poll = |name: &str, value: Value| {
        let mut body =
            json!({"timestamp": TIME, "signature": HMAC, "job_complete": "t", "job_success": "f", "code": 2302});
        body[name] = value;
        body
    };
    let failed = json!({"outcome": "failed", "job_key_source": "0000001217", "product": "document_verification"});
    let result = json!({"SmileJobID": "0000001217", "ResultCode": "0811", "PartnerParams": {"job_type": "6"}});
    let printed = "{'SmileJobID': '0000001217', 'ResultCode': '0811', 'PartnerParams': {'job_type': '6', 'x': None}}";
    let numbered = poll("history", json!({"1": {"SmileJobID": "0000001217", "ResultCode": "0814"}, "0": result}));
    let flat = json!({"timestamp": TIME, "job_complete": true, "job_success": false, "code": "2302",
        "result.SmileJobID": "0000001217", "result.ResultCode": "0811", "result.PartnerParams.job_type": "6"});
    let form = "job_complete=1&job_success=0&code=2302&result%5BSmileJobID%5D=0000001217&result%5BResultCode%5D=0811\
                &result%5BPartnerParams%5D%5Bjob_type%5D=6";
    let scan = json!({"timestamp": TIME, "scanReference": "r-2", "document.status": "APPROVED_VERIFIED",
        "document.type": "PASSPORT", "document.issuingCountry": "NGA", "transaction.source": "WEB",
        "verification.identityVerification.similarity": "NO_MATCH", "verification.identityVerification.validity": "true"});
    let said = |name, body: &str| (name, body.to_owned(), json!({"observations": [failed]}));
    all_say(&[
        one("a result as text", poll("result", json!(result.to_string())), failed.clone()),
        one("a result that Python printed", poll("result", json!(printed)), failed.clone()),
        said("a payload that Python printed", printed),
        one("names with dots", flat, failed.clone()),
        said("names with brackets", form),
        one(
            "a flat scan",
            scan,
            json!({"outcome": "failed", "error_code": "NO_MATCH", "country": "NG", "id_type": "PASSPORT"}),
        ),
        (
            "a history with numbers for names",
            numbered.to_string(),
            json!({"observations": [{"outcome": "unknown"}, {"result_code": "0811"}, {"result_code": "0814"}]}),
        ),
    ]);
}

#[test]
fn only_a_face_check_that_says_so_passes() {
    let outcome = |name, face: Value, outcome: &str| one(name, approved(&face), json!({"outcome": outcome}));
    let flat = json!({"jumioIdScanReference": "r", "idScanSource": "SDK", "verificationStatus": "APPROVED_VERIFIED",
        "identityVerification.similarity": "NO_MATCH", "identityVerification.validity": true});
    all_say(&[
        outcome("both", json!({"similarity": "MATCH", "validity": 1}), "passed"),
        outcome("blank", json!({"similarity": "MATCH", "validity": "TRUE "}), "passed"),
        outcome("none", Value::Null, "passed"),
        outcome("zero", json!({"similarity": "MATCH", "validity": 0}), "failed"),
        outcome("a space", json!({"similarity": "NO MATCH", "validity": true}), "failed"),
        outcome("no validity", json!({"similarity": "MATCH"}), "unknown"),
        outcome("unreadable", json!({"similarity": "MATCH", "validity": "no"}), "unknown"),
        one("flattened", flat, json!({"outcome": "failed", "error_code": "NO_MATCH"})),
    ]);
}

#[test]
fn what_stands_around_a_payload_is_not_lost() {
    let v3 = json!({"status": "clear", "message": "m", "reason": null, "product": "enhanced_kyc", "id_fields": {"country": "NG"}});
    let row = json!({"received_at": TIME, "headers": {"Job-ID": "job_7"}, "payload": v3});
    let status = json!({"last_checked": TIME, "last_known_status": "offline", "last_check_success_rate": "0%"});
    let asked = json!({"received_at": TIME, "request": {"country": "NG", "id_type": "BVN"}, "response": status});
    let gateway = json!({"body": "callBackType=NETVERIFYID&jumioIdScanReference=r&verificationStatus=NO_ID_UPLOADED",
        "pathParameters": {"verification_id": "v9"}, "isBase64Encoded": false});
    let wrapped = json!({"result": smile(&json!({})), "timestamp": TIME, "signature": HMAC});
    all_say(&[
        one("payload column", row, json!({"job_key_source": "job_7", "event_time": TIME})),
        (
            "request",
            asked.to_string(),
            json!({"authority_status": {"country": "NG", "id_type": "BVN", "status": "offline"}}),
        ),
        one("gateway", gateway, json!({"outcome": "incomplete"})),
        ("wrapped", wrapped.to_string(), json!({"signature_class": "hmac44", "observations": [{"event_time": TIME}]})),
    ]);
}

#[test]
fn forms_one_per_line_are_payloads_of_their_own() {
    let folder = folder();
    let form = |reference: &str, status: &str| {
        format!("callBackType=NETVERIFYID&jumioIdScanReference={reference}&verificationStatus={status}\n")
    };
    let text = form("a", "APPROVED_VERIFIED") + &form("b", "DENIED_FRAUD") + &form("c", "NO_ID_UPLOADED");
    std::fs::write(folder.path().join("forms.txt"), text).unwrap();
    let run = kycmart_in(folder.path(), &["inspect", "forms.txt"]).expect(0);
    let outcomes: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> =
        outcomes.iter().map(|line| line["observations"][0]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["passed", "failed", "incomplete"]);
}

#[test]
fn odd_words_stay_visible_and_foreign_payloads_are_nobodys() {
    let v3 = json!({"status": "review", "message": "m", "reason": null, "product": "biometric_kyc", "partner_params": null,
        "created_at": TIME, "completed_at": TIME, "id_fields": {"country": "NG", "id_type": "National ID"}});
    let advance = json!({"code": "SUCCESS", "message": "OK", "transactionId": "db7", "pricingStrategy": "PAY", "extra": null,
        "data": {"errorCode": "NUMBER_NOT_EXIST", "docDatabaseDetail": null}});
    let nobody = |name, body: Value| (name, body.to_string(), json!({"provider": null, "kind": "unreadable"}));
    all_say(&[
        one("a newer status", v3, json!({"outcome": "unknown", "id_type": "NATIONAL ID", "country": "NG"})),
        one("an error code alone", advance, json!({"outcome": "failed", "authority_signal": "answered"})),
        one(
            "a code beside success",
            smile(&json!({"ResultCode": "9999", "ResultText": "new", "job_success": true})),
            json!({"outcome": "unknown"}),
        ),
        nobody("a queue", json!({"status": "processing", "job_id": "123", "user_id": "9", "queue": "mail"})),
        nobody("a shop", json!({"status": "clear", "product": "shoes", "partner_params": {"sku": 1}})),
        nobody("a stock", json!({"code": "2404", "message": "SKU not found"})),
        nobody("a signature service", json!({"signatureId": "d-1", "type": "COMPLETED", "envelopeId": "e"})),
    ]);
}

#[test]
fn what_is_odd_is_said() {
    let problem = |name, body: Value, text: &str| {
        let expected = json!({"problems": [text]});
        (name, body.to_string(), expected)
    };
    all_say(&[
        problem("no time", smile(&json!({"timestamp": "yesterday"})), "timestamp is not a time"),
        problem("no date", smile(&json!({"DOB": "31/31/1990"})), "DOB is not a date"),
        problem("no country", smile(&json!({"Country": "Atlantis"})), "Country is not a country"),
        problem(
            "a telephone number",
            smile(&json!({"PartnerParams": {"job_id": "+234 801 234 5678", "job_type": 1}})),
            "a job reference looks personal and is masked (--show-personal prints it)",
        ),
    ]);
}
