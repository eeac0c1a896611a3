//! Where the payload of a row is: the row itself, the body of an envelope or an event, a field somewhere inside it, or a
//! part of a line of text.
//!
//! A payload must not be taken apart: payloads have fields called `data` or `result` themselves. So an object is opened
//! only where the user named the field, where it is surely an envelope, where a field whose name no payload has holds
//! what a provider's payload is, or where it is none itself and something inside it is.
//!
//! Not here: CSV rows (`csv`), what stands around the body (`context`).

use std::borrow::Cow;
use std::sync::LazyLock;

use super::context::{self, REQUEST_NAMES, around, filled};
use super::path::Path;
use super::text::{self, holds_payload, looks_like_payload};
use super::window::trimmed;
use super::{EnvelopeNames, Options, log};
use crate::envelope::Envelope;
use crate::privacy::is_field_name;
use crate::provider;
use crate::provider::wire::{Object, Sort, Value, check_json};

/// A body and what is known beside it.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) body: Cow<'a, [u8]>,
    pub(super) envelope: Envelope,
    /// The field that it was found in; `None` for a row that is the payload itself.
    pub(super) field: Option<String>,
}

/// A row as parsed, or why it has no body.
pub(super) type Parsed<'a> = Result<Found<'a>, &'static str>;

/// Names beside the body in the events of a cloud gateway.
const GATEWAY_NAMES: [&str; 6] =
    ["isBase64Encoded", "requestContext", "httpMethod", "pathParameters", "queryStringParameters", "rawPath"];

/// What stores call the field of the payload, the likeliest first. The first ones are names that no payload has.
const USUAL: [&str; 26] = [
    "payload",
    "raw_payload",
    "payload_json",
    "webhook_payload",
    "callback_payload",
    "raw_response",
    "full_response",
    "response_json",
    "result_json",
    "raw_json",
    "raw_body",
    "request_body",
    "raw",
    "smile_result",
    "smile_response",
    "jumio_response",
    "body",
    "event",
    "response",
    "message",
    "detail",
    "data",
    "json",
    "content",
    "document",
    "result",
];

/// How many of the usual names no payload has.
const SURE: usize = 16;

/// How a payload in a line of text is named where a field would be.
const IN_LINE: &str = "the text of a line";

/// Objects that may stand around a payload.
const DEEPEST: usize = 4;

/// The usual names, for tables whose columns are chosen by name.
pub(super) fn usual_names() -> impl Iterator<Item = &'static str> {
    USUAL.into_iter()
}

/// Finds the payload of a row of JSON, form text or log text.
pub(super) fn parse<'a>(row: &'a [u8], options: &Options) -> Parsed<'a> {
    match row.first() {
        Some(b'"') => match text::body(row) {
            Cow::Owned(inner) => opened(inner, Envelope::default(), None, options),
            Cow::Borrowed(_) => Ok(bare(row)),
        },
        Some(b'{') => match std::str::from_utf8(row).ok().and_then(|text| Object::parse(text).ok()) {
            Some(object) => in_object(&object, row, options, DEEPEST),
            None => Ok(bare(row)),
        },
        Some(b'[') if is_json(row) => Ok(bare(row)),
        None => Ok(bare(row)),
        // A form has no blanks, unless nobody encoded them; a line of `name=value` words has.
        Some(_) if looks_like_payload(row) && (!row.contains(&b' ') || is_claimed(row)) => Ok(bare(row)),
        Some(_) => in_text(row, options),
    }
}

/// Whether a name is a usual one of the payload's field.
pub(super) fn is_usual(name: &str) -> bool {
    rank(name).is_some()
}

/// Whether a row of a table holds a payload that some provider would claim.
pub(super) fn is_payload_row(row: &[u8], options: &Options) -> bool {
    let claimed = |found: &Found| provider::recognises(&found.body, &found.envelope);
    parse(row, options).is_ok_and(|found| claimed(&found) || found.field.is_some())
}

fn is_claimed(row: &[u8]) -> bool {
    provider::recognises(row, &Envelope::default())
}

fn bare(row: &[u8]) -> Found<'_> {
    Found { body: Cow::Borrowed(row), envelope: Envelope::default(), field: None }
}

/// A line of text with a payload in it; the encoding of a payload; or a text that stays as it is.
fn in_text<'a>(row: &'a [u8], options: &Options) -> Parsed<'a> {
    if let Cow::Owned(inner) = text::body(row) {
        return opened(inner, Envelope::default(), None, options);
    }
    // Of a text of several lines, one payload would stand for all.
    let Some(line) = (!row.contains(&b'\n')).then(|| log::in_line(row)).flatten() else { return Ok(bare(row)) };
    let known = Envelope { received_at: line.time, ..Envelope::default() };
    let found = opened(line.body.into_owned(), known, Some(IN_LINE), options)?;
    let claimed = found.field.as_deref() != Some(IN_LINE) || provider::recognises(&found.body, &found.envelope);
    match claimed {
        true if line.has_more => Ok(Found { field: Some(format!("{IN_LINE}, of which another is not read")), ..found }),
        true => Ok(found),
        false => Ok(bare(row)),
    }
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| check_json(text).is_ok())
}

/// A body that was taken out of something, opened again where it is an envelope or holds the payload only further in.
pub(super) fn opened(
    body: Vec<u8>,
    known: Envelope,
    field: Option<&str>,
    options: &Options,
) -> Result<Found<'static>, &'static str> {
    opened_to(body, known, field, options, DEEPEST)
}

/// [`opened`], through so many envelopes within envelopes.
fn opened_to(
    body: Vec<u8>,
    known: Envelope,
    field: Option<&str>,
    options: &Options,
    depth: usize,
) -> Result<Found<'static>, &'static str> {
    let whole = |body: Vec<u8>| Found { body: body.into(), envelope: known.clone(), field: field.map(shown) };
    let inner = std::str::from_utf8(&body).ok().filter(|text| text.starts_with('{'));
    let Some(object) = inner.and_then(|text| Object::parse(text).ok()) else { return Ok(whole(body)) };
    if depth == 0 || provider::recognises_object(&object, &known) {
        return Ok(whole(body));
    }
    let found = in_object(&object, &body, options, depth - 1)?;
    let Some(inner_field) = found.field else { return Ok(whole(body)) };
    let field = field.map(shown).into_iter().chain([inner_field]).collect::<Vec<_>>().join(".");
    Ok(Found {
        body: found.body.into_owned().into(),
        envelope: merged(found.envelope, known.clone()),
        field: Some(field),
    })
}

fn in_object<'a>(object: &Object<'a>, row: &'a [u8], options: &Options, depth: usize) -> Parsed<'a> {
    if let Some(chosen) = options.chosen_field() {
        return at_path(object, row, &chosen, options);
    }
    if let Some(found) = in_envelope(object, options, depth)? {
        return Ok(found);
    }
    if let Some(found) = in_exchange(object, &options.names) {
        return Ok(found);
    }
    if let Some(found) = in_usual_field(object, options, depth) {
        return Ok(found);
    }
    if provider::recognises_object(object, &Envelope::default()) {
        return Ok(bare(row));
    }
    Ok(search(object, options, DEEPEST).unwrap_or_else(|| bare(row)))
}

/// The field that the user named.
fn at_path<'a>(object: &Object<'a>, row: &'a [u8], path: &Path, options: &Options) -> Parsed<'a> {
    if !path.begins_in(object) {
        return Ok(bare(row));
    }
    const EMPTY: &str = "the field that was named for the payload is empty";
    let value = path.find(object).ok_or(EMPTY)?;
    let body = match value.sort() {
        Sort::Object | Sort::Array => value.source().as_bytes().to_vec(),
        _ => text::body(value.text().unwrap_or_default().as_bytes()).into_owned(),
    };
    if body.is_empty() {
        return Err(EMPTY);
    }
    Ok(Found { body: body.into(), envelope: around(object, &options.names), field: Some(path.to_string()) })
}

/// The body of an object that has a field of the name for bodies and another name of an envelope (or nothing else).
fn in_envelope<'a>(object: &Object<'a>, options: &Options, depth: usize) -> Result<Option<Found<'a>>, &'static str> {
    let names = &options.names;
    let name = names.body.as_str();
    if !object.has(name) {
        return Ok(None);
    }
    let certain = has_envelope_name(object, names);
    let missing = || if certain { Err("the envelope's body is empty") } else { Ok(None) };
    let Some(value) = object.get(&[name]) else { return missing() };
    let body = match value.sort() {
        Sort::Object | Sort::Array if certain || (object.len() == 1 && value.sort() == Sort::Object) => match value {
            Value::Json(Cow::Borrowed(source)) => Cow::Borrowed(source.as_bytes()),
            other => Cow::Owned(other.source().as_bytes().to_vec()),
        },
        Sort::Text => {
            let text = value.text().unwrap_or_default();
            let inner = &text.as_bytes()[trimmed(text.as_bytes())];
            match (inner.is_empty(), certain || (object.len() == 1 && looks_like_payload(inner))) {
                (true, _) => return missing(),
                (false, true) => Cow::Owned(decoded(object, inner)),
                (false, false) => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    let envelope = around(object, names);
    let field = Some(name.to_owned());
    match body {
        // The body may be an envelope itself: a queue's record around a gateway's event.
        Cow::Owned(body) => opened_to(body, envelope, Some(name), options, depth).map(Some),
        body => Ok(Some(Found { body, envelope, field })),
    }
}

/// The text of a body, out of the base64 that a gateway may have put it into.
fn decoded(object: &Object<'_>, inner: &[u8]) -> Vec<u8> {
    let encoded = object.get(&["isBase64Encoded"]).and_then(Value::bool) == Some(true);
    let bytes = if encoded { text::base64(inner) } else { None };
    bytes.unwrap_or_else(|| text::body(inner).into_owned())
}

fn has_envelope_name(object: &Object<'_>, names: &EnvelopeNames) -> bool {
    let EnvelopeNames { received_at, provider, kind, remote_ip, headers, request, body: _ } = names;
    [received_at, provider, kind, remote_ip, headers, request].into_iter().any(|name| object.has(name))
        || REQUEST_NAMES.iter().chain(&GATEWAY_NAMES).any(|name| object.has(name))
        || object.has("channel")
}

/// Whether an object has a field that no payload has: when, from where or with which headers it was received.
fn is_surely_envelope(object: &Object<'_>, names: &EnvelopeNames) -> bool {
    [&names.received_at, &names.remote_ip, &names.headers, &names.request].into_iter().any(|name| object.has(name))
}

/// The payload in a recorded request and its response: an answer that was asked for, else a message that was received.
fn in_exchange(object: &Object<'_>, names: &EnvelopeNames) -> Option<Found<'static>> {
    let (request, response) = (object.object(&["request"])?, object.object(&["response"])?);
    let answer = recorded_text(&response, "content");
    let sent = recorded_text(&request, "postData");
    let known = around(object, names);
    let headers = |of: &Object| of.get(&["headers"]).map(context::headers).unwrap_or_default();
    let recognised = |text: &Option<Vec<u8>>, envelope: &Envelope| {
        text.as_ref().is_some_and(|text| provider::recognises(text, envelope))
    };
    let received = Envelope { headers: headers(&request), request: Default::default(), ..known.clone() };
    let url = ["url", "uri"].iter().find_map(|name| filled(request.get(&[name])?));
    let asked = context::recorded_request(url, sent.as_deref());
    let answered = Envelope { headers: headers(&response), request: asked, ..known };
    if recognised(&sent, &received) && !recognised(&answer, &answered) {
        return Some(Found { body: sent?.into(), envelope: received, field: Some("request".into()) });
    }
    let body = answer.filter(|answer| looks_like_payload(answer))?;
    Some(Found { body: body.into(), envelope: answered, field: Some("response".into()) })
}

/// The text of one side of a recorded exchange: HAR's `content`/`postData`, VCR's `body`.
fn recorded_text(side: &Object<'_>, har: &str) -> Option<Vec<u8>> {
    let inner = side.object(&[har]).or_else(|| side.object(&["body"]));
    let plain = |value: &Value| value.text().map(|text| text.into_owned().into_bytes());
    let Some(inner) = inner.filter(|inner| ["text", "string", "base64_string"].iter().any(|n| inner.has(n))) else {
        return side.get(&["body"]).and_then(|body| match body.sort() {
            Sort::Object => Some(body.source().as_bytes().to_vec()),
            _ => plain(body).map(|text| text::body(&text).into_owned()),
        });
    };
    let encoded = inner.text(&["encoding"]).is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
    let bytes = match inner.get(&["base64_string"]) {
        Some(text) => text::base64(&plain(text)?)?,
        None => {
            let text = plain(inner.get(&["text", "string"])?)?;
            if encoded { text::base64(&text)? } else { text }
        }
    };
    Some(text::body(&bytes).into_owned())
}

/// The fields with a usual name, the likeliest first.
fn usual<'o, 'a>(object: &'o Object<'a>) -> impl Iterator<Item = (usize, &'o str, &'o Value<'a>)> {
    let mut found: Vec<_> = object.iter().filter_map(|(name, value)| Some((rank(name)?, name, value))).collect();
    found.sort_by_key(|(rank, _, _)| *rank);
    found.into_iter()
}

/// How likely a name is that of the payload's field, 0 first.
fn rank(name: &str) -> Option<usize> {
    static FOLDED: LazyLock<Vec<String>> = LazyLock::new(|| USUAL.iter().map(|name| name.replace('_', "")).collect());
    const LONGEST: usize = 24;
    let mut folded = [0; LONGEST];
    let mut length = 0;
    for byte in name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')) {
        *folded.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    FOLDED.iter().position(|usual| usual.as_bytes() == &folded[..length])
}

/// The likeliest field that holds what a provider claims; else, since what stands beside it says whose it is or that the
/// object is an envelope, one that holds anything of the form of a payload.
fn in_usual_field(object: &Object<'_>, options: &Options, depth: usize) -> Option<Found<'static>> {
    let surely = is_surely_envelope(object, &options.names);
    let likely: Vec<_> = usual(object).filter(|(rank, _, _)| surely || *rank < SURE).collect();
    if likely.is_empty() {
        return None;
    }
    let envelope = around(object, &options.names);
    let by_content = likely.iter().find_map(|(_, name, value)| Some((*name, claimed(value)?)));
    let (name, body) = by_content.or_else(|| {
        let said = |value: &Value| {
            let body = body_of(value)?;
            ((surely && holds(value)) || provider::recognises(&body, &envelope)).then_some(body)
        };
        likely.iter().find_map(|(_, name, value)| Some((*name, said(value)?)))
    })?;
    let found = opened_to(body, envelope, Some(name), options, depth).ok()?;
    let others = object.iter().filter(|(other, value)| *other != name && claimed(value).is_some());
    Some(with_others(found, others.map(|(name, _)| name)))
}

fn holds(value: &Value<'_>) -> bool {
    match value.sort() {
        Sort::Object => true,
        Sort::Text => value.text().is_some_and(|text| holds_payload(text.as_bytes())),
        _ => false,
    }
}

/// The bytes of a body that a value is or holds.
fn body_of(value: &Value<'_>) -> Option<Vec<u8>> {
    match value.text() {
        Some(text) => {
            let body = text::body(text.as_bytes());
            if looks_like_payload(&body) {
                return Some(body.into_owned());
            }
            log::may_hold(&body).then(|| log::in_line(&body)).flatten().map(|found| found.body.into_owned())
        }
        None if value.sort() == Sort::Object => Some(value.source().as_bytes().to_vec()),
        None => None,
    }
}

/// The body that a value holds, where a provider claims it by its content.
fn claimed(value: &Value<'_>) -> Option<Vec<u8>> {
    body_of(value).filter(|body| is_claimed(body))
}

/// Looks for a payload anywhere inside an object that is none, nearer ones and usual names first. A list counts where it
/// has one element.
fn search(object: &Object<'_>, options: &Options, depth: usize) -> Option<Found<'static>> {
    let likely = usual(object).map(|(_, name, value)| (name, value));
    let others = object.iter().filter(|(name, _)| rank(name).is_none());
    let fields: Vec<(&str, Cow<Value>)> =
        likely.chain(others).filter_map(|(name, value)| Some((name, lone(value)?))).collect();
    let envelope = around(object, &options.names);
    let direct = fields.iter().find_map(|(name, value)| Some((name, claimed(value)?)));
    if let Some((name, body)) = direct {
        let others = fields.iter().filter(|(other, value)| other != name && claimed(value).is_some());
        let others: Vec<&str> = others.map(|(name, _)| *name).collect();
        let found = Found { body: body.into(), envelope, field: Some(shown(name)) };
        return Some(with_others(found, others.into_iter()));
    }
    if depth == 0 {
        return None;
    }
    let inside = |value: &Value| match value.object() {
        Some(inner) => search(&inner, options, depth - 1),
        None => {
            let inner = body_of(value)?;
            let inner = Object::parse(std::str::from_utf8(&inner).ok()?).ok()?;
            search(&inner, options, depth - 1)
        }
    };
    let (at, found) = fields.iter().enumerate().find_map(|(at, (_, value))| Some((at, inside(value)?)))?;
    let name = shown(fields[at].0);
    let field = found.field.map_or_else(|| name.clone(), |inner| format!("{name}.{inner}"));
    let found = Found { envelope: merged(found.envelope, envelope), field: Some(field), ..found };
    let others = fields[at + 1..].iter().find(|(_, value)| inside(value).is_some());
    Some(with_others(found, others.into_iter().map(|(name, _)| *name)))
}

/// Says of a payload which other fields of its row hold one too: a row is one payload, so they are not read.
fn with_others<'a, 'n>(found: Found<'a>, others: impl Iterator<Item = &'n str>) -> Found<'a> {
    let others: Vec<String> = others.map(shown).collect();
    if others.is_empty() {
        return found;
    }
    let field = found.field.unwrap_or_default();
    Found { field: Some(format!("{field}, while {} holds another that is not read", others.join(", "))), ..found }
}

/// A field's name as it may be reported: a store may name fields after people.
fn shown(name: &str) -> String {
    if name == IN_LINE || is_field_name(name) { name.to_owned() } else { "(withheld)".to_owned() }
}

/// A value as it is, or the only element of a list.
fn lone<'v, 'a>(value: &'v Value<'a>) -> Option<Cow<'v, Value<'a>>> {
    if value.sort() != Sort::Array {
        return Some(Cow::Borrowed(value));
    }
    match value.list().as_slice() {
        [only] => Some(Cow::Owned(own(only))),
        _ => None,
    }
}

fn own<'a>(value: &Value<'_>) -> Value<'a> {
    value.clone().into_owned()
}

/// What two layers around a body say, the inner one first.
fn merged(inner: Envelope, outer: Envelope) -> Envelope {
    let request = if inner.request == Default::default() { outer.request } else { inner.request };
    Envelope {
        received_at: inner.received_at.or(outer.received_at),
        provider: inner.provider.or(outer.provider),
        kind: inner.kind.or(outer.kind),
        remote_ip: inner.remote_ip.or(outer.remote_ip),
        headers: if inner.headers.is_empty() { outer.headers } else { inner.headers },
        request,
        partner: inner.partner.or(outer.partner),
        environment: inner.environment.or(outer.environment),
        channel: inner.channel.or(outer.channel),
    }
}

#[cfg(test)]
#[path = "tests/find.rs"]
mod tests;
