//! HTTP recordings in YAML, as VCR (Ruby) and vcrpy (Python) write them, as lines of JSON: one object per interaction,
//! with the keys that it has in YAML (`request`, `response`, `recorded_at`).
//!
//! Plain scalars become numbers, truth values and null where JSON has them alike, everything else is text; `!binary` is
//! decoded, and is text where it is UTF-8, else base64. Tags of Ruby objects say nothing here. Aliases stand for what
//! their anchors hold, up to a limit; collections nest up to a limit. Nothing here calls itself.
//!
//! Not here: what an interaction means.

use std::collections::HashMap;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{BufferedInput, Event, Parser, ScalarStyle, Tag};

use super::columnar::{write_bytes, write_text};

/// Collections within collections.
const DEEPEST: usize = 128;
/// Text that the anchors of a file hold and its aliases repeat, at most.
const MOST_REPEATED: usize = 64 << 20;
/// The keys of the list, of VCR and of vcrpy.
const LISTS: [&str; 2] = ["http_interactions", "interactions"];

/// Whether a file that begins so is a recording.
pub(super) fn looks_like(first_bytes: &[u8]) -> bool {
    let text = first_bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first_bytes);
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        let key = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_key = key.len() < line.len();
        if is_key && LISTS.iter().any(|list| list.as_bytes() == key) {
            return true;
        }
        let before = line.is_empty() || line.starts_with(b"#") || line.starts_with(b"---") || line.starts_with(b"%");
        if !(before || is_key && (key == b"version" || key == b"recorded_with")) {
            return false;
        }
    }
    false
}

/// The interactions of a recording as lines of JSON. An error comes after the interactions before the damage.
///
/// # Errors
/// When the text is not UTF-8.
pub(super) fn interactions(yaml: Vec<u8>) -> io::Result<Interactions> {
    let text = String::from_utf8(yaml).map_err(|_| damaged())?;
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let parser = Parser::new_from_iter(Chars { text, at });
    let nodes = Nodes { parser, anchors: HashMap::new(), repeated: 0 };
    Ok(Interactions { nodes, place: Place::Before, line: Vec::new(), read: 0 })
}

/// The characters of a text that it owns.
struct Chars {
    text: String,
    at: usize,
}

impl Iterator for Chars {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let next = self.text.get(self.at..)?.chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }
}

/// Where in the document reading stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Before,
    /// Before a key of the outermost mapping.
    Top,
    /// In the list of interactions.
    List,
    End,
}

/// Lines of JSON from a recording.
pub(super) struct Interactions {
    nodes: Nodes,
    place: Place,
    line: Vec<u8>,
    /// Bytes of `line` that were read.
    read: usize,
}

impl Interactions {
    /// Makes the line of the next interaction; none at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.line.clear();
        self.read = 0;
        while self.line.is_empty() && self.place != Place::End {
            let event = self.nodes.next()?;
            self.place = match self.place {
                Place::Before => match event {
                    Event::StreamStart | Event::DocumentStart(_) => Place::Before,
                    Event::MappingStart(..) => Place::Top,
                    _ => return Err(damaged()),
                },
                Place::Top => match event {
                    Event::MappingEnd => Place::End,
                    key => self.entry(key)?,
                },
                Place::List => match event {
                    Event::SequenceEnd => Place::Top,
                    interaction => {
                        self.nodes.write(interaction, &mut self.line)?;
                        self.line.push(b'\n');
                        Place::List
                    }
                },
                Place::End => Place::End,
            };
        }
        Ok(())
    }

    /// An entry of the outermost mapping: the list of interactions, or something to pass over.
    fn entry(&mut self, key: Event<'static>) -> io::Result<Place> {
        let is_list = matches!(&key, Event::Scalar(key, ..) if LISTS.contains(&&**key));
        let mut passed = Vec::new();
        self.nodes.write(key, &mut passed)?;
        let value = self.nodes.next()?;
        if is_list && matches!(value, Event::SequenceStart(..)) {
            return Ok(Place::List);
        }
        self.nodes.write(value, &mut passed)?;
        Ok(Place::Top)
    }
}

impl Read for Interactions {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            self.fill().inspect_err(|_| {
                self.place = Place::End;
                self.line.clear();
            })?;
        }
        let part = (&self.line[self.read..]).read(buffer)?;
        self.read += part;
        Ok(part)
    }
}

/// A collection that is being written.
struct Open {
    is_mapping: bool,
    /// Nodes in it so far; in a mapping the keys count.
    nodes: usize,
    /// Where its text begins.
    start: usize,
    anchor: usize,
}

/// Writes nodes of the document as JSON.
struct Nodes {
    parser: Parser<'static, BufferedInput<Chars>>,
    /// The JSON of what has an anchor, by the number of the anchor.
    anchors: HashMap<usize, Vec<u8>>,
    /// Bytes that anchors hold and aliases repeated.
    repeated: usize,
}

impl Nodes {
    fn next(&mut self) -> io::Result<Event<'static>> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            _ => Err(damaged()),
        }
    }

    /// Appends the node that begins with an event.
    fn write(&mut self, first: Event<'static>, out: &mut Vec<u8>) -> io::Result<()> {
        let mut open: Vec<Open> = Vec::new();
        let mut event = first;
        loop {
            let is_end = matches!(event, Event::MappingEnd | Event::SequenceEnd);
            let is_key = !is_end && separate(open.last_mut(), out);
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let start = out.len();
                    write_scalar(&text, style, tag.as_deref(), is_key, out);
                    self.remember(anchor, &out[start..])?;
                }
                Event::Alias(anchor) => self.repeat(anchor, is_key, out)?,
                // A key that is a collection has no form in JSON.
                Event::MappingStart(..) | Event::SequenceStart(..) if is_key || open.len() == DEEPEST => {
                    return Err(damaged());
                }
                Event::MappingStart(anchor, _) => {
                    open.push(Open { is_mapping: true, nodes: 0, start: out.len(), anchor });
                    out.push(b'{');
                }
                Event::SequenceStart(anchor, _) => {
                    open.push(Open { is_mapping: false, nodes: 0, start: out.len(), anchor });
                    out.push(b'[');
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    let ended = open.pop().ok_or_else(damaged)?;
                    out.push(if ended.is_mapping { b'}' } else { b']' });
                    self.remember(ended.anchor, &out[ended.start..])?;
                }
                _ => return Err(damaged()),
            }
            if open.is_empty() {
                return Ok(());
            }
            event = self.next()?;
        }
    }

    fn remember(&mut self, anchor: usize, json: &[u8]) -> io::Result<()> {
        if anchor == 0 {
            return Ok(());
        }
        self.count(json.len())?;
        self.anchors.insert(anchor, json.to_vec());
        Ok(())
    }

    fn repeat(&mut self, anchor: usize, is_key: bool, out: &mut Vec<u8>) -> io::Result<()> {
        let json = self.anchors.get(&anchor).ok_or_else(damaged)?;
        if is_key && !json.starts_with(b"\"") {
            return Err(damaged());
        }
        out.extend_from_slice(json);
        let length = json.len();
        self.count(length)
    }

    fn count(&mut self, bytes: usize) -> io::Result<()> {
        self.repeated += bytes;
        if self.repeated > MOST_REPEATED {
            let words = "the aliases of the YAML file repeat more than 64 MiB";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(())
    }
}

/// Writes what stands between two nodes; tells whether the next one is a key.
fn separate(within: Option<&mut Open>, out: &mut Vec<u8>) -> bool {
    let Some(within) = within else { return false };
    let is_value = within.is_mapping && within.nodes % 2 == 1;
    match (is_value, within.nodes) {
        (true, _) => out.push(b':'),
        (false, 0) => {}
        (false, _) => out.push(b','),
    }
    within.nodes += 1;
    within.is_mapping && !is_value
}

fn write_scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, is_key: bool, out: &mut Vec<u8>) {
    if tag.is_some_and(|tag| tag.suffix == "binary") {
        let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return match STANDARD.decode(&packed) {
            Ok(bytes) => write_bytes(&bytes, out),
            Err(_) => write_text(text, out),
        };
    }
    if is_key || style != ScalarStyle::Plain || tag.is_some() {
        return write_text(text, out);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => out.extend_from_slice(b"null"),
        "true" | "True" | "TRUE" => out.extend_from_slice(b"true"),
        "false" | "False" | "FALSE" => out.extend_from_slice(b"false"),
        _ if is_number(text) => out.extend_from_slice(text.as_bytes()),
        _ => write_text(text, out),
    }
}

/// Whether a text is a number in JSON, of a length that leaves it as it is.
fn is_number(text: &str) -> bool {
    text.len() <= 18
        && text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the YAML file is damaged, or is no recording")
}

#[cfg(test)]
#[path = "tests/cassette.rs"]
mod tests;
