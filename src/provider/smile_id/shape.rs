//! Which of Smile ID's messages an object is, by content.
//!
//! A field name such as `ResultCode`, `status` or `code` is also used by others, so a shape is claimed by names that
//! stand together, and where the names are common also by the form of the values.

use super::super::catalogue::Catalogue;
use super::super::wire::{Object, Sort, same_name};
use super::fields::{code, is_digits, stated};
use super::product;
use super::receipt::is_receipt_field;
use super::result::verdict_word;
use super::signature::is_signed;
use crate::envelope::Envelope;

/// A message of Smile ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A v1 result: callbacks of all products, synchronous answers, what integrators make of them.
    Result,
    /// A v2 SmartSelfie answer.
    V2,
    /// A receipt link and a signature, nothing else.
    ReceiptAlone,
    JobStatus,
    /// A v3 result as the webhook sends it.
    V3Callback,
    /// A v3 answer about a job that is named in the body.
    V3Status,
    IdStatus,
    Ack,
    Error,
    /// An error that an integrator wrapped: `_debug.smileIdCode`.
    WrappedError,
    /// A result that an integrator wrapped in the same way.
    WrappedResult,
    NoVerdict,
    /// `{"result": …}` or `{"history": […]}` without the answer around it.
    PartOfJobStatus,
    /// `PartnerParams` alone.
    Params,
    /// `Actions` alone.
    Actions,
}

/// HTTP reason phrases that v3 puts into `status`.
const HTTP_PHRASES: [&str; 19] = [
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "request timeout",
    "conflict",
    "gone",
    "payload too large",
    "content too large",
    "unsupported media type",
    "unprocessable entity",
    "unprocessable content",
    "too many requests",
    "internal server error",
    "bad gateway",
    "service unavailable",
];

/// All fields that v3 acknowledgements and errors have.
const V3_ANSWER: [&str; 8] = ["status", "message", "reason", "job_id", "user_id", "created_at", "code", "errors"];

/// Fields that only v3 results have, beside a status.
const V3_RESULT: [&str; 7] =
    ["product", "id_fields", "partner_params", "antifraud", "user_provided_info", "device_signals", "kyc_receipt"];

/// All fields of a v3 result.
const V3_RESULT_ALONE: [&str; 16] = [
    "status",
    "message",
    "reason",
    "product",
    "created_at",
    "completed_at",
    "partner_params",
    "kyc_receipt",
    "id_fields",
    "user_provided_info",
    "antifraud",
    "device_signals",
    "consent",
    "image_links",
    "job_id",
    "user_id",
];

/// The fields of answers to v1 and v2 requests.
const ANSWER: [&str; 10] = [
    "code",
    "error",
    "message",
    "success",
    "signature",
    "timestamp",
    "smile_job_id",
    "ref_id",
    "camera_config",
    "result",
];

/// Checks whose names nobody else uses.
const ACTIONS: [&str; 10] = [
    "Verify_ID_Number",
    "Return_Personal_Info",
    "Liveness_Check",
    "Register_Selfie",
    "Human_Review_Compare",
    "Selfie_To_ID_Card_Compare",
    "Selfie_To_ID_Authority_Compare",
    "Selfie_To_Registered_Selfie_Compare",
    "Document_Check",
    "Verify_Business",
];

/// The shape of an object, where its content shows it to be Smile ID's.
pub fn recognise(object: &Object) -> Option<Shape> {
    if is_id_status(object) {
        Some(Shape::IdStatus)
    } else if is_v2(object) {
        Some(Shape::V2)
    } else if is_job_status(object) {
        Some(Shape::JobStatus)
    } else if is_result(object) {
        Some(Shape::Result)
    } else if let Some(debug) = wrapped(object) {
        let result = debug.get(&["smileIdCode"]).and_then(code).is_some_and(|code| !is_request_code(&code));
        Some(if result { Shape::WrappedResult } else { Shape::WrappedError })
    } else if is_ack(object) {
        Some(Shape::Ack)
    } else if is_error(object) {
        Some(Shape::Error)
    } else {
        v3(object).or_else(|| without_verdict(object))
    }
}

/// The shape of an object that is known to be Smile ID's from its surroundings only.
pub fn guess(object: &Object, envelope: &Envelope) -> Option<Shape> {
    let from_webhook = envelope.header("Response-Signature").is_some() || envelope.header("Job-ID").is_some();
    let verdict = stated(object, &["status"]).is_some_and(|status| from_webhook || verdict_word(&status).is_some());
    if object.has("ResultCode") || object.has("SmileJobID") {
        Some(Shape::Result)
    } else if verdict && (from_webhook || !object.has("job_id")) {
        Some(Shape::V3Callback)
    } else if verdict {
        Some(Shape::V3Status)
    } else {
        match object.get(&["success"]).and_then(|value| value.bool()) {
            Some(true) => Some(Shape::Ack),
            Some(false) => Some(Shape::Error),
            None => (object.has("error") || has_http_phrase(object)).then_some(Shape::Error),
        }
    }
}

/// The part of an integrator's answer that holds Smile ID's own code.
pub fn wrapped<'a>(object: &'a Object) -> Option<Object<'a>> {
    object.object(&["_debug"]).filter(|debug| debug.has("smileIdCode") || debug.has("smileIdError"))
}

/// Whether a code answers a request (22xx, 23xx, 24xx) instead of stating a result.
pub fn is_request_code(code: &str) -> bool {
    code.len() == 4 && is_digits(code) && matches!(code.as_bytes().get(..2), Some(b"22" | b"23" | b"24"))
}

fn request_code(object: &Object) -> Option<String> {
    object.get(&["code"]).and_then(code).filter(|code| is_request_code(code))
}

fn is_id_status(object: &Object) -> bool {
    let rates = ["last_hour_success_rate", "last_check_success_rate", "last_check_status", "last_checked"];
    let stated = rates.iter().filter(|name| object.has(name)).count();
    stated >= if object.has("last_known_status") { 1 } else { 2 }
}

fn is_v2(object: &Object) -> bool {
    let status = stated(object, &["status"]).unwrap_or_default().to_ascii_lowercase();
    let job_type = stated(object, &["job_type"]).unwrap_or_default().to_ascii_lowercase();
    let ours = job_type.starts_with("smart") || (object.has("partner_id") && object.has("partner_params"));
    matches!(status.as_str(), "approved" | "pending" | "rejected") && object.has("job_id") && ours
}

fn is_job_status(object: &Object) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| object.has(name));
    let beside = ["signature", "sec_key", "timestamp", "code", "result", "history", "smile_job_id", "ResultCode"];
    if any(&["job_complete", "job_success"]) {
        let both = object.has("job_complete") && object.has("job_success");
        return both || any(&beside) || object.iter().any(|(key, _)| is_receipt_field(key));
    }
    request_code(object).as_deref() == Some("2302") && any(&["result", "history", "signature"])
}

fn is_result(object: &Object) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| object.has(name));
    if object.has("upload_url") {
        return false;
    }
    let job = stated(object, &["SmileJobID"]).is_some();
    let company =
        object.has_exactly("PartnerParams") || object.object(&["PartnerParams"]).is_some_and(|p| is_params(&p));
    let stating = any(&["ResultCode", "ResultText", "Actions", "company_information", "no_of_persons_found"]);
    let coded = object.get(&["ResultCode"]).and_then(code).is_some_and(|code| is_result_code(&code));
    let known_checks = object.object(&["Actions"]).is_some_and(|actions| is_actions(&actions));
    (job && (stating || company || any(&["JSONVersion", "ResultType"])))
        || (company && (stating || (object.has_exactly("PartnerParams") && object.has("status"))))
        || (coded && (object.has("ResultText") || known_checks || any(&["company_information", "no_of_persons_found"])))
        || (object.has("company_information") && any(&["directors", "beneficial_owners", "fiduciaries"]))
}

/// The grammar of result codes: machine, failure and human judgements, ID and list look-ups, what mobile SDKs leak.
fn is_result_code(code: &str) -> bool {
    let known =
        ["08", "09", "101", "102", "103", "12", "22", "23", "0001"].iter().any(|prefix| code.starts_with(prefix));
    code.len() == 4 && is_digits(code) && known
}

fn is_ack(object: &Object) -> bool {
    let submitted = stated(object, &["smile_job_id"]).is_some();
    let uploaded = object.has("upload_url") && (submitted || request_code(object).is_some() || object.has("ref_id"));
    let accepted = object.get(&["success"]).and_then(|value| value.bool()) == Some(true) && submitted;
    uploaded || accepted || (request_code(object).as_deref() == Some("2202") && only(object, &ANSWER))
}

fn is_error(object: &Object) -> bool {
    let Some(code) = request_code(object) else { return false };
    let known = Catalogue::builtin().knows_code(crate::record::Provider::SmileId, &code);
    let shaped = object.has("error") || is_signed(object) || only(object, &ANSWER);
    (known && shaped) || (object.has("error") && only(object, &["code", "error", "success"]))
}

fn v3(object: &Object) -> Option<Shape> {
    let status = stated(object, &["status"])?;
    let typed = |name: &str, prefix: &str| stated(object, &[name]).is_some_and(|id| id.starts_with(prefix));
    let named = typed("job_id", "job_");
    let plain = only(object, &V3_ANSWER);
    if status.eq_ignore_ascii_case("accepted") {
        return plain.then_some(Shape::Ack);
    }
    if status.eq_ignore_ascii_case("not_found") || has_http_phrase(object) {
        return (plain && (object.has("message") || object.has("job_id"))).then_some(Shape::Error);
    }
    let verdict = verdict_word(&status);
    let company = object.object(&["partner_params"]).is_some_and(|params| is_params(&params));
    let results = V3_RESULT.iter().filter(|name| object.has(name)).count();
    let decided = matches!(verdict, Some("clear" | "block" | "attention" | "error"));
    let dated = object.has("created_at") && object.has("completed_at");
    let certain = object.has("id_fields") || object.has("antifraud") || results >= 2;
    let known_product = stated(object, &["product"]).is_some_and(|word| product::from_word(&word).is_some());
    // A status word of a later version, in a body that is v3 in all else.
    let newer = known_product && dated && results >= 2 && only(object, &V3_RESULT_ALONE);
    let likely = decided && (dated || (results >= 1 && only(object, &V3_RESULT_ALONE)));
    let known_reason = stated(object, &["reason"])
        .is_some_and(|reason| Catalogue::builtin().knows_error(crate::record::Provider::SmileId, &reason));
    let bare = decided && plain && object.has("message") && known_reason && !object.has("job_id");
    let foreign = stated(object, &["product"]).is_some_and(|word| product::from_word(&word).is_none());
    if foreign && !object.has("id_fields") && !object.has("antifraud") {
        return None;
    }
    if company || newer || (verdict.is_some() && certain) || likely || bare {
        Some(Shape::V3Callback)
    } else {
        (verdict.is_some() && named && results == 0).then_some(Shape::V3Status)
    }
}

fn without_verdict(object: &Object) -> Option<Shape> {
    let has = |names: &[&str]| names.iter().all(|name| object.has(name));
    let receipt = object.iter().any(|(key, value)| {
        is_receipt_field(key) && value.text().is_some_and(|text| is_signed(object) || text.contains("smileid"))
    });
    let service = has(&["hosted_web", "id_types"])
        || has(&["bank_codes", "id_types"])
        || has(&["idSelection", "consentRequired"])
        || object.get(&["valid_documents"]).is_some_and(|list| list.sort() == Sort::Array)
        || has(&["session_id", "modes", "success"])
        || (has(&["token", "success"]) && object.len() == 2)
        || (has(&["partner_params", "signature", "timestamp"]) && !object.has("status"));
    if receipt {
        Some(Shape::ReceiptAlone)
    } else if service {
        Some(Shape::NoVerdict)
    } else {
        part(object)
    }
}

fn part(object: &Object) -> Option<Shape> {
    let one_of = |name: &str| object.len() == 1 && object.has(name);
    let around_result = ["result", "timestamp", "signature", "sec_key", "success"];
    let result = object.object(&["result"]).filter(|_| only(object, &around_result));
    let history = object.get(&["history"]).filter(|_| one_of("history")).map(|value| value.list()).unwrap_or_default();
    let entries = history.iter().filter_map(|entry| entry.object()).any(|entry| is_result(&entry));
    let params = object.object(&["PartnerParams"]).filter(|_| one_of("PartnerParams"));
    if result.is_some_and(|result| is_result(&result)) || entries {
        // With a time or a signature beside it, it is a whole answer.
        Some(if object.len() > 1 { Shape::JobStatus } else { Shape::PartOfJobStatus })
    } else if is_job_params(object) || params.is_some_and(|params| is_params(&params)) {
        Some(Shape::Params)
    } else {
        is_actions(object).then_some(Shape::Actions)
    }
}

/// `PartnerParams`: a job type, or the company's own references.
fn is_params(params: &Object) -> bool {
    is_job_params(params) || params.has("job_id") || params.has("user_id") || has_job_type(params)
}

fn is_job_params(params: &Object) -> bool {
    has_job_type(params) && (params.has("user_id") || params.has("job_id")) && !params.has("status")
}

fn has_job_type(params: &Object) -> bool {
    let job_type = stated(params, &["job_type"]).unwrap_or_default();
    job_type.starts_with("smart_selfie") || job_type.parse().is_ok_and(|number: u8| (1..=15).contains(&number))
}

fn is_actions(object: &Object) -> bool {
    ACTIONS.iter().any(|name| object.has_exactly(name))
}

fn has_http_phrase(object: &Object) -> bool {
    stated(object, &["status"]).is_some_and(|s| HTTP_PHRASES.iter().any(|phrase| s.trim().eq_ignore_ascii_case(phrase)))
}

/// Whether an object has no other fields than these.
fn only(object: &Object, names: &[&str]) -> bool {
    object.iter().all(|(key, _)| names.iter().any(|name| same_name(key, name)))
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
