//! Jumio: Netverify, document and authentication callbacks, retrieval answers, and the KYX platform.
//!
//! Callbacks are forms whose nested objects are JSON text; stores re-encode them in many ways, so every shape here is
//! recognised by its names and words and not by how it is written down. Jumio signs nothing: the signature is absent.
//!
//! Not here: unwrapping what a middleware put around a payload, and the meaning of any word.

pub(super) mod known_fields;
mod kyx;
mod netverify;
mod retrieval;
mod verification;

use super::known_fields::note_unknown;
use super::wire::{Object, Sort, Value, same_name};
use super::{Decoded, StatedSubmission, nested, stated};
use crate::envelope::Envelope;
use crate::record::{Kind, Provider, RejectReason};

/// The words of `verificationStatus`, with the legacy one and the misprint of the guide.
const VERDICTS: &[&str] = &[
    "APPROVED_VERIFIED",
    "APPROVED_VERIFED",
    "DENIED_FRAUD",
    "DENIED_UNSUPPORTED_ID_TYPE",
    "DENIED_UNSUPPORTED_ID_COUNTRY",
    "DENIED_NAME_MISMATCH",
    "ERROR_NOT_READABLE_ID",
    "NO_ID_UPLOADED",
];
/// How far the extraction of a document's text has come: no verdict.
const EXTRACTIONS: &[&str] = &["UPLOADED", "EXTRACTED", "DISCARDED"];
/// The states of a scan.
const STATES: &[&str] = &["PENDING", "DONE", "FAILED"];

/// Fields whose values are about a person, at any depth of any Jumio payload.
const PERSONAL: &[&str] = &[
    "accountNumber",
    "address",
    "clientIp",
    "cpf",
    "curp",
    "customerId",
    "dateOfBirth",
    "dni",
    "dob",
    "documentNumber",
    "email",
    "extractedData",
    "fathersName",
    "firstName",
    "fullName",
    "givenName",
    "idAddress",
    "idDob",
    "idFirstName",
    "idLastName",
    "idNumber",
    "lastName",
    "middleName",
    "mothersName",
    "mrz",
    "number",
    "optionalData1",
    "optionalData2",
    "optionalMrzField1",
    "optionalMrzField2",
    "originDob",
    "pan",
    "passportNumber",
    "personalNumber",
    "phoneNumber",
    "placeOfBirth",
    "rgNumber",
    "ssn",
    "taxNumber",
    "userReference",
    "voterIdNumber",
];

/// Fields among personal ones that many people share.
const NEUTRAL: &[&str] = &[
    "addressFormat",
    "country",
    "countryCode",
    "expiryDate",
    "issueDate",
    "signatureAvailable",
    "signaturePresent",
    "stateCode",
];

/// The shapes that Jumio payloads have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Netverify,
    Document,
    AuthenticationCallback,
    AuthenticationRetrieval,
    Retrieval,
    /// A part of a retrieval answer, or a whole one, without the reference that names the scan.
    Part,
    KyxCallback,
    KyxRetrieval,
    /// The answer to a request for a scan.
    Acknowledgement,
    /// The answer to a request for a workflow.
    KyxAcknowledgement,
    Refusal,
}

/// Whether a JSON object or form is Jumio's.
pub fn sniff(object: &Object) -> bool {
    shape(object).is_some()
}

/// Whether an object is a part of a message, which may stand inside others.
pub fn is_part(object: &Object) -> bool {
    matches!(shape(object), Some(Shape::Part))
}

/// Decodes a JSON object or form of Jumio's.
pub fn decode(object: &Object, envelope: &Envelope) -> Decoded {
    let shape = shape(object);
    let mut decoded = match shape {
        Some(Shape::Netverify) => netverify::callback(object),
        Some(Shape::Document) if envelope.kind != Some(Kind::Retrieval) => {
            retrieval::answer(object, Kind::DocumentCallback)
        }
        Some(Shape::Document) => retrieval::answer(object, Kind::Retrieval),
        Some(Shape::AuthenticationCallback) => netverify::authentication(object, Kind::AuthenticationCallback),
        Some(Shape::AuthenticationRetrieval) => netverify::authentication(object, Kind::Retrieval),
        Some(Shape::Retrieval) if envelope.kind == Some(Kind::DocumentCallback) => {
            retrieval::answer(object, Kind::DocumentCallback)
        }
        Some(Shape::Retrieval) => retrieval::answer(object, Kind::Retrieval),
        Some(Shape::Part) => retrieval::answer(object, Kind::Fragment),
        Some(Shape::KyxCallback) => kyx::callback(object),
        Some(Shape::KyxRetrieval) => kyx::retrieval(object),
        Some(Shape::Acknowledgement) => acknowledgement(object),
        Some(Shape::KyxAcknowledgement) => kyx::acknowledgement(object),
        Some(Shape::Refusal) => refusal(object),
        None => {
            let detail = "none of the Jumio payloads known";
            return Decoded::rejected(Some(Provider::Jumio), RejectReason::UnknownShape, detail);
        }
    };
    note_unknown(&mut decoded.unknown_fields, object, "", known_names(shape));
    let any_of = |names: &'static [&str]| move |key: &str| names.iter().any(|name| same_name(key, name));
    stated::note_fields(&mut decoded.personal, object, &any_of(PERSONAL), &any_of(NEUTRAL));
    decoded
}

/// The names that a payload may have at its top.
fn known_names(shape: Option<Shape>) -> &'static [&'static [&'static str]] {
    match shape {
        Some(Shape::Netverify) => &[known_fields::SCAN, known_fields::ANSWER],
        Some(Shape::AuthenticationCallback | Shape::AuthenticationRetrieval) => &[known_fields::AUTHENTICATION],
        Some(Shape::Document | Shape::Retrieval | Shape::Part) => {
            &[known_fields::ANSWER, known_fields::PARTS, known_fields::SCAN]
        }
        Some(Shape::KyxCallback | Shape::KyxRetrieval | Shape::KyxAcknowledgement) => &[known_fields::KYX],
        Some(Shape::Acknowledgement | Shape::Refusal) | None => &[known_fields::REQUEST],
    }
}

fn shape(object: &Object) -> Option<Shape> {
    let callback_type = stated::word(object, &["callBackType"]).unwrap_or_default();
    if callback_type == "NETVERIFY_AUTHENTICATION" || is_authentication(object) {
        let called_back = !callback_type.is_empty() || object.has("callbackDate") || is_form(object);
        return Some(if called_back { Shape::AuthenticationCallback } else { Shape::AuthenticationRetrieval });
    }
    if is_acknowledgement(object) {
        return Some(Shape::Acknowledgement);
    }
    if callback_type == "NETVERIFYID" || is_netverify(object) {
        return Some(Shape::Netverify);
    }
    if stated::text(object, &["scanReference"]).is_some() && has_scan_field(object) {
        return Some(if is_document_callback(object) { Shape::Document } else { Shape::Retrieval });
    }
    if let Some(shape) = kyx::shape(object) {
        return Some(shape);
    }
    if is_refusal(object) {
        return Some(Shape::Refusal);
    }
    retrieval::is_part(object).then_some(Shape::Part)
}

fn is_netverify(object: &Object) -> bool {
    let verdict = stated::word(object, &["verificationStatus"]);
    object.has("jumioIdScanReference")
        || verdict.is_some_and(|word| VERDICTS.contains(&word.as_str()))
            && ["idScanStatus", "idScanSource", "idType", "idCountry", "merchantIdScanReference", "scanReference"]
                .iter()
                .any(|name| object.has(name))
}

fn is_authentication(object: &Object) -> bool {
    let companions =
        ["enrollmentTransactionReference", "scanSource", "livenessImages", "callbackDate", "transactionDate"];
    let result = stated::word(object, &["transactionResult"]).unwrap_or_default();
    object.has("transactionReference")
        && ["PASSED", "FAILED", "INVALID", "EXPIRED"].contains(&result.as_str())
        && companions.iter().any(|name| object.has(name))
}

/// Whether something that answers about a scan stands beside `scanReference`.
fn has_scan_field(object: &Object) -> bool {
    const FIELDS: &[&str] = &[
        "timestamp",
        "status",
        "images",
        "document",
        "transaction",
        "verification",
        "mrzCheck",
        "rejectReason",
        "identityVerification",
        "additionalChecks",
        "extractedData",
        "merchantScanReference",
    ];
    FIELDS.iter().any(|name| object.has(name))
}

/// Document callbacks and document retrievals differ in little: a callback is a form, or lists its images.
fn is_document_callback(object: &Object) -> bool {
    let text_inside = |name| object.get(&[name]).is_some_and(|value: &Value| value.sort() == Sort::Text);
    let Some(document) = nested::object(object, &["document"]) else {
        return nested::object(object, &["transaction"]).is_some() && text_inside("transaction");
    };
    let status = stated::word(&document, &["status"]).unwrap_or_default();
    !VERDICTS.contains(&status.as_str())
        && !document.is_empty()
        && (text_inside("document") || text_inside("transaction") || document.has("images"))
}

/// Whether the values are fields of a form and not JSON.
fn is_form(object: &Object) -> bool {
    object.iter().any(|(_, value)| matches!(value, Value::Text(_)))
}

const REFERENCES: &[&str] = &["jumioIdScanReference", "scanReference", "transactionReference"];

/// A reference and where to go next, or a new workflow with its credentials: nothing was verified yet.
fn is_acknowledgement(object: &Object) -> bool {
    const NEXT: &[&str] = &["redirectUrl", "clientRedirectUrl"];
    let alone = object.iter().all(|(key, _)| {
        let known = REFERENCES.iter().chain(NEXT).chain(&["timestamp", "authorizationToken"]);
        known.into_iter().any(|name| same_name(key, name))
    });
    let jumio_url = stated::text(object, NEXT).is_some_and(|url| is_jumio_url(&url));
    let named = stated::text(object, REFERENCES).is_some();
    let own_reference = object.has("jumioIdScanReference") || object.has("scanReference");
    alone && named && (jumio_url || own_reference && object.has("timestamp"))
}

fn acknowledgement(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), Kind::SubmissionAck);
    decoded.stated_at = stated::time(object, &["timestamp"], &mut decoded.problems);
    decoded.submission = Some(submission(true, stated::text(object, REFERENCES)));
    decoded
}

/// A refusal names the address that was called.
fn is_refusal(object: &Object) -> bool {
    stated::text(object, &["requestURI"]).is_some_and(|uri| is_jumio_url(&uri))
        && stated::text(object, &["httpStatus", "status"]).is_some()
}

fn refusal(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), Kind::ErrorResponse);
    decoded.stated_at = stated::time(object, &["timestamp"], &mut decoded.problems);
    decoded.submission = Some(StatedSubmission {
        code: stated::word(object, &["httpStatus", "status"]),
        message: stated::text(object, &["message", "error"]),
        ..submission(false, None)
    });
    decoded
}

fn submission(accepted: bool, provider_job_id: Option<String>) -> StatedSubmission {
    StatedSubmission { accepted, code: None, message: None, provider_job_id, partner_job_id: None, user_id: None }
}

fn is_jumio_url(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    url.contains("netverify") || url.contains("jumio")
}

#[cfg(test)]
mod tests;
