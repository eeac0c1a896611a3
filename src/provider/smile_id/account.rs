//! Whose job it was, in which of Smile ID's two systems, and whether the caller waited: from links, ids and the request.

use super::super::ReceiptLink;
use super::super::wire::Object;
use super::fields::{is_digits, stated};
use crate::envelope::{Envelope, Request};
use crate::record::{Channel, Environment};

/// Account and environment of a payload, each from the most trustworthy place that states it: the receipt link, image
/// and upload links, the body, the request.
pub fn of(
    object: &Object,
    receipt: Option<&ReceiptLink>,
    envelope: &Envelope,
) -> (Option<String>, Option<Environment>) {
    let links = links(object);
    let request = &envelope.request;
    let partner = receipt
        .and_then(|link| link.partner.clone())
        .or_else(|| links.iter().find_map(|link| partner_of_link(link)))
        .or_else(|| stated(object, &["ref_id"]).and_then(|id| partner_of_reference(&id)))
        .or_else(|| stated(object, &["partner_id"]))
        .or_else(|| request.partner_id.clone())
        .and_then(|partner| without_zeros(&partner));
    let environment = receipt
        .and_then(|link| link.environment)
        .or_else(|| links.iter().find_map(|link| environment_of_link(link)))
        .or_else(|| stated(object, &["environment"]).and_then(|word| environment_word(&word)))
        .or_else(|| request.environment.as_deref().and_then(environment_word))
        .or_else(|| request.url.as_deref().and_then(environment_of_endpoint));
    (partner, environment)
}

/// Whether the caller waited: `Source`, else the endpoint that was called.
pub fn channel(object: &Object, request: &Request) -> Option<Channel> {
    let result = object.object(&["result"]).unwrap_or_default();
    let source = stated(object, &["Source"]).or_else(|| stated(&result, &["Source"])).unwrap_or_default();
    let url = request.url.as_deref().unwrap_or_default();
    if source.eq_ignore_ascii_case("Async ID API") {
        Some(Channel::Async)
    } else if source.eq_ignore_ascii_case("ID API") {
        Some(Channel::Sync)
    } else if url.contains("async_id_verification") {
        Some(Channel::Async)
    } else if url.contains("id_verification") {
        Some(Channel::Sync)
    } else {
        None
    }
}

/// The environment that a word names, as configurations, requests and receipt links write it.
pub fn environment_word(word: &str) -> Option<Environment> {
    match word.trim().to_ascii_lowercase().as_str() {
        "sandbox" | "test" | "0" => Some(Environment::Sandbox),
        "production" | "prod" | "live" | "1" => Some(Environment::Production),
        _ => None,
    }
}

/// Links to stored images and archives, without their queries.
fn links(object: &Object) -> Vec<String> {
    let mut links = Vec::new();
    let result = object.object(&["result"]).unwrap_or_default();
    for holder in [object, &result] {
        for (_, value) in holder.object(&["image_links"]).unwrap_or_default().iter() {
            links.extend(value.text().map(|text| text.into_owned()));
        }
    }
    links.extend(object.text(&["upload_url"]).map(|text| text.into_owned()));
    for link in &mut links {
        link.truncate(link.find(['?', '#']).unwrap_or(link.len()));
    }
    links
}

/// `…/023/023-0000001897-…`: the account's folder, then a file or folder that repeats it.
fn partner_of_link(link: &str) -> Option<String> {
    let segments: Vec<&str> = link.split('/').collect();
    segments
        .windows(2)
        .find(|pair| is_digits(pair[0]) && pair[1].strip_prefix(pair[0]).is_some_and(|rest| rest.starts_with('-')))
        .map(|pair| pair[0].to_owned())
}

/// `921-0000000263-…`: account, job number, random text.
fn partner_of_reference(reference: &str) -> Option<String> {
    let mut parts = reference.split('-');
    let partner = parts.next().filter(|part| is_digits(part))?;
    parts.next().filter(|job| is_digits(job))?;
    Some(partner.to_owned())
}

fn environment_of_link(link: &str) -> Option<Environment> {
    let (_, rest) = link.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let bucket = host.split('.').next().unwrap_or_default();
    if !bucket.starts_with("smile") && !host.contains("smileid") {
        return None;
    }
    path.split('/').find_map(environment_name).or_else(|| bucket.split('-').find_map(environment_name))
}

/// As [`environment_word`], but only the names: a folder `1` is no environment.
fn environment_name(word: &str) -> Option<Environment> {
    (!is_digits(word)).then(|| environment_word(word)).flatten()
}

fn environment_of_endpoint(url: &str) -> Option<Environment> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    if !labels.iter().any(|label| matches!(*label, "smileidentity" | "usesmileid")) {
        return None;
    }
    if labels.iter().any(|label| matches!(*label, "testapi" | "portal" | "sandbox")) {
        return Some(Environment::Sandbox);
    }
    matches!(labels.first(), Some(&("api" | "prod"))).then_some(Environment::Production)
}

fn without_zeros(partner: &str) -> Option<String> {
    let partner = partner.trim().trim_start_matches('0');
    (!partner.is_empty()).then(|| partner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: &str, request: Request) -> (Option<String>, Option<Environment>) {
        let envelope = Envelope { request, ..Envelope::default() };
        of(&Object::parse(json).expect("well-formed"), None, &envelope)
    }

    #[test]
    fn image_links_name_account_and_environment() {
        let json = r#"{"image_links":{"selfie_image":"https://smile-fr-results.s3.us-west-2.amazonaws.com/test/000000/031/031-0000000042-xyz/a.jpg"}}"#;
        assert_eq!(account(json, Request::default()), (Some("31".into()), Some(Environment::Sandbox)));
        let json = r#"{"result":{"ImageLinks":{"a":"https://smile-results-prod.s3.amazonaws.com/production/000000/4711/4711-0000000042-x/a.jpg?X-Amz=1"}}}"#;
        assert_eq!(account(json, Request::default()), (Some("4711".into()), Some(Environment::Production)));
    }

    #[test]
    fn upload_answers_name_them_too() {
        let json =
            r#"{"upload_url":"https://smile-uploads-test.s3.amazonaws.com/videos/85/85-0000000007-q/selfie.zip"}"#;
        assert_eq!(account(json, Request::default()), (Some("85".into()), Some(Environment::Sandbox)));
        let json = r#"{"upload_url":"https://uploads.invalid","ref_id":"212-0000000007-q"}"#;
        assert_eq!(account(json, Request::default()), (Some("212".into()), None));
    }

    #[test]
    fn the_request_fills_what_the_body_lacks() {
        let request =
            |url: &str| Request { url: Some(url.into()), partner_id: Some("002".into()), ..Request::default() };
        for (url, environment) in [
            ("https://testapi.smileidentity.com/v1/job_status", Some(Environment::Sandbox)),
            ("https://portal.smileidentity.com/api/v2/partner/id_status", Some(Environment::Sandbox)),
            ("https://api.sandbox.smileidentity.com/v3/status/x", Some(Environment::Sandbox)),
            ("https://prod.smileidentity.com/api/v2/partner/id_status", Some(Environment::Production)),
            ("https://api.smileidentity.com/v1/id_verification", Some(Environment::Production)),
            ("https://api.example.com/v1/id_verification", None),
        ] {
            assert_eq!(account("{}", request(url)), (Some("2".into()), environment), "{url}");
        }
        let json = r#"{"partner_id":"0031"}"#;
        assert_eq!(account(json, request("x")).0.as_deref(), Some("31"));
    }

    #[test]
    fn the_source_decides_the_channel_before_the_endpoint() {
        let called = |url: &str| Request { url: Some(url.into()), ..Request::default() };
        let object = Object::parse(r#"{"Source":"Async ID API"}"#).expect("well-formed");
        assert_eq!(channel(&object, &called("https://x/v1/id_verification")), Some(Channel::Async));
        assert_eq!(channel(&Object::default(), &called("https://x/v1/async_id_verification")), Some(Channel::Async));
        assert_eq!(channel(&Object::default(), &called("https://x/v1/id_verification")), Some(Channel::Sync));
        assert_eq!(channel(&Object::default(), &Request::default()), None);
    }
}
