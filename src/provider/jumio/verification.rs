//! The parts of a Jumio answer that say why: the reject reason, the face check and the named checks.
//!
//! The face check does not change Jumio's verification status, so an approved document can still belong to somebody
//! else: [`Face::objection`] says where the face check decides against.

use crate::provider::wire::{Object, Sort, Value, same_name};
use crate::provider::{StatedCheck, nested, stated};

/// The `error_code` of an approved answer whose face check does not say both similarity and validity.
pub const FACE_UNREADABLE: &str = "IDENTITY_VERIFICATION_UNREADABLE";
/// The `error_code` of a face check that is invalid without a reason.
pub const FACE_INVALID: &str = "VALIDITY_FALSE";

/// The checks of a document, as Jumio spells them (PROVIDERS.md, 3).
const DOCUMENT_CHECKS: [&str; 7] = [
    "idCheckDataPositions",
    "idCheckDocumentValidation",
    "idCheckHologram",
    "idCheckMRZcode",
    "idCheckMicroprint",
    "idCheckSecurityFeatures",
    "idCheckSignature",
];

/// Why a scan was rejected.
#[derive(Debug, Default, PartialEq)]
pub struct Reject {
    pub code: Option<String>,
    description: Option<String>,
    /// Code and description of each detail.
    details: Vec<(Option<String>, Option<String>)>,
}

/// What the face check found (`identityVerification`).
#[derive(Debug, Default, PartialEq)]
pub struct Face {
    similarity: Option<String>,
    validity: Option<bool>,
    reason: Option<String>,
    pub score: Option<f64>,
    /// True where something was stated, but not that the faces match and that the person is live.
    unreadable: bool,
    checks: Vec<(&'static str, String)>,
}

/// Reads `rejectReason`; `None` where it states nothing.
pub fn reject(outer: &Object, problems: &mut Vec<String>) -> Option<Reject> {
    let Some(object) = nested::object(outer, &["rejectReason"]) else {
        let code = stated::word(outer, &["rejectReason", "rejectReasonCode"])?;
        if !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            problems.push("rejectReason cannot be read".to_owned());
            return None;
        }
        return Some(Reject { code: Some(code), ..Reject::default() });
    };
    let details = object.get(&["rejectReasonDetails"]).map(details_of).unwrap_or_default();
    let reject = Reject {
        code: stated::word(&object, &["rejectReasonCode", "code"]),
        description: stated::word(&object, &["rejectReasonDescription", "description"]),
        details,
    };
    if reject.code.is_none() && reject.description.is_some() {
        problems.push("rejectReasonCode is missing".to_owned());
    }
    (reject != Reject::default()).then_some(reject)
}

/// One detail is sent as an object, several as an array.
fn details_of(value: &Value) -> Vec<(Option<String>, Option<String>)> {
    let list = value.list();
    let objects: Vec<_> = if list.is_empty() {
        nested::of_value(value).into_iter().collect()
    } else {
        list.iter().filter_map(nested::of_value).collect()
    };
    let pairs = objects.iter().map(|o| (stated::word(o, &["detailsCode"]), stated::word(o, &["detailsDescription"])));
    pairs.filter(|(code, description)| code.is_some() || description.is_some()).collect()
}

/// Reads `identityVerification`; `None` where it is absent or a placeholder.
pub fn face(outer: &Object, problems: &mut Vec<String>) -> Option<Face> {
    let Some(object) = nested::object(outer, &["identityVerification"]) else {
        let value = outer.get(&["identityVerification"])?;
        let placeholder = value.sort() != Sort::Array && value.text().is_none_or(|t| stated::is_placeholder(&t));
        if placeholder {
            return None;
        }
        problems.push("identityVerification cannot be read".to_owned());
        return Some(Face { unreadable: true, ..Face::default() });
    };
    let similarity = stated::word(&object, &["similarity"]).map(|word| word.replace([' ', '-'], "_"));
    let validity = object.get(&["validity"]).and_then(Value::bool);
    let unreadable = !object.is_empty() && (similarity.is_none() || validity.is_none());
    if similarity.is_none() || validity.is_none() {
        problems.push("identityVerification does not state both similarity and validity".to_owned());
    }
    Some(Face {
        similarity,
        validity,
        reason: stated::word(&object, &["reason"]),
        score: stated::number(&object, &["similarityScore"]),
        unreadable,
        checks: face_checks(&object),
    })
}

fn face_checks(object: &Object) -> Vec<(&'static str, String)> {
    let names = [
        ("similarity", "identityVerification.similarity"),
        ("validity", "identityVerification.validity"),
        ("reason", "identityVerification.reason"),
        ("similarityDecision", "identityVerification.similarityDecision"),
        ("handwrittenNoteMatches", "identityVerification.handwrittenNoteMatches"),
    ];
    names.into_iter().filter_map(|(field, name)| Some((name, stated::text(object, &[field])?))).collect()
}

impl Face {
    /// Why the face check decides against the person, if it does: its reason, else what it says of similarity.
    ///
    /// What does not say both that the faces match and that the person is live is no pass either (PROVIDERS.md, 3).
    pub fn objection(&self) -> Option<String> {
        let unlike = self.similarity.as_ref().filter(|word| *word != "MATCH");
        if unlike.is_none() && self.validity != Some(false) {
            return self.unreadable.then(|| FACE_UNREADABLE.to_owned());
        }
        Some(self.reason.clone().or_else(|| unlike.cloned()).unwrap_or_else(|| FACE_INVALID.to_owned()))
    }

    /// Whether it decides against the person by what it states, not by what it leaves out.
    pub fn objects(&self) -> bool {
        self.objection().is_some_and(|word| word != FACE_UNREADABLE)
    }
}

/// The checks of an answer, in the order: document checks, face check, further checks, reject reason.
pub fn checks(outer: &Object, face: Option<&Face>, reject: Option<&Reject>) -> Vec<StatedCheck> {
    let mut checks = Vec::new();
    for (key, value) in outer.iter() {
        let is_check = starts_with_ignore_case(key, "idCheck") || starts_with_ignore_case(key, "id_check");
        // `N/A` is a value here: the check was not made.
        if is_check && let Some(text) = plain_text(value) {
            let known = DOCUMENT_CHECKS.iter().find(|name| same_name(name, key));
            checks.push(check(known.unwrap_or(&key), Some(text), None));
        }
    }
    for name in ["mrzCheck", "faceMatch"] {
        if let Some(text) = outer.get(&[name]).and_then(plain_text) {
            checks.push(check(name, Some(text), None));
        }
    }
    for (name, value) in face.map(|f| f.checks.as_slice()).unwrap_or_default() {
        checks.push(check(name, Some(value.clone()), None));
    }
    checks.extend(additional_checks(outer));
    if let Some(reject) = reject {
        checks.push(check("rejectReason", reject.code.clone(), reject.description.clone()));
        for (code, description) in &reject.details {
            checks.push(check("rejectReasonDetail", code.clone(), description.clone()));
        }
    }
    checks
}

/// Address, residency and personal number look-ups and the face search.
fn additional_checks(outer: &Object) -> Vec<StatedCheck> {
    let mut checks = Vec::new();
    if let Some(additional) = nested::object(outer, &["additionalChecks"]) {
        for (name, value) in additional.iter().filter(|(name, _)| is_name(name)) {
            if let Some(found) = nested::of_value(value) {
                let result = stated::text(&found, &["searchResults", "status"]);
                checks.push(check(&format!("additionalChecks.{name}"), result, None));
            }
        }
    }
    if let Some(search) = outer.get(&["faceSearchFindings"]) {
        let status = match nested::of_value(search) {
            Some(found) => stated::text(&found, &["status"]),
            None => stated::value_text(search).filter(|text| is_name(text)),
        };
        if status.is_some() {
            checks.push(check("faceSearchFindings", status, None));
        }
    }
    checks
}

/// A check of the payload's own result.
pub fn check(name: &str, value: Option<String>, detail: Option<String>) -> StatedCheck {
    StatedCheck { position: 0, name: name.to_owned(), value, detail }
}

fn plain_text(value: &Value) -> Option<String> {
    let list = value.list();
    let value = if let [only] = list.as_slice() { only } else { value };
    value.text().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// Whether a key or word may be printed: a name, not a sentence.
pub fn is_name(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn starts_with_ignore_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face_of(json: &str) -> (Option<Face>, Vec<String>) {
        let mut problems = Vec::new();
        let found = face(&Object::parse(json).unwrap(), &mut problems);
        (found, problems)
    }

    fn objection(json: &str) -> Option<String> {
        face_of(json).0.and_then(|f| f.objection())
    }

    #[test]
    fn a_matching_valid_face_does_not_object_however_it_is_spelt() {
        for json in [
            r#"{"identityVerification":{"similarity":"MATCH","validity":true}}"#,
            r#"{"identityVerification":{"similarity":"match","validity":"TRUE"}}"#,
            r#"{"identityVerification":"{\"similarity\":\"MATCH\",\"validity\":\"true\"}"}"#,
            r#"{"identityVerification":"{'similarity': 'MATCH', 'validity': True}"}"#,
            r#"{"identityVerification":{"similarity":"MATCH","validity":true,"reason":"AGE_DIFFERENCE_TOO_BIG"}}"#,
        ] {
            assert_eq!(objection(json), None, "{json}");
            assert!(face_of(json).1.is_empty(), "{json}");
        }
    }

    #[test]
    fn an_objection_is_the_reason_else_the_similarity_else_a_word_for_invalid() {
        let cases = [
            (r#"{"identityVerification":{"similarity":"NO_MATCH","validity":true}}"#, "NO_MATCH"),
            (r#"{"identityVerification":{"similarity":"NOT_POSSIBLE","validity":"false"}}"#, "NOT_POSSIBLE"),
            (r#"{"identityVerification":{"similarity":"MATCH","validity":false}}"#, FACE_INVALID),
            (
                r#"{"identityVerification":{"similarity":"MATCH","validity":false,"reason":"LIVENESS_FAILED"}}"#,
                "LIVENESS_FAILED",
            ),
            (r#"{"identityVerification":{"similarity":"NO_MATCH","reason":"BAD_QUALITY"}}"#, "BAD_QUALITY"),
        ];
        for (json, word) in cases {
            assert_eq!(objection(json).as_deref(), Some(word), "{json}");
        }
    }

    #[test]
    fn an_absent_face_check_is_none_and_an_unreadable_one_never_passes() {
        for json in [r#"{}"#, r#"{"identityVerification":null}"#, r#"{"identityVerification":"N/A"}"#] {
            assert_eq!(face_of(json), (None, Vec::new()), "{json}");
        }
        for json in
            [r#"{"identityVerification":"{similarity=NO_MATCH}"}"#, r#"{"identityVerification":{"simil":"NO_MATCH"}}"#]
        {
            assert_eq!(objection(json).as_deref(), Some(FACE_UNREADABLE), "{json}");
            assert_eq!(face_of(json).1.len(), 1, "{json}");
        }
        assert_eq!(objection(r#"{"identityVerification":{}}"#), None);
        assert_eq!(face_of(r#"{"identityVerification":{}}"#).1.len(), 1);
    }

    #[test]
    fn details_are_one_object_or_a_list() {
        for details in [
            r#"{"detailsCode":"2001","detailsDescription":"BLURRED"}"#,
            r#"[{"detailsCode":"2001","detailsDescription":"BLURRED"}]"#,
        ] {
            let json = format!(r#"{{"rejectReason":{{"rejectReasonCode":200,"rejectReasonDetails":{details}}}}}"#);
            let found = reject(&Object::parse(&json).unwrap(), &mut Vec::new()).unwrap();
            assert_eq!(found.code.as_deref(), Some("200"));
            assert_eq!(found.details, [(Some("2001".to_owned()), Some("BLURRED".to_owned()))]);
        }
    }

    #[test]
    fn a_reason_that_states_nothing_is_none() {
        for json in [
            r#"{"rejectReason":"N/A"}"#,
            r#"{"rejectReason":{}}"#,
            r#"{"rejectReason":[]}"#,
            r#"{"rejectReason":null}"#,
        ] {
            assert_eq!(reject(&Object::parse(json).unwrap(), &mut Vec::new()), None, "{json}");
        }
    }

    #[test]
    fn a_reason_that_cannot_be_read_is_a_problem_without_its_value() {
        let mut problems = Vec::new();
        assert_eq!(reject(&Object::parse(r#"{"rejectReason":"the photo was bad"}"#).unwrap(), &mut problems), None);
        assert_eq!(problems, ["rejectReason cannot be read"]);
    }

    #[test]
    fn checks_keep_their_names_and_values() {
        let json = r#"{"idCheckHologram":"N/A","idCheckMRZcode":"OK","faceMatch":"92","mrzCheck":"OK",
            "additionalChecks":{"addressValidation":{"searchResults":"POSITIVE_RESULT"},
            "faceSearchFindings":{"status":"DONE","findings":["x"]}}}"#;
        let found = checks(&Object::parse(json).unwrap(), None, None);
        let pairs: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.value.as_deref().unwrap_or(""))).collect();
        let expected = [
            ("idCheckHologram", "N/A"),
            ("idCheckMRZcode", "OK"),
            ("mrzCheck", "OK"),
            ("faceMatch", "92"),
            ("additionalChecks.addressValidation", "POSITIVE_RESULT"),
            ("additionalChecks.faceSearchFindings", "DONE"),
        ];
        assert_eq!(pairs, expected);
        let json = r#"{"id_check_mrz_code":"OK","id_check_new_one":"N/A"}"#;
        let found = checks(&Object::parse(json).unwrap(), None, None);
        let names: Vec<_> = found.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["idCheckMRZcode", "id_check_new_one"]);
    }

    #[test]
    fn details_that_a_store_numbered_are_a_list() {
        let json = r#"{"rejectReason":{"rejectReasonCode":100,"rejectReasonDetails":{"0":{"detailsCode":"1001"},"1":{"detailsCode":"1005"}}}}"#;
        let found = reject(&Object::parse(json).unwrap(), &mut Vec::new()).unwrap();
        assert_eq!(found.details.len(), 2);
    }
}
