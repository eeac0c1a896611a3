//! The fields of a payload that nobody knows, as rows. Names only, and none that could be of a person.

use super::{Payload, month};
use crate::provider::known_fields::WITHHELD;
use crate::record::{Kind, Micros, UnknownField};

impl Payload<'_> {
    pub(super) fn unknown_fields(&self) -> Vec<UnknownField> {
        let mut names: Vec<&str> = Vec::new();
        for name in &self.decoded.unknown_fields {
            let kept = self.rules.show_personal || !self.personal.within(name);
            let name = if kept { name.as_str() } else { WITHHELD };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let shape = (self.decoded.kind == Kind::Unreadable && !names.is_empty()).then(|| shape_of(&names));
        let time = self.decoded.stated_at.or_else(|| self.decoded.statements.iter().find_map(|s| s.stated_at));
        let row = |name: &str| UnknownField {
            batch_id: String::new(),
            payload_key: self.key.clone(),
            provider: self.decoded.provider,
            kind: self.decoded.kind,
            shape: shape.clone(),
            field: name.to_owned(),
            event_time: time,
            event_time_us: time.map(|t| t.0),
            slot_index: time.map(Micros::slot_index),
            event_month: month(time),
        };
        names.into_iter().map(row).collect()
    }
}

/// Names in any order are one shape.
fn shape_of(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    blake3::hash(names.join("\n").as_bytes()).to_hex()[..8].to_owned()
}
