//! v3 and v2: results without codes, times of their own, and references outside the body.

use super::super::wire::Object;
use super::super::{Decoded, Statement, time};
use super::actions;
use super::fields::{code, is_digits, stated};
use super::result::{self, JobId};
use super::shape::is_request_code;
use super::signature;
use crate::envelope::Envelope;
use crate::record::Micros;

/// Reads a v3 webhook body; its job, user and signature are in the headers.
pub fn decode_callback(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let mut statement = statement(object, decoded);
    let header = |name: &str| envelope.header(name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    statement.provider_job_id = header("Job-ID").or(statement.provider_job_id);
    statement.user_id = header("User-ID").or(statement.user_id);
    decoded.signature = signature::of_headers(envelope);
    // When a webhook was sent belongs to the delivery: a replay of the same body is sent anew.
    decoded.stated_at = decoded.stated_at.or(statement.stated_at);
    finish(object, envelope, statement, decoded);
}

/// Reads a v3 answer about a job that it names.
pub fn decode_status(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let statement = statement(object, decoded);
    decoded.stated_at = decoded.stated_at.or(instant(object, "created_at"));
    finish(object, envelope, statement, decoded);
}

/// Reads a v2 SmartSelfie answer: a numeric code where there is one, else its status.
pub fn decode_v2(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let mut statement = result::statement(object, 0, JobId::Provider, &mut decoded.problems);
    let number = object.get(&["code"]).and_then(code).filter(|code| is_digits(code) && !is_request_code(code));
    statement.result_code = number.or_else(|| stated(object, &["status"]).map(|status| status.to_ascii_lowercase()));
    statement.result_text = stated(object, &["message"]);
    let updated_at = instant(object, "updated_at");
    let created_at = instant(object, "created_at");
    statement.requested_at = updated_at.and(created_at);
    decoded.stated_at = updated_at.or(created_at).or(decoded.stated_at);
    finish(object, envelope, statement, decoded);
}

fn statement(object: &Object, decoded: &mut Decoded) -> Statement {
    let mut statement = result::statement(object, 0, JobId::Provider, &mut decoded.problems);
    let completed_at = instant(object, "completed_at");
    let created_at = instant(object, "created_at");
    // `message` never carries the decision (PROVIDERS.md, 1.8), so it is no result text.
    statement.result_text = None;
    statement.stated_at = completed_at.or(created_at);
    statement.requested_at = completed_at.and(created_at);
    statement
}

fn finish(object: &Object, envelope: &Envelope, mut statement: Statement, decoded: &mut Decoded) {
    result::fill_from_request(&mut statement, object, &envelope.request, &mut decoded.problems);
    decoded.checks.extend(actions::of_result(object, 0));
    decoded.statements.push(statement);
}

fn instant(object: &Object, name: &str) -> Option<Micros> {
    stated(object, &[name]).and_then(|text| time::parse(&text))
}
