//! What else lies in real stores: payloads that broke on the way and mail for somebody else.

use super::clock::MINUTE;
use super::event::{Event, Shape};
use super::fields::{Fields, string};
use super::world::World;
use crate::record::{Kind, Provider};

/// A payload whose bytes are damaged, and how.
pub struct Broken {
    /// When the store received it.
    pub at: i64,
    pub name: &'static str,
    /// One line of a file, without its end.
    pub line: Vec<u8>,
}

/// A damaged payload.
pub fn broken(world: &mut World) -> Broken {
    let at = world.start();
    let body = Fields::new().text("SmileJobID", &world.smile_job_id(false)).text("ResultCode", "1012").end();
    let row = |body: &str| format!("{{\"received_at\":{},\"body\":{body}}}", string(&super::clock::stamp(at)));
    let (name, line) = match world.random.below(6) {
        0 => {
            // A blank line follows, as after a writer that was restarted; it is no payload.
            let row = row(&body);
            ("broken.truncated_row", format!("{}\n", &row[..row.len() - 14]).into_bytes())
        }
        1 => ("broken.truncated_body", row(&string(&body[..body.len() - 6])).into_bytes()),
        2 => {
            let mut bytes = row(&body).into_bytes();
            let middle = bytes.len() - 10;
            bytes[middle] = 0xff;
            ("broken.not_utf8", bytes)
        }
        3 => ("broken.empty_body", row("\"\"").into_bytes()),
        4 => ("broken.not_an_object", row("[1,2,3]").into_bytes()),
        _ => ("broken.null_bytes", row("\"\\u0000\\u0000\"").into_bytes()),
    };
    Broken { at, name, line }
}

/// A payment provider's webhook that reached the wrong table.
pub fn foreign(world: &mut World) -> Event {
    let at = world.start() + MINUTE;
    let data = Fields::new().text("reference", &world.random.hex(12)).raw("amount", "250000").text("currency", "NGN");
    let body = Fields::new().text("event", "charge.success").raw("data", &data.end()).end();
    let mut event = Event::json(Provider::SmileId, Kind::Unreadable, "foreign.payment", at, body);
    event.shape = Shape { provider: None, ..event.shape };
    event
}
