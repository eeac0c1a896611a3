//! Answers to requests: acknowledged or refused, no verification yet.

use super::super::StatedSubmission;
use super::super::wire::Object;
use super::fields::{code, is_code_word, stated};
use super::shape::wrapped;
use crate::envelope::Request;

/// Reads an acknowledgement or a refusal. A v3 answer is told by its `status`; its `job_id` is the provider's.
pub fn decode(object: &Object, accepted: bool, request: &Request) -> StatedSubmission {
    let status = stated(object, &["status"]);
    let params = object.object(&["PartnerParams"]).unwrap_or_default();
    let beside = stated(object, &["job_id"]);
    let (provider, partner) = if status.is_some() { (beside, None) } else { (None, beside) };
    let word = status.map(|status| status.to_ascii_lowercase()).filter(|status| is_code_word(status));
    StatedSubmission {
        accepted,
        code: object.get(&["code"]).and_then(code).or(word),
        message: stated(object, &["error", "message"]),
        provider_job_id: stated(object, &["smile_job_id"]).or(provider),
        partner_job_id: stated(&params, &["job_id"]).or(partner).or_else(|| request.job_id.clone()),
        user_id: stated(&params, &["user_id"])
            .or_else(|| stated(object, &["user_id"]))
            .or_else(|| request.user_id.clone()),
    }
}

/// Reads an error that an integrator wrapped in an answer of their own.
pub fn decode_wrapped(object: &Object, request: &Request) -> StatedSubmission {
    let debug = wrapped(object).unwrap_or_default();
    StatedSubmission {
        accepted: false,
        code: debug.get(&["smileIdCode"]).and_then(code),
        message: stated(&debug, &["smileIdError"]),
        provider_job_id: None,
        partner_job_id: stated(object, &["job_id"]).or_else(|| request.job_id.clone()),
        user_id: stated(object, &["user_id"]).or_else(|| request.user_id.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, accepted: bool) -> StatedSubmission {
        let request = Request { job_id: Some("j-req".into()), ..Request::default() };
        decode(&Object::parse(json).expect("well-formed"), accepted, &request)
    }

    #[test]
    fn an_upload_answer_names_the_providers_job() {
        let read = read(r#"{"upload_url":"https://x","smile_job_id":"0000004711","code":2202}"#, true);
        assert_eq!((read.code.as_deref(), read.provider_job_id.as_deref()), (Some("2202"), Some("0000004711")));
        assert_eq!(read.partner_job_id.as_deref(), Some("j-req"));
    }

    #[test]
    fn a_refusal_keeps_code_and_message() {
        let read = read(r#"{"error":"No such job type.","code":"2212","success":false}"#, false);
        assert_eq!((read.code.as_deref(), read.message.as_deref()), (Some("2212"), Some("No such job type.")));
        assert!(!read.accepted);
    }

    #[test]
    fn a_phrase_of_http_is_no_code() {
        assert_eq!(read(r#"{"status":"Payment Required","message":"m"}"#, false).code, None);
        let ack = read(r#"{"status":"Accepted","job_id":"job_9","user_id":"user_9"}"#, true);
        assert_eq!((ack.code.as_deref(), ack.provider_job_id.as_deref()), (Some("accepted"), Some("job_9")));
    }
}
