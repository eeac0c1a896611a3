//! The way to a field: `payload`, `event.body`, `Records[0].Sns.Message`.
//!
//! Not here: where a payload is without being told (`find`).

use std::fmt;

use crate::provider::wire::{Object, Sort, Value};

/// Names and positions, from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Position(usize),
}

impl Path {
    /// Reads a way: names parted by dots, positions in brackets or as numbers.
    pub(super) fn parse(text: &str) -> Self {
        let step = |part: &str| match part.parse() {
            Ok(position) => Step::Position(position),
            Err(_) => Step::Name(part.to_owned()),
        };
        let parts = text.split(['.', '[', ']']).filter(|part| !part.is_empty());
        Path { text: text.to_owned(), steps: parts.map(step).collect() }
    }

    /// Its first name, and the way from there.
    pub(super) fn split(&self) -> Option<(String, Path)> {
        let (Step::Name(first), rest) = self.steps.split_first()? else { return None };
        let (_, text) = self.text.split_once(['.', '['])?;
        (!rest.is_empty()).then(|| (first.clone(), Path { text: text.to_owned(), steps: rest.to_vec() }))
    }

    /// Whether an object has the whole way as one name, or its first name.
    pub(super) fn begins_in(&self, object: &Object<'_>) -> bool {
        let first = matches!(self.steps.first(), Some(Step::Name(name)) if object.has(name));
        first || object.has(&self.text)
    }

    /// Whether a document is an object in which the way begins.
    pub(super) fn leads_into(&self, document: &[u8]) -> bool {
        let text = std::str::from_utf8(document).ok();
        text.and_then(|text| Object::parse(text.trim()).ok()).is_some_and(|object| self.begins_in(&object))
    }

    /// The value at its end.
    pub(super) fn find(&self, object: &Object<'_>) -> Option<Value<'static>> {
        if let Some(value) = object.get(&[&self.text]) {
            return Some(value.clone().into_owned());
        }
        let (first, rest) = self.steps.split_first()?;
        let Step::Name(name) = first else { return None };
        let mut value = object.get(&[name])?.clone().into_owned();
        for step in rest {
            value = match step {
                Step::Name(name) => of_object(&value, name)?,
                Step::Position(position) if value.sort() == Sort::Object => {
                    value.object()?.get(&[&position.to_string()])?.clone().into_owned()
                }
                Step::Position(position) => value.list().get(*position)?.clone().into_owned(),
            };
        }
        Some(value)
    }
}

/// A field of an object, or of the only object of a list.
fn of_object(value: &Value<'_>, name: &str) -> Option<Value<'static>> {
    if value.sort() != Sort::Array {
        return Some(value.object()?.get(&[name])?.clone().into_owned());
    }
    match value.list().as_slice() {
        [only] => of_object(only, name),
        _ => None,
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_through_names_positions_and_encoded_objects() {
        let text =
            r#"{"a":{"b":[{"c":1},{"c":{"S":"x"}}]},"s":"{\"t\":[7]}","dotted.name":3,"n":{"0":5},"l":[{"m":6}]}"#;
        let object = Object::parse(text).unwrap();
        let at = |way: &str| Path::parse(way).find(&object).and_then(|value| value.text().map(String::from));
        assert_eq!(at("a.b[0].c").as_deref(), Some("1"));
        assert_eq!(at("a.b.1.c").as_deref(), Some("x"));
        assert_eq!(at("s.t[0]").as_deref(), Some("7"));
        assert_eq!(at("dotted.name").as_deref(), Some("3"));
        assert_eq!(at("n.0").as_deref(), Some("5"));
        assert_eq!(at("l.m").as_deref(), Some("6"));
        assert_eq!((at("a.b[2].c"), at("a.x"), at("")), (None, None, None));
    }
}
