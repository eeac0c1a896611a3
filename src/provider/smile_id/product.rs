//! The product of a result, from what the result states about itself.
//!
//! A job type is not unique: 5 is Basic and Enhanced KYC, 7 a business check and a consent. Where the evidence is not
//! certain the product stays open; the models fill it over the job.

use super::super::wire::{Object, same_name};
use super::fields::stated;
use crate::record::Product;

/// Values that only the field-by-field comparison of Basic KYC gives.
const COMPARISONS: [&str; 5] = ["Exact Match", "Partial Match", "No Match", "Transposed", "Not Provided"];

/// The product that a result states: its `product` word, its job type, its `ResultType`, else what only one product has.
pub fn of(result: &Object, job_type: Option<&str>, code: Option<&str>) -> Option<Product> {
    if let Some(product) = stated(result, &["product"]).and_then(|word| from_word(&word)) {
        return Some(product);
    }
    if let Some(job_type) = job_type
        && let Some(product) = from_job_type(job_type, result, code)
    {
        return product;
    }
    stated(result, &["ResultType"]).and_then(|word| from_word(&word)).or_else(|| from_evidence(result, code))
}

/// The product of a request's job type, for an answer that states none.
pub fn of_request(job_type: &str, result: &Object, code: Option<&str>) -> Option<Product> {
    from_job_type(job_type, result, code).flatten()
}

/// A product word of v3, of v2 job types and of integrators.
pub fn from_word(word: &str) -> Option<Product> {
    let word = word.trim().to_ascii_lowercase().replace(['-', ' '], "_").replace("smart_selfie", "smartselfie");
    let word = match word.as_str() {
        "one_time_aml" | "aml_check" | "aml_monitoring" => "aml",
        "smartselfie_enrollment" | "smartselfie_enrolment" => "smartselfie_registration",
        "doc_verification" => "document_verification",
        "enhanced_doc_verification" => "enhanced_document_verification",
        "digital_address" | "digital_address_verification" | "address" => "address_verification",
        "phone_number_verification" => "phone_verification",
        "kyb" | "business" => "business_verification",
        other => other,
    };
    let product = Product::from_word(word)?;
    let foreign = matches!(
        product,
        Product::Netverify
            | Product::Document
            | Product::Authentication
            | Product::Kyx
            | Product::Idv
            | Product::DatabaseValidation
    );
    (!foreign).then_some(product)
}

/// `None` where the job type is not one that Smile ID documents; `Some(None)` where it is and names no product.
fn from_job_type(job_type: &str, result: &Object, code: Option<&str>) -> Option<Option<Product>> {
    let job_type = job_type.trim();
    let product = match job_type.strip_suffix(".0").unwrap_or(job_type) {
        "1" => Some(Product::BiometricKyc),
        "2" => Some(Product::SmartselfieAuthentication),
        "4" => Some(Product::SmartselfieRegistration),
        "5" if is_basic(result, code) => Some(Product::BasicKyc),
        "5" => Some(Product::EnhancedKyc),
        "6" => Some(Product::DocumentVerification),
        "7" if is_consent(result) => None,
        "7" => Some(Product::BusinessVerification),
        "8" => None,
        "9" => Some(Product::SmartselfieCompare),
        "10" | "15" => Some(Product::Aml),
        "11" => Some(Product::EnhancedDocumentVerification),
        other => Some(from_word(other)?),
    };
    Some(product)
}

fn from_evidence(result: &Object, code: Option<&str>) -> Option<Product> {
    let actions = result.object(&["Actions"]).unwrap_or_default();
    // `Not Applicable` is a placeholder, so only checks that were made count.
    let done = |name: &str| stated(&actions, &[name]).is_some();
    if is_business(result) {
        Some(Product::BusinessVerification)
    } else if result.has("no_of_persons_found") || actions.has("Listed") || matches!(code, Some("1030" | "1031")) {
        Some(Product::Aml)
    } else if is_basic(result, code) && actions.has("Names") {
        Some(Product::BasicKyc)
    } else if done("Document_Check") && !done("Verify_ID_Number") {
        Some(Product::DocumentVerification)
    } else {
        None
    }
}

fn is_business(result: &Object) -> bool {
    let actions = result.object(&["Actions"]).unwrap_or_default();
    result.has("company_information") || actions.has("Verify_Business")
}

/// Job type 7 is also the consent of a BVN holder, in the mobile SDKs.
fn is_consent(result: &Object) -> bool {
    let id_type = stated(result, &["id_type"]).unwrap_or_default().to_ascii_uppercase();
    id_type.starts_with("BVN") && !is_business(result)
}

fn is_basic(result: &Object, code: Option<&str>) -> bool {
    let actions = result.object(&["Actions"]).unwrap_or_default();
    matches!(code, Some("1020" | "1021" | "1022" | "1023"))
        || actions.iter().any(|(name, value)| {
            same_name(name, "Names")
                || value.text().is_some_and(|v| COMPARISONS.iter().any(|word| v.eq_ignore_ascii_case(word)))
        })
}

/// Job type of a result: with the company's parameters, else beside them.
pub fn job_type(result: &Object, params: &Object) -> Option<String> {
    stated(params, &["job_type"]).or_else(|| stated(result, &["job_type"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(json: &str, job_type: Option<&str>, code: Option<&str>) -> Option<Product> {
        of(&Object::parse(json).expect("well-formed"), job_type, code)
    }

    #[test]
    fn job_type_five_is_two_products() {
        assert_eq!(
            product(r#"{"Actions":{"Verify_ID_Number":"Verified"}}"#, Some("5"), Some("1012")),
            Some(Product::EnhancedKyc)
        );
        assert_eq!(product("{}", Some("5"), Some("1022")), Some(Product::BasicKyc));
        assert_eq!(product(r#"{"Actions":{"DOB":"Not Provided"}}"#, Some("5"), Some("1015")), Some(Product::BasicKyc));
    }

    #[test]
    fn job_type_seven_is_a_business_check_unless_it_is_a_consent() {
        assert_eq!(product("{}", Some("7"), Some("1012")), Some(Product::BusinessVerification));
        assert_eq!(product(r#"{"IDType":"BVN_MFA"}"#, Some("7"), None), None);
    }

    #[test]
    fn words_of_every_version_are_understood() {
        for (word, expected) in [
            ("one_time_aml", Some(Product::Aml)),
            ("smart_selfie_enrollment", Some(Product::SmartselfieRegistration)),
            ("residency_document_verification", Some(Product::ResidencyDocumentVerification)),
            ("Document Verification", Some(Product::DocumentVerification)),
            ("netverify", None),
            ("gardening", None),
        ] {
            assert_eq!(from_word(word), expected, "{word}");
        }
    }

    #[test]
    fn evidence_speaks_only_where_it_is_certain() {
        assert_eq!(product(r#"{"company_information":{}}"#, None, None), Some(Product::BusinessVerification));
        assert_eq!(product(r#"{"no_of_persons_found":1}"#, None, None), Some(Product::Aml));
        assert_eq!(product(r#"{"Actions":{"Verify_ID_Number":"Verified"}}"#, None, Some("1012")), None);
        let both = r#"{"Actions":{"Document_Check":"Passed","Verify_ID_Number":"Verified"}}"#;
        assert_eq!(product(both, None, Some("0810")), None);
        assert_eq!(product(r#"{"ResultType":"ID Verification"}"#, Some("8"), None), None);
    }
}
