//! How decoders read single fields: text that says something, words, times, dates, and the personal strings of a payload.
//!
//! A placeholder (`N/A`, an empty string, a lone `…`) states nothing and reads as absent; so does null. A value that a
//! store wrapped in a list of one, as form parsers do, reads as the value.
//!
//! Not here: what any field means; problems name fields and never hold a value.

use super::wire::{Object, Sort, Value};
use super::{MOST_PERSONAL, nested};
use crate::record::Micros;

/// Personal strings are searched this deep; provider payloads nest less.
const DEPTH: usize = 8;
/// Longer strings are images or tokens, not names or addresses.
const LONGEST_PERSONAL: usize = 512;

/// The text under the first of these names that states something, trimmed.
pub fn text(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object.get(&[name]).and_then(value_text))
}

/// [`text`] in upper case: a code word.
pub fn word(object: &Object, names: &[&str]) -> Option<String> {
    text(object, names).map(|t| t.to_uppercase())
}

/// What a value states as text.
pub fn value_text(value: &Value) -> Option<String> {
    if value.sort() == Sort::Array {
        let list = value.list();
        return if let [only] = list.as_slice() { scalar_text(only) } else { None };
    }
    scalar_text(value)
}

fn scalar_text(value: &Value) -> Option<String> {
    let text = value.text()?;
    let text = text.trim();
    (!is_placeholder(text)).then(|| text.to_owned())
}

/// Whether a text stands for "nothing stated".
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let words = ["n/a", "null", "none", "nil", "undefined", "...", "…", "-", "not available"];
    text.is_empty() || words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The finite number under the first of these names that is one.
pub fn number(object: &Object, names: &[&str]) -> Option<f64> {
    text(object, names)?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// The first of these fields that is a time. One that is stated and is not gives a problem.
pub fn time(object: &Object, names: &[&str], problems: &mut Vec<String>) -> Option<Micros> {
    for name in names {
        let Some(stated) = text(object, &[name]) else { continue };
        match super::time::parse(&stated) {
            Some(time) => return Some(time),
            None => problems.push(format!("{name} is not a time")),
        }
    }
    None
}

/// Adds a problem for each of these fields that is stated and is no date. Masked dates are none, and no problem.
pub fn check_dates(object: &Object, names: &[&str], problems: &mut Vec<String>) {
    for name in names {
        if text(object, &[name]).is_some_and(|stated| !stated.contains('*') && !is_date(&stated)) {
            problems.push(format!("{name} is not a date"));
        }
    }
}

fn is_date(text: &str) -> bool {
    super::time::is_date(text.split('T').next().unwrap_or_default())
}

/// Notes a personal string, unless it is a placeholder, masked, too short to recognise, or noted already.
pub fn note(personal: &mut Vec<String>, text: &str) {
    let text = text.trim();
    let length = text.chars().count();
    if length > 2
        && length <= LONGEST_PERSONAL
        && !is_placeholder(text)
        && !text.contains("**")
        && personal.len() < MOST_PERSONAL
        && !personal.iter().any(|known| known == text)
    {
        personal.push(text.to_owned());
    }
}

/// Notes every string and number that stands, at any depth of an object, under a key that `is_personal` names. Keys that
/// `is_neutral` names are left out, wherever they stand.
pub fn note_fields(
    personal: &mut Vec<String>,
    object: &Object,
    is_personal: &dyn Fn(&str) -> bool,
    is_neutral: &dyn Fn(&str) -> bool,
) {
    let mut walk = Walk { personal, is_personal, is_neutral };
    walk.object(object, DEPTH, false);
}

struct Walk<'a> {
    personal: &'a mut Vec<String>,
    is_personal: &'a dyn Fn(&str) -> bool,
    is_neutral: &'a dyn Fn(&str) -> bool,
}

impl Walk<'_> {
    /// `inside` is true below a personal key, where everything counts.
    fn object(&mut self, object: &Object, depth: usize, inside: bool) {
        for (key, value) in object.iter().filter(|(key, _)| !(self.is_neutral)(key)) {
            self.value(value, depth, inside || (self.is_personal)(key));
        }
    }

    fn value(&mut self, value: &Value, depth: usize, inside: bool) {
        if depth == 0 {
            return;
        }
        if value.sort() == Sort::Array {
            for element in value.list() {
                self.value(&element, depth - 1, inside);
            }
        } else if let Some(object) = nested::of_value(value) {
            self.object(&object, depth - 1, inside);
        } else if inside && value.sort() != Sort::Bool {
            note(self.personal, &value.text().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object<'_> {
        Object::parse(json).unwrap()
    }

    #[test]
    fn placeholders_state_nothing_and_the_next_name_counts() {
        let o = object(r#"{"a":"N/A","b":" ","c":null,"d":"…","e":" x "}"#);
        assert_eq!(text(&o, &["a", "b", "c", "d"]), None);
        assert_eq!(text(&o, &["a", "b", "e"]).as_deref(), Some("x"));
        assert_eq!(word(&o, &["e"]).as_deref(), Some("X"));
    }

    #[test]
    fn a_list_of_one_is_its_value_and_a_longer_list_is_not() {
        let o = object(r#"{"a":["x"],"b":["x","y"],"c":[]}"#);
        assert_eq!(text(&o, &["a"]).as_deref(), Some("x"));
        assert_eq!(text(&o, &["b"]), None);
        assert_eq!(text(&o, &["c"]), None);
    }

    #[test]
    fn dates_in_use_and_masked_dates_are_no_problem() {
        let o = object(r#"{"a":"1991-02-03","b":"1991/02/03","c":"1991/**/**","d":"N/A","e":"1991-02-03T00:00:00Z"}"#);
        let mut problems = Vec::new();
        check_dates(&o, &["a", "b", "c", "d", "e", "missing"], &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let o = object(r#"{"a":"1991-02-30","b":"NaN-NaN-NaN","c":"élodieß"}"#);
        check_dates(&o, &["a", "b", "c"], &mut problems);
        assert_eq!(problems, ["a is not a date", "b is not a date", "c is not a date"]);
    }

    #[test]
    fn personal_strings_are_found_by_key_at_any_depth() {
        let o = object(
            r#"{"x":{"name":"Adaeze Test","n":["q",{"address":{"line1":"1 Made Up Way","no":12345,"country":"NGA"}}]},
                "address":"{'city': 'Nowhere', 'country': 'NGA'}","y":"not me"}"#,
        );
        let mut personal = Vec::new();
        note_fields(&mut personal, &o, &|key| key == "name" || key == "address", &|key| key == "country");
        assert_eq!(personal, ["Adaeze Test", "1 Made Up Way", "12345", "Nowhere"]);
    }

    #[test]
    fn masked_short_and_repeated_strings_are_not_noted() {
        let mut personal = Vec::new();
        for text in ["22****4", "ab", "", "N/A", "Adaeze", " Adaeze "] {
            note(&mut personal, text);
        }
        assert_eq!(personal, ["Adaeze"]);
    }

    #[test]
    fn deep_nesting_is_not_followed_for_ever() {
        let json = format!("{{\"name\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let mut personal = Vec::new();
        note_fields(&mut personal, &object(&json), &|_| true, &|_| false);
        assert!(personal.is_empty());
    }
}
