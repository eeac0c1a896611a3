//! How verifications and people go on in time, counted from judged jobs: durations, ages, what came of a try.

use std::collections::{BTreeMap, BTreeSet};

use kycmart::record::{Environment, Product, Provider};

use super::reports::{Asked, Counted, day, time};
use super::table::{Expected, Key, Row, Table, key};
use super::verdict::Verification;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

impl Counted<'_> {
    pub fn time_to_final(&self, asked: Asked) -> Expected {
        let acknowledged = self.acknowledged();
        let mut spans: BTreeMap<Key, Vec<Spans>> = BTreeMap::new();
        for (index, v) in self.verifications.iter().enumerate() {
            if !asked.wants(v.environment) || !asked.holds(v.first) || !matches!(v.outcome, "passed" | "failed") {
                continue;
            }
            let requested = acknowledged.get(&index).copied().into_iter().chain(v.requested).min();
            let from_first = v.decided_at.zip(v.own_first).map(|(end, start)| end - start);
            let from_request = v.decided_at.zip(requested).map(|(end, start)| end - start).filter(|span| *span > 0);
            let product = v.product.map(Product::word);
            let row = key([Some(v.provider.word()), product, v.channel, Some(v.outcome)]);
            spans.entry(row).or_default().push((from_first, from_request));
        }
        let rows = spans.into_iter().map(|(key, spans)| (key, durations(&spans))).collect();
        Expected {
            report: "time_to_final",
            keys: &["provider", "product", "channel", "outcome"],
            rows,
            rates: Vec::new(),
        }
    }

    /// The earliest acknowledgement of each verification that is the only one it can speak of.
    fn acknowledged(&self) -> BTreeMap<usize, i64> {
        let mut by_reference: BTreeMap<(Provider, &str), Vec<usize>> = BTreeMap::new();
        for (index, v) in self.verifications.iter().enumerate() {
            by_reference.entry((v.provider, v.reference.unwrap_or_default())).or_default().push(index);
        }
        let mut earliest: BTreeMap<usize, i64> = BTreeMap::new();
        for payload in self.payloads {
            let Some(stated) = payload.submission.as_ref().filter(|stated| stated.accepted) else { continue };
            let (Some(reference), Some(at)) =
                (stated.provider_job_id.as_deref(), stated.event_time_us.or(payload.received))
            else {
                continue;
            };
            let agrees = |v: &Verification| {
                let partner = stated.partner.as_deref();
                let environment = stated.environment;
                (partner.is_none() || v.partner.is_none() || partner == v.partner)
                    && (environment.is_none() || v.environment.is_none() || environment == v.environment)
            };
            let meant = by_reference.get(&(stated.provider, reference)).into_iter().flatten();
            let meant: Vec<usize> = meant.copied().filter(|index| agrees(&self.verifications[*index])).collect();
            if let [only] = meant[..] {
                let known = earliest.entry(only).or_insert(at);
                *known = at.min(*known);
            }
        }
        earliest
    }

    pub fn open_cases(&self, asked: Asked) -> Expected {
        let before = |at: &i64| asked.days.is_none_or(|(_, last)| day(*at) <= last);
        let as_of =
            self.seen.iter().filter_map(|one| one.own_time()).filter(before).max().expect("a dated observation");
        let mut cases: BTreeMap<Key, Vec<Option<i64>>> = BTreeMap::new();
        for v in self.verifications(asked).filter(|v| matches!(v.outcome, "review" | "pending")) {
            let product = v.product.map(Product::word);
            let (order, age) = age(v.own_first.map(|first| as_of - first));
            let row = key([Some(v.provider.word()), product, Some(v.outcome), Some(order), Some(age)]);
            cases.entry(row).or_default().push(v.own_first);
        }
        let row = |starts: Vec<Option<i64>>| {
            let oldest = starts.iter().flatten().min().map(|at| time(*at));
            Row::from([
                ("cases", starts.len().to_string()),
                ("oldest", oldest.unwrap_or_default()),
                ("as_of", time(as_of)),
            ])
        };
        Expected {
            report: "open_cases",
            keys: &["provider", "product", "outcome", "age_order", "age"],
            rows: cases.into_iter().map(|(key, starts)| (key, row(starts))).collect(),
            rates: Vec::new(),
        }
    }

    pub fn retries(&self, asked: Asked) -> Expected {
        let mut groups: BTreeMap<Key, Vec<Followed>> = BTreeMap::new();
        for tries in self.people(asked).values() {
            for outcome in ["unavailable", "error", "incomplete", "failed"] {
                let first = tries.iter().filter(|v| v.outcome == outcome && asked.holds(v.own_first)).min_by_key(at);
                let Some(first) = first else { continue };
                let row = key([Some(first.provider.word()), first.product.map(Product::word), Some(outcome)]);
                groups.entry(row).or_default().push(followed(first, tries));
            }
        }
        Expected {
            report: "retries",
            keys: &["provider", "product", "first_outcome"],
            rows: groups.into_iter().map(|(key, people)| (key, came_of(&people))).collect::<Table>(),
            rates: vec![("share_passed_later", "passed_later", &["people"])],
        }
    }

    /// The dated verifications of every person for every product, over all days.
    fn people(&self, asked: Asked) -> BTreeMap<Person<'_>, Vec<&Verification<'_>>> {
        let all = || self.verifications.iter().filter(|v| asked.wants(v.environment) && v.own_first.is_some());
        let mut partners: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for v in all() {
            partners.entry(user(v)).or_default().extend(v.partner);
        }
        let mut people: BTreeMap<Person, Vec<&Verification>> = BTreeMap::new();
        for v in all() {
            let (provider, sandbox, Some(name)) = user(v) else { continue };
            let known = &partners[&user(v)];
            let partner = if known.len() == 1 { known.first().copied() } else { v.partner };
            let person = (provider, sandbox, partner.unwrap_or_default(), name, v.product.map(Product::word));
            people.entry(person).or_default().push(v);
        }
        people
    }
}

/// Whose verification it is, as far as it says itself.
fn user<'a>(v: &Verification<'a>) -> (Provider, bool, Option<&'a str>) {
    (v.provider, v.environment == Some(Environment::Sandbox), v.user)
}

/// Provider, sandbox or not, partner, pseudonym, product.
type Person<'a> = (Provider, bool, &'a str, &'a str, Option<&'static str>);

fn at(v: &&&Verification) -> Option<i64> {
    v.own_first
}

/// Retries until the pass, whether there was one, how long it took.
type Followed = (usize, bool, Option<i64>);

fn followed(first: &Verification, tries: &[&Verification]) -> Followed {
    let mut later: Vec<&&Verification> = tries.iter().filter(|v| v.own_first > first.own_first).collect();
    later.sort_by_key(|v| v.own_first);
    let pass = later.iter().find(|v| v.outcome == "passed").and_then(|v| v.own_first);
    let until = later.iter().filter(|v| pass.is_none() || v.own_first <= pass).count();
    let passes = later.iter().filter(|v| v.outcome == "passed" && v.own_first == pass);
    let decided = passes.filter_map(|v| v.decided_at).min();
    (until, pass.is_some(), decided.zip(first.own_first).map(|(end, start)| end - start))
}

fn came_of(people: &[Followed]) -> Row {
    let count = |wanted: &dyn Fn(&Followed) -> bool| people.iter().filter(|one| wanted(one)).count().to_string();
    let spans: Vec<i64> = people.iter().filter_map(|(.., span)| *span).collect();
    Row::from([
        ("people", people.len().to_string()),
        ("people_with_retry", count(&|(retries, ..)| *retries > 0)),
        ("attempts", people.iter().map(|(retries, ..)| retries).sum::<usize>().to_string()),
        ("passed_later", count(&|(_, passed, _)| *passed)),
        ("passed_dated", spans.len().to_string()),
        ("p50_seconds", quantile(&spans, 0.5)),
        ("p90_seconds", quantile(&spans, 0.9)),
    ])
}

/// How long it took from the first observation and from the request, where known.
type Spans = (Option<i64>, Option<i64>);

fn durations(spans: &[Spans]) -> Row {
    let timed: Vec<i64> = spans.iter().filter_map(|(first, _)| *first).collect();
    let requested: Vec<i64> = spans.iter().filter_map(|(_, request)| *request).collect();
    Row::from([
        ("verifications", spans.len().to_string()),
        ("timed", timed.len().to_string()),
        ("at_once", timed.iter().filter(|span| **span == 0).count().to_string()),
        ("undated", (spans.len() - timed.len()).to_string()),
        ("p50_seconds", quantile(&timed, 0.5)),
        ("p90_seconds", quantile(&timed, 0.9)),
        ("p99_seconds", quantile(&timed, 0.99)),
        ("longest_seconds", quantile(&timed, 1.0)),
        ("from_request", requested.len().to_string()),
        ("request_p50_seconds", quantile(&requested, 0.5)),
        ("request_p90_seconds", quantile(&requested, 0.9)),
        ("request_p99_seconds", quantile(&requested, 0.99)),
        ("request_longest_seconds", quantile(&requested, 1.0)),
    ])
}

/// The nearest rank in seconds: of n sorted values the one at place ⌈share · n⌉.
fn quantile(values: &[i64], share: f64) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    // Shares are hundredths; what their binary form adds must not count as one place more.
    let place = (share * sorted.len() as f64 - 1e-9).ceil() as usize;
    sorted.get(place.max(1) - 1).map(|us| format!("{:?}", *us as f64 / 1e6)).unwrap_or_default()
}

fn age(us: Option<i64>) -> (&'static str, &'static str) {
    match us {
        None => ("7", "undated"),
        Some(us) if us < HOUR => ("1", "under_1_hour"),
        Some(us) if us < DAY => ("2", "1_to_24_hours"),
        Some(us) if us < 3 * DAY => ("3", "1_to_3_days"),
        Some(us) if us < 7 * DAY => ("4", "3_to_7_days"),
        Some(us) if us < 30 * DAY => ("5", "7_to_30_days"),
        Some(_) => ("6", "30_days_or_more"),
    }
}
