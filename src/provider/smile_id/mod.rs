//! Smile ID: callbacks, `job_status` answers, v3 webhooks, availability answers, acknowledgements and errors.
//!
//! One module per concern: `shape` tells the messages apart, `result` reads a verdict, `job_status` and `v3` what is
//! around it, `submission` and `availability` the rest; `signature`, `receipt`, `account`, `product`, `actions`, `personal`
//! read what every message may carry.
//!
//! Not here: what a code means (the code catalogue), whether a signature verifies (`auth`).

mod account;
mod actions;
mod availability;
mod fields;
mod job_status;
pub(super) mod known_fields;
pub(super) mod personal;
mod product;
mod receipt;
mod result;
mod shape;
mod signature;
mod submission;
mod v3;

use super::known_fields::note_unknown;
use super::wire::Object;
use super::{Decoded, Statement, time};
use crate::envelope::Envelope;
use crate::record::{Kind, Provider, RejectReason};
use result::JobId;
use shape::Shape;

/// Whether an object is one of Smile ID's messages, by its content.
pub fn sniff(object: &Object) -> bool {
    shape::recognise(object).is_some()
}

/// Whether an object is a part of a message, which may stand inside others.
pub fn is_part(object: &Object) -> bool {
    shape::recognise(object).is_some_and(|shape| kind(shape) == Kind::Fragment)
}

/// What an object states that is Smile ID's, by its content or because its store says so.
pub fn decode(object: &Object, envelope: &Envelope) -> Decoded {
    let Some(shape) = shape::recognise(object).or_else(|| shape::guess(object, envelope)) else {
        return Decoded::rejected(Some(Provider::SmileId), RejectReason::UnknownShape, "no message of Smile ID");
    };
    let mut decoded = Decoded::new(Some(Provider::SmileId), kind(shape));
    if shape != Shape::Params {
        note_unknown(&mut decoded.unknown_fields, object, "", known_names(shape));
    }
    around(object, envelope, &mut decoded);
    match shape {
        Shape::Result => callback(object, envelope, &mut decoded),
        Shape::V2 => v3::decode_v2(object, envelope, &mut decoded),
        Shape::JobStatus => job_status::decode(object, envelope, &mut decoded),
        Shape::PartOfJobStatus => job_status::decode_part(object, envelope, &mut decoded),
        Shape::V3Callback => v3::decode_callback(object, envelope, &mut decoded),
        Shape::V3Status => v3::decode_status(object, envelope, &mut decoded),
        Shape::IdStatus => {
            decoded.authority = Some(availability::decode(object, &envelope.request, &mut decoded.problems));
        }
        Shape::Ack | Shape::Error => {
            decoded.submission = Some(submission::decode(object, shape == Shape::Ack, &envelope.request));
            let created_at = object.text(&["created_at"]).and_then(|text| time::parse(&text));
            decoded.stated_at = decoded.stated_at.or(created_at);
        }
        Shape::WrappedResult => wrapped_result(object, envelope, &mut decoded),
        Shape::WrappedError => decoded.submission = Some(submission::decode_wrapped(object, &envelope.request)),
        Shape::Actions => decoded.checks = actions::entries(object, 0),
        Shape::ReceiptAlone | Shape::NoVerdict | Shape::Params => {}
    }
    attribute_by_receipt(&mut decoded);
    decoded
}

/// What a bare text states: a `result` that was stored without its answer, as long as no archive was uploaded.
pub fn decode_text(text: &str) -> Option<Decoded> {
    let text = text.trim();
    let words = text.to_ascii_lowercase();
    let about_the_archive = words.split_whitespace().any(|word| word == "zip")
        && ["no ", "fail", "corrupt", "not ", "file"].iter().any(|part| words.contains(part));
    if text.len() > 100 || !about_the_archive {
        return None;
    }
    let mut decoded = Decoded::new(Some(Provider::SmileId), Kind::Fragment);
    decoded.statements.push(Statement { result_text: Some(text.to_owned()), ..Statement::default() });
    Some(decoded)
}

fn kind(shape: Shape) -> Kind {
    match shape {
        Shape::Result | Shape::WrappedResult | Shape::V2 | Shape::ReceiptAlone => Kind::Callback,
        Shape::JobStatus | Shape::V3Status => Kind::JobStatus,
        Shape::V3Callback => Kind::V3Callback,
        Shape::IdStatus => Kind::IdStatus,
        Shape::Ack => Kind::SubmissionAck,
        Shape::Error | Shape::WrappedError => Kind::ErrorResponse,
        Shape::NoVerdict => Kind::OtherNoVerdict,
        Shape::PartOfJobStatus | Shape::Params | Shape::Actions => Kind::Fragment,
    }
}

/// The names that a message may have; the company's own parameters may have any.
fn known_names(shape: Shape) -> &'static [&'static [&'static str]] {
    match shape {
        Shape::Result | Shape::ReceiptAlone => &[known_fields::RESULT],
        Shape::JobStatus | Shape::PartOfJobStatus => &[known_fields::JOB_STATUS, known_fields::RESULT],
        Shape::V2 => &[known_fields::V2],
        Shape::V3Callback | Shape::V3Status => &[known_fields::V3],
        Shape::IdStatus => &[known_fields::ID_STATUS],
        Shape::Ack | Shape::Error => &[known_fields::ANSWER],
        Shape::WrappedError | Shape::WrappedResult => &[known_fields::WRAPPED],
        Shape::NoVerdict => &[known_fields::SERVICE],
        Shape::Actions => &[known_fields::ACTIONS, &actions::NAMES],
        Shape::Params => &[],
    }
}

/// What every message may carry beside its statements.
fn around(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    if object.duplicate_keys() > 0 {
        fields::note(&mut decoded.problems, "duplicate key at the top level");
    }
    decoded.signature = signature::of_body(object);
    if let Some(text) = object.text(&["timestamp"]) {
        decoded.stated_at = time::parse(&text);
        if decoded.stated_at.is_none() && !fields::is_placeholder(&text) {
            fields::note(&mut decoded.problems, "timestamp is not a time");
        }
    }
    decoded.receipt = receipt::of(object, &mut decoded.problems).or_else(|| {
        let result = object.object(&["result"])?;
        receipt::of(&result, &mut decoded.problems)
    });
    (decoded.partner, decoded.environment) = account::of(object, decoded.receipt.as_ref(), envelope);
    decoded.channel = account::channel(object, &envelope.request);
    decoded.personal = personal::of(object);
    let outside = [envelope.request.user_id.as_deref(), envelope.header("User-ID")];
    outside.into_iter().flatten().for_each(|user| personal::add(user, &mut decoded.personal));
}

fn callback(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let mut statement = result::statement(object, 0, JobId::Partner, &mut decoded.problems);
    result::fill_from_request(&mut statement, object, &envelope.request, &mut decoded.problems);
    decoded.checks = actions::of_result(object, 0);
    decoded.statements.push(statement);
}

fn wrapped_result(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let refused = submission::decode_wrapped(object, &envelope.request);
    decoded.statements.push(Statement {
        result_code: refused.code,
        result_text: refused.message,
        partner_job_id: refused.partner_job_id,
        user_id: refused.user_id,
        ..Statement::default()
    });
}

/// A result that names no job is the one whose receipt it carries. A history entry may be of another job.
fn attribute_by_receipt(decoded: &mut Decoded) {
    let job_id = decoded.receipt.as_ref().and_then(|receipt| receipt.job_id.clone());
    for statement in decoded.statements.iter_mut().filter(|s| !s.is_history && s.provider_job_id.is_none()) {
        statement.provider_job_id.clone_from(&job_id);
    }
}

#[cfg(test)]
mod tests;
