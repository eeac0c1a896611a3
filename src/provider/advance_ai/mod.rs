//! Advance.AI: verification results, database validation, callbacks and the health of number databases.
//!
//! Every answer comes in one envelope whose `code` says only that the call worked; what was found stands in `data`.
//!
//! Not here: the meaning of any word. A callback carries no verdict: it states that a result can be asked for.

pub(super) mod known_fields;
mod result;
#[cfg(test)]
mod tests;

use super::known_fields::note_unknown;
use super::wire::{Object, Sort, same_name};
use super::{Decoded, StatedAvailability, StatedSubmission, Statement, country, nested, stated};
use crate::envelope::Envelope;
use crate::record::{Kind, Product, Provider, RejectReason};

/// Codes of refusals that name Advance.AI's own things, so that they are recognised without a price.
const REFUSALS: &[&str] =
    &["SIGNATURE_NOT_EXIST", "IAM_FAILED", "NO_FACE_DETECTED_FROM_FIRST_IMAGE", "NO_FACE_DETECTED_FROM_SECOND_IMAGE"];
/// Fields whose values are about a person, at any depth.
const PERSONAL: &[&str] = &[
    "aadhaarNumber",
    "address",
    "birthDate",
    "birthday",
    "bvn",
    "dateOfBirth",
    "email",
    "fatherName",
    "firstName",
    "fullName",
    "idNumber",
    "lastName",
    "middleName",
    "motherName",
    "name",
    "nin",
    "number",
    "numberValue",
    "panNumber",
    "phoneNumber",
    "phoneNumber2",
    "surname",
    "taxId",
    "userId",
];
/// The results of single fields, which stand under the names of the fields.
const NEUTRAL: &[&str] = &["verification", "numberTypeInfo"];

/// The shapes that Advance.AI payloads have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Result,
    /// `data` of a result without the envelope.
    BareResult,
    /// A verification was prepared: its `signatureId`, and where to send the user.
    Prepared,
    Health,
    Callback,
    /// A face comparison, a licence or a token.
    NoVerdict,
    Refusal,
}

/// Whether a JSON object is Advance.AI's.
pub fn sniff(object: &Object) -> bool {
    shape(object).is_some()
}

/// Whether an object is a part of a message, which may stand inside others.
pub fn is_part(object: &Object) -> bool {
    matches!(shape(object), Some(Shape::BareResult))
}

/// Decodes a JSON object of Advance.AI's.
pub fn decode(object: &Object, _envelope: &Envelope) -> Decoded {
    let data = nested::object(object, &["data"]).unwrap_or_default();
    let shape = shape(object);
    let mut decoded = match shape {
        Some(Shape::Result) => result::result(object, &data),
        Some(Shape::BareResult) => Decoded { kind: Kind::Fragment, ..result::result(&Object::default(), object) },
        Some(Shape::Prepared) => prepared(object, &data),
        Some(Shape::Health) => health(&data),
        Some(Shape::Callback) => callback(object),
        Some(Shape::NoVerdict) => Decoded::new(Some(Provider::AdvanceAi), Kind::OtherNoVerdict),
        Some(Shape::Refusal) => refusal(object),
        None => {
            let detail = "none of the Advance.AI payloads known";
            return Decoded::rejected(Some(Provider::AdvanceAi), RejectReason::UnknownShape, detail);
        }
    };
    let (around, inside) = known_names(shape);
    note_unknown(&mut decoded.unknown_fields, object, "", &[around]);
    note_unknown(&mut decoded.unknown_fields, &data, "data.", &[inside]);
    let any_of = |names: &'static [&str]| move |key: &str| names.iter().any(|name| same_name(key, name));
    stated::note_fields(&mut decoded.personal, object, &any_of(PERSONAL), &any_of(NEUTRAL));
    decoded
}

/// The names that an answer may have, and its `data`.
fn known_names(shape: Option<Shape>) -> (&'static [&'static str], &'static [&'static str]) {
    match shape {
        Some(Shape::Result) => (known_fields::ENVELOPE, known_fields::RESULT),
        Some(Shape::BareResult) => (known_fields::RESULT, &[]),
        Some(Shape::Callback) => (known_fields::CALLBACK, &[]),
        _ => (known_fields::ENVELOPE, known_fields::OTHER),
    }
}

fn shape(object: &Object) -> Option<Shape> {
    if is_callback(object) {
        return Some(Shape::Callback);
    }
    if is_result(object) && object.has("signatureId") {
        return Some(Shape::BareResult);
    }
    let code = stated::word(object, &["code"])?;
    let Some(data) = nested::object(object, &["data"]) else {
        return is_refusal(object, &code).then_some(Shape::Refusal);
    };
    let priced = object.has("transactionId") && (object.has("pricingStrategy") || object.has("extra"));
    if is_result(&data) {
        return Some(Shape::Result);
    }
    if data.has("signatureId") && data.has("url") {
        return Some(Shape::Prepared);
    }
    let number_type = stated::text(&data, &["numberType"]).unwrap_or_default();
    if data.has("status") && split_number_type(&number_type).0.is_some() {
        return Some(Shape::Health);
    }
    let faces = data.has("similarity");
    let licence = data.has("license") || data.has("accessToken") || data.has("livenessScore");
    if priced && (faces || licence) {
        return Some(Shape::NoVerdict);
    }
    (data.is_empty() && is_refusal(object, &code)).then_some(Shape::Refusal)
}

/// Whether an object is the `data` of a verification or of a database validation.
fn is_result(data: &Object) -> bool {
    let result = data.has("overallResult") || data.has("idvResult");
    let companions = ["signatureId", "errorCode", "docDatabaseDetail", "faceDetail", "countryCodeIso3"];
    if result {
        return companions.iter().any(|name| data.has(name));
    }
    let detail = data.has("docDatabaseDetail") || data.has("numberValue") || data.has("inputParameters");
    data.has("errorCode") && (detail || data.has("signatureId") && data.has("countryCodeIso3"))
}

fn is_callback(object: &Object) -> bool {
    let event = stated::text(object, &["type"]).unwrap_or_default();
    let is_word = !event.is_empty() && event.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let of_store = |key: &str| key.starts_with('_') || same_name(key, "received_at") || same_name(key, "timestamp");
    let no_more =
        object.iter().all(|(key, _)| same_name(key, "signatureId") || same_name(key, "type") || of_store(key));
    is_word && no_more && stated::text(object, &["signatureId"]).is_some()
}

/// A refusal has no data. Words that any service could use count only beside what is Advance.AI's own.
fn is_refusal(object: &Object, code: &str) -> bool {
    const FIELDS: &[&str] = &["code", "message", "data", "transactionId", "pricingStrategy", "extra"];
    let is_word = code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let no_more = object.iter().all(|(key, _)| FIELDS.iter().any(|name| same_name(key, name)));
    let priced = object.has("pricingStrategy") || object.has("extra");
    let no_data = object.get(&["data"]).is_none_or(|data| data.sort() != Sort::Text);
    let own_word = REFUSALS.contains(&code) || code == "ERROR" && object.has("data");
    is_word && code != "SUCCESS" && no_more && no_data && object.has("transactionId") && (priced || own_word)
}

fn refusal(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::AdvanceAi), Kind::ErrorResponse);
    decoded.submission = Some(StatedSubmission {
        accepted: false,
        code: stated::word(object, &["code"]),
        message: stated::text(object, &["message"]),
        provider_job_id: None,
        partner_job_id: None,
        user_id: None,
    });
    decoded
}

fn prepared(object: &Object, data: &Object) -> Decoded {
    let reference = stated::text(data, &["signatureId"]);
    let submission =
        refusal(object).submission.map(|s| StatedSubmission { accepted: true, provider_job_id: reference, ..s });
    Decoded { submission, ..Decoded::new(Some(Provider::AdvanceAi), Kind::SubmissionAck) }
}

fn health(data: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::AdvanceAi), Kind::HealthStatus);
    let (country, id_type) = split_number_type(&stated::text(data, &["numberType"]).unwrap_or_default());
    decoded.authority = Some(StatedAvailability {
        country,
        id_type,
        status: stated::text(data, &["status"]).map(|status| status.to_lowercase()),
        ..StatedAvailability::default()
    });
    decoded
}

fn callback(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::AdvanceAi), Kind::Callback);
    decoded.statements.push(Statement {
        product: Some(Product::Idv),
        provider_job_id: stated::text(object, &["signatureId"]),
        result_code: stated::word(object, &["type"]),
        ..Statement::default()
    });
    decoded
}

/// `NG_BVN` names the country Nigeria and the ID type `BVN`; `BVN` alone names no country.
fn split_number_type(number_type: &str) -> (Option<String>, Option<String>) {
    let number_type = number_type.to_uppercase();
    if let Some((prefix, rest)) = number_type.split_once('_')
        && prefix.len() == 2
        && let Some(code) = country::alpha2(prefix)
        && !rest.is_empty()
    {
        return (Some(code.to_owned()), Some(rest.to_owned()));
    }
    (None, Some(number_type).filter(|word| !word.is_empty()))
}
