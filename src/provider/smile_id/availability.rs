//! The declared availability of an ID authority (`id_status`).
//!
//! The stated status is kept as it is: the provider's own page draws its boundaries in two ways.

use super::super::wire::{Object, Value};
use super::super::{StatedAvailability, time};
use super::fields::{is_placeholder, note, stated};
use super::result::country_code;
use crate::envelope::Request;

/// Reads an answer. Which authority it is about stands in the request, unless the store put it beside the answer.
pub fn decode(object: &Object, request: &Request, problems: &mut Vec<String>) -> StatedAvailability {
    let asked = |field: &Option<String>, name: &str| {
        stated(object, &[name])
            .or_else(|| field.clone().filter(|text| !is_placeholder(text)))
            .or_else(|| query_parameter(request.url.as_deref()?, name))
    };
    let lower = |name: &str| stated(object, &[name]).map(|text| text.trim().to_lowercase());
    StatedAvailability {
        country: asked(&request.country, "country").and_then(|text| country_code(&text, problems)),
        id_type: asked(&request.id_type, "id_type").map(|text| text.trim().to_uppercase()),
        status: lower("last_known_status"),
        last_check_status: lower("last_check_status"),
        last_hour_success_rate: object.get(&["last_hour_success_rate"]).and_then(|value| rate(value, problems)),
        last_check_success_rate: object.get(&["last_check_success_rate"]).and_then(|value| rate(value, problems)),
        checked_at: stated(object, &["last_checked"]).and_then(|text| time::parse(&text)),
    }
}

/// A share: `"16%"`, `16` and `0.16` are the same.
fn rate(value: &Value, problems: &mut Vec<String>) -> Option<f64> {
    let text = value.text().filter(|text| !is_placeholder(text))?;
    let percent = text.trim().strip_suffix('%');
    let number: Option<f64> = percent.unwrap_or(text.trim()).trim().parse().ok();
    let share = number.map(|number| if percent.is_some() || number > 1.0 { number / 100.0 } else { number });
    let share = share.filter(|share| (0.0..=1.0).contains(share));
    if share.is_none() {
        note(problems, "a success rate is not a share");
    }
    share
}

fn query_parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?;
    Some(value.into_owned()).filter(|text| !is_placeholder(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shares_however_written() {
        for (json, expected) in
            [("\"16%\"", Some(0.16)), ("0.16", Some(0.16)), ("16", Some(0.16)), ("\"0%\"", Some(0.0)), ("1", Some(1.0))]
        {
            assert_eq!(rate(&Value::Json(json.into()), &mut Vec::new()), expected, "{json}");
        }
        let mut problems = Vec::new();
        assert_eq!(rate(&Value::Json("\"160%\"".into()), &mut problems), None);
        assert_eq!(problems, ["a success rate is not a share"]);
    }

    #[test]
    fn the_authority_is_the_one_that_was_asked_about() {
        let object = Object::parse(r#"{"last_known_status":"Online","last_checked":"2024-03-01T10:20:00Z"}"#)
            .expect("well-formed");
        let asked = Request {
            url: Some("https://x/v3/services/id_status?country=Kenya&id_type=kra_pin".into()),
            ..Request::default()
        };
        let read = decode(&object, &asked, &mut Vec::new());
        assert_eq!((read.country.as_deref(), read.id_type.as_deref()), (Some("KE"), Some("KRA_PIN")));
        assert_eq!(read.status.as_deref(), Some("online"));
        assert_eq!(read.checked_at, time::parse("2024-03-01T10:20:00Z"));
        let unasked = decode(&object, &Request::default(), &mut Vec::new());
        assert_eq!((unasked.country, unasked.id_type), (None, None));
    }
}
