//! `drift` and `drift_mix` a second time: counted from judged jobs, with the statistics from their definitions.
//!
//! The normal tail is an integral, factorials are sums of logarithms, q-values are what Benjamini and Hochberg's rule says
//! of every cut, and effects are sums of two counterfactual changes.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use kycmart::record::{Environment, Product};

use super::reports::{Asked, Counted, day};
use super::table::{Expected, Key, Row, interval, key};
use super::verdict::Verification;

/// Hits and n, recent and baseline.
type Four = [i64; 4];

/// The first and last days of the baseline and of the recent period.
type Periods = [(NaiveDate, NaiveDate); 2];

impl Counted<'_> {
    /// Both reports.
    pub fn drifts(&self, asked: Asked) -> Vec<Expected> {
        let Some(periods) = self.periods(asked) else { return Vec::new() };
        vec![self.drift(asked, periods), self.drift_mix(asked, periods)]
    }

    fn periods(&self, asked: Asked) -> Option<Periods> {
        let counted = |environment| asked.sandbox || environment != Some(Environment::Sandbox);
        let times = self.seen.iter().filter(|one| counted(one.stated.environment)).filter_map(|one| one.at);
        let newest = asked.days.map(|(_, to)| to).or_else(|| times.max().map(day))?;
        Some([(newest - Days::new(34), newest - Days::new(7)), (newest - Days::new(6), newest)])
    }

    /// Verifications of both periods, with whether they are recent.
    fn compared(&self, asked: Asked, [before, recent]: Periods) -> impl Iterator<Item = (&Verification<'_>, bool)> {
        let here = self.verifications.iter().filter(move |v| asked.wants(v.environment));
        here.filter_map(move |v| {
            let day = day(v.first?);
            let is_recent = (recent.0..=recent.1).contains(&day);
            (is_recent || (before.0..=before.1).contains(&day)).then_some((v, is_recent))
        })
    }

    fn drift(&self, asked: Asked, periods: Periods) -> Expected {
        let mut counts: BTreeMap<Key, Four> = BTreeMap::new();
        let mut all: BTreeMap<Key, [i64; 2]> = BTreeMap::new();
        for (v, is_recent) in self.compared(asked, periods) {
            let segment = segment(v);
            let at = if is_recent { 0 } else { 2 };
            let rates = counts.entry([key([Some("pass_rate")]), segment.clone(), key([None, None])].concat());
            let rates = rates.or_default();
            rates[at] += i64::from(v.outcome == "passed");
            rates[at + 1] += i64::from(matches!(v.outcome, "passed" | "failed"));
            let codes = key([v.decided_by.result_code.as_deref(), v.decided_by.error_code.as_deref()]);
            counts.entry([key([Some("code_share")]), segment.clone(), codes].concat()).or_default()[at] += 1;
            all.entry(segment).or_default()[at / 2] += 1;
        }
        for (key, four) in counts.iter_mut().filter(|(key, _)| key[0] == "code_share") {
            [four[1], four[3]] = all[&key[1..5]];
        }
        let tests: Vec<Option<(f64, f64, bool)>> = counts.values().map(|four| test(*four)).collect();
        let q_values = q_values(&tests);
        let rows = counts.iter().zip(tests.iter().zip(q_values));
        let rows = rows.map(|((key, four), (test, q_value))| (key.clone(), row(key, *four, *test, q_value, periods)));
        Expected {
            report: "drift",
            keys: &["metric", "provider", "product", "country", "id_type", "result_code", "error_code"],
            rows: rows.collect(),
            rates: Vec::new(),
        }
    }

    fn drift_mix(&self, asked: Asked, periods: Periods) -> Expected {
        let mut segments: BTreeMap<Key, Four> = BTreeMap::new();
        let mut wholes: BTreeMap<String, Four> = BTreeMap::new();
        let decided = self.compared(asked, periods).filter(|(v, _)| matches!(v.outcome, "passed" | "failed"));
        for (v, is_recent) in decided {
            let at = if is_recent { 0 } else { 2 };
            let segment = segments.entry(segment(v)).or_default();
            segment[at] += i64::from(v.outcome == "passed");
            segment[at + 1] += 1;
            for whole in [v.provider.word(), ""] {
                let whole = wholes.entry(whole.to_owned()).or_default();
                whole[at] += i64::from(v.outcome == "passed");
                whole[at + 1] += 1;
            }
        }
        let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
        for (segment, four) in &segments {
            let own = effects(*four, wholes[&segment[0]]);
            rows.insert(
                [segment.clone(), key([Some("false")])].concat(),
                mix_row(*four, wholes[&segment[0]], own, effects(*four, wholes[""])),
            );
        }
        for (whole, four) in &wholes {
            let parts = || segments.iter().filter(|(segment, _)| whole.is_empty() || segment[0] == *whole);
            let sum = |of: Four| {
                let parts = parts().map(|(_, four)| effects(*four, of)).collect::<Option<Vec<_>>>()?;
                Some(parts.iter().fold([0.0, 0.0], |sum, part| [sum[0] + part[0], sum[1] + part[1]]))
            };
            let total = key([Some(whole), None, None, None, Some("true")]);
            rows.insert(total, mix_row(*four, *four, sum(*four), sum(wholes[""])));
        }
        Expected {
            report: "drift_mix",
            keys: &["provider", "product", "country", "id_type", "is_total"],
            rows,
            rates: Vec::new(),
        }
    }
}

fn segment(v: &Verification) -> Key {
    key([Some(v.provider.word()), v.product.map(Product::word), v.country, v.id_type])
}

fn rate(hits: i64, n: i64) -> Option<f64> {
    (n > 0).then(|| hits as f64 / n as f64)
}

fn number(value: Option<f64>) -> String {
    value.map(|value| format!("{value:?}")).unwrap_or_default()
}

fn row(key: &Key, four: Four, test: Option<(f64, f64, bool)>, q_value: Option<f64>, periods: Periods) -> Row {
    let [x1, n1, x2, n2] = four;
    let (now, before) = (rate(x1, n1), rate(x2, n2));
    let change = now.zip(before).map(|(now, before)| now - before);
    let bounds = change.map(|change| newcombe(change, four));
    let least = if key[0] == "pass_rate" { 0.03 } else { 0.02 };
    let flagged = q_value.is_some_and(|q| q <= 0.05) && change.is_some_and(|change| change.abs() > least - 1e-12);
    let direction = match change {
        Some(change) if flagged => {
            if change < 0.0 {
                "down"
            } else {
                "up"
            }
        }
        _ => "",
    };
    let word = test.map_or("", |(.., exact)| if exact { "fisher" } else { "two_proportion" });
    let [baseline, recent] = periods;
    Row::from([
        ("recent_from", recent.0.to_string()),
        ("recent_to", recent.1.to_string()),
        ("baseline_from", baseline.0.to_string()),
        ("baseline_to", baseline.1.to_string()),
        ("recent_hits", x1.to_string()),
        ("recent_n", n1.to_string()),
        ("baseline_hits", x2.to_string()),
        ("baseline_n", n2.to_string()),
        ("recent_rate", number(now)),
        ("baseline_rate", number(before)),
        ("change", number(change)),
        ("change_low", number(bounds.map(|bounds| bounds[0]))),
        ("change_high", number(bounds.map(|bounds| bounds[1]))),
        ("z", number(test.map(|(z, ..)| z))),
        ("p_value", number(test.map(|(_, p, _)| p))),
        ("q_value", number(q_value)),
        ("test", word.to_owned()),
        ("tested", test.is_some().to_string()),
        ("flagged", flagged.to_string()),
        ("direction", direction.to_owned()),
    ])
}

/// The squares of the Wilson bounds' distances add up.
fn newcombe(change: f64, [x1, n1, x2, n2]: Four) -> [f64; 2] {
    let parse = |cells: [String; 3]| cells.map(|cell| cell.parse::<f64>().expect("a bound"));
    let ([p1, low_1, high_1], [p2, low_2, high_2]) = (parse(interval(x1, n1)), parse(interval(x2, n2)));
    let low = ((p1 - low_1).powi(2) + (high_2 - p2).powi(2)).sqrt();
    let high = ((high_1 - p1).powi(2) + (p2 - low_2).powi(2)).sqrt();
    [change - low, change + high]
}

/// z, p-value and whether it is exact, where both periods have a hundred.
fn test([x1, n1, x2, n2]: Four) -> Option<(f64, f64, bool)> {
    if n1 < 100 || n2 < 100 {
        return None;
    }
    let (all_hits, all) = ((x1 + x2) as f64, (n1 + n2) as f64);
    let variance = all_hits / all * (1.0 - all_hits / all) * (1.0 / n1 as f64 + 1.0 / n2 as f64);
    let z = if variance > 0.0 { (x1 as f64 / n1 as f64 - x2 as f64 / n2 as f64) / variance.sqrt() } else { 0.0 };
    let expected = [n1, n2].map(|n| [n as f64 * all_hits / all, n as f64 * (all - all_hits) / all]);
    let exact = expected.iter().flatten().any(|count| *count < 5.0);
    let p = if exact { fisher([x1, n1, x2, n2]) } else { tail(z.abs()) };
    Some((z, p, exact))
}

/// Both tails of the normal density beyond z, by Simpson's rule.
fn tail(z: f64) -> f64 {
    const STEPS: i32 = 4000;
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let width = 12.0 / f64::from(STEPS);
    let weight = |step: i32| match step {
        0 | STEPS => 1.0,
        step if step % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=STEPS).map(|step| weight(step) * density(z + f64::from(step) * width)).sum();
    2.0 * sum * width / 3.0
}

fn fisher([x1, n1, x2, n2]: Four) -> f64 {
    let mut logs = vec![0.0];
    (1..=n1 + n2).for_each(|n| logs.push(logs.last().expect("one") + (n as f64).ln()));
    let ways = |n: i64, k: i64| logs[n as usize] - logs[k as usize] - logs[(n - k) as usize];
    let hits = x1 + x2;
    let table = |x: i64| (ways(n1, x) + ways(n2, hits - x) - ways(n1 + n2, hits)).exp();
    let tables = (0..=hits).filter(|x| *x <= n1 && hits - x <= n2).map(table);
    tables.filter(|probability| *probability <= table(x1) * (1.0 + 1e-7)).sum::<f64>().min(1.0)
}

/// For each test the least rate at which the rule rejects it: at a cut p(k) the rate is m p(k) / k.
fn q_values(tests: &[Option<(f64, f64, bool)>]) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = tests.iter().flatten().map(|(_, p, _)| *p).collect();
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len() as f64;
    let cuts: Vec<(f64, f64)> = sorted.iter().enumerate().map(|(at, p)| (*p, m * p / (at + 1) as f64)).collect();
    let least = |p: f64| cuts.iter().filter(|(cut, _)| *cut >= p).map(|(_, rate)| *rate).fold(1.0, f64::min);
    tests.iter().map(|test| test.map(|(_, p, _)| least(p))).collect()
}

/// Within and mix: each the mean of the changes that it alone would make from either end.
fn effects([x1, n1, x2, n2]: Four, [xx1, nn1, xx2, nn2]: Four) -> Option<[f64; 2]> {
    let (whole_now, whole_before) = (rate(xx1, nn1)?, rate(xx2, nn2)?);
    let (w1, w0) = (rate(n1, nn1)?, rate(n2, nn2)?);
    let (r1, r0) = match (rate(x1, n1), rate(x2, n2)) {
        (Some(r1), Some(r0)) => (r1, r0),
        (Some(only), None) | (None, Some(only)) => (only, only),
        (None, None) => return None,
    };
    let within = ((w1 * r1 - w1 * r0) + (w0 * r1 - w0 * r0)) / 2.0;
    let mix = ((w1 - w0) * (r1 - whole_now) + (w1 - w0) * (r0 - whole_before)) / 2.0;
    Some([within, mix])
}

fn mix_row(four: Four, whole: Four, own: Option<[f64; 2]>, overall: Option<[f64; 2]>) -> Row {
    let [x1, n1, x2, n2] = four;
    let (now, before) = (rate(x1, n1), rate(x2, n2));
    Row::from([
        ("recent_passed", x1.to_string()),
        ("recent_decided", n1.to_string()),
        ("baseline_passed", x2.to_string()),
        ("baseline_decided", n2.to_string()),
        ("recent_rate", number(now)),
        ("baseline_rate", number(before)),
        ("change", number(now.zip(before).map(|(now, before)| now - before))),
        ("recent_weight", number(rate(n1, whole[1]))),
        ("baseline_weight", number(rate(n2, whole[3]))),
        ("within_effect", number(own.map(|effects| effects[0]))),
        ("mix_effect", number(own.map(|effects| effects[1]))),
        ("overall_within_effect", number(overall.map(|effects| effects[0]))),
        ("overall_mix_effect", number(overall.map(|effects| effects[1]))),
    ])
}
