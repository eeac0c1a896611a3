//! The named checks of a result, its `Actions`, under the provider's names however a store spells them.
//!
//! Not here: what a check says about the verdict; a rejected job may have passed every one of them.

use super::super::StatedCheck;
use super::super::wire::{Object, Value, same_name};

/// The checks that Smile ID names (PROVIDERS.md, 1.5). `Listed` and the fields of Basic KYC are too common words to be told
/// from others outside `Actions`.
pub(super) const NAMES: [&str; 19] = [
    "Document_Check",
    "Human_Review_Compare",
    "Human_Review_Document_Check",
    "Human_Review_Liveness_Check",
    "Human_Review_Selfie_Check",
    "Human_Review_Update_Selfie",
    "Liveness_Check",
    "Register_Selfie",
    "Return_Business_Info",
    "Return_Personal_Info",
    "Selfie_Check",
    "Selfie_Provided",
    "Selfie_To_ID_Authority_Compare",
    "Selfie_To_ID_Card_Compare",
    "Selfie_To_Registered_Selfie_Compare",
    "Update_Registered_Selfie_On_File",
    "Verify_Business",
    "Verify_Document",
    "Verify_ID_Number",
];

/// The entries of a result's `Actions`, else the columns that a store made of them.
pub fn of_result(result: &Object, position: i32) -> Vec<StatedCheck> {
    let Some(actions) = result.get(&["Actions"]) else {
        return columns(result, position);
    };
    match actions.object() {
        Some(actions) => entries(&actions, position),
        None => actions.list().iter().filter_map(Value::object).flat_map(|part| entries(&part, position)).collect(),
    }
}

/// The entries of an `Actions` object.
pub fn entries(actions: &Object, position: i32) -> Vec<StatedCheck> {
    let text = |value: &Value| value.text().map(|text| text.into_owned());
    actions.iter().map(|(name, value)| check(position, known(name).unwrap_or(name), text(value))).collect()
}

fn columns(result: &Object, position: i32) -> Vec<StatedCheck> {
    let stated = NAMES.iter().filter_map(|name| Some((*name, result.text(&[name])?)));
    stated.map(|(name, value)| check(position, name, Some(value.into_owned()))).collect()
}

fn known(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| same_name(known, name)).copied()
}

fn check(position: i32, name: &str, value: Option<String>) -> StatedCheck {
    StatedCheck { position, name: name.to_owned(), value, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, String)> {
        let checks = of_result(&Object::parse(json).expect("well-formed"), 0);
        checks.into_iter().map(|check| (check.name, check.value.unwrap_or_default())).collect()
    }

    #[test]
    fn a_check_has_one_name_in_every_spelling_and_container() {
        let expected = [("Liveness_Check".to_owned(), "Passed".to_owned())];
        for json in [
            r#"{"Actions":{"Liveness_Check":"Passed"}}"#,
            r#"{"actions":{"liveness_check":"Passed"}}"#,
            r#"{"actions":{"livenessCheck":"Passed"}}"#,
            r#"{"Actions":"{\"Liveness_Check\":\"Passed\"}"}"#,
            r#"{"Actions":"{'Liveness_Check': 'Passed'}"}"#,
            r#"{"Actions":{"M":{"Liveness_Check":{"S":"Passed"}}}}"#,
            r#"{"Actions":[{"Liveness_Check":"Passed"}]}"#,
            r#"{"liveness_check":"Passed","Register_Selfie":null}"#,
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn other_names_stay_as_sent_and_empty_actions_are_none() {
        assert_eq!(read(r#"{"Actions":{"Names":"Exact Match"}}"#), [("Names".to_owned(), "Exact Match".to_owned())]);
        for json in [r#"{"Actions":[]}"#, r#"{"Actions":{}}"#, r#"{"Actions":null}"#, r#"{"Names":"Exact Match"}"#] {
            assert!(read(json).is_empty(), "{json}");
        }
    }
}
