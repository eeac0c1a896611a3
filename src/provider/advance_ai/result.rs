//! The result of a verification (Get Result) and of a database validation.
//!
//! Both stand in the same envelope. A database validation is told by what it lacks (a face, the echo of its input) and by
//! its empty error code where it passed.

use super::split_number_type;
use crate::provider::wire::{Object, Sort, Value};
use crate::provider::{Decoded, StatedCheck, Statement, country, nested, stated};
use crate::record::{Kind, Product, Provider};

/// Parts of `docDatabaseDetail` that describe a person of their own.
const DETAILS: &[&str] = &["aadhaarDetail", "panDetail"];
const BIRTHDAYS: &[&str] = &["birthday", "birthDate", "dateOfBirth"];

/// Reads one result; `envelope` is empty where only its `data` was kept.
pub fn result(envelope: &Object, data: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::AdvanceAi), Kind::GetResult);
    let product = if is_database_validation(data) { Product::DatabaseValidation } else { Product::Idv };
    let detail = nested::object(data, &["docDatabaseDetail"]).unwrap_or_default();
    let face = nested::object(data, &["faceDetail"]).unwrap_or_default();
    let input = nested::object(data, &["inputParameters"]).unwrap_or_default();
    let numbers = nested::object(&detail, &["numberTypeInfo"])
        .or_else(|| nested::object(data, &["numberTypeInfo"]))
        .unwrap_or_default();
    let (prefix, type_after_prefix) = split_number_type(&stated::text(&numbers, &["numberType"]).unwrap_or_default());
    let (_, input_type) = split_number_type(&stated::text(&input, &["numberType", "docType"]).unwrap_or_default());
    let error_code = stated::word(data, &["errorCode"]);
    let mut result_code = stated::word(data, &["overallResult", "idvResult"]);
    if result_code.is_none() && product == Product::DatabaseValidation && has_empty_error(data) && !detail.is_empty() {
        // A database validation may say that it passed by an empty error code alone.
        result_code = Some("PASS".to_owned());
    }
    for object in [data, &detail] {
        stated::check_dates(object, BIRTHDAYS, &mut decoded.problems);
    }
    for name in DETAILS {
        if let Some(part) = nested::object(&detail, &[name]) {
            stated::check_dates(&part, BIRTHDAYS, &mut decoded.problems);
        }
    }
    let stated_country =
        country_of(&[(data, "countryCodeIso3"), (&input, "region"), (&numbers, "region")], &mut decoded.problems);
    let mut reference = stated::text(data, &["signatureId"]);
    if product == Product::DatabaseValidation {
        // Nothing else names the call.
        reference = reference.or_else(|| stated::text(envelope, &["transactionId"]));
    }
    decoded.statements.push(Statement {
        product: Some(product),
        provider_job_id: reference,
        partner_job_id: stated::text(&input, &["bizId"]),
        user_id: stated::text(&input, &["userId"]),
        id_number: id_number(&[&detail, data, &input]),
        job_complete: (result_code.is_none() && error_code.is_none()).then_some(false),
        error_code,
        result_code,
        query_code: stated::word(envelope, &["code"]),
        country: stated_country.or(prefix),
        id_type: input_type.or(type_after_prefix),
        similarity_score: stated::number(&face, &["faceSimilarityScore"]),
        liveness_score: stated::number(&face, &["faceLivenessScore"]),
        submission_completed: data.get(&["submissionCompleted"]).and_then(Value::bool),
        pricing_strategy: stated::word(envelope, &["pricingStrategy"]),
        ..Statement::default()
    });
    decoded.checks = face_checks(&face);
    for object in [&detail, data] {
        decoded.checks.extend(field_checks(object));
    }
    decoded
}

/// A verification names its country and says how far it is; a database validation does not.
fn is_database_validation(data: &Object) -> bool {
    let of_verification = ["countryCodeIso3", "submissionCompleted", "idvResult", "faceDetail", "docDetail"];
    if of_verification.iter().any(|name| data.has(name)) {
        return false;
    }
    let detail = ["docDatabaseDetail", "numberValue", "verification"].iter().any(|name| data.has(name));
    let says_success = stated::word(data, &["errorCode"]).as_deref() == Some("SUCCESS");
    has_empty_error(data) || !data.has("signatureId") || detail && !says_success
}

fn has_empty_error(data: &Object) -> bool {
    data.get(&["errorCode"]).and_then(Value::text).is_some_and(|code| code.trim().is_empty())
}

fn country_of(places: &[(&Object, &str)], problems: &mut Vec<String>) -> Option<String> {
    for (object, name) in places {
        let Some(stated) = stated::text(object, &[name]) else {
            continue;
        };
        match country::alpha2(&stated) {
            Some(code) => return Some(code.to_owned()),
            None => problems.push(format!("{name} is not a country")),
        }
    }
    None
}

/// The number that was asked about, unless it is masked.
fn id_number(places: &[&Object]) -> Option<String> {
    let numbers = places.iter().filter_map(|o| stated::text(o, &["numberValue", "bvn", "nin", "idNumber"]));
    numbers.into_iter().find(|number| !number.contains('*'))
}

fn face_checks(face: &Object) -> Vec<StatedCheck> {
    let mut checks = Vec::new();
    for name in ["faceResult", "livenessAttackType"] {
        checks.extend(stated::word(face, &[name]).map(|value| check(name, value)));
    }
    let events = face.get(&["eventDetails"]).map(Value::list).unwrap_or_default();
    let words = events.iter().filter(|e| e.sort() == Sort::Text).filter_map(stated::value_text);
    checks.extend(words.map(|word| check("eventDetails", word)));
    checks
}

/// Which of the person's fields agreed with the database: `pass`, `fail`.
fn field_checks(object: &Object) -> Vec<StatedCheck> {
    let verification = nested::object(object, &["verification"]).unwrap_or_default();
    let fields = ["numberValue", "fullName", "dob", "face"];
    let stated = fields.iter().filter_map(|name| Some((name, stated::text(&verification, &[name])?)));
    stated.map(|(name, value)| check(&format!("verification.{name}"), value)).collect()
}

fn check(name: &str, value: String) -> StatedCheck {
    StatedCheck { position: 0, name: name.to_owned(), value: Some(value), detail: None }
}
