//! Which messages are recognised, and which of others are not claimed.

use super::*;

fn shape(json: &str) -> Option<Shape> {
    recognise(&Object::parse(json).expect("well-formed"))
}

#[test]
fn every_message_is_recognised() {
    for (json, expected) in [
        (r#"{"SmileJobID":"0000004711","ResultCode":"1012","PartnerParams":{"job_id":"j"}}"#, Shape::Result),
        (r#"{"ResultCode":"1016","ResultText":"Need to Activate Product"}"#, Shape::Result),
        (r#"{"PartnerParams":{"job_id":"j"},"status":"block"}"#, Shape::Result),
        (r#"{"jobId":"j","resultCode":"1210","resultText":"Enroll User","completedAt":"2024-01-15"}"#, Shape::Result),
        (r#"{"PartnerParams":{"job_id":"j"},"no_of_persons_found":0,"people":[]}"#, Shape::Result),
        (
            r#"{"code":"0840","job_id":"j","job_type":"smart_selfie_enrollment","status":"approved","partner_id":"7"}"#,
            Shape::V2,
        ),
        (r#"{"KYCReceipt":"https://x","signature":"...","timestamp":"2024-01-15"}"#, Shape::ReceiptAlone),
        (r#"{"job_complete":false,"signature":"s","timestamp":"t"}"#, Shape::JobStatus),
        (r#"{"code":"2302","result":null,"signature":"s"}"#, Shape::JobStatus),
        (r#"{"job_complete":false,"job_success":false,"code":"2314","result":"No zip"}"#, Shape::JobStatus),
        (r#"{"status":"clear","product":"enhanced_kyc","message":"m","reason":null}"#, Shape::V3Callback),
        (r#"{"status":"pending","partner_params":{"job_type":6}}"#, Shape::V3Callback),
        (r#"{"status":"error","message":"m","reason":"service_unavailable"}"#, Shape::V3Callback),
        (r#"{"status":"processing","job_id":"job_x"}"#, Shape::V3Status),
        (r#"{"last_known_status":"online","last_checked":"2024-01-15T10:00:00Z"}"#, Shape::IdStatus),
        (r#"{"upload_url":"https://x","smile_job_id":"1"}"#, Shape::Ack),
        (r#"{"success":true,"smile_job_id":"1"}"#, Shape::Ack),
        (r#"{"status":"Accepted"}"#, Shape::Ack),
        (r#"{"error":"Invalid JSON","code":2203}"#, Shape::Error),
        (r#"{"code":"2304","signature":"s","timestamp":"t"}"#, Shape::Error),
        (r#"{"status":"not_found","job_id":"job_1","message":"m"}"#, Shape::Error),
        (r#"{"status":"Too Many Requests","message":"m"}"#, Shape::Error),
        (r#"{"success":false,"_debug":{"smileIdCode":"2201"}}"#, Shape::WrappedError),
        (r#"{"success":false,"_debug":{"smileIdCode":"1013"}}"#, Shape::WrappedResult),
        (r#"{"hosted_web":{},"id_types":{}}"#, Shape::NoVerdict),
        (r#"{"success":true,"token":"t"}"#, Shape::NoVerdict),
        (r#"{"partner_params":{},"signature":"s","timestamp":"t","success":true}"#, Shape::NoVerdict),
        (r#"{"job_type":5,"user_id":"u","branch":"Ikeja"}"#, Shape::Params),
        (r#"{"Verify_ID_Number":"Verified"}"#, Shape::Actions),
        (r#"{"history":[{"SmileJobID":"1","ResultCode":"1012"}]}"#, Shape::PartOfJobStatus),
    ] {
        assert_eq!(shape(json), Some(expected), "{json}");
    }
}

#[test]
fn what_others_send_is_not_claimed() {
    for json in [
        "{}",
        r#"{"code":"SUCCESS","message":"OK","data":{},"transactionId":"a","pricingStrategy":"PAY"}"#,
        r#"{"code":"ERROR","message":"Server error","data":null}"#,
        r#"{"callBackType":"NETVERIFYID","verificationStatus":"APPROVED_VERIFIED"}"#,
        r#"{"workflowExecution":{"id":"a","status":"PROCESSED"},"callbackSentAt":"2024-01-15"}"#,
        r#"{"timestamp":"2024-01-15","scanReference":"a","document":{},"transaction":{"status":"DONE"}}"#,
        r#"{"ResultType":0,"ResultCode":0,"ResultDesc":"Accepted","TransactionID":"A1"}"#,
        r#"{"resultCode":"0","resultText":"done"}"#,
        r#"{"status":"error","message":"boom"}"#,
        r#"{"status":"clear","reason":"no blockers","blockers":[]}"#,
        r#"{"status":"complete","job_id":"17"}"#,
        r#"{"job_type":"full_time","user_id":"u"}"#,
        r#"{"error":"not found","code":404}"#,
        r#"{"upload_url":"https://x","code":200}"#,
    ] {
        assert_eq!(shape(json), None, "{json}");
    }
}
