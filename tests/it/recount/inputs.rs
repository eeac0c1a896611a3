//! What comes in, counted from decoded records.

use std::collections::BTreeMap;

use super::facts::{Payload, earliest};
use super::reports::{Asked, Counted, day, time};
use super::table::{Expected, Row, key};

const SLOT_US: i64 = 300_000_000;
const SLOTS_OF_A_DAY: i64 = 288;

impl Counted<'_> {
    pub fn inputs(&self, asked: Asked) -> Expected {
        let dated: Vec<(&Payload, i64)> = self
            .payloads
            .iter()
            .filter(|payload| payload.provider.is_some() && asked.wants(payload.environment))
            .filter_map(|payload| Some((payload, came(payload)?.div_euclid(SLOT_US))))
            .filter(|(_, slot)| asked.days.is_none_or(|(_, last)| day(slot * SLOT_US) <= last))
            .collect();
        let newest = dated.iter().map(|(_, slot)| *slot).max().unwrap_or(0);
        let mut slots: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for (payload, slot) in &dated {
            let provider = payload.provider.map(|provider| provider.word());
            slots.entry(key([provider, Some(payload.kind), payload.partner.as_deref()])).or_default().push(*slot);
        }
        let rows = slots.into_iter().map(|(key, slots)| (key, row(newest, &slots))).collect();
        Expected { report: "inputs", keys: &["provider", "kind", "partner"], rows, rates: Vec::new() }
    }
}

/// When it was first delivered, else the first time that it states.
fn came(payload: &Payload) -> Option<i64> {
    let stated = payload.observations.iter().map(|observation| observation.event_time_us);
    let submitted = payload.submission.as_ref().and_then(|submission| submission.event_time_us);
    let checked = payload.authority.as_ref().and_then(|authority| authority.checked_at_us);
    payload.received.or_else(|| earliest(stated.fold(None, earliest), earliest(submitted, checked)))
}

fn row(newest: i64, slots: &[i64]) -> Row {
    let ages: Vec<i64> = slots.iter().map(|slot| (newest - slot) / SLOTS_OF_A_DAY).collect();
    let before: Vec<i64> = ages.iter().copied().filter(|age| (1..=28).contains(age)).collect();
    let days: std::collections::BTreeSet<i64> = before.iter().copied().collect();
    let began = ages.iter().copied().max().unwrap_or(0).min(28);
    let now = ages.iter().filter(|age| **age == 0).count();
    let usual = began >= 7 && days.len() as i64 * 10 >= began * 9;
    Row::from([
        ("payloads_newest_day", now.to_string()),
        ("payloads_28_days_before", before.len().to_string()),
        ("days_with_payloads", days.len().to_string()),
        ("last_payload", slots.iter().max().map(|slot| time(slot * SLOT_US)).unwrap_or_default()),
        ("usual", usual.to_string()),
        ("silent", (usual && now == 0).to_string()),
    ])
}
