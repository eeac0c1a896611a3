//! `job_status` answers: one statement of the job, then one of each history entry.
//!
//! The answer's `code` says whether the query worked and is never a verdict. `history` may hold other jobs of the same
//! user, so an entry takes nothing from the answer around it.

use super::super::Decoded;
use super::super::known_fields::note_unknown;
use super::super::wire::{Object, Sort, Value};
use super::actions;
use super::fields::{code, note, plain, stated};
use super::known_fields::RESULT;
use super::result::{self, JobId};
use crate::envelope::Envelope;

/// Reads an answer into `decoded`.
pub fn decode(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    current(object, envelope, decoded);
    history(object, decoded);
}

/// Reads `{"result": …}` or `{"history": […]}` that was stored without the answer around it.
pub fn decode_part(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    if object.has("result") {
        current(object, envelope, decoded);
    }
    history(object, decoded);
}

fn current(object: &Object, envelope: &Envelope, decoded: &mut Decoded) {
    let value = object.get(&["result"]);
    let inner = value.and_then(result_object);
    if let Some(inner) = &inner {
        note_unknown(&mut decoded.unknown_fields, inner, "result.", &[RESULT]);
    }
    // Integrators flatten the result into the answer.
    let stating = inner.as_ref().unwrap_or(object);
    let mut statement = result::statement(stating, 0, JobId::Partner, &mut decoded.problems);
    if inner.is_none() && !object.has("ResultCode") {
        statement.result_code = None;
        statement.error_code = None;
    }
    if let Some(text) = value.filter(|value| inner.is_none() && value.sort() == Sort::Text && value.object().is_none())
    {
        statement.result_text = plain(text);
    }
    statement.provider_job_id = statement.provider_job_id.or_else(|| stated(object, &["SmileJobID"]));
    statement.partner_job_id = statement.partner_job_id.or_else(|| stated(object, &["job_id"]));
    statement.user_id = statement.user_id.or_else(|| stated(object, &["user_id"]));
    statement.job_complete = object.get(&["job_complete"]).and_then(|value| value.bool());
    statement.job_success = object.get(&["job_success"]).and_then(|value| value.bool());
    statement.query_code = object.get(&["code"]).and_then(code);
    result::fill_from_request(&mut statement, stating, &envelope.request, &mut decoded.problems);
    decoded.checks.extend(actions::of_result(stating, 0));
    decoded.statements.push(statement);
}

/// A result that states something: an object, alone or first in a list.
fn result_object(value: &Value) -> Option<Object<'static>> {
    let object = value.object().map(Object::into_owned).or_else(|| {
        let list = value.list();
        list.first()?.object().map(Object::into_owned)
    });
    object.filter(|object| !object.is_empty())
}

fn history(object: &Object, decoded: &mut Decoded) {
    let entries = object.get(&["history"]).map(|value| value.list()).unwrap_or_default();
    for (position, entry) in (1..).zip(&entries) {
        let Some(entry) = entry.object() else {
            note(&mut decoded.problems, "a history entry is not an object");
            continue;
        };
        if entry.is_empty() {
            continue;
        }
        note_unknown(&mut decoded.unknown_fields, &entry, "history.", &[RESULT]);
        let mut statement = result::statement(&entry, position, JobId::Partner, &mut decoded.problems);
        statement.is_history = true;
        decoded.checks.extend(actions::of_result(&entry, position));
        decoded.statements.push(statement);
    }
}
