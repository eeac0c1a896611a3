//! Country names and codes as payloads spell them, to ISO 3166-1 alpha-2.
//!
//! `NG`, `nga`, `Nigeria` and `NIGERIA ` are one country. Kosovo is `XK`, also from Jumio's `XKX`. The list is
//! `countries.csv`: the codes of ISO 3166-1, a plain English name, other names in use.
//!
//! Not here: subdivisions (states, provinces), historical countries, guesses from misspelt names.

use std::collections::HashMap;
use std::sync::LazyLock;

const COUNTRIES: &str = include_str!("countries.csv");

/// Alpha-2 by code, upper case as written, and by folded name. They are two tables because folding drops punctuation:
/// `N/A` is not the code of Namibia.
static SPELLINGS: LazyLock<Spellings> = LazyLock::new(|| {
    let mut spellings = Spellings::default();
    for country in rows() {
        spellings.codes.insert(country.alpha3, country.alpha2.clone());
        for name in country.names {
            spellings.names.insert(fold(&name), country.alpha2.clone());
        }
        spellings.codes.insert(country.alpha2.clone(), country.alpha2);
    }
    spellings
});

#[derive(Default)]
struct Spellings {
    codes: HashMap<String, String>,
    names: HashMap<String, String>,
}

struct Country {
    alpha2: String,
    alpha3: String,
    /// The plain English name, then others.
    names: Vec<String>,
}

/// The alpha-2 code of a country given as alpha-2, alpha-3 or English name, whatever its case, accents and punctuation.
pub fn alpha2(text: &str) -> Option<&'static str> {
    let code = SPELLINGS.codes.get(&text.trim().to_uppercase());
    code.or_else(|| SPELLINGS.names.get(&fold(text))).map(String::as_str)
}

/// Every country of the list.
fn rows() -> Vec<Country> {
    let mut reader = csv::Reader::from_reader(COUNTRIES.as_bytes());
    let records = reader.records().map_while(Result::ok);
    records
        .map(|record| {
            let column = |index| record.get(index).unwrap_or_default();
            let others = column(3).split('|').filter(|name| !name.is_empty());
            Country {
                alpha2: column(0).to_owned(),
                alpha3: column(1).to_owned(),
                names: std::iter::once(column(2)).chain(others).map(str::to_owned).collect(),
            }
        })
        .collect()
}

/// Letters and digits only, lower case, without accents; the words `the` and `&`, and `St`, written one way.
fn fold(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match unaccented(c) {
            '\'' | '’' | '‘' | '`' | '.' | '\u{300}'..='\u{36f}' => {}
            '&' => plain.push_str(" and "),
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    let words = plain.split_whitespace().filter(|word| *word != "the");
    words.map(|word| if word == "st" { "saint" } else { word }).collect()
}

/// The base letter of an accented lower-case Latin letter; anything else unchanged.
fn unaccented(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' => 'a',
        'ç' | 'č' => 'c',
        'é' | 'è' | 'ê' | 'ë' | 'ē' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ñ' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_list_has_every_code_once_and_is_sorted() {
        let rows = rows();
        assert_eq!(rows.len(), 250);
        assert!(rows.windows(2).all(|pair| pair[0].alpha2 < pair[1].alpha2));
        let alpha3: BTreeSet<&str> = rows.iter().map(|country| country.alpha3.as_str()).collect();
        assert_eq!(alpha3.len(), 250);
        assert!(alpha3.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn no_spelling_means_two_countries() {
        let mut owner: BTreeMap<String, String> = BTreeMap::new();
        for country in rows() {
            let folded = country.names.iter().map(|name| fold(name)).chain([country.alpha3.to_lowercase()]);
            for spelling in folded.chain([country.alpha2.to_lowercase()]) {
                let first = owner.entry(spelling.clone()).or_insert_with(|| country.alpha2.clone());
                assert_eq!(*first, country.alpha2, "{spelling}");
            }
        }
    }

    #[test]
    fn codes_of_both_lengths_map_to_alpha2_in_any_case() {
        for country in rows() {
            let code = Some(country.alpha2.as_str());
            assert_eq!(alpha2(&country.alpha2), code);
            assert_eq!(alpha2(&country.alpha3), code);
            assert_eq!(alpha2(&country.alpha3.to_lowercase()), code);
            assert_eq!(alpha2(&country.names[0].to_uppercase()), code, "{}", country.names[0]);
        }
    }

    #[test]
    fn names_are_found_whatever_their_spelling() {
        let spellings = [
            ("Nigeria", "NG"),
            (" NIGERIA ", "NG"),
            ("Côte d'Ivoire", "CI"),
            ("Cote d’Ivoire", "CI"),
            ("CO\u{302}TE D'IVOIRE", "CI"),
            ("Ivory Coast", "CI"),
            ("Tanzania", "TZ"),
            ("Tanzania, United Republic of", "TZ"),
            ("UK", "GB"),
            ("U.S.A.", "US"),
            ("United States", "US"),
            ("South Korea", "KR"),
            ("Korea, Republic of", "KR"),
            ("Kosovo", "XK"),
            ("XKX", "XK"),
            ("DR Congo", "CD"),
            ("Democratic Republic of the Congo", "CD"),
            ("Republic of the Congo", "CG"),
            ("The Gambia", "GM"),
            ("St. Lucia", "LC"),
            ("Trinidad & Tobago", "TT"),
            ("Guinea Bissau", "GW"),
            ("São Tomé and Príncipe", "ST"),
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("Eswatini", "SZ"),
            ("Swaziland", "SZ"),
        ];
        for (text, code) in spellings {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_no_country_has_no_code() {
        for text in ["", " ", "N/A", "N.A.", "n-a", "N-G", "ZZ", "XXX", "Atlantis", "the", "NG-LA"] {
            assert_eq!(alpha2(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            if let Some(code) = alpha2(&text) {
                prop_assert_eq!(code.len(), 2);
            }
        }
    }
}
