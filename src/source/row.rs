//! One row: a bare body, or an envelope around one.
//!
//! An object is an envelope only if it has a field of the configured name for bodies, with a payload in it, and another
//! name of an envelope (unless the body is all it has, or the user named the field): payloads have fields called `data`
//! or `result` themselves and must not be taken apart.
//!
//! Not here: CSV rows (`csv`), other people's event formats.

use std::borrow::Cow;

use super::chunk::Parsed;
use super::window::trimmed;
use super::{EnvelopeNames, Options};
use crate::envelope::{Envelope, Request};
use crate::provider::wire::{Object, Sort, Value};
use crate::provider::{self, time};
use crate::record::{Channel, Kind, Provider};

/// Parts of a request that may also stand beside the body.
const REQUEST_NAMES: [&str; 8] =
    ["url", "country", "id_type", "partner_id", "environment", "job_id", "user_id", "job_type"];

/// Names beside the body in the events of a cloud gateway.
const GATEWAY_NAMES: [&str; 6] =
    ["isBase64Encoded", "requestContext", "httpMethod", "pathParameters", "queryStringParameters", "rawPath"];

/// What stores usually call the column of the payload, where it is not `body`.
const USUAL_BODY_NAMES: [&str; 10] = [
    "payload",
    "raw_payload",
    "raw_response",
    "full_response",
    "smile_result",
    "response",
    "result_json",
    "event",
    "data",
    "json",
];

/// Reads one row of JSON or form text.
pub(super) fn parse<'a>(row: &'a [u8], options: &Options) -> Parsed<'a> {
    let bare = || Ok((Cow::Borrowed(row), Envelope::default()));
    match (row.first(), std::str::from_utf8(row)) {
        (Some(b'"'), Ok(_)) => match unquoted(row) {
            Some(body) => Ok((Cow::Owned(body.into_bytes()), Envelope::default())),
            None => bare(),
        },
        (Some(b'{'), Ok(text)) => match Object::parse(text) {
            Ok(object) => match body(&object, options)? {
                Some(body) => Ok((body, envelope(&options.names, &|name| object.get(&[name]).cloned()))),
                None => bare(),
            },
            Err(_) => bare(),
        },
        _ => bare(),
    }
}

/// The body of an envelope, as written or decoded; `None` where the object is no envelope.
fn body<'a>(object: &Object<'a>, options: &Options) -> Result<Option<Cow<'a, [u8]>>, &'static str> {
    let (mut name, chosen) = options.body_name();
    if !chosen && !object.has(name) && is_surely_envelope(object, &options.names) {
        let usual = USUAL_BODY_NAMES.iter().find(|usual| object.get(&[usual]).is_some_and(holds_payload));
        name = usual.unwrap_or(&name);
    }
    if !object.has(name) {
        return Ok(None);
    }
    let certain = chosen || has_envelope_name(object, &options.names);
    let missing = || {
        if certain { Err("the envelope's body is empty") } else { Ok(None) }
    };
    let Some(value) = object.get(&[name]) else {
        return missing();
    };
    match value.sort() {
        Sort::Object | Sort::Array if certain || (object.len() == 1 && value.sort() == Sort::Object) => {
            Ok(Some(match value {
                Value::Json(Cow::Borrowed(source)) => Cow::Borrowed(source.as_bytes()),
                other => Cow::Owned(other.source().as_bytes().to_vec()),
            }))
        }
        Sort::Text => {
            let text = value.text().unwrap_or_default();
            let inner = text.as_bytes();
            let inner = &inner[trimmed(inner)];
            match (inner.is_empty(), certain || (object.len() == 1 && looks_like_payload(inner))) {
                (true, _) => missing(),
                (false, true) => Ok(Some(Cow::Owned(decoded(object, inner)))),
                (false, false) => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// Whether an object has a field that no payload has: when, from where or with which headers it was received.
fn is_surely_envelope(object: &Object<'_>, names: &EnvelopeNames) -> bool {
    [&names.received_at, &names.remote_ip, &names.headers, &names.request].into_iter().any(|name| object.has(name))
}

fn holds_payload(value: &Value<'_>) -> bool {
    match value.sort() {
        Sort::Object => true,
        Sort::Text => value.text().is_some_and(|text| looks_like_payload(text.trim().as_bytes())),
        _ => false,
    }
}

/// The text of a body, out of the base64 that a gateway may have put it into.
fn decoded(object: &Object<'_>, text: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let encoded = object.get(&["isBase64Encoded"]).and_then(Value::bool) == Some(true);
    let bytes = encoded.then(|| base64::engine::general_purpose::STANDARD.decode(text).ok()).flatten();
    bytes.unwrap_or_else(|| text.to_vec())
}

fn has_envelope_name(object: &Object<'_>, names: &EnvelopeNames) -> bool {
    let EnvelopeNames { received_at, provider, kind, remote_ip, headers, request, body: _ } = names;
    [received_at, provider, kind, remote_ip, headers, request].into_iter().any(|name| object.has(name))
        || REQUEST_NAMES.iter().chain(&GATEWAY_NAMES).any(|name| object.has(name))
        || object.has("channel")
}

/// Whether text reads as JSON or as a form: what a payload can be.
pub(super) fn looks_like_payload(text: &[u8]) -> bool {
    if matches!(text.first(), Some(b'{' | b'[')) {
        return true;
    }
    let Some(equals) = memchr::memchr(b'=', text) else {
        return false;
    };
    let (name, value) = (&text[..equals], &text[equals + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte);
    !name.is_empty() && name.iter().all(is_name) && value.iter().any(|byte| *byte != b'=')
}

/// The payload inside a JSON string, where that is what the text is (double encoding).
pub(super) fn unquoted(text: &[u8]) -> Option<String> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let inner: String = serde_json::from_slice(text).ok()?;
    let body = &inner[trimmed(inner.as_bytes())];
    looks_like_payload(body.as_bytes()).then(|| body.to_owned())
}

/// Reads an envelope, whose parts are asked for by name.
pub(super) fn envelope<'a>(names: &EnvelopeNames, get: &dyn Fn(&str) -> Option<Value<'a>>) -> Envelope {
    let text = |name: &str| get(name).and_then(|value| filled(&value));
    let beside = |name: &str| REQUEST_NAMES.contains(&name).then(|| text(name)).flatten();
    let asked = get(&names.request);
    let request = request(asked.as_ref(), &beside);
    let stated_channel = asked.as_ref().and_then(Value::object).and_then(|r| filled(r.get(&["channel"])?));
    Envelope {
        received_at: text(&names.received_at).and_then(|time| time::parse(&time)),
        provider: text(&names.provider).and_then(|word| provider(&word)),
        kind: text(&names.kind).and_then(|word| Kind::from_word(&word.to_ascii_lowercase())),
        remote_ip: text(&names.remote_ip),
        headers: get(&names.headers).map(|value| headers(&value)).unwrap_or_default(),
        channel: text("channel").or(stated_channel).and_then(|word| Channel::from_word(&word.to_ascii_lowercase())),
        request,
        ..Envelope::default()
    }
}

/// The value as text that says something.
fn filled(value: &Value<'_>) -> Option<String> {
    value.text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A provider as people write it: `smile_id`, `Smile Identity`, `advance.ai`.
fn provider(word: &str) -> Option<Provider> {
    let folded: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match folded.as_str() {
        "smileid" | "smileidentity" => Some(Provider::SmileId),
        "advanceai" => Some(Provider::AdvanceAi),
        "jumio" => Some(Provider::Jumio),
        _ => None,
    }
}

/// Headers as an object, of texts or of lists whose first entry counts, or as a list of pairs.
fn headers(value: &Value<'_>) -> Vec<(String, String)> {
    let is_object = value.sort() != Sort::Array;
    if let Some(object) = value.object().filter(|_| is_object) {
        return object.iter().filter_map(|(name, value)| Some((name.to_owned(), header_value(value)?))).collect();
    }
    value.list().iter().filter_map(header_pair).collect()
}

fn header_value(value: &Value<'_>) -> Option<String> {
    match value.sort() {
        Sort::Array => value.list().first().and_then(filled),
        _ => filled(value),
    }
}

fn header_pair(entry: &Value<'_>) -> Option<(String, String)> {
    match entry.sort() {
        Sort::Object => {
            let pair = entry.object()?;
            Some((pair.get(&["name", "key"]).and_then(filled)?, pair.get(&["value"]).and_then(header_value)?))
        }
        _ => match entry.list().as_slice() {
            [name, value] => Some((filled(name)?, header_value(value)?)),
            _ => None,
        },
    }
}

/// The request, from wherever its parts stand: in itself, its partner parameters, its body, its query, its URL's query,
/// or beside the payload.
fn request(request: Option<&Value<'_>>, beside: &dyn Fn(&str) -> Option<String>) -> Request {
    let whole = request.and_then(Value::object).map(Object::into_owned);
    let bare_url = request
        .filter(|_| whole.is_none())
        .and_then(filled)
        .filter(|text| text.contains("://") || text.starts_with('/'));
    let url = whole.as_ref().and_then(|r| r.get(&["url"]).and_then(filled)).or(bare_url).or_else(|| beside("url"));
    let mut layers: Vec<Object<'static>> = Vec::new();
    if let Some(whole) = whole {
        let body = whole.object(&["body"]).map(Object::into_owned);
        let query = whole.get(&["query"]).and_then(query);
        for layer in [Some(whole), body].into_iter().flatten() {
            let inner: Vec<_> = ["partner_params", "id_info"]
                .iter()
                .filter_map(|name| Some(layer.object(&[name])?.into_owned()))
                .collect();
            layers.push(layer);
            layers.extend(inner);
        }
        layers.extend(query);
    }
    let url_query = url.as_ref().and_then(|url| url.split_once('?'));
    layers.extend(url_query.map(|(_, query)| Object::parse_form(query.as_bytes()).into_owned()));
    let find = |name: &str| layers.iter().find_map(|layer| filled(layer.get(&[name])?)).or_else(|| beside(name));
    Request {
        country: find("country"),
        id_type: find("id_type"),
        partner_id: find("partner_id"),
        environment: find("environment"),
        job_id: find("job_id"),
        user_id: find("user_id"),
        job_type: find("job_type"),
        personal: layers.iter().flat_map(provider::personal_strings).collect(),
        url,
    }
}

/// A query as an object or as text.
fn query(value: &Value<'_>) -> Option<Object<'static>> {
    match value.object() {
        Some(object) => Some(object.into_owned()),
        None => filled(value).map(|text| Object::parse_form(text.trim_start_matches('?').as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Micros;

    fn read(row: &str) -> (String, Envelope) {
        read_with(row, &Options::default())
    }

    fn read_with(row: &str, options: &Options) -> (String, Envelope) {
        let (body, envelope) = parse(row.as_bytes(), options).unwrap();
        (String::from_utf8(body.into_owned()).unwrap(), envelope)
    }

    fn with_field(name: &str) -> Options {
        Options { body_field: Some(name.into()), ..Options::default() }
    }

    #[test]
    fn a_body_is_taken_out_exactly_as_written() {
        let (body, envelope) = read(r#"{"received_at":"2026-01-02T03:04:05Z","body":{ "a" : 1.50,"é":"\u00e9" }}"#);
        assert_eq!(body, r#"{ "a" : 1.50,"é":"\u00e9" }"#);
        assert_eq!(envelope.received_at, Some(Micros(1_767_323_045_000_000)));
        let (body, _) = read(r#"{"kind":"callback","body":"{\"a\":\"\\u00e9\"}\n"}"#);
        assert_eq!(body, r#"{"a":"\u00e9"}"#);
        let (body, _) = read(r#"{"headers":{},"body":"callBackType=NETVERIFYID&idType=PASSPORT"}"#);
        assert_eq!(body, "callBackType=NETVERIFYID&idType=PASSPORT");
        let (body, _) = read(r#"{"remote_ip":"192.0.2.1","body":"{\"cut\":"}"#);
        assert_eq!(body, r#"{"cut":"#);
    }

    #[test]
    fn a_body_alone_is_an_envelope_if_it_holds_a_payload() {
        assert_eq!(read(r#"{"body":{"a":1}}"#).0, r#"{"a":1}"#);
        assert_eq!(read(r#"{"body":"a=1"}"#).0, "a=1");
        for bare in [r#"{"body":"slim"}"#, r#"{"body":[1]}"#, r#"{"body":7,"kind":"x"}"#, r#"{"body":null}"#] {
            assert_eq!(read(bare).0, bare);
        }
    }

    #[test]
    fn payloads_are_not_taken_apart() {
        for bare in [
            r#"{"code":"SUCCESS","data":{"signatureId":"x"},"transactionId":"t"}"#,
            r#"{"job_complete":true,"result":{"ResultCode":"1012"},"signature":"s"}"#,
            r#"{"body":{"a":1},"score":3}"#,
            r#"{"broken":"#,
            "callBackType=NETVERIFYID&body=1",
            "\"just text\"",
        ] {
            assert_eq!(read(bare), (bare.to_owned(), Envelope::default()), "{bare}");
        }
    }

    #[test]
    fn a_field_that_the_user_names_needs_no_company() {
        assert_eq!(read_with(r#"{"id":7,"data":{"a":1}}"#, &with_field("data")).0, r#"{"a":1}"#);
        let named =
            Options { names: EnvelopeNames { body: "raw".into(), ..EnvelopeNames::default() }, ..Options::default() };
        assert_eq!(read_with(r#"{"id":7,"raw":"{\"a\":1}"}"#, &named).0, r#"{"a":1}"#);
        assert_eq!(read_with(r#"{"SmileJobID":"1"}"#, &with_field("data")).0, r#"{"SmileJobID":"1"}"#);
    }

    #[test]
    fn an_envelope_without_a_body_is_said_to_be_one() {
        assert!(parse(br#"{"kind":"callback","body":null}"#, &Options::default()).is_err());
        assert!(parse(br#"{"kind":"callback","body":" "}"#, &Options::default()).is_err());
        assert!(parse(br#"{"data":null}"#, &with_field("data")).is_err());
    }

    #[test]
    fn a_row_may_be_a_string_that_holds_the_payload() {
        assert_eq!(read(r#""{\"a\":1}""#).0, r#"{"a":1}"#);
        assert_eq!(read(r#""a=1&b=2""#).0, "a=1&b=2");
    }

    #[test]
    fn providers_and_kinds_are_read_as_people_write_them() {
        let of = |word: &str| read(&format!(r#"{{"provider":"{word}","kind":"Job_Status","body":{{}}}}"#)).1;
        for word in ["smile_id", "SmileID", "smile-id", "Smile Identity"] {
            assert_eq!(of(word).provider, Some(Provider::SmileId), "{word}");
        }
        assert_eq!(of("Advance.AI").provider, Some(Provider::AdvanceAi));
        assert_eq!(of("advanceai").provider, Some(Provider::AdvanceAi));
        assert_eq!(of("JUMIO").provider, Some(Provider::Jumio));
        assert_eq!(of("acme").provider, None);
        assert_eq!(of("jumio").kind, Some(Kind::JobStatus));
    }

    #[test]
    fn headers_come_in_several_shapes() {
        let expected = vec![("Job-ID".to_owned(), "job_1".to_owned()), ("X-Count".to_owned(), "2".to_owned())];
        for headers in [
            r#"{"Job-ID":"job_1","X-Count":2,"X-None":null}"#,
            r#"{"Job-ID":["job_1","other"],"X-Count":["2"],"X-None":[]}"#,
            r#"[["Job-ID","job_1"],["X-Count",2],["odd"]]"#,
            r#"[{"name":"Job-ID","value":"job_1"},{"key":"X-Count","value":"2"}]"#,
            r#""{\"Job-ID\":\"job_1\",\"X-Count\":2}""#,
        ] {
            let envelope = read(&format!(r#"{{"headers":{headers},"body":{{}}}}"#)).1;
            assert_eq!(envelope.headers, expected, "{headers}");
        }
        assert_eq!(read(r#"{"headers":"none","body":{}}"#).1.headers, []);
    }

    #[test]
    fn the_usual_names_of_the_payload_are_known_where_the_row_is_surely_an_envelope() {
        let (body, envelope) =
            read(r#"{"received_at":"2026-01-02T03:04:05Z","headers":{"Job-ID":"j"},"payload":{"a":1}}"#);
        assert_eq!((body.as_str(), envelope.header("job-id")), (r#"{"a":1}"#, Some("j")));
        assert!(envelope.received_at.is_some());
        assert_eq!(read(r#"{"code":"SUCCESS","data":{"a":1}}"#).0, r#"{"code":"SUCCESS","data":{"a":1}}"#);
    }

    #[test]
    fn the_parts_of_a_request_are_found_wherever_they_stand() {
        for row in [
            r#"{"request":{"country":"NG","id_type":"BVN"},"body":{}}"#,
            r#"{"request":"{\"country\":\"NG\",\"idType\":\"BVN\"}","body":{}}"#,
            r#"{"request":{"body":{"country":"NG","id_type":"BVN"}},"body":{}}"#,
            r#"{"request":{"body":"{\"country\":\"NG\",\"id_type\":\"BVN\"}"},"body":{}}"#,
            r#"{"request":{"query":{"country":"NG","id_type":"BVN"}},"body":{}}"#,
            r#"{"request":{"query":"?country=NG&id_type=BVN"},"body":{}}"#,
            r#"{"request":{"url":"https://example.test/id_status?country=NG&id_type=BVN"},"body":{}}"#,
            r#"{"request":"/id_status?country=NG&id_type=BVN","body":{}}"#,
            r#"{"country":"NG","id_type":"BVN","body":{}}"#,
        ] {
            let request = read(row).1.request;
            assert_eq!((request.country.as_deref(), request.id_type.as_deref()), (Some("NG"), Some("BVN")), "{row}");
        }
    }

    #[test]
    fn partner_parameters_and_channel_belong_to_the_request() {
        let row = r#"{"request":{"url":"u","partner_id":"085","environment":"sandbox","channel":"ASYNC",
            "body":{"partner_params":{"job_id":"j","user_id":"u","job_type":5}}},"body":{}}"#;
        let envelope = read(row).1;
        let expected = Request {
            url: Some("u".into()),
            partner_id: Some("085".into()),
            environment: Some("sandbox".into()),
            job_id: Some("j".into()),
            user_id: Some("u".into()),
            job_type: Some("5".into()),
            ..Request::default()
        };
        assert_eq!(envelope.request, expected);
        assert_eq!(envelope.channel, Some(Channel::Async));
    }

    #[test]
    fn form_text_is_told_from_base64_and_prose() {
        for (text, expected) in [
            ("a=1", true),
            ("a%5Bb%5D=1&c=", true),
            ("aGVsbG8=", false),
            ("aGVsbA==", false),
            ("x y=1", false),
            ("=1", false),
        ] {
            assert_eq!(looks_like_payload(text.as_bytes()), expected, "{text}");
        }
    }
}
