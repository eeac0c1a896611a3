//! Data quality, counted from decoded records and judged jobs.

use std::collections::{BTreeMap, BTreeSet};

use kycmart::record::{Environment, Provider};

use super::facts::Payload;
use super::jobs::{Seen, Standing};
use super::reports::{Asked, Counted};
use super::table::{Expected, Row, Table, key};
use super::verdict::Verification;

/// Counted and of how many, by provider and measure.
type Measures = BTreeMap<(Option<Provider>, String), [usize; 2]>;

impl Counted<'_> {
    pub fn data_quality(&self, asked: Asked) -> Expected {
        let mut measures = Measures::new();
        for payload in self.payloads.iter().filter(|payload| asked.holds(payload.received)) {
            note_payload(&mut measures, payload);
        }
        signatures_of_all(&mut measures);
        let mut digests = BTreeSet::new();
        for one in self.observations(asked) {
            note_observation(&mut measures, one, &mut digests);
        }
        for v in self.verifications(asked) {
            note_verification(&mut measures, v);
        }
        for v in self.verifications.iter().filter(|v| asked.holds(v.first)) {
            let is_sandbox = v.environment == Some(Environment::Sandbox);
            note(&mut measures, Some(v.provider), "verifications_sandbox", is_sandbox);
        }
        let rows: Table = measures
            .into_iter()
            .filter(|(_, [_, of])| *of > 0)
            .map(|((provider, measure), [counted, of])| {
                let share = format!("{:?}", counted as f64 / of as f64);
                let row = [("counted", counted.to_string()), ("out_of", of.to_string()), ("share", share)];
                (key([provider.map(Provider::word), Some(&measure)]), Row::from(row))
            })
            .collect();
        Expected { report: "data_quality", keys: &["provider", "measure"], rows, rates: Vec::new() }
    }
}

fn note(measures: &mut Measures, provider: Option<Provider>, measure: &str, counted: bool) {
    let entry = measures.entry((provider, measure.to_owned())).or_default();
    entry[0] += usize::from(counted);
    entry[1] += 1;
}

fn note_payload(measures: &mut Measures, payload: &Payload) {
    let provider = payload.provider;
    for delivery in 0..payload.deliveries {
        note(measures, provider, "deliveries_repeated", delivery > 0);
    }
    note(measures, provider, "payloads_rejected", payload.reject.is_some());
    note(measures, provider, "payloads_with_unknown_fields", !payload.unknown_fields.is_empty());
    note(measures, provider, "payloads_without_received_at", payload.received.is_none());
    let own = payload.observations.iter().filter(|stated| !stated.is_history);
    if let (Some(stated), Some(received)) = (own.filter_map(|stated| stated.event_time_us).min(), payload.received) {
        note(measures, provider, "payloads_late", received - stated > 24 * 3_600_000_000);
    }
    if provider == Some(Provider::SmileId) {
        note(measures, provider, &format!("payloads_signed_{}", payload.signature.word()), true);
    }
}

/// Kinds of signatures are shares of all payloads.
fn signatures_of_all(measures: &mut Measures) {
    let of = |measures: &Measures, name: &str| measures.get(&(Some(Provider::SmileId), name.to_owned())).copied();
    let [_, all] = of(measures, "payloads_rejected").unwrap_or_default();
    for ((_, _), counts) in measures.iter_mut().filter(|((_, name), _)| name.starts_with("payloads_signed_")) {
        counts[1] = all;
    }
}

fn note_observation<'a>(measures: &mut Measures, one: &Seen<'a>, digests: &mut BTreeSet<(Provider, &'a str)>) {
    let provider = one.stated.provider;
    let is_of_a_job = matches!(one.standing, Standing::Job(_));
    note(measures, Some(provider), "observations_ambiguous", one.standing == Standing::Ambiguous);
    note(measures, Some(provider), "observations_unattributed", one.standing == Standing::Unattributed);
    note(measures, Some(provider), "observations_undated", one.at.is_none());
    note(measures, Some(provider), "observations_unknown", one.meaning.outcome == "unknown");
    if is_of_a_job && !one.stated.is_history {
        let is_new = digests.insert((provider, &one.stated.statement_digest));
        note(measures, Some(provider), "observations_repeated", !is_new);
    }
}

fn note_verification(measures: &mut Measures, v: &Verification) {
    let lacks = [
        ("unknown", v.outcome == "unknown"),
        ("undated", v.first.is_none()),
        ("history_only", v.own_first.is_none() && v.first.is_some()),
        ("without_product", v.product.is_none()),
        ("without_country", v.country.is_none()),
        ("without_id_type", v.id_type.is_none()),
        ("without_channel", v.channel.is_none()),
        ("without_environment", v.environment.is_none()),
        ("without_partner", v.partner.is_none()),
        ("without_pseudonym", v.user.is_none()),
    ];
    for (name, counted) in lacks {
        note(measures, Some(v.provider), &format!("verifications_{name}"), counted);
    }
}
