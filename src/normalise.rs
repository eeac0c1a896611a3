//! From what a payload states to the rows that are kept.
//!
//! This is the one place where privacy rules meet data: past it, nothing personal exists. Not here: decoding
//! (`provider`), identity of payloads (`identity`), what a code means (`queries/models`).

mod unknown;

use blake3::Hasher;

use crate::envelope::Envelope;
use crate::identity::{field, payload_key};
use crate::privacy::{
    Personal, check_value, is_check_name, is_code_word, is_document_name, looks_like_name, looks_personal,
};
use crate::provider::catalogue::Catalogue;
use crate::provider::{Decoded, StatedSubmission, Statement};
use crate::pseudonym::PseudonymKey;
use crate::record::{
    AuthorityStatus, Check, Environment, EventTimeSource, Micros, Observation, Provider, Receipt, Reject, Submission,
    UnknownField,
};

/// The month of rows without a time.
pub const UNKNOWN_MONTH: &str = "unknown";

/// Where a payload's bytes are.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub source: String,
    /// The member of an archive, or the table of a database, that holds them.
    pub member: Option<String>,
    pub offset: u64,
    pub index: u64,
    /// Length of the body.
    pub bytes: u64,
}

/// Everything that one payload becomes. `batch_id` and `input_digest` are filled in by the ingest.
#[derive(Clone, Debug)]
pub struct Rows {
    pub payload_key: String,
    /// The field that the payload was found in, where its row is not the payload itself.
    pub field: Option<String>,
    pub receipt: Receipt,
    pub observations: Vec<Observation>,
    pub checks: Vec<Check>,
    pub authority: Option<AuthorityStatus>,
    pub submission: Option<Submission>,
    pub reject: Option<Reject>,
    pub unknown_fields: Vec<UnknownField>,
    /// References that looked personal and were masked.
    pub masked: usize,
    pub problems: Vec<String>,
}

/// The rules of one run.
#[derive(Clone, Debug)]
pub struct Normaliser<'a> {
    pub catalogue: &'a Catalogue,
    /// Without a key the pseudonym columns stay NULL.
    pub key: Option<&'a PseudonymKey>,
    /// Names of the partner's own extras that become `dimension_1` to `dimension_3`.
    pub dimensions: &'a [String],
    /// Only for `inspect --show-personal`: nothing is masked. Never set on the way into a mart.
    pub show_personal: bool,
}

impl Normaliser<'_> {
    /// Turns one decoded payload into rows.
    pub fn rows(&self, body: &[u8], envelope: &Envelope, place: &Place, decoded: Decoded) -> Rows {
        let digest = blake3::hash(body);
        let personal = Personal::new(&personal_strings(envelope, &decoded));
        let partner = match &envelope.partner {
            Some(configured) => clean_partner(configured),
            None => decoded.partner.as_deref().and_then(|p| stated_partner(p, &personal)),
        };
        let environment = envelope.environment.or(decoded.environment);
        let payload_key = payload_key(&digest, envelope, place, &decoded, partner.as_deref(), environment);
        let payload = Payload {
            rules: self,
            personal,
            key: payload_key.clone(),
            digest: digest.to_hex().to_string(),
            partner,
            environment,
            envelope,
            decoded: &decoded,
        };
        let observations: Vec<Observation> = decoded.statements.iter().map(|s| payload.observation(s)).collect();
        let masked = observations.iter().filter(|o| o.job_id_masked).count();
        Rows {
            field: None,
            receipt: payload.receipt(place),
            checks: payload.checks(&observations),
            authority: payload.authority(),
            submission: decoded.submission.as_ref().map(|s| payload.submission(s)),
            reject: payload.reject(place),
            unknown_fields: payload.unknown_fields(),
            payload_key,
            observations,
            masked,
            problems: decoded.problems,
        }
    }
}

fn clean_partner(text: &str) -> Option<String> {
    let text = text.trim();
    let word = (1..=32).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    let short = text.trim_start_matches('0');
    word.then(|| if short.is_empty() { "0".to_owned() } else { short.to_owned() })
}

/// When a payload was delivered: received, or sent as a v3 webhook's header says, if that is earlier. A replay is sent anew,
/// so this belongs to the delivery and not to the payload.
fn delivered_at(envelope: &Envelope) -> Option<Micros> {
    let sent_at = envelope.header("Response-Timestamp").and_then(crate::provider::time::parse);
    [envelope.received_at, sent_at].into_iter().flatten().min()
}

/// A partner as a payload names it: the providers number their accounts, so anything but a short number is not kept.
fn stated_partner(text: &str, personal: &Personal) -> Option<String> {
    let number = text.len() <= 8 && text.bytes().all(|c| c.is_ascii_digit());
    clean_partner(text).filter(|partner| number && !personal.is(text) && !personal.is(partner))
}

/// The personal strings of a payload and of the request that it answers.
fn personal_strings(envelope: &Envelope, decoded: &Decoded) -> Vec<String> {
    let request = &envelope.request;
    let asked = request.personal.iter().chain(&request.user_id).map(String::as_str);
    let strings = decoded.personal.iter().map(String::as_str).chain(asked).chain(envelope.header("User-ID"));
    strings.map(str::to_owned).collect()
}

/// Whether a reference is of a form that providers issue: a number of up to ten digits, a UUID, or one word of hexadecimal
/// digits. Others may hold anything.
fn is_provider_number(text: &str) -> bool {
    let digits = text.len() <= 10 && text.bytes().all(|c| c.is_ascii_digit());
    let hex = text.len() >= 14 && text.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-');
    digits || (hex && text.bytes().any(|c| c.is_ascii_alphabetic()))
}

/// A score within its documented range; anything else could be any number.
fn score(value: Option<f64>) -> Option<f64> {
    value.filter(|v| (0.0..=100.0).contains(v))
}

/// One payload on its way to rows.
struct Payload<'a> {
    rules: &'a Normaliser<'a>,
    personal: Personal,
    key: String,
    digest: String,
    partner: Option<String>,
    environment: Option<Environment>,
    envelope: &'a Envelope,
    decoded: &'a Decoded,
}

/// A text that may not be kept: its digest and length stand for it.
struct Withheld {
    digest: String,
    length: i32,
}

impl Payload<'_> {
    fn observation(&self, stated: &Statement) -> Observation {
        let mut withheld = None;
        let provider = self.decoded.provider.unwrap_or(Provider::SmileId);
        let result_code = self.code(stated.result_code.as_deref(), &mut withheld);
        let error_code = self.code(stated.error_code.as_deref(), &mut withheld);
        let result_text = self.text(stated.result_text.as_deref(), &mut withheld);
        let id_type = self.id_type(stated.id_type.as_deref(), &mut withheld);
        let (provider_job_id, masked_ref) = self.reference(stated.provider_job_id.as_deref(), true);
        let (partner_job_id, masked_job) = self.reference(stated.partner_job_id.as_deref(), false);
        let (event_time, event_time_source) = self.event_time(stated);
        let mut observation = Observation {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            payload_digest: self.digest.clone(),
            statement_digest: String::new(),
            position: stated.position,
            is_history: stated.is_history,
            is_part: stated.is_part,
            provider,
            kind: self.decoded.kind,
            product: stated.product,
            job_type: stated.job_type.clone().filter(|t| is_short_word(t) && !self.personal.within(t)),
            environment: self.environment,
            partner: self.partner.clone(),
            channel: self.envelope.channel.or(self.decoded.channel),
            provider_job_id,
            partner_job_id,
            job_id_masked: masked_ref || masked_job,
            user_pseudonym: self.pseudonym("user_id", stated.user_id.as_deref()),
            id_number_pseudonym: self.pseudonym("id_number", stated.id_number.as_deref()),
            pseudonym_key_id: self.rules.key.map(|k| k.id().to_owned()),
            job_complete: stated.job_complete,
            job_success: stated.job_success,
            result_code,
            error_code,
            result_text,
            withheld_digest: withheld.as_ref().map(|w| w.digest.clone()),
            withheld_length: withheld.as_ref().map(|w| w.length),
            is_final_stated: stated.is_final_stated,
            query_code: self.code(stated.query_code.as_deref(), &mut None),
            country: stated.country.clone(),
            id_type,
            confidence: score(stated.confidence),
            similarity_score: score(stated.similarity_score),
            liveness_score: score(stated.liveness_score),
            risk_score: score(stated.risk_score),
            submission_completed: stated.submission_completed,
            pricing_strategy: self.code(stated.pricing_strategy.as_deref(), &mut None),
            merchant_reporting_criteria: self.label(stated.merchant_reporting_criteria.as_deref()),
            id_scan_source: self.code(stated.id_scan_source.as_deref(), &mut None),
            dimension_1: self.dimension(stated, 0),
            dimension_2: self.dimension(stated, 1),
            dimension_3: self.dimension(stated, 2),
            has_receipt: self.decoded.receipt.is_some() && !stated.is_history,
            event_time,
            event_time_us: event_time.map(|t| t.0),
            event_time_source,
            requested_at: stated.requested_at,
            requested_at_us: stated.requested_at.map(|t| t.0),
            window_index: event_time.map(Micros::window_index),
            slot_index: event_time.map(Micros::slot_index),
            event_month: month(event_time),
        };
        observation.statement_digest = self.statement_digest(&observation);
        observation
    }

    /// Over what is stated and nothing that changes from poll to poll.
    fn statement_digest(&self, o: &Observation) -> String {
        let mut hasher = Hasher::new();
        let flag = |f: Option<bool>| f.map(|f| if f { "true" } else { "false" });
        let parts = [
            Some(o.provider.word()),
            o.environment.map(Environment::word),
            o.partner.as_deref(),
            o.provider_job_id.as_deref(),
            o.partner_job_id.as_deref(),
            o.product.map(crate::record::Product::word),
            flag(o.job_complete),
            flag(o.job_success),
            o.result_code.as_deref(),
            o.error_code.as_deref(),
            o.result_text.as_deref(),
            o.withheld_digest.as_deref(),
            flag(o.is_final_stated),
            o.country.as_deref(),
            o.id_type.as_deref(),
        ];
        for part in parts {
            field(&mut hasher, part);
        }
        for check in self.decoded.checks.iter().filter(|c| c.position == o.position) {
            field(&mut hasher, Some(&check.name));
            field(&mut hasher, check.value.as_deref());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn event_time(&self, stated: &Statement) -> (Option<Micros>, Option<EventTimeSource>) {
        let payload_source = if stated.is_history { EventTimeSource::History } else { EventTimeSource::Payload };
        match (stated.stated_at, self.decoded.stated_at) {
            (Some(at), _) => (Some(at), Some(EventTimeSource::Statement)),
            (None, Some(at)) => (Some(at), Some(payload_source)),
            (None, None) => (None, None),
        }
    }

    fn pseudonym(&self, name: &str, value: Option<&str>) -> Option<String> {
        let value = value.map(str::trim).filter(|v| !v.is_empty())?;
        Some(self.rules.key?.pseudonym(name, value))
    }

    /// A job reference: as sent, unless it looks personal or is a personal field of its payload; then pseudonym and mask.
    fn reference(&self, reference: Option<&str>, of_provider: bool) -> (Option<String>, bool) {
        let Some(text) = reference.map(str::trim).filter(|t| !t.is_empty()) else {
            return (None, false);
        };
        if self.rules.show_personal {
            return (Some(text.to_owned()), false);
        }
        let personal = if of_provider && is_provider_number(text) {
            self.personal.is(text)
        } else {
            self.personal.within(text) || looks_personal(text) || looks_like_name(text) || text.len() > 256
        };
        if !personal {
            return (Some(text.to_owned()), false);
        }
        (self.rules.key.map(|key| key.mask(text)), true)
    }

    /// A code: as sent if the catalogue holds it or if it is a code word that is nothing personal.
    fn code(&self, code: Option<&str>, withheld: &mut Option<Withheld>) -> Option<String> {
        let code = code.map(str::trim).filter(|c| !c.is_empty())?;
        let known = self
            .decoded
            .provider
            .is_some_and(|p| self.rules.catalogue.knows_code(p, code) || self.rules.catalogue.knows_error(p, code));
        if known || self.rules.show_personal || (is_code_word(code) && !self.personal.within(code)) {
            return Some(code.to_owned());
        }
        self.withhold(code, withheld);
        None
    }

    /// An ID type: a code word that is nothing personal, or a name made of the words that ID types are called by.
    fn id_type(&self, word: Option<&str>, withheld: &mut Option<Withheld>) -> Option<String> {
        let word = word.map(str::trim).filter(|w| !w.is_empty())?;
        if is_document_name(word) || self.rules.show_personal || (is_code_word(word) && !self.personal.within(word)) {
            return Some(word.to_owned());
        }
        self.withhold(word, withheld);
        None
    }

    /// A text: in the catalogue's own spelling if it holds it.
    fn text(&self, text: Option<&str>, withheld: &mut Option<Withheld>) -> Option<String> {
        let text = text.map(str::trim).filter(|t| !t.is_empty())?;
        if let Some(known) = self.decoded.provider.and_then(|p| self.rules.catalogue.known_text(p, text)) {
            return Some(known.to_owned());
        }
        if self.rules.show_personal {
            return Some(text.to_owned());
        }
        self.withhold(text, withheld);
        None
    }

    /// Notes a text that may not be kept. A digest without a key would give short texts away, so without a key only four
    /// digits of it are kept: enough to count different texts.
    fn withhold(&self, text: &str, withheld: &mut Option<Withheld>) {
        withheld.get_or_insert_with(|| Withheld {
            digest: match self.rules.key {
                Some(key) => key.short("text", text),
                None => blake3::hash(text.as_bytes()).to_hex()[..4].to_owned(),
            },
            length: i32::try_from(text.len()).unwrap_or(i32::MAX),
        });
    }

    /// A label of the company's own, such as a reporting criterion: short and nothing personal.
    fn label(&self, label: Option<&str>) -> Option<String> {
        let label = label.map(str::trim).filter(|l| !l.is_empty() && l.len() <= 100)?;
        let personal = self.personal.within(label) || looks_personal(label) || looks_like_name(label);
        (self.rules.show_personal || !personal).then(|| label.to_owned())
    }

    fn dimension(&self, stated: &Statement, number: usize) -> Option<String> {
        let name = self.rules.dimensions.get(number)?;
        let value = match name.as_str() {
            "merchantReportingCriteria" | "merchant_reporting_criteria" => {
                stated.merchant_reporting_criteria.as_deref()
            }
            "idScanSource" | "id_scan_source" => stated.id_scan_source.as_deref(),
            _ => stated.extras.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()),
        };
        self.label(value)
    }

    fn checks(&self, observations: &[Observation]) -> Vec<Check> {
        let Some(provider) = self.decoded.provider else {
            return Vec::new();
        };
        let time = self.decoded.stated_at.or_else(|| self.decoded.statements.iter().find_map(|s| s.stated_at));
        let kept = self.decoded.checks.iter().filter(|c| is_check_name(&c.name) && !self.personal.within(&c.name));
        let rows = kept.map(|check| Check {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            position: check.position,
            provider,
            provider_job_id: observations
                .iter()
                .find(|o| o.position == check.position)
                .and_then(|o| o.provider_job_id.clone()),
            name: check.name.clone(),
            value: check.value.as_deref().and_then(|v| self.check_word(v)),
            detail: check.detail.as_deref().and_then(|d| self.check_word(d)),
            event_month: month(time),
        });
        rows.collect()
    }

    fn check_word(&self, value: &str) -> Option<String> {
        if self.rules.show_personal {
            return Some(value.to_owned());
        }
        check_value(value).map(str::to_owned).or_else(|| self.code(Some(value), &mut None))
    }

    fn authority(&self) -> Option<AuthorityStatus> {
        let stated = self.decoded.authority.as_ref()?;
        let checked_at = stated.checked_at.or(self.decoded.stated_at).or(self.envelope.received_at);
        let status = |s: Option<&str>| s.map(str::to_ascii_uppercase).and_then(|s| self.code(Some(&s), &mut None));
        Some(AuthorityStatus {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            provider: self.decoded.provider?,
            environment: self.environment,
            country: stated.country.clone(),
            id_type: self.id_type(stated.id_type.as_deref(), &mut None),
            status: status(stated.status.as_deref()).map(|s| s.to_ascii_lowercase()),
            last_check_status: status(stated.last_check_status.as_deref()).map(|s| s.to_ascii_lowercase()),
            last_hour_success_rate: stated.last_hour_success_rate,
            last_check_success_rate: stated.last_check_success_rate,
            checked_at,
            checked_at_us: checked_at.map(|t| t.0),
            window_index: checked_at.map(Micros::window_index),
            slot_index: checked_at.map(Micros::slot_index),
            event_month: month(checked_at),
        })
    }

    fn submission(&self, stated: &StatedSubmission) -> Submission {
        let time = self.decoded.stated_at;
        Submission {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            provider: self.decoded.provider.unwrap_or(Provider::SmileId),
            kind: self.decoded.kind,
            accepted: stated.accepted,
            code: self.code(stated.code.as_deref(), &mut None),
            message: self.text(stated.message.as_deref(), &mut None),
            provider_job_id: self.reference(stated.provider_job_id.as_deref(), true).0,
            partner_job_id: self.reference(stated.partner_job_id.as_deref(), false).0,
            environment: self.environment,
            partner: self.partner.clone(),
            event_time: time,
            event_time_us: time.map(|t| t.0),
            slot_index: time.map(Micros::slot_index),
            event_month: month(time),
        }
    }

    fn receipt(&self, place: &Place) -> Receipt {
        let link = self.decoded.receipt.as_ref();
        let signature = &self.decoded.signature;
        let received_at = delivered_at(self.envelope);
        Receipt {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            payload_digest: self.digest.clone(),
            payload_bytes: count(place.bytes),
            source: place.source.clone(),
            input_digest: String::new(),
            source_offset: count(place.offset),
            source_index: count(place.index),
            provider: self.decoded.provider,
            kind: self.decoded.kind,
            observations: i32::try_from(self.decoded.statements.len()).unwrap_or(i32::MAX),
            received_at,
            received_at_us: received_at.map(|t| t.0),
            received_window: received_at.map(Micros::window_index),
            received_slot: received_at.map(Micros::slot_index),
            sender_address: self
                .envelope
                .remote_ip
                .as_deref()
                .and_then(|ip| ip.trim().parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())),
            signature_class: signature.class,
            signature_timestamp: signature
                .timestamp
                .clone()
                .filter(|t| crate::provider::time::parse(t).is_some() && !self.personal.within(t)),
            signature_digest: signature.value.as_ref().map(|v| blake3::hash(v.as_bytes()).to_hex().to_string()),
            receipt_field: link.map(|l| l.field.clone()),
            receipt_partner: link
                .and_then(|l| l.partner.clone())
                .filter(|partner| stated_partner(partner, &self.personal).is_some()),
            receipt_job_id: link.and_then(|l| self.reference(l.job_id.as_deref(), true).0),
            receipt_environment: link.and_then(|l| l.environment),
            environment: self.environment,
            partner: self.partner.clone(),
            received_month: month(received_at),
            source_member: place.member.clone(),
        }
    }

    fn reject(&self, place: &Place) -> Option<Reject> {
        let (reason, detail) = self.decoded.reject.as_ref()?;
        Some(Reject {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            payload_digest: self.digest.clone(),
            payload_bytes: count(place.bytes),
            provider: self.decoded.provider,
            reason: *reason,
            detail: detail.clone(),
            source: place.source.clone(),
            input_digest: String::new(),
            source_offset: count(place.offset),
            source_index: count(place.index),
            received_month: month(self.envelope.received_at),
            source_member: place.member.clone(),
        })
    }
}

fn is_short_word(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
}

fn month(time: Option<Micros>) -> String {
    time.map_or_else(|| UNKNOWN_MONTH.to_owned(), Micros::month)
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
