//! Reading of single fields: what counts as stated, and what only fills the place.

use super::super::wire::{Object, Sort, Value};

/// Words that providers and stores put where they have nothing to say.
const PLACEHOLDERS: [&str; 10] =
    ["n/a", "na", "not available", "not applicable", "not provided", "null", "none", "undefined", "unknown", "-"];

/// Whether a text only says that there is nothing.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A value that is a string or a number (also as stores type them), as text; `None` for placeholders, booleans and
/// everything nested.
pub fn plain(value: &Value) -> Option<String> {
    if matches!(value.sort(), Sort::Null | Sort::Bool | Sort::Array) {
        return None;
    }
    value.text().filter(|text| !is_placeholder(text)).map(|text| text.into_owned())
}

/// The first plain value under any of these names.
pub fn stated(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object.get(&[name]).and_then(plain))
}

/// The value of a key spelled exactly so.
pub fn stated_exactly(object: &Object, key: &str) -> Option<String> {
    object.iter().find(|(name, _)| *name == key).and_then(|(_, value)| plain(value))
}

/// A code as Smile ID writes codes: numbers as text, and the zero back that a numeric store took from `0810`.
pub fn code(value: &Value) -> Option<String> {
    let text = plain(value)?;
    let text = text.trim();
    let text = text.strip_suffix(".0").filter(|whole| is_digits(whole)).unwrap_or(text);
    Some(if text.len() == 3 && is_digits(text) { format!("0{text}") } else { text.to_owned() })
}

/// Whether a text is decimal digits only, and at least one.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// Whether a text is a word of some code list, not a sentence.
pub fn is_code_word(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'))
}

/// Adds a problem once.
pub fn note(problems: &mut Vec<String>, problem: &str) {
    if !problems.iter().any(|known| known == problem) {
        problems.push(problem.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_as_strings_and_numbers() {
        let object = Object::parse(r#"{"a":"0810","b":810,"c":1,"d":"1012 ","e":1012.0,"f":true,"g":"N/A","h":""}"#);
        let object = object.expect("well-formed");
        let codes: Vec<_> = object.iter().map(|(_, value)| code(value)).collect();
        let expected = [Some("0810"), Some("0810"), Some("1"), Some("1012"), Some("1012"), None, None, None];
        assert_eq!(codes, expected.map(|code| code.map(str::to_owned)));
    }

    #[test]
    fn a_sentence_is_no_code_word() {
        assert!(is_code_word("pending") && is_code_word("2215"));
        assert!(!is_code_word("Payment Required") && !is_code_word(""));
    }
}
