//! What stands around a body: the fields of an envelope, of an event of a cloud gateway or queue, of a recorded request.
//!
//! Not here: where the body is (`find`).

use super::EnvelopeNames;
use crate::envelope::{Envelope, Request};
use crate::provider::wire::{Object, Sort, Value};
use crate::provider::{self, time};
use crate::record::{Channel, Kind, Micros, Provider};

/// Parts of a request that may also stand beside the body.
pub(super) const REQUEST_NAMES: [&str; 8] =
    ["url", "country", "id_type", "partner_id", "environment", "job_id", "user_id", "job_type"];

/// What loggers, queues and recorders call the time at which they took something in.
const TIMES: [&str; 12] = [
    "SentTimestamp",
    "publishTime",
    "approximateArrivalTimestamp",
    "startedDateTime",
    "recorded_at",
    "requestTimeEpoch",
    "timeEpoch",
    "ingestionTime",
    "@timestamp",
    "timestamp",
    "time",
    "ts",
];

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
pub(super) fn filled(value: &Value<'_>) -> Option<String> {
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
pub(super) fn headers(value: &Value<'_>) -> Vec<(String, String)> {
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
        layers.extend([Some(whole), body].into_iter().flatten().flat_map(with_inner));
        layers.extend(query);
    }
    request_of(url, layers, beside)
}

/// An object of a request, and those in it that name a job or a document.
fn with_inner(layer: Object<'static>) -> Vec<Object<'static>> {
    let inner = ["partner_params", "id_info"].iter().filter_map(|name| Some(layer.object(&[name])?.into_owned()));
    let inner: Vec<_> = inner.collect();
    std::iter::once(layer).chain(inner).collect()
}

fn request_of(
    url: Option<String>,
    mut layers: Vec<Object<'static>>,
    beside: &dyn Fn(&str) -> Option<String>,
) -> Request {
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

/// What an object around a payload says of when and from where it came: fields of [`TIMES`], the context of a gateway.
pub(super) fn around(object: &Object<'_>, names: &EnvelopeNames) -> Envelope {
    let mut around = envelope(names, &|name| object.get(&[name]).cloned());
    if around.headers.is_empty() {
        around.headers = object.get(&["multiValueHeaders"]).map(headers).unwrap_or_default();
    }
    for inner in ["requestContext", "attributes", "kinesis"].iter().filter_map(|name| object.object(&[name])) {
        around.received_at = around.received_at.or_else(|| time_in(&inner));
        let caller = ["identity", "http"].iter().find_map(|name| inner.object(&[name]));
        around.remote_ip = around.remote_ip.or_else(|| filled(caller?.get(&["sourceIp"])?));
    }
    around.received_at = around.received_at.or_else(|| time_in(object));
    around
}

fn time_in(object: &Object<'_>) -> Option<Micros> {
    TIMES.iter().find_map(|name| time::parse(&filled(object.get(&[name])?)?))
}

/// The request of a recorded exchange: its URL, and the text that was sent.
pub(super) fn recorded_request(url: Option<String>, sent: Option<&[u8]>) -> Request {
    let sent = sent.and_then(|sent| match sent.first() {
        Some(b'{') => Object::parse(std::str::from_utf8(sent).ok()?).ok().map(Object::into_owned),
        _ => Some(Object::parse_form(sent).into_owned()),
    });
    request_of(url, sent.map(with_inner).unwrap_or_default(), &|_| None)
}
