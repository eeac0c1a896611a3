//! From bytes to what they state: which provider and kind a payload is, and its statements as sent.
//!
//! A decoder reports facts and never judges: outcomes come from the code catalogue, in the models. What it returns still
//! holds personal data; [`crate::privacy`] turns it into rows that do not.
//!
//! To add a provider (with paths in `CONTRIBUTING.md`): (1) a variant in `record::Provider`, its name in `source/context.rs`;
//! (2) a folder here with `sniff`, `is_part`, `decode` and `known_fields`; (3) its places in this file: `claim_nested`,
//! `recognises_nested`, `guess`, `unknown_shape`; (4) its codes in `codes/<provider>.csv`, named in `catalogue`; (5) payloads
//! with expected answers in its `tests.rs`, a share of the archive in `sample`.

pub mod advance_ai;
pub mod catalogue;
pub mod country;
mod flattened;
pub mod jumio;
pub mod known_fields;
mod nested;
pub mod smile_id;
mod stated;
pub mod time;
pub mod wire;

use std::borrow::Cow;

use self::wire::Object;
use crate::envelope::Envelope;
use crate::privacy::is_field_name;
use crate::record::{Channel, Environment, Kind, Micros, Product, Provider, RejectReason, SignatureClass};

/// Personal strings that are gathered of one payload. Where there are more, every reference of it counts as personal.
pub const MOST_PERSONAL: usize = 5_000;

/// What one payload states, as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub provider: Option<Provider>,
    pub kind: Kind,
    /// Account at the provider, from the payload (receipt or image URL, `partner_id`), without leading zeros.
    pub partner: Option<String>,
    pub environment: Option<Environment>,
    pub channel: Option<Channel>,
    /// The payload's own timestamp (signature timestamp, retrieval `timestamp`, `callbackSentAt`).
    pub stated_at: Option<Micros>,
    pub signature: Signature,
    pub receipt: Option<ReceiptLink>,
    pub statements: Vec<Statement>,
    pub checks: Vec<StatedCheck>,
    pub submission: Option<StatedSubmission>,
    pub authority: Option<StatedAvailability>,
    /// Personal strings of the payload (names, dates of birth, numbers, addresses, user ids): kept only to recognise them elsewhere.
    pub personal: Vec<String>,
    /// Names of fields that no document names, each once, in the order of the payload; of a payload that nobody knows all of
    /// its fields. At most [`known_fields::MOST_UNKNOWN`].
    pub unknown_fields: Vec<String>,
    /// What was odd but did not stop the reading, in words without any value of the payload: `"DOB is not a date"`.
    pub problems: Vec<String>,
    /// Set when the kind is `Unreadable`.
    pub reject: Option<(RejectReason, String)>,
}

impl Decoded {
    /// An empty answer of this provider and kind.
    pub fn new(provider: Option<Provider>, kind: Kind) -> Self {
        Decoded {
            provider,
            kind,
            partner: None,
            environment: None,
            channel: None,
            stated_at: None,
            signature: Signature::absent(),
            receipt: None,
            statements: Vec::new(),
            checks: Vec::new(),
            submission: None,
            authority: None,
            personal: Vec::new(),
            unknown_fields: Vec::new(),
            problems: Vec::new(),
            reject: None,
        }
    }

    /// An unreadable payload.
    pub fn rejected(provider: Option<Provider>, reason: RejectReason, detail: impl Into<String>) -> Self {
        Decoded { reject: Some((reason, detail.into())), ..Decoded::new(provider, Kind::Unreadable) }
    }
}

/// The signature as found.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    pub class: SignatureClass,
    /// The value as sent; never stored.
    pub value: Option<String>,
    /// The signed timestamp, exactly as sent.
    pub timestamp: Option<String>,
}

impl Signature {
    /// No signature.
    pub fn absent() -> Self {
        Signature { class: SignatureClass::Absent, value: None, timestamp: None }
    }
}

/// A link to the provider's proof document. The URL's query carries a live credential and is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptLink {
    /// The field that carried it, as sent.
    pub field: String,
    /// The URL without its query.
    pub url: String,
    /// Partner in the URL, as sent.
    pub partner: Option<String>,
    /// SmileJobID in the URL.
    pub job_id: Option<String>,
    pub environment: Option<Environment>,
    /// Whether a query was there (and was dropped).
    pub had_query: bool,
}

/// One statement about one verification, as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// 0 for the payload's own result, 1, 2, … for history entries in the order sent.
    pub position: i32,
    pub is_history: bool,
    /// A part of an answer that lacks what may decide otherwise: it counts only where nothing fuller is known.
    pub is_part: bool,
    pub product: Option<Product>,
    pub job_type: Option<String>,
    /// The provider's own reference.
    pub provider_job_id: Option<String>,
    /// The company's reference.
    pub partner_job_id: Option<String>,
    pub user_id: Option<String>,
    pub id_number: Option<String>,
    pub job_complete: Option<bool>,
    pub job_success: Option<bool>,
    pub result_code: Option<String>,
    pub error_code: Option<String>,
    pub result_text: Option<String>,
    pub is_final_stated: Option<bool>,
    pub query_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// As sent, upper case.
    pub id_type: Option<String>,
    pub confidence: Option<f64>,
    pub similarity_score: Option<f64>,
    pub liveness_score: Option<f64>,
    pub risk_score: Option<f64>,
    pub submission_completed: Option<bool>,
    pub pricing_strategy: Option<String>,
    pub merchant_reporting_criteria: Option<String>,
    pub id_scan_source: Option<String>,
    /// The partner's own extras (`PartnerParams` beside job_id, user_id, job_type), for `[dimensions]`.
    pub extras: Vec<(String, String)>,
    /// When it was stated, where the statement itself says so.
    pub stated_at: Option<Micros>,
    pub requested_at: Option<Micros>,
}

/// One named check inside a payload, as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedCheck {
    /// The statement it belongs to.
    pub position: i32,
    pub name: String,
    pub value: Option<String>,
    pub detail: Option<String>,
}

/// A refusal or acknowledgement of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedSubmission {
    pub accepted: bool,
    pub code: Option<String>,
    pub message: Option<String>,
    pub provider_job_id: Option<String>,
    pub partner_job_id: Option<String>,
    pub user_id: Option<String>,
}

/// A declared availability of an ID authority.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatedAvailability {
    pub country: Option<String>,
    pub id_type: Option<String>,
    pub status: Option<String>,
    pub last_check_status: Option<String>,
    /// 0 to 1.
    pub last_hour_success_rate: Option<f64>,
    /// 0 to 1.
    pub last_check_success_rate: Option<f64>,
    pub checked_at: Option<Micros>,
}

/// Decodes one payload. Never fails and never panics: what cannot be read is a [`Decoded`] with a reject.
///
/// Whose it is is decided by content; `envelope.provider` is asked first.
pub fn decode(body: &[u8], envelope: &Envelope) -> Decoded {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    let text = match std::str::from_utf8(body) {
        Ok("") => return Decoded::rejected(envelope.provider, RejectReason::Empty, "there is nothing in it"),
        Ok(text) => text,
        Err(e) => {
            let detail = format!("not UTF-8 from byte {}", e.valid_up_to());
            return Decoded::rejected(guess(body).or(envelope.provider), RejectReason::NotUtf8, detail);
        }
    };
    match body.first() {
        Some(b'{') => decode_object(text, envelope),
        Some(b'"') => decode_string(text, envelope),
        Some(b'[') => match wire::check_json(text) {
            Ok(()) => Decoded::rejected(None, RejectReason::NotAnObject, "a JSON array without an object of its own"),
            Err(e) => broken_json(text, envelope, &e),
        },
        _ => decode_form_or_text(text, envelope),
    }
}

fn decode_object(text: &str, envelope: &Envelope) -> Decoded {
    let object = match Object::parse(text) {
        Ok(object) => object,
        // A service in Python may have printed it instead of writing JSON.
        Err(e) => match nested::printed_by_python(text) {
            Some(object) => object,
            None => return broken_json(text, envelope, &e),
        },
    };
    let decoded = claim(&object, envelope).or_else(|| decode_wrapped(&object, envelope, MAX_WRAPPERS));
    let mut decoded = decoded.unwrap_or_else(|| unknown_shape(envelope));
    if is_unknown_shape(&decoded) {
        name_fields(&object, &mut decoded);
    }
    let noted = "duplicate key at the top level";
    if object.duplicate_keys() > 0 && !decoded.problems.iter().any(|p| p == noted) {
        decoded.problems.push(noted.to_owned());
    }
    decoded
}

/// How many objects a store may have put around a payload.
const MAX_WRAPPERS: usize = 3;

/// Looks for a payload inside objects that a store put around it.
fn decode_wrapped(object: &Object, envelope: &Envelope, depth: usize) -> Option<Decoded> {
    if depth == 0 {
        return None;
    }
    let inner: Vec<Object> = object.iter().filter_map(|(_, value)| value.object()).collect();
    inner
        .iter()
        .find_map(|o| claim(o, envelope))
        .or_else(|| inner.iter().find_map(|o| decode_wrapped(o, envelope, depth - 1)))
}

/// Decodes an object, nested again where a store flattened it, by the first provider whose it is.
fn claim(object: &Object, envelope: &Envelope) -> Option<Decoded> {
    match flattened::nest(object) {
        Some(json) => claim_nested(&Object::parse(&json).ok()?, envelope),
        None => claim_nested(object, envelope),
    }
}

fn claim_nested(object: &Object, envelope: &Envelope) -> Option<Decoded> {
    let mut order = vec![Provider::AdvanceAi, Provider::Jumio, Provider::SmileId];
    if let Some(named) = envelope.provider {
        order.sort_by_key(|p| *p != named);
    }
    order.into_iter().find_map(|provider| match provider {
        Provider::SmileId => {
            (smile_id::sniff(object) || says_smile_id(envelope)).then(|| smile_id::decode(object, envelope))
        }
        Provider::AdvanceAi => advance_ai::sniff(object).then(|| advance_ai::decode(object, envelope)),
        Provider::Jumio => jumio::sniff(object).then(|| jumio::decode(object, envelope)),
    })
}

/// Whether a body is a whole message of some provider's; a part of one, and anything that cannot be read, is not.
pub fn recognises(body: &[u8], envelope: &Envelope) -> bool {
    match (body.first(), std::str::from_utf8(body)) {
        (Some(b'{'), Ok(text)) => Object::parse(text).is_ok_and(|object| recognises_object(&object, envelope)),
        (Some(b'[') | None, _) | (_, Err(_)) => false,
        (_, Ok(text)) => text.contains('=') && recognises_object(&Object::parse_form(body), envelope),
    }
}

/// [`recognises`], of an object.
pub fn recognises_object(object: &Object, envelope: &Envelope) -> bool {
    match flattened::nest(object) {
        Some(json) => Object::parse(&json).is_ok_and(|object| recognises_nested(&object, envelope)),
        None => recognises_nested(object, envelope),
    }
}

fn recognises_nested(object: &Object, envelope: &Envelope) -> bool {
    says_smile_id(envelope)
        || (smile_id::sniff(object) && !smile_id::is_part(object))
        || (advance_ai::sniff(object) && !advance_ai::is_part(object))
        || (jumio::sniff(object) && !jumio::is_part(object))
}

/// Whether what is stored beside the body says whose it is: v3 bodies name nothing themselves.
fn says_smile_id(envelope: &Envelope) -> bool {
    envelope.provider == Some(Provider::SmileId)
        || ["Response-Signature", "Response-Timestamp"].iter().any(|name| envelope.header(name).is_some())
}

/// A payload that a store encoded a second time, or a bare text.
fn decode_string(text: &str, envelope: &Envelope) -> Decoded {
    match serde_json::from_str::<String>(text) {
        Ok(inner) if inner.trim_start().starts_with(['{', '"']) && inner.len() < text.len() => {
            decode(inner.as_bytes(), envelope)
        }
        Ok(inner) => decode_form_or_text(inner.trim(), envelope),
        Err(e) => broken_json(text, envelope, &e),
    }
}

fn decode_form_or_text(text: &str, envelope: &Envelope) -> Decoded {
    // Older servers part the pairs with semicolons.
    let old = text.contains('=') && !text.contains('&');
    let pairs = if old { Cow::Owned(text.replace(';', "&")) } else { Cow::Borrowed(text) };
    let form = if text.contains('=') { Object::parse_form(pairs.as_bytes()) } else { Object::default() };
    if let Some(decoded) = claim(&form, envelope).filter(|decoded| decoded.reject.is_none()) {
        return decoded;
    }
    let mut decoded = smile_id::decode_text(text).unwrap_or_else(|| match text.find("{\"") {
        Some(at) if at > 0 => {
            let detail = format!("text of {at} bytes stands before the JSON");
            Decoded::rejected(guess(text.as_bytes()).or(envelope.provider), RejectReason::UnknownShape, detail)
        }
        _ => unknown_shape(envelope),
    });
    // Any text with a sign in it can be read as a form; only one whose names are all names is taken for one.
    if is_unknown_shape(&decoded) && form.len() > 1 && form.iter().all(|(key, _)| is_field_name(key)) {
        name_fields(&form, &mut decoded);
    }
    decoded
}

fn unknown_shape(envelope: &Envelope) -> Decoded {
    let looked_for = "looked for: Smile ID (SmileJobID, ResultCode, job_complete, PartnerParams, status of v3), \
                      Advance.AI (data.overallResult, signatureId), Jumio (verificationStatus, scanReference, workflowExecution)";
    Decoded::rejected(envelope.provider, RejectReason::UnknownShape, looked_for)
}

fn is_unknown_shape(decoded: &Decoded) -> bool {
    matches!(decoded.reject, Some((RejectReason::UnknownShape, _)))
}

/// A payload that nobody knows is recognised by the names of its fields.
fn name_fields(object: &Object, decoded: &mut Decoded) {
    known_fields::note_all(&mut decoded.unknown_fields, object);
    decoded.personal = personal_strings(object);
}

fn broken_json(text: &str, envelope: &Envelope, error: &serde_json::Error) -> Decoded {
    let (reason, what) = match error.classify() {
        serde_json::error::Category::Eof => (RejectReason::TruncatedJson, "it ends"),
        serde_json::error::Category::Data => (RejectReason::TooLarge, wire::TOO_MANY),
        _ => (RejectReason::InvalidJson, "broken"),
    };
    let detail = format!("{what} at line {}, column {}", error.line(), error.column());
    Decoded::rejected(guess(text.as_bytes()).or(envelope.provider), reason, detail)
}

/// The personal strings of any JSON object, such as a stored request, by the names that their fields usually have.
pub fn personal_strings(object: &Object) -> Vec<String> {
    smile_id::personal::of(object)
}

/// Whose an unreadable payload looks like, by names that only one provider uses.
fn guess(body: &[u8]) -> Option<Provider> {
    const MARKS: [(Provider, &[&str]); 3] = [
        (
            Provider::Jumio,
            &["jumio", "netverify", "scanReference", "workflowExecution", "verificationStatus", "transactionReference"],
        ),
        (Provider::AdvanceAi, &["overallResult", "idvResult", "docDatabaseDetail", "pricingStrategy"]),
        (
            Provider::SmileId,
            &[
                "SmileJobID",
                "smile_job_id",
                "ResultCode",
                "PartnerParams",
                "job_complete",
                "job_success",
                "id_fields",
                "KYCReceipt",
            ],
        ),
    ];
    let head = &body[..body.len().min(64 * 1024)];
    let holds = |mark: &str| memchr::memmem::find(head, mark.as_bytes()).is_some();
    MARKS.iter().find(|(_, marks)| marks.iter().any(|m| holds(m))).map(|(provider, _)| *provider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(body: &str) -> (Option<Provider>, Kind) {
        let decoded = decode(body.as_bytes(), &Envelope::default());
        (decoded.provider, decoded.kind)
    }

    #[test]
    fn a_payload_is_found_in_wrappers_and_double_encoding() {
        let body = r#"{"SmileJobID":"0000000007","ResultCode":"1012","PartnerParams":{"job_id":"j","user_id":"u","job_type":5}}"#;
        let expected = (Some(Provider::SmileId), Kind::Callback);
        assert_eq!(kind(body), expected);
        assert_eq!(kind(&format!("\u{feff} {body}\n")), expected);
        assert_eq!(kind(&format!(r#"{{"Data":{{"Answer":{body}}}}}"#)), expected);
        assert_eq!(kind(&serde_json::to_string(body).unwrap()), expected);
    }

    #[test]
    fn a_payload_is_found_in_what_python_printed_and_in_what_a_store_flattened() {
        let expected = (Some(Provider::SmileId), Kind::Callback);
        for body in [
            "{'SmileJobID': '0000000007', 'ResultCode': '1012', 'PartnerParams': {'job_id': 'j', 'job_type': 5, 'x': None}}",
            r#"{"SmileJobID":"0000000007","ResultCode":"1012","PartnerParams.job_id":"j","PartnerParams.job_type":5}"#,
            "SmileJobID=0000000007&ResultCode=1012&PartnerParams%5Bjob_id%5D=j&PartnerParams%5Bjob_type%5D=5",
        ] {
            let decoded = decode(body.as_bytes(), &Envelope::default());
            assert_eq!((decoded.provider, decoded.kind), expected, "{body}");
            let statement = &decoded.statements[0];
            assert_eq!(statement.partner_job_id.as_deref(), Some("j"), "{body}");
            assert_eq!(statement.product, Some(Product::EnhancedKyc), "{body}");
        }
        assert_eq!(kind(r#"{"SmileJobID":"0000000007","ResultCode":"1012","PartnerParams":{},}"#).1, Kind::Unreadable);
    }

    #[test]
    fn broken_payloads_are_rejected_with_a_position_and_never_quoted() {
        for (body, reason) in [
            (&b""[..], RejectReason::Empty),
            (b"{\"SmileJobID\": \"0001\", \"FullName\": \"Zuri Okaf", RejectReason::TruncatedJson),
            (b"{\"SmileJobID\": \"0001\", \"FullName\": Zuri}", RejectReason::InvalidJson),
            (b"\xff\xfe{", RejectReason::NotUtf8),
            (b"[1, 2]", RejectReason::NotAnObject),
            (b"{\"order\": 7, \"buyer\": \"Zuri\"}", RejectReason::UnknownShape),
        ] {
            let decoded = decode(body, &Envelope::default());
            let (got, detail) = decoded.reject.clone().unwrap();
            assert_eq!((got, decoded.kind), (reason, Kind::Unreadable), "{detail}");
            assert!(!detail.contains("Zuri"), "{detail}");
        }
    }

    #[test]
    fn any_depth_of_nesting_is_read_or_rejected() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(kind(&deep).1, Kind::Unreadable);
        let inside = format!(r#"{{"SmileJobID":"0000000007","ResultCode":"1012","FullData":{deep}}}"#);
        assert_eq!(kind(&inside).1, Kind::Callback);
        let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(kind(&objects).1, Kind::Unreadable);
    }

    #[test]
    fn more_fields_than_any_provider_sends_are_refused() {
        let many = format!(r#"{{"SmileJobID":"0000000007","ResultCode":"1012"{}}}"#, r#","a":1"#.repeat(200_000));
        let decoded = decode(many.as_bytes(), &Envelope::default());
        assert_eq!(decoded.reject.map(|(reason, _)| reason), Some(RejectReason::TooLarge));
    }

    proptest! {
        #[test]
        fn decoding_never_panics(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            decode(&body, &Envelope::default());
        }
    }
}
