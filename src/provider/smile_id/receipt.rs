//! The link to the receipt, Smile ID's proof document.
//!
//! The query of the link carries a live credential: it is read for the environment and dropped.

use super::super::ReceiptLink;
use super::super::wire::{Object, same_name};
use super::fields::{is_placeholder, note};
use crate::record::Environment;

const FIELDS: [&str; 2] = ["kyc_receipt", "kyb_receipt"];

/// The receipt link of a body, if it carries one.
pub fn of(object: &Object, problems: &mut Vec<String>) -> Option<ReceiptLink> {
    let (field, value) = object
        .iter()
        .find(|(key, value)| is_receipt_field(key) && value.text().is_some_and(|text| !is_placeholder(&text)))?;
    let text = value.text()?;
    let link = parse(field, text.trim());
    if link.is_none() {
        note(problems, "the receipt is not a link");
    }
    link
}

/// Whether a key names a receipt.
pub fn is_receipt_field(key: &str) -> bool {
    FIELDS.iter().any(|field| same_name(key, field))
}

fn parse(field: &str, link: &str) -> Option<ReceiptLink> {
    let (link, _fragment) = link.split_once('#').unwrap_or((link, ""));
    let (url, query) = link.split_once('?').map_or((link, None), |(url, query)| (url, Some(query)));
    let (_, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "https" | "http"))?;
    let segments: Vec<&str> = rest.split('/').collect();
    let summary = segments.iter().position(|segment| *segment == "job_result_summary");
    let beside = |offset: usize| {
        let segment = segments.get((summary? + offset).checked_sub(1)?)?;
        (!segment.is_empty()).then(|| (*segment).to_owned())
    };
    Some(ReceiptLink {
        field: field.to_owned(),
        url: url.to_owned(),
        partner: beside(0),
        job_id: beside(2),
        environment: query.and_then(environment),
        had_query: query.is_some(),
    })
}

fn environment(query: &str) -> Option<Environment> {
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "environment")?;
    super::account::environment_word(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(json: &str) -> Option<ReceiptLink> {
        of(&Object::parse(json).expect("well-formed"), &mut Vec::new())
    }

    #[test]
    fn partner_job_and_environment_are_in_the_link() {
        let found = link(
            r#"{"KYCReceipt":"https://portal.smileidentity.com/api/v3/077/job_result_summary/0000000042/generate_pdf?signature=a+b/c=&timestamp=2024&environment=test"}"#,
        )
        .expect("a link");
        assert_eq!(found.field, "KYCReceipt");
        assert_eq!(found.url, "https://portal.smileidentity.com/api/v3/077/job_result_summary/0000000042/generate_pdf");
        assert_eq!((found.partner.as_deref(), found.job_id.as_deref()), (Some("077"), Some("0000000042")));
        assert_eq!(found.environment, Some(Environment::Sandbox));
        assert!(found.had_query);
    }

    #[test]
    fn a_link_without_a_query_says_no_environment() {
        let found = link(r#"{"kyb_receipt":"https://receipts.smileidentity.com/r/abc"}"#).expect("a link");
        assert_eq!((found.partner, found.job_id, found.environment), (None, None, None));
        assert!(!found.had_query);
    }

    #[test]
    fn nothing_is_no_link_and_text_is_a_problem() {
        for json in [r#"{"KYCReceipt":null}"#, r#"{"kyc_receipt":""}"#, r#"{"kyc_receipt":"N/A"}"#, "{}"] {
            assert_eq!(link(json), None, "{json}");
        }
        let object = Object::parse(r#"{"kyc_receipt":"to follow"}"#).expect("well-formed");
        let mut problems = Vec::new();
        assert_eq!(of(&object, &mut problems), None);
        assert_eq!(problems, ["the receipt is not a link"]);
    }
}
