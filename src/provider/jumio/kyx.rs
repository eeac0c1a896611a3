//! The KYX platform: workflow callbacks, which carry no decision, and retrieval answers, which do.

use super::netverify::country_of;
use super::verification::{check, is_name};
use super::{Shape, submission};
use crate::provider::wire::{Object, Value};
use crate::provider::{Decoded, StatedCheck, Statement, nested, stated};
use crate::record::{Kind, Product, Provider};

/// The states of a workflow.
const STATES: &[&str] =
    &["INITIATED", "ACQUISITION_STARTED", "ACQUIRED", "PROCESSING", "PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED"];
const DECISIONS: &[&str] = &["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED"];
const CAPABILITIES: &[&str] =
    &["extraction", "similarity", "liveness", "usability", "imageChecks", "dataChecks", "watchlistScreening"];

/// What sort of KYX payload an object is, if it is one.
pub(super) fn shape(object: &Object) -> Option<Shape> {
    let decided = has_decision(object) || has_capabilities(object);
    let Some(workflow) = workflow(object) else {
        return (has_decision(object) && has_capabilities(object)).then_some(Shape::KyxRetrieval);
    };
    if decided {
        return Some(Shape::KyxRetrieval);
    }
    let status = stated::word(&workflow, &["status"]).unwrap_or_default();
    let named = object.has("workflowExecution");
    if named && object.has("callbackSentAt") {
        return Some(Shape::KyxCallback);
    }
    let known_status = STATES.contains(&status.as_str());
    let companions = ["account", "credentials", "services"].iter().any(|name| object.has(name));
    if known_status && companions {
        return Some(if workflow.has("href") { Shape::KyxCallback } else { Shape::KyxRetrieval });
    }
    let begun = named && workflow.has("credentials") && (object.has("web") || object.has("sdk"));
    begun.then_some(Shape::KyxAcknowledgement)
}

fn workflow(object: &Object) -> Option<Object<'static>> {
    nested::object(object, &["workflowExecution", "workflow"]).filter(|w| w.has("id") || w.has("status"))
}

fn has_decision(object: &Object) -> bool {
    let decision = nested::object(object, &["decision"]).and_then(|d| stated::word(&d, &["type"]));
    decision.is_some_and(|word| DECISIONS.contains(&word.as_str()))
}

fn has_capabilities(object: &Object) -> bool {
    nested::object(object, &["capabilities"]).is_some_and(|c| CAPABILITIES.iter().any(|name| c.has(name)))
}

/// A callback: how far a workflow has come.
pub fn callback(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), Kind::KyxCallback);
    decoded.stated_at = stated::time(object, &["callbackSentAt"], &mut decoded.problems);
    let mut statement = begin(object);
    statement.stated_at = decoded.stated_at;
    if statement.result_code.is_none() {
        decoded.problems.push("workflowExecution.status is missing".to_owned());
    }
    decoded.statements.push(statement);
    decoded
}

/// A retrieval answer: the decision, or how far the workflow has come where there is none.
pub fn retrieval(object: &Object) -> Decoded {
    let kind = if workflow(object).is_some() { Kind::KyxRetrieval } else { Kind::Fragment };
    let mut decoded = Decoded::new(Some(Provider::Jumio), kind);
    let problems = &mut decoded.problems;
    let workflow = workflow(object).unwrap_or_default();
    let mut statement = begin(object);
    if let Some(decision) = nested::object(object, &["decision"]) {
        let state = statement.result_code.take();
        statement.result_code = stated::word(&decision, &["type"]).or(state);
        let label = label_of(&decision).filter(|label| Some(label) != statement.result_code.as_ref() && label != "OK");
        statement.error_code = label;
        let risk = nested::object(&decision, &["risk"]).and_then(|risk| stated::number(&risk, &["score"]));
        // -1 says that no score was computed.
        statement.risk_score = risk.filter(|score| *score >= 0.0);
    }
    let capabilities = nested::object(object, &["capabilities"]).unwrap_or_default();
    let extractions = capabilities.get(&["extraction"]).map(data_of).unwrap_or_default();
    for data in &extractions {
        describe(&mut statement, data, problems);
    }
    let mut time = |of: &Object, names: &[&str]| stated::time(of, names, problems);
    decoded.stated_at = time(object, &["timestamp"]);
    statement.stated_at = time(object, &["completedAt", "updatedAt"])
        .or_else(|| time(&workflow, &["completedAt", "updatedAt"]))
        .or(decoded.stated_at);
    statement.requested_at =
        time(object, &["startedAt", "createdAt"]).or_else(|| time(&workflow, &["startedAt", "createdAt"]));
    decoded.checks = capability_checks(&capabilities);
    decoded.checks.extend(part_checks(object));
    decoded.statements.push(statement);
    decoded
}

/// The answer to a request for a workflow.
pub fn acknowledgement(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), Kind::SubmissionAck);
    decoded.stated_at = stated::time(object, &["timestamp"], &mut decoded.problems);
    let reference = workflow(object).and_then(|w| stated::text(&w, &["id"]));
    decoded.submission = Some(submission(true, reference));
    decoded
}

/// What callback and retrieval tell alike: references, and the state as the result.
fn begin(object: &Object) -> Statement {
    let workflow = workflow(object).unwrap_or_default();
    let account = nested::object(object, &["account"]).unwrap_or_default();
    let first = |names: &[&str]| [&workflow, &account, object].into_iter().find_map(|o| stated::text(o, names));
    Statement {
        product: Some(Product::Kyx),
        provider_job_id: stated::text(&workflow, &["id"]),
        partner_job_id: first(&["customerInternalReference"]),
        user_id: first(&["userReference"]),
        merchant_reporting_criteria: first(&["reportingCriteria", "merchantReportingCriteria"]),
        result_code: stated::word(&workflow, &["status"]),
        ..Statement::default()
    }
}

/// What the document says of itself; the first extraction that states a field counts.
fn describe(statement: &mut Statement, data: &Object, problems: &mut Vec<String>) {
    stated::check_dates(data, &["dateOfBirth", "expiryDate", "issuingDate"], problems);
    statement.id_type = statement.id_type.take().or_else(|| stated::word(data, &["type"]));
    statement.id_number = statement.id_number.take().or_else(|| stated::text(data, &["documentNumber", "number"]));
    if statement.country.is_none() {
        statement.country = country_of(data, &["issuingCountry", "country"], problems);
    }
}

fn data_of(list: &Value) -> Vec<Object<'static>> {
    let elements = list.list();
    elements.iter().filter_map(nested::of_value).filter_map(|element| nested::object(&element, &["data"])).collect()
}

fn label_of(decision: &Object) -> Option<String> {
    let details = nested::object(decision, &["details"]);
    details.and_then(|d| stated::word(&d, &["label"])).or_else(|| stated::word(decision, &["label"]))
}

/// One check for each run of a capability: what it found, and its decision where that is another word.
fn capability_checks(capabilities: &Object) -> Vec<StatedCheck> {
    let mut checks = Vec::new();
    for (name, list) in capabilities.iter().filter(|(name, _)| is_name(name)) {
        for run in list.list().iter().filter_map(nested::of_value) {
            let data = nested::object(&run, &["data"]).unwrap_or_default();
            let decision = nested::object(&run, &["decision"]).unwrap_or_default();
            let found = stated::word(&data, &["similarity"]).or_else(|| label_of(&decision));
            let decided = stated::word(&decision, &["type"]);
            let value = found.or_else(|| decided.clone());
            if value.is_some() {
                let detail = decided.filter(|decided| Some(decided) != value.as_ref());
                checks.push(check(name, value, detail));
            }
            if let Some(search) = nested::object(&data, &["faceSearchFindings"]) {
                checks.push(check("faceSearchFindings", stated::word(&search, &["status"]), None));
            }
        }
    }
    checks
}

/// The decisions of single credentials and services.
fn part_checks(object: &Object) -> Vec<StatedCheck> {
    let mut checks = Vec::new();
    for (list, part, name) in [("credentials", "credential", "category"), ("services", "service", "name")] {
        let elements = object.get(&[list]).map(Value::list).unwrap_or_default();
        for element in elements.iter().filter_map(nested::of_value) {
            let result = nested::object(&element, &["result"]).unwrap_or_default();
            let Some(value) = decided(&element).or_else(|| decided(&result)) else {
                continue;
            };
            let label = stated::text(&element, &[name]).filter(|label| is_name(label));
            checks.push(check(&label.map_or(part.to_owned(), |label| format!("{part}.{label}")), Some(value), None));
        }
    }
    checks
}

/// A decision as a word, or as an object with a label or type.
fn decided(object: &Object) -> Option<String> {
    match nested::object(object, &["decision"]) {
        Some(decision) => label_of(&decision).or_else(|| stated::word(&decision, &["type"])),
        None => stated::word(object, &["decision"]),
    }
}

#[cfg(test)]
#[path = "kyx_tests.rs"]
mod tests;
