//! Objects inside payloads, however a store wrote them down.
//!
//! A nested object arrives as JSON, or as JSON text in a form field; stores keep it as either, in a list of one, or as
//! what Python prints for a dictionary (`{'rejectReasonCode': '201'}`).
//!
//! Not here: what other languages print.

use std::iter::Peekable;
use std::str::Chars;

use super::wire::{Object, Sort, Value};

/// The object under the first of these names that holds one.
pub fn object(outer: &Object, names: &[&str]) -> Option<Object<'static>> {
    names.iter().find_map(|name| outer.get(&[name]).and_then(of_value))
}

/// The object that a value holds: as it stands, as text, or as the only element of a list.
pub fn of_value(value: &Value) -> Option<Object<'static>> {
    let holds_list = value.sort() == Sort::Array || value.text().is_some_and(|text| text.trim().starts_with('['));
    if holds_list {
        let list = value.list();
        return match list.as_slice() {
            [] => Some(Object::default()),
            [only] if only.sort() != Sort::Array => of_value(only),
            _ => None,
        };
    }
    value.object().map(Object::into_owned)
}

/// The object that the printed form of a Python dictionary holds.
pub fn python(text: &str) -> Option<Object<'static>> {
    let json = python_to_json(text.trim())?;
    Object::parse(&json).ok().map(Object::into_owned)
}

/// [`python`], for text that is surely no broken JSON: its first name stands in single quotes.
pub fn printed_by_python(text: &str) -> Option<Object<'static>> {
    let first_name = text.strip_prefix('{')?.trim_start();
    first_name.trim_start_matches('u').starts_with('\'').then(|| python(text)).flatten()
}

/// Rewrites the printed form of a Python dictionary, list or tuple as JSON; `None` where it is none.
pub fn python_to_json(text: &str) -> Option<String> {
    if !text.starts_with(['{', '[', '(']) || !text.ends_with(['}', ']', ')']) {
        return None;
    }
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => json.push_str(&python_string(c, &mut chars)?),
            c if c.is_ascii_alphabetic() => {
                let mut name = String::from(c);
                while let Some(c) = chars.next_if(char::is_ascii_alphabetic) {
                    name.push(c);
                }
                json.push_str(match name.as_str() {
                    "None" | "null" => "null",
                    "True" | "true" => "true",
                    "False" | "false" => "false",
                    // The mark of a unicode string in Python 2 stands before its quote.
                    "u" => "",
                    _ => return None,
                });
            }
            '(' => json.push('['),
            '}' | ']' | ')' => {
                // Python allows a comma after the last element, and prints one in a tuple of one.
                json.truncate(json.trim_end().trim_end_matches(',').len());
                json.push(if c == '}' { '}' } else { ']' });
            }
            other => json.push(other),
        }
    }
    Some(json)
}

/// The rest of a Python string that began with `quote`, as a JSON string.
fn python_string(quote: char, chars: &mut Peekable<Chars>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\\' => text.push(escaped(chars)?),
            c if c == quote => return serde_json::to_string(&text).ok(),
            c => text.push(c),
        }
    }
}

/// The character that a Python escape stands for.
fn escaped(chars: &mut Peekable<Chars>) -> Option<char> {
    let digits = match chars.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let hex: String = chars.by_ref().take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn field(text: &str) -> Value<'_> {
        Value::Text(Cow::Borrowed(text))
    }

    #[test]
    fn an_object_is_read_from_json_from_text_and_from_a_list_of_one() {
        for json in [r#"{"a":"1"}"#, r#""{\"a\":\"1\"}""#, r#"[{"a":"1"}]"#, r#"["{\"a\": \"1\"}"]"#] {
            let value = Value::Json(Cow::Borrowed(json));
            let object = of_value(&value).expect(json);
            assert_eq!(object.text(&["a"]).as_deref(), Some("1"), "{json}");
        }
        assert_eq!(of_value(&field("{\"a\": 1}")).map(|o| o.len()), Some(1));
    }

    #[test]
    fn a_printed_python_dictionary_is_read() {
        let text =
            r#"{'code': '201', u'why': "it's \"off\"", 'list': [{'x': None, 'y': True}], 'name': 'Zo\xeb', 'n': 5}"#;
        let object = of_value(&field(text)).unwrap();
        assert_eq!(object.text(&["code"]).as_deref(), Some("201"));
        assert_eq!(object.text(&["why"]).as_deref(), Some("it's \"off\""));
        assert_eq!(object.text(&["name"]).as_deref(), Some("Zoë"));
        assert_eq!(object.text(&["n"]).as_deref(), Some("5"));
        let list = object.get(&["list"]).unwrap().list();
        assert_eq!(of_value(&list[0]).unwrap().get(&["y"]).unwrap().bool(), Some(true));
        let tuples = of_value(&field("{'one': ('x',), 'two': ({'a': 1}, {'a': 2},), }")).unwrap();
        assert_eq!(tuples.get(&["one"]).unwrap().list().len(), 1);
        assert_eq!(tuples.get(&["two"]).unwrap().list().len(), 2);
        assert_eq!(field("[{'a': 1}, {'a': None}]").list().len(), 2);
    }

    #[test]
    fn what_holds_no_object_is_none() {
        for text in ["N/A", "", "{", "{similarity=MATCH}", "{'a': <b>}", "{'a': 'b", "[1, 2]"] {
            assert!(of_value(&field(text)).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = of_value(&field(&text));
            let _ = of_value(&field(&format!("{{'{text}': {text}}}")));
        }
    }
}
