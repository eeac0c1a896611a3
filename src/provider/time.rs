//! Instants and dates as providers spell them.
//!
//! One payload spells its times as RFC 3339, the next as Ruby or PHP print them, the next as a count of seconds or
//! milliseconds. What is no time (`NaN-NaN-NaN`, `Not Available`, a placeholder) is `None`, never a guess.
//!
//! Not here: local time zones. A time without an offset is UTC.

use chrono::{DateTime, Datelike, NaiveDate};

use crate::record::Micros;

/// Years that a provider can speak of; anything else is a unit or a typing mistake.
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2200;

/// The instant that a text names: RFC 3339 with `Z` or an offset, `+0000`, a space for the `T` or before the offset,
/// no offset (UTC), no seconds, up to nine digits of fraction (cut to microseconds), a date alone (its midnight), a date
/// with slashes, an HTTP date, or a count of seconds, milliseconds or microseconds since the epoch.
pub fn parse(text: &str) -> Option<Micros> {
    let text = text.trim();
    let micros = if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        // Recordings of HTTP date their answers so.
        DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros()
    } else if text.contains(['-', '/']) {
        calendar(text)?
    } else {
        epoch(text)?
    };
    let instant = Micros(micros);
    YEARS.contains(&instant.utc().year()).then_some(instant)
}

/// Whether a text is a calendar date as providers write them: `2026-10-01`, `2026/10/01`, `2026-1-9`.
pub fn is_date(text: &str) -> bool {
    let separator = if text.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = text.split(separator).collect();
    let [year, month, day] = parts[..] else { return false };
    let shortest = if separator == '/' { 2 } else { 1 };
    let widths = year.len() == 4 && [month, day].iter().all(|part| (shortest..=2).contains(&part.len()));
    widths && date(year, month, day).is_some()
}

/// Microseconds of an epoch count. The units do not overlap within the accepted years.
fn epoch(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let count: f64 = text.parse().ok()?;
        return (count.is_finite() && count.abs() < 1e16).then(|| scale(count.round() as i64, 0));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    scaled_fraction(fraction).and_then(|micros| Some(scale(number(whole, 16)?, micros)))
}

fn scale(count: i64, fraction: i64) -> i64 {
    match count {
        0..100_000_000_000 => count * 1_000_000 + fraction,
        100_000_000_000..100_000_000_000_000 => count * 1_000 + fraction / 1_000,
        _ => count,
    }
}

fn calendar(text: &str) -> Option<i64> {
    let day = date(text.get(..4)?, text.get(5..7)?, text.get(8..10)?)?;
    let separators = (text.get(4..5)?, text.get(7..8)?);
    if !matches!(separators, ("-", "-") | ("/", "/")) {
        return None;
    }
    let midnight = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
    let Some(rest) = text.get(10..).filter(|rest| !rest.is_empty()) else {
        return Some(midnight);
    };
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_length = rest.find(['Z', 'z', '+', '-', 'U', 'G', ' ']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(clock_length);
    Some(midnight + time_of_day(clock)? - offset(zone.trim())?)
}

fn time_of_day(clock: &str) -> Option<i64> {
    let (clock, fraction) = match clock.split_once(['.', ',']) {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (clock, ""),
    };
    let mut parts = clock.split(':');
    let hour = two_digits(parts.next()?, 23)?;
    let minute = two_digits(parts.next()?, 59)?;
    // 60 is a leap second.
    let second = parts.next().map_or(Some(0), |part| two_digits(part, 60))?;
    if parts.next().is_some() {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + scaled_fraction(fraction)?)
}

fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => (digits.get(..2)?, digits.get(2..)?),
        5 if digits.get(2..3) == Some(":") => (digits.get(..2)?, digits.get(3..)?),
        _ => return None,
    };
    Some(sign * (two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?) * 60_000_000)
}

fn date(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    let part = |text: &str| number(text, 4).and_then(|n| u32::try_from(n).ok());
    NaiveDate::from_ymd_opt(i32::try_from(number(year, 4)?).ok()?, part(month)?, part(day)?)
}

fn two_digits(text: &str, most: i64) -> Option<i64> {
    (text.len() == 2).then(|| number(text, 2)).flatten().filter(|n| *n <= most)
}

/// A fraction of a second in microseconds; what is finer is cut off.
fn scaled_fraction(digits: &str) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    number(digits, 9)?;
    number(&format!("{:0<6}", digits.get(..6).unwrap_or(digits)), 6)
}

/// Decimal digits only, at most `width` of them.
fn number(text: &str, width: usize) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= width && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        parse(text).map_or_else(|| "none".to_owned(), Micros::rfc3339)
    }

    #[test]
    fn every_spelling_of_an_instant_is_read() {
        for (text, expected) in [
            ("2018-03-13T21:04:11.193Z", "2018-03-13T21:04:11.193Z"),
            ("2021-08-12T17:57:00.614879", "2021-08-12T17:57:00.614879Z"),
            ("2022-10-27 13:25:52 +0000", "2022-10-27T13:25:52Z"),
            ("2022-10-27 13:25:52 UTC", "2022-10-27T13:25:52Z"),
            ("2021-09-22T14:13:09+0000", "2021-09-22T14:13:09Z"),
            ("2021-09-22T14:13:09+02:00", "2021-09-22T12:13:09Z"),
            ("2021-09-22T14:13:09-0330", "2021-09-22T17:43:09Z"),
            ("2026-07-01T00:00:00.123456789Z", "2026-07-01T00:00:00.123456Z"),
            ("2026-07-01T00:00Z", "2026-07-01T00:00:00Z"),
            ("2026-10-01", "2026-10-01T00:00:00Z"),
            ("2026/10/01 08:09:10.5", "2026-10-01T08:09:10.500Z"),
            ("Thu, 27 Oct 2022 13:25:52 GMT", "2022-10-27T13:25:52Z"),
            ("Thu, 27 Oct 2022 13:25:52 +0100", "2022-10-27T12:25:52Z"),
            ("1570698930", "2019-10-10T09:15:30Z"),
            ("1570698930.5", "2019-10-10T09:15:30.500Z"),
            ("1570698930193", "2019-10-10T09:15:30.193Z"),
            ("1570698930193000", "2019-10-10T09:15:30.193Z"),
            ("1.570698930193E12", "2019-10-10T09:15:30.193Z"),
            (" 1678216434434 ", "2023-03-07T19:13:54.434Z"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "NaN-NaN-NaN",
            "Not Available",
            "<computed at run time>",
            "timestamp",
            "2026-13-01",
            "2026-02-30T00:00:00Z",
            "2026-10-01T25:00:00Z",
            "2026-10-01T10:00:00.",
            "2026-10-01T10:00:00 +2",
            "1889-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0",
            "12345",
            "99999999999999999999",
            "2026-10-01Tnoon",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_told_from_what_only_looks_like_one() {
        for text in ["1990-01-01", "1990/01/01", "2023-1-28", "1900-09-20"] {
            assert!(is_date(text), "{text}");
        }
        for text in ["31/01/2030", "NaN-NaN-NaN", "1976/**/**", "1990-01-32", "1990-01", "1990//", "1990/1/1", ""] {
            assert!(!is_date(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = (parse(&text), is_date(&text));
        }

        #[test]
        fn no_near_miss_makes_it_panic(text in "[0-9TZé:.,+/ -]{0,32}") {
            let _ = (parse(&text), is_date(&text));
        }

        #[test]
        fn what_is_printed_is_read_back(micros in 631_152_000_000_000_i64..7_258_118_400_000_000) {
            prop_assert_eq!(parse(&Micros(micros).rfc3339()), Some(Micros(micros)));
        }
    }
}
