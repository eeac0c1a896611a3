//! What may enter the mart: references as sent unless they look personal, codes only if they are code words, texts only if
//! the code catalogue holds them.
//!
//! Not here: which field is personal (the decoders say), how pseudonyms are made (`pseudonym`), what reports suppress.

use crate::provider::MOST_PERSONAL;

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The personal strings of one payload, to recognise them where they do not belong.
#[derive(Debug, Default)]
pub struct Personal {
    needles: Vec<String>,
    /// Short names, and short words of names: compared with whole words only.
    short: Vec<String>,
    /// There were more strings than are compared, so that any text may be one of them.
    overflow: bool,
}

impl Personal {
    /// Prepares the strings: each as a whole and, for names of several words, each longer word.
    pub fn new(values: &[String]) -> Self {
        let (mut needles, mut short) = (Vec::new(), Vec::new());
        for value in values {
            let words: Vec<&str> = value.split_whitespace().collect();
            let is_name = (2..=5).contains(&words.len()) && !value.contains(|c: char| c.is_ascii_digit());
            let words = if is_name { words } else { vec![value.as_str()] };
            for word in words.into_iter().map(fold) {
                match word.chars().count() {
                    4.. => needles.push(word),
                    2..=3 if word.chars().all(char::is_alphabetic) => short.push(word),
                    _ => {}
                }
            }
            needles.push(fold(value));
        }
        needles.retain(|n| n.len() >= 3 && !one_char_only(n));
        needles.sort_unstable();
        needles.dedup();
        Personal { needles, short, overflow: values.len() >= MOST_PERSONAL }
    }

    /// Whether the text is one of the strings.
    pub fn is(&self, text: &str) -> bool {
        self.overflow || self.needles.binary_search(&fold(text)).is_ok()
    }

    /// Whether the text is or contains one of the strings (of four characters or more).
    pub fn within(&self, text: &str) -> bool {
        let mut words = text.split(|c: char| !c.is_alphanumeric()).map(fold);
        if self.overflow || words.any(|word| self.short.contains(&word)) {
            return true;
        }
        let folded = fold(text);
        self.needles.binary_search(&folded).is_ok()
            || self.needles.iter().any(|n| n.len() >= 4 && folded.contains(n.as_str()))
    }
}

fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn one_char_only(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_none_or(|first| chars.all(|c| c == first))
}

/// Whether a reference looks like an e-mail address, a telephone number or an ID number of a supported kind
/// (PROVIDERS.md 1.10; kinds whose pattern would take any word are left out).
pub fn looks_personal(text: &str) -> bool {
    let text = text.trim();
    let address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    address || looks_like_phone(text) || looks_like_id_number(text)
}

/// Whether a text is two or more words of letters only, as names are.
pub fn looks_like_name(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let letters = |word: &str| word.chars().all(|c| c.is_alphabetic() || "'’.-".contains(c));
    words.clone().count() >= 2 && words.all(letters)
}

fn looks_like_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only = text.bytes().all(|c| c.is_ascii_digit() || b"+-() .".contains(&c));
    only && (9..=16).contains(&digits)
}

fn looks_like_id_number(text: &str) -> bool {
    // One letter per class: A a letter, 9 a digit, ? either; the shapes of the documented patterns.
    const SHAPES: [&str; 12] = [
        "A99999999",
        "A999999999",
        "AA999999",
        "AA9999999",
        "A999999",
        "A9999999",
        "A999999999A",
        "AAA9999999999",
        "AAA-999999999-9",
        "A999999999999",
        "AA??????????99",
        "AA999999999999AA",
    ];
    SHAPES.iter().any(|shape| shape.len() == text.len() && shape.bytes().zip(text.bytes()).all(|(s, c)| fits(s, c)))
}

fn fits(shape: u8, c: u8) -> bool {
    match shape {
        b'A' => c.is_ascii_alphabetic(),
        b'9' => c.is_ascii_digit(),
        b'?' => c.is_ascii_alphanumeric(),
        other => c == other,
    }
}

/// Whether an unknown code may be kept: a code word (`[A-Z0-9_.-]{1,40}`) without a run of six digits.
pub fn is_code_word(text: &str) -> bool {
    let word = (1..=40).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || b"_.-".contains(&c));
    word && longest_digit_run(text) < 6 && !looks_personal(text)
}

/// Words of which names of ID types are made ("National ID", "Voter's Card", "Passport (without photo)").
const DOCUMENT_WORDS: [&str; 56] = [
    "ACCOUNT",
    "ALIEN",
    "AND",
    "ASYLUM",
    "BANK",
    "BIRTH",
    "BUSINESS",
    "BVN",
    "CARD",
    "CERTIFICATE",
    "DRIVER",
    "DRIVERS",
    "DRIVING",
    "ELECTORAL",
    "FOREIGN",
    "FOREIGNER",
    "GHANA",
    "HEALTH",
    "ID",
    "IDENTIFICATION",
    "IDENTITY",
    "INFORMATION",
    "INSURANCE",
    "INTERNATIONAL",
    "KRA",
    "LICENCE",
    "LICENSE",
    "MILITARY",
    "NATIONAL",
    "NIN",
    "NO",
    "NUMBER",
    "OF",
    "PASSPORT",
    "PERMIT",
    "PHONE",
    "PHOTO",
    "PIN",
    "REFUGEE",
    "REGISTRATION",
    "RESIDENCE",
    "RESIDENT",
    "SECURITY",
    "SLIP",
    "SOCIAL",
    "SSNIT",
    "STUDENT",
    "TAX",
    "TPIN",
    "V2",
    "VIRTUAL",
    "VISA",
    "VOTER",
    "VOTERS",
    "WITHOUT",
    "WORK",
];

/// Whether a text is the name of a sort of document, in words: nothing that tells a person.
pub fn is_document_name(text: &str) -> bool {
    let upper = text.to_uppercase().replace(['\'', '’'], "").replace("VOTERS", "VOTER");
    let mut words = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    text.len() <= 60 && words.peek().is_some() && words.all(|word| DOCUMENT_WORDS.contains(&word))
}

fn longest_digit_run(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// Values of checks that providers document (PROVIDERS.md 1.5, 2 and 3; seeds 001 and 004). Others are not kept.
const CHECK_VALUES: [&str; 58] = [
    "Passed",
    "Completed",
    "Approved",
    "Verified",
    "Provisionally Approved",
    "Returned",
    "Not Returned",
    "Failed",
    "Rejected",
    "Under Review",
    "Unable To Determine",
    "Not Applicable",
    "Not Verified",
    "Not Done",
    "Issuer Unavailable",
    "ID Authority Photo Not Available",
    "Sent to Human Review",
    "Exact Match",
    "Partial Match",
    "Transposed",
    "No Match",
    "Not Provided",
    "Listed",
    "Not Listed",
    "Unknown",
    "OK",
    "N/A",
    "MATCH",
    "NO_MATCH",
    "NOT_POSSIBLE",
    "true",
    "false",
    "PASS",
    "FAIL",
    "pass",
    "fail",
    "PASSED",
    "FAILED",
    "WARNING",
    "REJECTED",
    "NOT_EXECUTED",
    "POSITIVE_RESULT",
    "PARTIAL_RESULT",
    "NEGATIVE_RESULT",
    "POSITIVE",
    "PARTIAL",
    "NEGATIVE",
    "CHECK_NOT_DONE",
    "DONE",
    "PENDING",
    "ERROR",
    "UPLOADED",
    "EXTRACTED",
    "DISCARDED",
    "APPROVED",
    "INVALID",
    "VALID",
    "TRUE",
];

/// A documented check value in its documented spelling, or `None`.
pub fn check_value(value: &str) -> Option<&'static str> {
    CHECK_VALUES.iter().find(|known| known.eq_ignore_ascii_case(value.trim())).copied()
}

/// Whether a check's name may be kept: a short identifier.
pub fn is_check_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_.-".contains(&c))
        && longest_digit_run(name) < 6
}

/// Whether the name of a field may be kept: a code word with no more digits than names have, that looks like nothing
/// personal. Some stores use what belongs to a person as a name.
pub fn is_field_name(name: &str) -> bool {
    let word =
        (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_.$-".contains(&c));
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    word && digits <= 4 && name.bytes().any(|c| c.is_ascii_alphabetic()) && !looks_personal(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_look_personal_are_recognised() {
        for personal in
            ["ada@example.com", "+234 801 234 5678", "08012345678", "A12345678", "GHA-123456789-0", "AB123456789012CD"]
        {
            assert!(looks_personal(personal), "{personal}");
        }
        for reference in ["52d0de86-be3b-4219-9e96-8195b0018944", "job-17", "KE_TEST_100", "0000", "order@home"] {
            assert!(!looks_personal(reference), "{reference}");
        }
    }

    #[test]
    fn a_name_is_found_whole_in_part_and_inside() {
        let personal = Personal::new(&["Zuri Okafor".into(), "1990-02-03".into(), "00000000".into()]);
        assert!(personal.is("zuri okafor") && personal.within("job_okafor_7") && personal.within("19900203-x"));
        assert!(!personal.within("job-7") && !personal.within("00000000"));
        let short = Personal::new(&["Ada Obi".into(), "Eze".into()]);
        assert!(short.within("order-obi-7") && short.within("job.eze.1") && !short.within("adapter-7"));
    }

    #[test]
    fn ids_of_users_do_not_mask_other_references() {
        let personal = Personal::new(&["Test_0036".into(), "507f1f77bcf86cd799439011-bvn".into(), "EOZA-U-1".into()]);
        for reference in ["Testing_0036", "bvn-507f1f77bcf86cd799439011-old", "EOZA-HV-1"] {
            assert!(!personal.within(reference), "{reference}");
        }
        assert!(personal.within("test_0036"));
    }

    #[test]
    fn names_of_documents_pass_and_names_of_people_do_not() {
        assert!(is_document_name("NATIONAL ID") && is_document_name("VOTER'S ID CARD"));
        assert!(is_document_name("NATIONAL ID (WITHOUT PHOTO)"));
        assert!(!is_document_name("ZURI OKAFOR") && !is_document_name("NATIONAL OKAFOR") && !is_document_name(""));
    }

    #[test]
    fn names_of_fields_are_kept_and_what_is_used_as_one_is_not() {
        for name in ["FooBar", "$oid", "line_1", "_id", "sha256", "data.x-y"] {
            assert!(is_field_name(name), "{name}");
        }
        let uuid = "52d0de86-be3b-4219-9e96-8195b0018944";
        for no in ["", "Zuri Okafor", "ada@example.com", "A1234567", "2026-11-21", "08012345678", "17", uuid, "é"] {
            assert!(!is_field_name(no), "{no}");
        }
        assert!(!is_field_name(&"x".repeat(65)));
    }

    #[test]
    fn only_code_words_pass_as_codes() {
        assert!(is_code_word("DENIED_NEW_REASON") && is_code_word("1099") && is_code_word("E-1.2"));
        for no in ["", "Peter", "PETER PARKER", "08012345678", "A12345678", "lower"] {
            assert!(!is_code_word(no), "{no}");
        }
    }
}
