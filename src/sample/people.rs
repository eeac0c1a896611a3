//! Invented people and companies. Their names are made to be seen through, their numbers start with zeros.

use super::clock::{self, Authority};
use super::random::Random;

const FIRST: [&str; 24] = [
    "Amina", "Kofi", "Wanjiru", "Thabo", "Ngozi", "Kwame", "Zanele", "Chidi", "Achieng", "Sipho", "Fatou", "Musa",
    "Nakato", "Tunde", "Adjoa", "Mwansa", "Yao", "Halima", "Otieno", "Lindiwe", "Emeka", "Abena", "Jabari", "Awa",
];
const LAST: [&str; 16] = [
    "Sampleson",
    "Testwala",
    "Mockunda",
    "Exampleh",
    "Fictiva",
    "Placeholder",
    "Demosi",
    "Inventado",
    "Dummyani",
    "Fauxton",
    "Notreal",
    "Specimeni",
    "Fabricanu",
    "Trialo",
    "Madeupa",
    "Pretendi",
];

/// An invented person.
#[derive(Clone)]
pub struct Person {
    pub first: &'static str,
    pub other: &'static str,
    pub last: &'static str,
    /// `1990-01-31`.
    pub born: String,
    /// `Male` or `Female`.
    pub gender: &'static str,
    pub phone: String,
    pub address: String,
}

impl Person {
    /// Somebody who does not exist.
    pub fn invent(random: &mut Random) -> Self {
        Person {
            first: random.pick(&FIRST),
            other: random.pick(&FIRST),
            last: random.pick(&LAST),
            born: clock::days_before(random.between(18 * 366, 70 * 365)),
            gender: random.pick(&["Male", "Female"]),
            phone: format!("0800000{}", random.digits(4)),
            address: format!("{} Example Road, Sampletown", random.between(1, 199)),
        }
    }

    /// First, other and last name.
    pub fn full_name(&self) -> String {
        format!("{} {} {}", self.first, self.other, self.last)
    }
}

/// An invented number of an authority's type of ID.
pub fn id_number(random: &mut Random, authority: &Authority) -> String {
    fill(random, authority.pattern)
}

/// Fills a pattern: `#` with a digit, `@` with a capital letter.
pub fn fill(random: &mut Random, pattern: &str) -> String {
    pattern
        .chars()
        .map(|c| match c {
            '#' => char::from(b'0' + random.below(10) as u8),
            '@' => char::from(b'A' + random.below(26) as u8),
            other => other,
        })
        .collect()
}

/// An invented company.
pub fn company(random: &mut Random) -> String {
    let kinds = ["TRADING", "LOGISTICS", "FOODS", "SOFTWARE", "TEXTILES"];
    format!("{} SAMPLE {} LIMITED", random.pick(&LAST).to_uppercase(), random.pick(&kinds))
}
