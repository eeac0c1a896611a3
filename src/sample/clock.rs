//! The period of an archive, the ID authorities in it and when each of them was down.
//!
//! The period ends on a fixed day, so that an archive never depends on the day it was made.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::random::Random;
use crate::record::Micros;

/// Units of time in microseconds.
pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The last day of every archive.
pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 31).expect("a date of the calendar");

/// How often jobs start in each hour of the day, UTC.
const HOURS: [u32; 24] = [2, 1, 1, 1, 2, 4, 8, 12, 14, 15, 15, 14, 13, 14, 14, 13, 12, 11, 9, 8, 7, 6, 4, 3];

/// An authority that answers for one type of ID.
#[derive(Debug, PartialEq, Eq)]
pub struct Authority {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    pub country_name: &'static str,
    pub id_type: &'static str,
    /// An invented number of this type: `0` stands for zero, `#` for a digit, `@` for a capital letter.
    pub pattern: &'static str,
    /// How often it is asked.
    weight: u32,
}

const fn authority(
    country: &'static str,
    country_name: &'static str,
    id_type: &'static str,
    pattern: &'static str,
    weight: u32,
) -> Authority {
    Authority { country, country_name, id_type, pattern, weight }
}

/// The authorities that are asked. The first is the one that is asked most.
pub static AUTHORITIES: [Authority; 30] = [
    authority("NG", "Nigeria", "BVN", "00000######", 22),
    authority("NG", "Nigeria", "NIN_V2", "00000######", 16),
    authority("KE", "Kenya", "NATIONAL_ID", "00######", 10),
    authority("GH", "Ghana", "GHANA_CARD", "GHA-000######-#", 8),
    authority("ZA", "South Africa", "NATIONAL_ID", "0000000######", 8),
    authority("UG", "Uganda", "NATIONAL_ID_NO_PHOTO", "CM000000#####@", 4),
    authority("NG", "Nigeria", "VOTER_ID", "00A0B000########", 4),
    authority("NG", "Nigeria", "V_NIN", "@@000000000000@@", 3),
    authority("NG", "Nigeria", "PHONE_NUMBER", "0800000####", 3),
    authority("NG", "Nigeria", "BANK_ACCOUNT", "0000######", 3),
    authority("NG", "Nigeria", "NIN_SLIP", "00000######", 2),
    authority("NG", "Nigeria", "NIN", "00000######", 2),
    authority("NG", "Nigeria", "DRIVERS_LICENSE", "AAA00000####", 1),
    authority("NG", "Nigeria", "PASSPORT", "A00000###", 1),
    authority("NG", "Nigeria", "TIN", "0000####-0001", 1),
    authority("KE", "Kenya", "NATIONAL_ID_NO_PHOTO", "00######", 2),
    authority("KE", "Kenya", "ALIEN_CARD", "000####", 1),
    authority("KE", "Kenya", "PASSPORT", "AK000####", 1),
    authority("KE", "Kenya", "KRA_PIN", "A00000####@", 1),
    authority("KE", "Kenya", "TAX_INFORMATION", "A00000####@", 1),
    authority("GH", "Ghana", "VOTER_ID", "0000######", 3),
    authority("GH", "Ghana", "PASSPORT", "G000####", 1),
    authority("GH", "Ghana", "SSNIT", "C00000000####", 1),
    authority("ZA", "South Africa", "NATIONAL_ID_NO_PHOTO", "0000000######", 3),
    authority("ZA", "South Africa", "PHONE_NUMBER", "000000####", 1),
    authority("CI", "Côte d'Ivoire", "NATIONAL_ID_NO_PHOTO", "CI000######", 2),
    authority("CI", "Côte d'Ivoire", "RESIDENT_ID_NO_PHOTO", "CR000######", 1),
    authority("ZM", "Zambia", "TPIN", "0000######", 2),
    authority("ZM", "Zambia", "BANK_ACCOUNT", "0000000######", 1),
    authority("ZW", "Zimbabwe", "NATIONAL_ID_NO_PHOTO", "00-######@00", 1),
];

/// The authority of a country and ID type, if it is one of ours.
pub fn find(country: &str, id_type: &str) -> Option<&'static Authority> {
    AUTHORITIES.iter().find(|a| a.country == country && a.id_type == id_type)
}

struct Outage {
    authority: &'static Authority,
    start: i64,
    end: i64,
}

/// The period and its outages.
pub struct Clock {
    /// First instant.
    pub first: i64,
    /// First instant after the period.
    pub end: i64,
    outages: Vec<Outage>,
}

impl Clock {
    /// A period of whole days up to [`LAST_DAY`]; the seed decides the outages.
    pub fn new(days: u32, seed: u64) -> Self {
        let end = midnight(LAST_DAY) + DAY;
        let first = end - i64::from(days) * DAY;
        let mut outages = Vec::new();
        for (index, authority) in AUTHORITIES.iter().enumerate() {
            let mut random = Random::new(seed ^ (0x6b79_6300 + index as u64));
            // The two authorities that are asked most go down at least once, so that every archive shows it.
            let count = if index < 2 { random.between(1, 3) } else { random.between(0, 3) };
            for _ in 0..count {
                let start = random.between(first, end - 1);
                outages.push(Outage { authority, start, end: start + random.between(HOUR, 9 * HOUR) });
            }
        }
        Clock { first, end, outages }
    }

    /// When the outage ends that an authority has at this instant.
    pub fn down_until(&self, authority: &Authority, at: i64) -> Option<i64> {
        self.outages.iter().find(|o| o.authority == authority && o.start <= at && at < o.end).map(|o| o.end)
    }

    /// When a job starts: any day, mostly in working hours.
    pub fn start(&self, random: &mut Random) -> i64 {
        let days = (self.end - self.first) / DAY;
        let day = random.between(0, days - 1);
        let hours: Vec<(u32, i64)> = HOURS.iter().zip(0..).map(|(weight, hour)| (*weight, hour)).collect();
        self.first + day * DAY + *random.weighted(&hours) * HOUR + random.between(0, HOUR / 1000 - 1) * 1000
    }

    /// Whether the instant belongs to the period.
    pub fn contains(&self, at: i64) -> bool {
        (self.first..self.end).contains(&at)
    }
}

/// An authority, the busy ones more often.
pub fn any_authority(random: &mut Random) -> &'static Authority {
    let total = AUTHORITIES.iter().map(|a| u64::from(a.weight)).sum();
    let mut left = random.below(total);
    for authority in &AUTHORITIES {
        if left < u64::from(authority.weight) {
            return authority;
        }
        left -= u64::from(authority.weight);
    }
    &AUTHORITIES[0]
}

/// An instant as chrono has it.
pub fn utc(at: i64) -> DateTime<Utc> {
    Micros(at).utc()
}

/// RFC 3339 with milliseconds and `Z`, the spelling that all three providers prefer.
pub fn stamp(at: i64) -> String {
    utc(at).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The date of an instant, `2026-10-05`.
pub fn date(at: i64) -> String {
    utc(at).format("%Y-%m-%d").to_string()
}

/// A date some days before the end of every archive; after it, where the number is negative.
pub fn days_before(days: i64) -> String {
    (LAST_DAY - TimeDelta::days(days)).to_string()
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_whole_days_up_to_the_last_day() {
        let clock = Clock::new(30, 1);
        assert_eq!(stamp(clock.first), "2026-10-02T00:00:00.000Z");
        assert_eq!(stamp(clock.end - SECOND), "2026-10-31T23:59:59.000Z");
        let mut random = Random::new(3);
        assert!((0..2000).all(|_| clock.contains(clock.start(&mut random))));
    }

    #[test]
    fn dates_lie_before_the_last_day_or_after_it() {
        assert_eq!((days_before(1).as_str(), days_before(-1).as_str()), ("2026-10-30", "2026-11-01"));
    }

    #[test]
    fn outages_last_hours_and_no_authority_has_more_than_three() {
        let clock = Clock::new(30, 1);
        for (index, authority) in AUTHORITIES.iter().enumerate() {
            let outages: Vec<_> = clock.outages.iter().filter(|o| o.authority == authority).collect();
            assert!(outages.len() <= 3 && (index > 1 || !outages.is_empty()));
            assert!(outages.iter().all(|o| (HOUR..=9 * HOUR).contains(&(o.end - o.start))));
        }
        let outage = &clock.outages[0];
        assert!(clock.down_until(outage.authority, outage.start).is_some());
    }
}
