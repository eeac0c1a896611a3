//! What stands beside the payloads of a store: names of fields and columns, and what their values look like. For people
//! who set up a source; nothing is read by it.
//!
//! Not here: values, and names that may be those of people.

use super::Chunk;
use super::chunk::Slot;
use super::window::trimmed;
use crate::privacy::is_field_name;
use crate::provider::time;
use crate::provider::wire::{Object, Value};

/// Rows of a chunk that are looked at.
const ROWS: usize = 100;

/// What the values of a field look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Instants.
    Time,
    /// Addresses of senders.
    Address,
    /// HTTP headers.
    Headers,
    Other,
}

/// A field beside the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    pub name: String,
    pub looks: Looks,
}

impl Chunk {
    /// The fields beside the payloads of its first rows, in the order in which they stand; none where the rows are the
    /// payloads themselves.
    pub fn beside(&self) -> Vec<Beside> {
        let mut fields: Vec<(String, Vec<Looks>)> = Vec::new();
        let rows = self.slots.iter().filter_map(|slot| match slot {
            Slot::Row(range) => Some(&self.buffer[range.clone()]),
            Slot::Broken(_) => None,
        });
        for row in rows.take(ROWS) {
            for (name, looks) in self.fields_of(row) {
                match fields.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, all)) => all.push(looks),
                    None => fields.push((name, vec![looks])),
                }
            }
        }
        let common = |all: &[Looks]| if all.iter().all(|one| *one == all[0]) { all[0] } else { Looks::Other };
        fields.into_iter().map(|(name, all)| Beside { looks: common(&all), name }).collect()
    }

    fn fields_of(&self, row: &[u8]) -> Vec<(String, Looks)> {
        if let Some(columns) = &self.shape.columns {
            let cells = columns.beside(row);
            return cells.into_iter().map(|(name, cell)| (name, looks(&Value::Text(cell.into())))).collect();
        }
        let text = std::str::from_utf8(&row[trimmed(row)]).ok();
        let Some(object) = text.and_then(|text| Object::parse(text).ok()) else { return Vec::new() };
        let named = object.iter().filter(|(name, _)| is_field_name(name));
        named.map(|(name, value)| (name.to_owned(), looks(value))).collect()
    }
}

fn looks(value: &Value<'_>) -> Looks {
    const HEADERS: [&str; 5] = ["content-type", "user-agent", "host", "content-length", "accept"];
    let text = value.text().map(|text| text.trim().to_owned()).unwrap_or_default();
    let is_calendar = text.contains('-') && text.contains(':');
    // Milliseconds since the epoch: thirteen digits.
    let is_count = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
    if (is_calendar || is_count) && time::parse(&text).is_some() {
        Looks::Time
    } else if text.parse::<std::net::IpAddr>().is_ok() {
        Looks::Address
    } else if value.object().is_some_and(|object| HEADERS.iter().any(|name| object.has(name))) {
        Looks::Headers
    } else {
        Looks::Other
    }
}
