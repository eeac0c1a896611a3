//! The finishers alone, on counts that are drawn or made up.

use polars::prelude::{DataFrame, df};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{Row, drift, drift_mix, judged};
use crate::config::Drift;
use crate::report::Scope;

fn scope(rules: Drift) -> Scope {
    Scope { drift: rules, ..Scope::default() }
}

/// The four counts of a row: recent hits and n, baseline hits and n.
type Four = [i64; 4];

fn frame(metric: &str, rows: &[Four]) -> DataFrame {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<i64>>();
    let names: Vec<String> = (0..rows.len()).map(|index| format!("{index:03}")).collect();
    df!(
        "metric" => vec![metric; rows.len()], "id_type" => names,
        "recent_hits" => column(0), "recent_n" => column(1), "baseline_hits" => column(2), "baseline_n" => column(3),
    )
    .unwrap()
}

/// A binomial distribution, as the probabilities of at most 0, 1, … successes.
struct Binomial(Vec<f64>);

impl Binomial {
    fn new(n: u32, p: f64) -> Self {
        let ln_factorial = |k: u32| libm::lgamma(f64::from(k) + 1.0);
        let (ln_p, ln_q) = (p.ln(), (1.0 - p).ln());
        let mut sum = 0.0;
        let at_most = (0..=n).map(|k| {
            let ways = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
            sum += (ways + f64::from(k) * ln_p + f64::from(n - k) * ln_q).exp();
            sum
        });
        Binomial(at_most.collect())
    }

    fn draw(&self, chance: &mut ChaCha8Rng) -> i64 {
        let uniform = (chance.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        self.0.partition_point(|at_most| *at_most <= uniform) as i64
    }
}

/// Forty segments of different rates, each drawn anew for a seed; the first may have lost some points.
struct Forty {
    n: [u32; 2],
    draws: Vec<[Binomial; 2]>,
}

impl Forty {
    fn new(n: [u32; 2], lowest: f64, highest: f64, lost: f64) -> Self {
        let rates = (0..40).map(|segment| lowest + (highest - lowest) * f64::from(segment) / 39.0);
        let lost = |segment: usize| if segment == 0 { lost } else { 0.0 };
        let draws =
            rates.enumerate().map(|(at, rate)| [Binomial::new(n[0], rate - lost(at)), Binomial::new(n[1], rate)]);
        Forty { n, draws: draws.collect() }
    }

    /// What the rules say of the draws of one seed; the planted row is the first.
    fn judged(&self, metric: &str, rules: &Drift, seed: u64) -> Vec<Row> {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let [n, before] = self.n.map(i64::from);
        let mut row =
            |[recent, baseline]: &[Binomial; 2]| [recent.draw(&mut chance), n, baseline.draw(&mut chance), before];
        let rows: Vec<Four> = self.draws.iter().map(&mut row).collect();
        judged(&frame(metric, &rows), rules).unwrap()
    }

    /// By seed, whether the planted row is flagged, and the share of false ones among the flagged.
    fn trials(&self, metric: &str, rules: &Drift, flagged: fn(&Row) -> bool, seeds: u64) -> (usize, Vec<f64>) {
        let (mut found, mut false_shares) = (0, Vec::new());
        for seed in 0..seeds {
            let rows = self.judged(metric, rules, seed);
            let wrong = rows[1..].iter().filter(|row| flagged(row)).count();
            let right = usize::from(flagged(&rows[0]));
            found += right;
            false_shares.push(if wrong == 0 { 0.0 } else { wrong as f64 / (wrong + right) as f64 });
        }
        (found, false_shares)
    }
}

/// The mean, and what it may be over its expectation by chance: three standard errors.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    (mean, 3.0 * (variance / n).sqrt())
}

#[test]
fn five_points_lost_by_one_segment_of_forty_are_flagged_and_nothing_else() {
    let forty = Forty::new([3000, 12_000], 0.85, 0.97, 0.05);
    let (found, false_shares) = forty.trials("pass_rate", &Drift::default(), |row| row.flagged, 100);
    assert!(found >= 99, "found in {found} of 100");
    let (share, margin) = mean(&false_shares);
    assert!(share <= 0.05 + margin, "of the flags {share} are false");
    assert!(share <= 0.01, "the least change keeps chance out of it: {share}");
}

#[test]
fn without_a_least_change_the_share_of_false_flags_is_the_stated_rate() {
    let rules = Drift { least_change: 0.0, ..Drift::default() };
    let forty = Forty::new([3000, 12_000], 0.85, 0.97, 0.05);
    let (found, false_shares) = forty.trials("pass_rate", &rules, |row| row.flagged, 1000);
    let (share, margin) = mean(&false_shares);
    assert!(found >= 998 && share <= 0.05 + margin, "found {found}, false {share} ± {margin}");
    assert!(share > 0.02, "so many draws must show some by chance, not {share}");
    let alone = |row: &Row| row.test.is_some_and(|test| test.p_value <= 0.05);
    let (share, _) = mean(&forty.trials("pass_rate", &rules, alone, 200).1);
    assert!(share > 0.4, "p-values alone would be false more often than {share}");
}

#[test]
fn where_nothing_changed_few_seeds_flag_anything_even_of_rare_codes() {
    let rules = Drift { least_change: 0.0, least_share_change: 0.0, ..Drift::default() };
    for (metric, lowest, highest) in [("pass_rate", 0.7, 0.97), ("code_share", 0.001, 0.02)] {
        let forty = Forty::new([500, 2000], lowest, highest, 0.0);
        let (_, false_shares) = forty.trials(metric, &rules, |row| row.flagged, 500);
        let (share, margin) = mean(&false_shares);
        assert!(share <= 0.05 + margin, "{metric}: {share} ± {margin}");
    }
}

#[test]
fn too_few_are_not_tested_and_a_rate_of_nothing_is_null() {
    let rows = [[0, 0, 50, 99], [40, 99, 900, 1000], [40, 100, 90, 100], [10, 10, 0, 0]];
    let done = drift(frame("pass_rate", &rows), &scope(Drift::default())).unwrap();
    let number = |name: &str| done.column(name).unwrap().f64().unwrap().iter().collect::<Vec<_>>();
    let mark = |name: &str| done.column(name).unwrap().bool().unwrap().iter().flatten().collect::<Vec<_>>();
    let word = |name: &str| {
        let column = done.column(name).unwrap().str().unwrap().clone();
        column.iter().map(|word| word.unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(word("id_type"), ["002", "001", "000", "003"], "flagged, then by change, then without one");
    assert_eq!(mark("tested"), [true, false, false, false]);
    assert_eq!(mark("flagged"), [true, false, false, false]);
    assert_eq!(word("test"), ["two_proportion", "-", "-", "-"]);
    assert_eq!(word("direction"), ["down", "-", "-", "-"]);
    assert_eq!(number("recent_rate")[1..], [Some(40.0 / 99.0), None, Some(1.0)]);
    assert_eq!(number("baseline_rate")[2..], [Some(50.0 / 99.0), None]);
    assert_eq!(number("change")[2..], [None, None]);
    assert!(number("q_value")[0].is_some() && number("q_value")[1..].iter().all(Option::is_none));
}

#[test]
fn a_change_of_just_the_least_is_flagged_and_a_smaller_one_is_not() {
    let rows = [[77_000, 100_000, 80_000, 100_000], [77_001, 100_000, 80_000, 100_000]];
    let rows = judged(&frame("pass_rate", &rows), &Drift::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.flagged).collect::<Vec<_>>(), [true, false]);
    assert!(rows.iter().all(|row| row.q_value.is_some_and(|q| q < 1e-9)), "both are far from chance");
    let share = judged(&frame("code_share", &[[77_001, 100_000, 80_000, 100_000]]), &Drift::default()).unwrap();
    assert!(share[0].flagged, "shares have a limit of their own");
}

#[test]
fn the_worst_stand_first_and_nothing_is_lost() {
    let rows = [[80, 100, 80, 100], [50, 100, 80, 100], [8, 10, 9, 10], [900, 1000, 700, 1000], [85, 100, 80, 100]];
    let done = drift(frame("pass_rate", &rows), &scope(Drift::default())).unwrap();
    let names = done.column("id_type").unwrap().str().unwrap().clone();
    assert_eq!(names.iter().flatten().collect::<Vec<_>>(), ["003", "001", "004", "000", "002"]);
    assert_eq!(drift(frame("pass_rate", &[]), &scope(Drift::default())).unwrap().height(), 0);
}

/// A frame as the SQL of `drift_mix` gives it: provider, and recent passed, decided, baseline passed, decided.
fn mix_frame(rows: &[(&str, Four)]) -> DataFrame {
    let column = |at: usize| rows.iter().map(|(_, row)| row[at]).collect::<Vec<i64>>();
    let none = vec![None::<&str>; rows.len()];
    df!(
        "provider" => rows.iter().map(|(provider, _)| *provider).collect::<Vec<_>>(),
        "product" => none.clone(), "country" => none,
        "id_type" => (0..rows.len()).map(|index| format!("{index:03}")).collect::<Vec<_>>(),
        "recent_passed" => column(0), "recent_decided" => column(1),
        "baseline_passed" => column(2), "baseline_decided" => column(3),
    )
    .unwrap()
}

/// The columns of `drift_mix` by name, in the order of the rows.
fn mixed(rows: &[(&str, Four)]) -> impl Fn(&str) -> Vec<Option<f64>> {
    let done = drift_mix(mix_frame(rows), &scope(Drift::default())).unwrap();
    move |name| done.column(name).unwrap().f64().unwrap().iter().collect()
}

#[test]
fn a_shift_of_traffic_at_constant_rates_is_mix_alone() {
    let column = mixed(&[("smile_id", [270, 300, 810, 900]), ("smile_id", [350, 700, 50, 100])]);
    assert_eq!(column("within_effect"), [Some(0.0); 4]);
    let close = |name: &str, expected: [f64; 4]| {
        let found = column(name);
        let near = found.iter().zip(expected).all(|(found, expected)| (found.unwrap() - expected).abs() < 1e-12);
        assert!(near, "{name}: {found:?}");
    };
    // From 0.86 to 0.62, the mean is 0.74: (0.7 − 0.1)(0.5 − 0.74) and (0.3 − 0.9)(0.9 − 0.74).
    close("change", [-0.24, -0.24, 0.0, 0.0]);
    close("mix_effect", [-0.24, -0.24, -0.144, -0.096]);
}

#[test]
fn a_segment_that_one_period_lacks_is_mix() {
    let column = mixed(&[("jumio", [80, 100, 160, 200]), ("jumio", [10, 100, 0, 0]), ("jumio", [0, 0, 90, 100])]);
    assert!(column("within_effect").iter().all(|effect| *effect == Some(0.0)));
    assert!((column("mix_effect")[0].unwrap() - (0.45 - 250.0 / 300.0)).abs() < 1e-12);
}

#[test]
fn without_a_period_there_is_no_change_to_split() {
    let column = mixed(&[("jumio", [0, 0, 160, 200]), ("smile_id", [9, 10, 8, 10])]);
    assert!(column("change")[0].is_some(), "over all providers both periods have something");
    assert_eq!(column("within_effect")[1..3], [None, None]);
    assert!(column("overall_mix_effect").iter().all(Option::is_some));
}

fn some_counts() -> impl Strategy<Value = (&'static str, Four)> {
    let pair = || (0i64..500, 0i64..500).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let provider = prop_oneof![Just("jumio"), Just("smile_id")];
    (provider, pair(), pair())
        .prop_map(|(provider, recent, baseline)| (provider, [recent.0, recent.1, baseline.0, baseline.1]))
}

proptest! {
    #[test]
    fn the_effects_of_all_segments_are_the_whole_change(rows in proptest::collection::vec(some_counts(), 1..12)) {
        let done = drift_mix(mix_frame(&rows), &scope(Drift::default())).unwrap();
        let number = |name: &str| done.column(name).unwrap().f64().unwrap().iter().collect::<Vec<_>>();
        let providers = done.column("provider").unwrap().str().unwrap().clone();
        let totals = done.column("is_total").unwrap().bool().unwrap().clone();
        let rows: Vec<_> = providers.iter().map(|p| p.map(str::to_owned)).zip(totals.iter().flatten()).collect();
        for (at, (whole, _)) in rows.iter().enumerate().filter(|(_, (_, is_total))| *is_total) {
            let ends = if whole.is_some() { "" } else { "overall_" };
            let [within, mix] = ["within_effect", "mix_effect"].map(|name| number(&format!("{ends}{name}")));
            let Some(change) = number("change")[at] else {
                prop_assert_eq!(within[at], None);
                continue;
            };
            prop_assert!((within[at].unwrap() + mix[at].unwrap() - change).abs() < 1e-12);
            let parts = rows.iter().enumerate().filter(|(_, (p, is_total))| !is_total && (whole.is_none() || p == whole));
            let sum: f64 = parts.map(|(part, _)| within[part].unwrap() + mix[part].unwrap()).sum();
            prop_assert!((sum - change).abs() < 1e-12);
        }
    }
}
