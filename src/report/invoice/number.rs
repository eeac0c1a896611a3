//! Numbers as invoices write them: with thousands separators, a comma or a point before the fraction, a minus for credits.
//!
//! Not here: currencies, percentages.

/// Parts of one unit that an amount is counted in.
pub const UNITS: i64 = 10_000;
/// The digits of a fraction that are kept.
const FRACTION_DIGITS: usize = 4;

/// A whole number of items: `1234`, `1,234`, `1.234`, `1 234`, `1234.00`, `-3`.
pub fn quantity(text: &str) -> Option<i64> {
    let (sign, digits) = signed(text);
    let digits = digits.strip_suffix(".0").or_else(|| digits.strip_suffix(".00")).unwrap_or(digits);
    whole(digits, &[',', '.', ' ', '\u{a0}', '\u{202f}', '\'', '_'])?.checked_mul(sign)
}

/// An amount in units of 1/10,000: `1234.5`, `1,234.50`, `1.234,50`, `1 234,50`, `-3`.
///
/// Of two different separators the last is before the fraction. A single comma is too unless three digits follow; a single
/// point always is.
pub fn amount(text: &str) -> Option<i64> {
    let (sign, digits) = signed(text);
    let (whole_part, fraction) = match digits.rfind([',', '.']) {
        Some(last) if is_decimal(digits, last) => (&digits[..last], &digits[last + 1..]),
        _ => (digits, ""),
    };
    let decimal = digits[whole_part.len()..].chars().next();
    let separators: Vec<char> =
        [',', '.', ' ', '\u{a0}', '\u{202f}', '\'', '_'].into_iter().filter(|c| Some(*c) != decimal).collect();
    let whole = whole(whole_part, &separators)?.checked_mul(UNITS)?;
    if fraction.len() > FRACTION_DIGITS || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<FRACTION_DIGITS$}").parse().ok()?;
    whole.checked_add(fraction)?.checked_mul(sign)
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1, rest),
        None => (1, text),
    }
}

/// Whether the last comma or point of a number stands before its fraction.
fn is_decimal(digits: &str, last: usize) -> bool {
    let mark = digits[last..].chars().next();
    let times = digits.chars().filter(|c| Some(*c) == mark).count();
    let other = digits.contains(if mark == Some(',') { '.' } else { ',' });
    let three_follow = digits.len() - last == 4;
    times == 1 && (mark == Some('.') || other || !three_follow)
}

/// Digits, in groups of three where they are parted at all, always by the same separator.
fn whole(text: &str, separators: &[char]) -> Option<i64> {
    let used = text.chars().find(|c| separators.contains(c));
    let groups: Vec<&str> = used.map_or(vec![text], |used| text.split(used).collect());
    let well_formed = groups.iter().enumerate().all(|(place, group)| {
        let length = if place == 0 { 1..=3 } else { 3..=3 };
        group.bytes().all(|b| b.is_ascii_digit()) && (groups.len() == 1 || length.contains(&group.len()))
    });
    if well_formed { groups.concat().parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_in_every_spelling() {
        for text in ["1234", "1,234", "1.234", "1 234", "1\u{a0}234", "1'234", "1_234", "1234.0", "1,234.00"] {
            assert_eq!(quantity(text), Some(1234), "{text}");
        }
        assert_eq!((quantity("-12"), quantity("0"), quantity("1,234,567")), (Some(-12), Some(0), Some(1_234_567)));
        for text in ["", "12,34", "1234,567", "1,234 567", "12.5", "about 3", "1e3", "--3", "9999999999999999999", "1,"]
        {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_in_every_spelling() {
        for text in ["1234.5", "1,234.50", "1.234,50", "1 234,5", "1'234.50", "1234,5"] {
            assert_eq!(amount(text), Some(12_345_000), "{text}");
        }
        assert_eq!(amount("1,234"), Some(12_340_000), "a comma and three digits are thousands");
        assert_eq!(amount("1.234"), Some(12_340), "a point and three digits are a fraction");
        assert_eq!((amount("-0.0001"), amount("1,234,567")), (Some(-1), Some(12_345_670_000)));
        for text in ["", "$5", "1.23456", "1,23,4", "1.2.3", "5 EUR", "."] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    fn grouped(number: u64, separator: char) -> String {
        let digits = number.to_string();
        let part = |(place, digit): (usize, char)| {
            let starts_group = place > 0 && (digits.len() - place).is_multiple_of(3);
            starts_group.then_some(separator).into_iter().chain([digit])
        };
        digits.chars().enumerate().flat_map(part).collect()
    }

    proptest! {
        #[test]
        fn a_number_is_read_back_however_it_is_grouped(
            number in 0u64..10_000_000_000, fraction in 0i64..10_000, style in 0usize..4,
        ) {
            let (separator, point) = [(',', '.'), ('.', ','), (' ', '.'), ('\'', ',')][style];
            let whole = grouped(number, separator);
            let number = i64::try_from(number).unwrap();
            prop_assert_eq!(quantity(&whole), Some(number));
            prop_assert_eq!(amount(&format!("{whole}{point}{fraction:04}")), Some(number * UNITS + fraction));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,12}") {
            let _ = (quantity(&text), amount(&text));
        }
    }
}
