//! Every report, counted from judged jobs and decoded records (docs/METRICS.md, "The reports, column by column").

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kycmart::record::{Environment, Micros, Product, Provider, RejectReason};

use super::facts::{Found, Payload};
use super::jobs::{Seen, Standing};
use super::meaning::OUTCOMES;
use super::table::{Expected, Key, Row, Rows, Table, Take, beside, count, derive, key};
use super::verdict::Verification;

/// What a report is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub sandbox: bool,
    pub days: Option<(NaiveDate, NaiveDate)>,
}

impl Asked {
    /// What has no time counts in every range.
    pub(super) fn holds(self, at: Option<i64>) -> bool {
        let within = |(from, to): (NaiveDate, NaiveDate), at| (from..=to).contains(&day(at));
        self.days.zip(at).is_none_or(|(days, at)| within(days, at))
    }

    pub(super) fn wants(self, environment: Option<Environment>) -> bool {
        self.sandbox || environment != Some(Environment::Sandbox)
    }
}

/// Everything that is counted.
pub struct Counted<'a> {
    pub payloads: &'a [Payload],
    pub seen: Vec<Seen<'a>>,
    pub verifications: Vec<Verification<'a>>,
}

impl Counted<'_> {
    /// All reports.
    pub fn reports(&self, asked: Asked) -> Vec<Expected> {
        vec![
            self.by_provider(asked),
            self.by_outcome(asked, "pass_rates_by_id_type", &["provider", "country", "id_type"], |v| {
                key([Some(v.provider.word()), v.country, v.id_type])
            }),
            self.by_outcome(asked, "pass_rates_by_product", &["provider", "product"], |v| {
                key([Some(v.provider.word()), v.product.map(Product::word)])
            }),
            self.by_outcome(asked, "pass_rates_daily", &["local_date", "provider"], |v| {
                key([v.first.map(|at| day(at).to_string()).as_deref(), Some(v.provider.word())])
            }),
            self.error_codes(asked),
            self.authority_windows(asked),
            self.authority_hourly(asked),
            self.authority_daily(asked),
            self.authority_incidents(asked),
            self.authority_reliability(asked),
            self.authority_declared(asked),
            self.declared_vs_observed(asked),
            self.receipts_coverage(asked),
            self.submissions(asked),
            self.rejects(asked),
            self.unknown_codes(asked),
            self.unknown_fields(asked),
            self.checks(asked),
            self.check_scores(asked),
            self.billing(asked),
            self.billing_codes(asked),
            self.time_to_final(asked),
            self.open_cases(asked),
            self.retries(asked),
            self.data_quality(asked),
            self.inputs(asked),
        ]
    }

    pub fn verifications(&self, asked: Asked) -> impl Iterator<Item = &Verification<'_>> {
        self.verifications.iter().filter(move |v| asked.wants(v.environment) && asked.holds(v.first))
    }

    pub fn observations(&self, asked: Asked) -> impl Iterator<Item = &Seen<'_>> {
        self.seen.iter().filter(move |one| asked.wants(one.environment) && asked.holds(one.at))
    }

    fn by_outcome(
        &self,
        asked: Asked,
        report: &'static str,
        keys: &'static [&'static str],
        key_of: impl Fn(&Verification) -> Vec<String>,
    ) -> Expected {
        let mut rows = Rows::<i64>::new(&OUTCOMES);
        for verification in self.verifications(asked) {
            rows.push(key_of(verification), OUTCOMES.map(|outcome| i64::from(outcome == verification.outcome)));
        }
        let mut rows = rows.grouped(Take::Sum);
        derive(&mut rows, "verifications", |_, row| OUTCOMES.iter().map(|o| count(row, o)).sum::<i64>().to_string());
        derive(&mut rows, "decided", |_, row| (count(row, "passed") + count(row, "failed")).to_string());
        Expected { report, keys, rows, rates: vec![("pass_rate", "passed", &["passed", "failed"])] }
    }

    fn by_provider(&self, asked: Asked) -> Expected {
        let by_word = |v: &Verification| key([Some(v.provider.word())]);
        let mut expected = self.by_outcome(asked, "pass_rates_by_provider", &["provider"], by_word);
        let mut beside_rates = Rows::<i64>::new(&["ambiguous_observations", "unattributed_observations"]);
        for provider in self.verifications(asked).map(|v| v.provider).collect::<BTreeSet<_>>() {
            beside_rates.push(key([Some(provider.word())]), [0, 0]);
        }
        for one in self.observations(asked) {
            let is = |standing| i64::from(one.standing == standing);
            let counts = [is(Standing::Ambiguous), is(Standing::Unattributed)];
            if counts != [0, 0] {
                beside_rates.push(key([Some(one.stated.provider.word())]), counts);
            }
        }
        expected.rows = beside(expected.rows, beside_rates.grouped(Take::Sum));
        expected
    }

    fn error_codes(&self, asked: Asked) -> Expected {
        const KEYS: &[&str] = &["provider", "product", "result_code", "error_code", "outcome"];
        let mut counts = Rows::<i64>::new(&["verifications"]);
        let mut texts = Rows::<Option<&str>>::new(&["result_text"]);
        let mut products = Rows::<i64>::new(&["product_verifications"]);
        for v in self.verifications(asked) {
            let (provider, product) = (Some(v.provider.word()), v.product.map(Product::word));
            let stated = v.decided_by;
            let code =
                key([provider, product, stated.result_code.as_deref(), stated.error_code.as_deref(), Some(v.outcome)]);
            counts.push(code.clone(), [1]);
            texts.push(code, [stated.result_text.as_deref()]);
            products.push(key([provider, product]), [1]);
        }
        let mut rows = beside(counts.grouped(Take::Sum), texts.grouped(Take::Least));
        let products = products.grouped(Take::Sum);
        derive(&mut rows, "product_verifications", |key, _| products[&key[..2]]["product_verifications"].clone());
        Expected {
            report: "error_codes",
            keys: KEYS,
            rows,
            rates: vec![("share", "verifications", &["product_verifications"])],
        }
    }

    /// Lookups by authority and window, and whether all of a window are asynchronous.
    fn lookups(&self, asked: Asked) -> Table {
        let mut counts = Rows::<i64>::new(&["answered", "unavailable", "ambiguous", "sync"]);
        for v in self.verifications.iter().filter(|v| asked.wants(v.environment)) {
            let Some(lookup) = v.lookup.filter(|l| asked.holds(Some(l.window * WINDOW_US))) else { continue };
            let window = lookup.window.to_string();
            let is = |signal| i64::from(lookup.signal == signal);
            counts.push(
                key([Some(v.provider.word()), v.country, v.id_type, Some(&window)]),
                [is("answered"), is("unavailable"), is("ambiguous"), i64::from(!lookup.is_async)],
            );
        }
        let mut rows = counts.grouped(Take::Sum);
        let signals = ["answered", "unavailable", "ambiguous"];
        derive(&mut rows, "lookups", |_, row| signals.iter().map(|s| count(row, s)).sum::<i64>().to_string());
        derive(&mut rows, "status", |_, row| status(row).to_owned());
        rows
    }

    fn authority_windows(&self, asked: Asked) -> Expected {
        let mut rows = self.lookups(asked);
        derive(&mut rows, "async_only", |_, row| (count(row, "sync") == 0).to_string());
        derive(&mut rows, "window_start", |key, _| time(key[3].parse::<i64>().expect("a window") * WINDOW_US));
        derive(&mut rows, "indicative", |_, row| indicative(row));
        rows.values_mut().for_each(|row| drop(row.remove("sync")));
        Expected {
            report: "authority_windows",
            keys: &["provider", "country", "id_type", "window_index"],
            rows,
            rates: vec![AVAILABILITY],
        }
    }

    fn authority_declared(&self, asked: Asked) -> Expected {
        let mut worst: BTreeMap<(Vec<String>, Option<i64>, &str), &str> = BTreeMap::new();
        let mut lowest = Rows::<Option<f64>>::new(&["lowest_success_rate"]);
        for payload in self.payloads {
            let Some(stated) = &payload.authority else { continue };
            let at = stated.checked_at_us.or(payload.received);
            if !asked.wants(stated.environment) || !asked.holds(at) {
                continue;
            }
            let environment = stated.environment.map(Environment::word);
            let authority =
                key([Some(stated.provider.word()), environment, stated.country.as_deref(), stated.id_type.as_deref()]);
            lowest.push(authority.clone(), [stated.last_check_success_rate]);
            let word = stated.status.as_deref().unwrap_or_default();
            let check = if at.is_some() { "" } else { &payload.key };
            let known = worst.entry((authority, at, check)).or_insert(word);
            if severity(word) > severity(known) {
                *known = word;
            }
        }
        Expected {
            report: "authority_declared",
            keys: &["provider", "environment", "country", "id_type"],
            rows: beside(declarations(&worst), lowest.grouped(Take::Least)),
            rates: Vec::new(),
        }
    }

    fn receipts_coverage(&self, asked: Asked) -> Expected {
        const DOCUMENTED: [Product; 4] = [
            Product::BiometricKyc,
            Product::BusinessVerification,
            Product::DocumentVerification,
            Product::EnhancedDocumentVerification,
        ];
        let mut rows = Rows::<i64>::new(&["verifications", "with_receipt", "without_receipt"]);
        let of_smile_id = self.verifications(asked).filter(|v| v.provider == Provider::SmileId);
        for v in of_smile_id.filter(|v| matches!(v.outcome, "passed" | "failed")) {
            let row = key([Some(v.provider.word()), v.product.map(Product::word), Some(v.outcome)]);
            rows.push(row, [1, i64::from(v.has_receipt), i64::from(!v.has_receipt)]);
        }
        let mut rows = rows.grouped(Take::Sum);
        derive(&mut rows, "expected", |key, _| DOCUMENTED.iter().any(|p| p.word() == key[1]).to_string());
        Expected {
            report: "receipts_coverage",
            keys: &["provider", "product", "outcome"],
            rows,
            rates: vec![("coverage", "with_receipt", &["verifications"])],
        }
    }

    fn submissions(&self, asked: Asked) -> Expected {
        let mut rows = Rows::<i64>::new(&["answers"]);
        for payload in self.payloads {
            let Some(stated) = &payload.submission else { continue };
            if asked.wants(stated.environment) && asked.holds(stated.event_time_us.or(payload.received)) {
                let accepted = stated.accepted.to_string();
                let (code, message) = (stated.code.as_deref(), stated.message.as_deref());
                rows.push(key([Some(stated.provider.word()), code, Some(&accepted), message]), [1]);
            }
        }
        Expected {
            report: "submissions",
            keys: &["provider", "code", "accepted", "message"],
            rows: rows.grouped(Take::Sum),
            rates: Vec::new(),
        }
    }

    fn rejects(&self, asked: Asked) -> Expected {
        let (mut rows, mut examples) = (Rows::<i64>::new(&["payloads", "bytes"]), Examples::new());
        for payload in self.payloads.iter().filter(|payload| asked.holds(payload.received)) {
            let Some(reject) = &payload.reject else { continue };
            let reason: RejectReason = reject.reason;
            let reason = key([reject.provider.map(Provider::word), Some(reason.word())]);
            note_example(&mut examples, &reason, &payload.place);
            rows.push(reason, [1, reject.payload_bytes]);
        }
        let rows = with_examples(rows.grouped(Take::Sum), &examples);
        Expected { report: "rejects", keys: &["provider", "reason"], rows, rates: Vec::new() }
    }

    fn unknown_fields(&self, asked: Asked) -> Expected {
        let mut counts = Rows::<i64>::new(&["payloads"]);
        let mut times = Rows::<Option<i64>>::new(&["first_seen"]);
        let mut last_times = Rows::<Option<i64>>::new(&["last_seen"]);
        let mut examples = Examples::new();
        for payload in self.payloads {
            for unknown in &payload.unknown_fields {
                let at = unknown.event_time_us.or(payload.received);
                if !asked.holds(at) {
                    continue;
                }
                let provider = unknown.provider.map(Provider::word);
                let shape = unknown.shape.as_deref();
                let field = key([provider, Some(unknown.kind.word()), shape, Some(&unknown.field)]);
                note_example(&mut examples, &field, &payload.place);
                times.push(field.clone(), [at]);
                last_times.push(field.clone(), [at]);
                counts.push(field, [1]);
            }
        }
        let mut rows = beside(counts.grouped(Take::Sum), times.grouped(Take::Least));
        rows = beside(rows, last_times.grouped(Take::Greatest));
        as_times(&mut rows, ["first_seen", "last_seen"]);
        let rows = with_examples(rows, &examples);
        Expected { report: "unknown_fields", keys: &["provider", "kind", "shape", "field"], rows, rates: Vec::new() }
    }

    fn unknown_codes(&self, asked: Asked) -> Expected {
        let mut counts = Rows::<i64>::new(&["observations", "verifications", "withheld_texts"]);
        let mut times = Rows::<Option<i64>>::new(&["first_seen"]);
        let mut last_times = Rows::<Option<i64>>::new(&["last_seen"]);
        let (mut jobs, mut withheld) = (BTreeSet::new(), BTreeSet::new());
        let mut examples = Examples::new();
        for one in self.observations(asked).filter(|one| one.meaning.outcome == "unknown") {
            let product = one.product.map(Product::word);
            let (code, error) = (one.stated.result_code.as_deref(), one.stated.error_code.as_deref());
            let code = key([Some(one.stated.provider.word()), product, code, error]);
            note_example(&mut examples, &code, one.place);
            let mut is_new_job = false;
            if let Standing::Job(job) = one.standing {
                is_new_job = jobs.insert((code.clone(), job));
            }
            let digest = one.stated.withheld_digest.as_deref();
            let is_new_text = digest.is_some_and(|digest| withheld.insert((code.clone(), digest)));
            times.push(code.clone(), [one.own_time()]);
            last_times.push(code.clone(), [one.own_time()]);
            counts.push(code, [1, i64::from(is_new_job), i64::from(is_new_text)]);
        }
        let mut rows = beside(counts.grouped(Take::Sum), times.grouped(Take::Least));
        rows = beside(rows, last_times.grouped(Take::Greatest));
        as_times(&mut rows, ["first_seen", "last_seen"]);
        Expected {
            report: "unknown_codes",
            keys: &["provider", "product", "result_code", "error_code"],
            rows: with_examples(rows, &examples),
            rates: Vec::new(),
        }
    }
}

/// The first place of each row.
type Examples = BTreeMap<Key, Found>;

fn note_example(examples: &mut Examples, key: &Key, place: &Found) {
    let first = examples.entry(key.clone()).or_insert_with(|| place.clone());
    if place < first {
        first.clone_from(place);
    }
}

fn with_examples(mut rows: Table, examples: &Examples) -> Table {
    derive(&mut rows, "example_source", |key, _| examples[key].0.clone());
    derive(&mut rows, "example_offset", |key, _| examples[key].1.to_string());
    derive(&mut rows, "example_index", |key, _| examples[key].2.to_string());
    rows
}

pub(super) const WINDOW_US: i64 = 600_000_000;

pub(super) const AVAILABILITY: (&str, &str, &[&str]) = ("availability", "answered", &["answered", "unavailable"]);

/// The day of an instant, UTC.
pub(super) fn day(us: i64) -> NaiveDate {
    Micros(us).utc().date_naive()
}

/// A time as reports write it.
pub(super) fn time(us: i64) -> String {
    Micros(us).utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn as_times(rows: &mut Table, names: [&'static str; 2]) {
    for name in names {
        derive(rows, name, |_, row| row[name].parse().map(time).unwrap_or_default());
    }
}

/// The status of an authority in one window: 91 % is online, 50 % is offline.
pub(super) fn status(row: &Row) -> &'static str {
    let (answered, asked) = (count(row, "answered"), count(row, "answered") + count(row, "unavailable"));
    match answered * 100 {
        _ if asked == 0 => "",
        share if share >= 91 * asked => "online",
        share if share <= 50 * asked => "offline",
        _ => "interruption",
    }
}

/// Whether another status is within the bounds of the availability.
pub(super) fn indicative(row: &Row) -> String {
    let (answered, asked) = (count(row, "answered"), count(row, "answered") + count(row, "unavailable"));
    let [_, low, high] = super::table::interval(answered, asked);
    let (Ok(low), Ok(high)) = (low.parse::<f64>(), high.parse::<f64>()) else { return String::new() };
    [0.91, 0.50].iter().any(|boundary| (low..=high).contains(boundary)).to_string()
}

/// Of two words about one check the greater counts; a word that nobody knows says least.
pub(super) fn severity(word: &str) -> u8 {
    match word {
        "offline" => 3,
        "interruption" | "unstable" => 2,
        "online" | "health" => 1,
        _ => 0,
    }
}

/// Checks declared by authority: how many of each word, the first and the last.
fn declarations(worst: &BTreeMap<(Vec<String>, Option<i64>, &str), &str>) -> Table {
    let mut counts = Rows::<i64>::new(&["declarations", "online", "interruption", "offline", "other"]);
    let mut first = Rows::<Option<i64>>::new(&["first_checked"]);
    let mut last = Rows::<Option<i64>>::new(&["last_checked"]);
    let mut last_words: BTreeMap<&Vec<String>, &str> = BTreeMap::new();
    for ((authority, at, _), word) in worst {
        let is = |words: &[&str]| i64::from(words.contains(word));
        let named = [is(&["online", "health"]), is(&["interruption", "unstable"]), is(&["offline"])];
        let other = 1 - named.iter().sum::<i64>();
        counts.push(authority.clone(), [1].into_iter().chain(named).chain([other]));
        first.push(authority.clone(), [*at]);
        last.push(authority.clone(), [*at]);
        last_words.insert(authority, word); // in order of time
    }
    let mut rows = beside(counts.grouped(Take::Sum), first.grouped(Take::Least));
    rows = beside(rows, last.grouped(Take::Greatest));
    as_times(&mut rows, ["first_checked", "last_checked"]);
    derive(&mut rows, "last_status", |key, _| last_words[key].to_owned());
    rows
}
