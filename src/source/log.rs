//! A line of a log: text, and a payload somewhere in it.
//!
//! Not here: logs whose lines are JSON themselves (`find` looks into their texts with this), multi-line entries.

use std::borrow::Cow;

use chrono::Datelike;
use serde::de::IgnoredAny;

use super::text;
use super::window::trimmed;
use crate::envelope::Envelope;
use crate::provider::{self, time};
use crate::record::Micros;

/// Places of a line at which JSON is tried; each costs no more than the line.
const MOST_TRIES: usize = 8;

/// Words at the beginning of a line among which its time is looked for.
const TIME_WORDS: usize = 6;

/// What loggers call the time of a line.
const TIME_NAMES: [&str; 5] = ["time", "ts", "timestamp", "at", "date"];

/// Year before which nothing was logged of these providers: an earlier time is a date of birth.
const EARLIEST: i32 = 2010;

/// A payload in a line.
pub(super) struct InLine<'a> {
    pub(super) body: Cow<'a, [u8]>,
    /// When the line was written, as it says itself.
    pub(super) time: Option<Micros>,
    /// Whether another payload stands behind it.
    pub(super) has_more: bool,
}

/// Whether a line may hold a payload; lines that do not are passed over.
pub(super) fn may_hold(line: &[u8]) -> bool {
    memchr::memchr(b'{', line).is_some() || form(line).is_some()
}

/// The payload of a line: the JSON object (or string with one) or form that a provider's payload is, else the first
/// object.
pub(super) fn in_line(line: &[u8]) -> Option<InLine<'_>> {
    let mut first: Option<(usize, Cow<[u8]>)> = None;
    let mut claimed: Option<InLine> = None;
    let (mut from, mut tries) = (0, 0);
    while tries < MOST_TRIES
        && let Some(brace) = memchr::memchr(b'{', line.get(from..)?).map(|at| from + at)
    {
        from = brace + 1;
        if !matches!(after(line, brace), Some(b'"' | b'\\' | b'}')) {
            continue;
        }
        tries += 1;
        if let Some((start, end, body)) = json_at(line, brace) {
            from = end;
            match &mut claimed {
                Some(before) if recognised(&body) => {
                    before.has_more = true;
                    break;
                }
                None if recognised(&body) => {
                    claimed = Some(InLine { body, time: time_of(&line[..start]), has_more: false });
                }
                _ => first = first.or(Some((start, body))),
            }
        }
    }
    let found = |start: usize, body| InLine { body, time: time_of(&line[..start]), has_more: false };
    let form = || form(line).map(|(start, body)| found(start, Cow::Borrowed(body)));
    claimed.or_else(form).or_else(|| first.map(|(start, body)| found(start, body)))
}

/// The first byte behind a brace that is not blank.
fn after(line: &[u8], brace: usize) -> Option<u8> {
    line[brace + 1..].iter().copied().find(|byte| !super::window::is_blank(*byte))
}

fn recognised(body: &[u8]) -> bool {
    provider::recognises(body, &Envelope::default())
}

/// The object that begins at a brace, with where it begins and ends in the line; or the JSON string with an object in
/// it, whose quote stands before the brace.
fn json_at(line: &[u8], brace: usize) -> Option<(usize, usize, Cow<'_, [u8]>)> {
    if let Some(end) = json_end(&line[brace..]) {
        return Some((brace, brace + end, Cow::Borrowed(&line[brace..brace + end])));
    }
    let quote = brace.checked_sub(1).filter(|at| line[*at] == b'"')?;
    let end = quote + json_end(&line[quote..])?;
    let inner = text::unquoted(&line[quote..end])?;
    Some((quote, end, Cow::Owned(inner.into_bytes())))
}

/// The length of the JSON value that a text begins with.
fn json_end(text: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// A form of several fields that a provider's payload is: a word of the line, or what follows the first `=` of one
/// (`body=callBackType=…`).
fn form(line: &[u8]) -> Option<(usize, &[u8])> {
    memchr::memchr(b'&', line)?;
    let mut at = 0;
    for word in line.split(|byte| matches!(byte, b' ' | b'\t' | b'"')) {
        let start = at;
        at += word.len() + 1;
        if memchr::memchr(b'&', word).is_none() {
            continue;
        }
        // A form begins with a field; of two signs before the first `&`, the first is that of a name for the form.
        let first = word.split(|byte| *byte == b'&').next().unwrap_or(word);
        let name = match memchr::memchr_iter(b'=', first).collect::<Vec<_>>()[..] {
            [] => continue,
            [_] => 0,
            [name, ..] => name + 1,
        };
        if recognised(&word[name..]) {
            return Some((start, &word[name..]));
        }
    }
    None
}

/// The time that a line begins with: one or two words of its first few, in brackets or not.
pub(super) fn time_of(prefix: &[u8]) -> Option<Micros> {
    let prefix = std::str::from_utf8(&prefix[trimmed(prefix)]).ok()?;
    let bare = |word: &str| {
        let word = word.split_once('=').filter(|(name, _)| TIME_NAMES.contains(name)).map_or(word, |(_, value)| value);
        let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-'));
        word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).replace(',', ".")
    };
    let words: Vec<String> = prefix.split_ascii_whitespace().take(TIME_WORDS).map(bare).collect();
    let whole = |text: &str| (text.contains(':') && text.contains('-')).then(|| time::parse(text)).flatten();
    let found = (0..words.len()).find_map(|n| {
        // A date, a time and an offset; the longest that is one.
        let longest_first = (1..=3).rev().filter_map(|count| words.get(n..n + count));
        longest_first.map(|words| words.join(" ")).find_map(|text| whole(&text))
    });
    found.filter(|time| time.utc().year() >= EARLIEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAYLOAD: &str = r#"{"SmileJobID":"0000000007","ResultCode":"1012","ResultText":"Exact Match"}"#;

    fn found(line: &str) -> Option<(String, Option<String>)> {
        let found = in_line(line.as_bytes())?;
        Some((String::from_utf8_lossy(&found.body).into_owned(), found.time.map(Micros::rfc3339)))
    }

    #[test]
    fn the_payload_is_found_behind_any_prefix_with_the_time_of_the_line() {
        let quoted = serde_json::to_string(PAYLOAD).unwrap();
        for (prefix, time) in [
            ("2026-10-01T10:00:00Z INFO callback: ", true),
            ("2026-10-01 10:00:00,000 [worker-1] INFO c.e.Hook - ", true),
            ("[2026-10-01 10:00:00.000] ", true),
            ("time=2026-10-01T10:00:00Z level=info payload=", true),
            ("INFO thread {\"name\":\"main\"} {not json} - ", false),
            ("web-1  | ", false),
            ("2026-10-01 05:00:00 -0500 INFO ", true),
            ("2026-10-01 11:00:00.000 +0100 INFO ", true),
            ("INFO dob=1990-01-02 10:00:00 ", false),
            ("[2026-10-01 10:00:00] production.INFO: hook ", true),
        ] {
            let expected = Some((PAYLOAD.to_owned(), time.then(|| "2026-10-01T10:00:00Z".to_owned())));
            assert_eq!(found(&format!("{prefix}{PAYLOAD}")), expected, "{prefix}");
            assert_eq!(found(&format!("{prefix}{PAYLOAD} took 3 ms")), expected, "{prefix}");
            assert_eq!(found(&format!("{prefix}{quoted}")), expected, "{prefix}");
        }
    }

    #[test]
    fn a_form_is_found_as_a_word() {
        let form = "callBackType=NETVERIFYID&jumioIdScanReference=x&verificationStatus=APPROVED_VERIFIED";
        for line in [format!("2026-10-01T10:00:00Z POST /jumio {form}"), format!("2026-10-01T10:00:00Z body={form} ok")]
        {
            assert_eq!(found(&line), Some((form.to_owned(), Some("2026-10-01T10:00:00Z".to_owned()))));
        }
        assert!(found("GET /search?a=1&b=2").is_none());
        assert!(found(&format!("Zuri Okafor&{}", &form[29..])).is_none(), "a form begins with a field");
    }

    #[test]
    fn lines_without_a_payload_are_told_and_others_give_their_first_object() {
        assert!(!may_hold(b"2026-10-01T10:00:00Z INFO listening"));
        assert!(!may_hold(b"GET /search?a=1&b=2"));
        assert!(may_hold(b"x {\"a\":1}"));
        assert_eq!(found("x {\"a\":1} {\"b\":2}").unwrap().0, "{\"a\":1}");
        assert!(found("x {\"a\":").is_none());
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..120)) {
            may_hold(&line);
            in_line(&line);
        }
    }
}
