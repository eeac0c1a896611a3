//! The personal strings of a payload, gathered so that they can be recognised where they do not belong.
//!
//! Photos and documents are stepped over. The company's own extras in `PartnerParams` are not personal by themselves.

use super::super::MOST_PERSONAL;
use super::super::wire::{Object, Sort, Value, same_name};
use super::fields::{is_placeholder, stated};

/// Fields that hold a personal string wherever they stand.
const PERSONAL: [&str; 38] = [
    "full_name",
    "first_name",
    "last_name",
    "middle_name",
    "other_name",
    "other_names",
    "surname",
    "given_name",
    "given_names",
    "maiden_name",
    "legal_name",
    "dob",
    "date_of_birth",
    "birth_date",
    "phone",
    "phone_number",
    "phone_number_2",
    "phone_2",
    "mobile",
    "mobile_number",
    "address",
    "residential_address",
    "email",
    "email_address",
    "id_number",
    "secondary_id_number",
    "document_number",
    "passport_number",
    "bvn",
    "nin",
    "tax_id",
    "registration_number",
    "search_number",
    "user_id",
    "user_ids_of_previous_registrants",
    "username",
    "aliases",
    "dates_of_birth",
];

/// Parts of a payload that are about persons or a business as a whole: every string in them counts.
const ABOUT_PERSONS: [&str; 14] = [
    "full_data",
    "id_fields",
    "id_info",
    "user_provided_info",
    "company_information",
    "directors",
    "beneficial_owners",
    "fiduciaries",
    "proprietors",
    "shareholders",
    "people",
    "address",
    "addresses",
    "associations",
];

/// Fields of those parts that tell nobody apart.
const COMMON: [&str; 26] = [
    "country",
    "state",
    "city",
    "id_type",
    "gender",
    "sex",
    "nationality",
    "nationalities",
    "status",
    "is_deceased",
    "company_type",
    "fiduciary_type",
    "shareholder_type",
    "occupation",
    "shareholdings",
    "industry",
    "authorized_shared_capital",
    "association_type",
    "relationship",
    "publisher",
    "source_link",
    "result_code",
    "result_text",
    "registration_date",
    "issuance_date",
    "expiration_date",
];

/// Parts without personal strings, and images.
const STEPPED_OVER: [&str; 9] =
    ["actions", "image_links", "photo", "document", "documents", "selfie", "device_signals", "adverse_media", "pep"];

/// Longer strings are images or documents.
const LONGEST: usize = 200;
const DEEPEST: usize = 8;

/// Every personal string of an object, each once, in the order of the payload.
pub fn of(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    object_strings(object, false, 0, &mut found);
    found
}

/// Adds a string if it could be personal: not a placeholder, not masked, longer than two characters.
pub fn add(text: &str, found: &mut Vec<String>) {
    let text = text.trim();
    let masked = text.contains('*') || text.starts_with("NaN");
    let telling = text.chars().nth(2).is_some() && text.len() <= LONGEST && !masked && !is_placeholder(text);
    if telling && found.len() < MOST_PERSONAL && !found.iter().any(|known| known == text) {
        found.push(text.to_owned());
    }
}

fn object_strings(object: &Object, about_person: bool, depth: usize, found: &mut Vec<String>) {
    for (key, value) in object.iter() {
        let is = |names: &[&str]| names.iter().any(|name| same_name(key, name));
        if is(&STEPPED_OVER) {
            continue;
        }
        if is(&["partner_params"]) {
            let user = value.object().and_then(|params| stated(&params, &["user_id"]));
            user.into_iter().for_each(|text| add(&text, found));
            continue;
        }
        let whole_part = about_person || is(&ABOUT_PERSONS);
        let personal = is(&PERSONAL) || (whole_part && !is(&COMMON));
        strings(value, personal, whole_part, depth, found);
    }
}

fn strings(value: &Value, personal: bool, about_person: bool, depth: usize, found: &mut Vec<String>) {
    if depth >= DEEPEST {
        return;
    }
    match value.sort() {
        Sort::Object => {
            if let Some(object) = value.object() {
                object_strings(&object, about_person, depth + 1, found);
            }
        }
        Sort::Array => {
            for element in value.list() {
                strings(&element, personal, about_person, depth + 1, found);
            }
        }
        Sort::Text if value.object().is_some_and(|object| !object.is_empty()) => {
            let object = value.object().unwrap_or_default();
            object_strings(&object, about_person, depth + 1, found);
        }
        Sort::Text if !value.list().is_empty() => {
            for element in value.list() {
                strings(&element, personal, about_person, depth + 1, found);
            }
        }
        Sort::Text | Sort::Number if personal && value.source().len() <= 2 * LONGEST => {
            value.text().into_iter().for_each(|text| add(&text, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn personal(json: &str) -> Vec<String> {
        of(&Object::parse(json).expect("well-formed"))
    }

    #[test]
    fn persons_are_found_at_every_depth() {
        let json = r#"{"FullName":"Ada Okoro","IDNumber":22233344455,"Secondary_ID_Number":"S-1","Gender":"F","Country":"Ghana",
            "PartnerParams":{"user_id":"u-100","branch":"Ikeja"},
            "company_information":{"legal_name":"Okoro Ltd","country":"Nigeria"},
            "directors":[{"name":"Obi Eze","phone_number":"0800111222","nationality":"Nigerian"}],
            "FullData":"{\"mothersName\":\"Ngozi Okoro\"}",
            "people":[{"name":"A. Okoro","addresses":["12 Palm Road"],"dates_of_birth":["1980-02-03"]}]}"#;
        let expected = [
            "Ada Okoro",
            "22233344455",
            "S-1",
            "u-100",
            "Okoro Ltd",
            "Obi Eze",
            "0800111222",
            "Ngozi Okoro",
            "A. Okoro",
            "12 Palm Road",
            "1980-02-03",
        ];
        assert_eq!(personal(json), expected);
    }

    #[test]
    fn persons_are_found_in_parts_that_a_store_keeps_as_text() {
        for json in [
            r#"{"result":"{\"FullName\":\"Ada Okoro\"}"}"#,
            r#"{"result":"{'FullName': 'Ada Okoro'}"}"#,
            r#"{"directors":"[{\"name\": \"Ada Okoro\"}]"}"#,
            r#"{"directors":"[{'name': 'Ada Okoro'}]"}"#,
            r#"{"history":"[{'FullName': 'Ada Okoro'}]"}"#,
        ] {
            assert_eq!(personal(json), ["Ada Okoro"], "{json}");
        }
    }

    #[test]
    fn images_placeholders_and_masks_are_left_out() {
        let image = "A".repeat(300);
        let json = format!(
            r#"{{"Photo":"abc","Address":"{image}","FullName":"Not Available","DOB":"","PhoneNumber":"080****11","LastName":"Xi",
            "Actions":{{"Names":"Exact Match"}},"ResultText":"ID Validated"}}"#
        );
        assert!(personal(&json).is_empty());
    }
}
