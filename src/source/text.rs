//! A cell or a string that holds a payload: as it is, as a JSON string, as base64, or as the hexadecimal of a database.
//!
//! Not here: which cell or field it is (`find`, `csv`), and what it means.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::window::trimmed;

/// How often a payload may have been encoded into a string.
const MOST_ENCODINGS: usize = 3;

/// The payload in a text, without white space around it; a text in which none is seen stays as it is.
pub(super) fn body(text: &[u8]) -> Cow<'_, [u8]> {
    let mut body = Cow::Borrowed(&text[trimmed(text)]);
    for _ in 0..MOST_ENCODINGS {
        match decoded(&body) {
            Some(inner) => body = Cow::Owned(inner),
            None => break,
        }
    }
    body
}

/// Whether a text holds a payload, encoded or not.
pub(super) fn holds_payload(text: &[u8]) -> bool {
    looks_like_payload(&body(text))
}

/// What is inside a text that is an encoding of a payload; `None` where it is the payload itself, or none.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let inner = match text.first()? {
        b'"' => return unquoted(text).map(String::into_bytes),
        b'{' | b'[' => return None,
        b'\\' => hexadecimal(text.strip_prefix(b"\\x")?)?,
        _ if looks_like_payload(text) => return None,
        _ => base64(text)?,
    };
    let inner = inner[trimmed(&inner)].to_vec();
    (looks_like_payload(&inner) || inner.first() == Some(&b'"')).then_some(inner)
}

/// Whether text reads as JSON or as a form: what a payload can be.
pub(super) fn looks_like_payload(text: &[u8]) -> bool {
    if matches!(text.first(), Some(b'{' | b'[')) {
        return true;
    }
    let Some(equals) = memchr::memchr(b'=', text) else {
        return false;
    };
    let (name, value) = (&text[..equals], &text[equals + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte);
    !name.is_empty() && name.iter().all(is_name) && value.iter().any(|byte| *byte != b'=')
}

/// The payload inside a JSON string, where that is what the text is (double encoding).
pub(super) fn unquoted(text: &[u8]) -> Option<String> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let inner: String = serde_json::from_slice(text).ok()?;
    let body = &inner[trimmed(inner.as_bytes())];
    (looks_like_payload(body.as_bytes()) || body.starts_with('"')).then(|| body.to_owned())
}

/// Bytes from base64 of either alphabet, padded or not, on one line or several; `None` where the text is none.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const SHORTEST: usize = 8;
    let engine = |alphabet: &Alphabet| {
        let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, padding)
    };
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let joined: Cow<[u8]> = match text.iter().any(is_break) {
        true => text.iter().copied().filter(|byte| !is_break(byte)).collect::<Vec<_>>().into(),
        false => text.into(),
    };
    let url_safe = joined.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if joined.len() < SHORTEST {
        return None;
    }
    engine(if url_safe { &URL_SAFE } else { &STANDARD }).decode(joined.as_ref()).ok()
}

/// Bytes from pairs of hexadecimal digits, as Postgres prints a `bytea` behind `\x`.
fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_payload_is_found_in_whatever_a_store_made_of_it() {
        for text in [
            r#" {"a":1} "#,
            r#""{\"a\":1}""#,
            r#""\"{\\\"a\\\":1}\"""#,
            "eyJhIjoxfQ==",
            "eyJhIjoxfQ",
            "eyJh\nIjoxfQ==\n",
            r"\x7b2261223a317d",
            r"\x7B2261223A317D",
        ] {
            assert_eq!(body(text.as_bytes()).as_ref(), br#"{"a":1}"#, "{text}");
        }
        assert_eq!(body(b"YT0xJmI9Mg==").as_ref(), b"a=1&b=2");
    }

    #[test]
    fn what_is_no_encoding_of_a_payload_stays_as_it_is() {
        for text in [
            "callBackType=NETVERIFYID&idType=PASSPORT",
            "PASS",
            "aGVsbG8gd29ybGQ=",
            r"\x00ff",
            "\"just text\"",
            "deadbeefdeadbeef",
            "",
        ] {
            assert_eq!(body(text.as_bytes()).as_ref(), text.as_bytes());
        }
    }

    #[test]
    fn form_text_is_told_from_base64_and_prose() {
        for (text, expected) in [
            ("a=1", true),
            ("a%5Bb%5D=1&c=", true),
            ("aGVsbG8=", false),
            ("aGVsbA==", false),
            ("x y=1", false),
            ("=1", false),
        ] {
            assert_eq!(looks_like_payload(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn encodings_are_undone(payload in r#"\{"a":"[^"\\]{0,40}"\}"#) {
            let text = STANDARD_ENGINE.encode(&payload);
            prop_assert_eq!(body(text.as_bytes()).into_owned(), payload.clone().into_bytes());
            let quoted = serde_json::to_string(&payload).unwrap();
            prop_assert_eq!(body(quoted.as_bytes()).into_owned(), payload.into_bytes());
        }

        #[test]
        fn any_text_is_read_without_panic(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            body(&text);
        }
    }

    use base64::engine::general_purpose::STANDARD as STANDARD_ENGINE;
}
