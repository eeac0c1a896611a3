//! Intervals and tests for rates. Not here: which rates there are, what is said about them (`report`).

/// The 97.5 % point of the standard normal distribution: two-sided 95 % intervals.
const Z95: f64 = 1.959_963_984_540_054;

/// The Wilson score interval of a proportion at 95 %, as `(low, high)` in 0 to 1; `None` for no trials.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209–212.
pub fn wilson(successes: u64, trials: u64) -> Option<(f64, f64)> {
    wilson_at(successes, trials, Z95)
}

/// The Wilson score interval at another confidence: `z` is the normal deviate of each bound.
pub fn wilson_at(successes: u64, trials: u64, z: f64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (n, z2) = (trials as f64, z * z);
    let p = successes as f64 / n;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // Where all or none succeed one bound is exact; rounding must not move it.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}

/// The 95 % interval of a difference of two independent proportions, first minus second, in -1 to 1: the hybrid of their
/// Wilson intervals; `None` where one of them is of nothing.
///
/// R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven methods",
/// Statistics in Medicine 17 (1998), 873–890, method 10.
pub fn newcombe(first: (u64, u64), second: (u64, u64)) -> Option<(f64, f64)> {
    let ((low_1, high_1), (low_2, high_2)) = (wilson(first.0, first.1)?, wilson(second.0, second.1)?);
    let (p1, p2) = (first.0 as f64 / first.1 as f64, second.0 as f64 / second.1 as f64);
    let difference = p1 - p2;
    Some((difference - (p1 - low_1).hypot(high_2 - p2), difference + (high_1 - p1).hypot(p2 - low_2)))
}

/// A test of whether two samples have the same proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoProportions {
    /// The difference, first minus second, in standard errors under equality; 0 where all or none succeeded.
    pub z: f64,
    /// Two-sided.
    pub p_value: f64,
    /// Whether the p-value is Fisher's exact one and not the normal tail beyond z.
    pub exact: bool,
}

/// The pooled two-proportion z test, two-sided; `None` where one of the samples is empty. Where one of the four counts
/// expected under equality is below 5 the normal tail is not to be trusted, and Fisher's exact p-value stands in for it.
///
/// With p = (x1 + x2) / (n1 + n2) is z = (x1/n1 − x2/n2) / sqrt(p (1 − p) (1/n1 + 1/n2)).
/// Least expected counts: W. G. Cochran, "Some methods for strengthening the common χ² tests", Biometrics 10 (1954), 417–451.
pub fn two_proportions(first: (u64, u64), second: (u64, u64)) -> Option<TwoProportions> {
    let ((x1, n1), (x2, n2)) = (first, second);
    if n1 == 0 || n2 == 0 {
        return None;
    }
    let (m1, m2) = (n1 as f64, n2 as f64);
    let pooled = (x1 + x2) as f64 / (m1 + m2);
    let error = (pooled * (1.0 - pooled) * (1.0 / m1 + 1.0 / m2)).sqrt();
    let z = if error > 0.0 { (x1 as f64 / m1 - x2 as f64 / m2) / error } else { 0.0 };
    let exact = m1.min(m2) * pooled.min(1.0 - pooled) < LEAST_EXPECTED;
    let p_value = if exact { fisher(first, second) } else { libm::erfc(z.abs() / std::f64::consts::SQRT_2) };
    Some(TwoProportions { z, p_value, exact })
}

/// Expected counts from which the normal tail is used.
const LEAST_EXPECTED: f64 = 5.0;

/// Fisher's exact test of two proportions, two-sided: the probability, all four margins given, of the tables that are no
/// more probable than the one seen.
///
/// R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98 (1935), 39–82.
pub fn fisher(first: (u64, u64), second: (u64, u64)) -> f64 {
    let ((x1, n1), (x2, n2)) = (first, second);
    let hits = x1 + x2;
    let ln_of = |x: u64| ln_choose(n1, x) + ln_choose(n2, hits - x) - ln_choose(n1 + n2, hits);
    // Tables that are equally probable must count although their logarithms differ in the last digits.
    let seen = ln_of(x1) + 1e-7;
    let as_rare = (hits.saturating_sub(n2)..=hits.min(n1)).map(ln_of).filter(|ln| *ln <= seen);
    as_rare.map(f64::exp).sum::<f64>().min(1.0)
}

fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// The q-values of p-values, in their order: rejecting all with a q-value of at most r keeps the expected share of false
/// rejections at most r. For the i-th smallest of m p-values it is the least of m p(j) / j over all j ≥ i, at most 1.
///
/// Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57 (1995),
/// 289–300.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let (mut q_values, mut least) = (vec![1.0; p_values.len()], 1.0_f64);
    for (rank, index) in order.iter().enumerate().rev() {
        least = least.min(p_values[*index] * p_values.len() as f64 / (rank + 1) as f64);
        q_values[*index] = least;
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_published_values() {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 0/20, 1/29.
        for (r, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (l, h) = wilson(r, n).unwrap();
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{r}/{n}: {l} {h}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn newcombe_agrees_with_published_values() {
        // Table II of the paper, method 10: comparisons (a) to (e), (g).
        let near = |value: f64, expected: f64| (value - expected).abs() < 5e-5;
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let (l, h) = newcombe(first, second).unwrap();
            assert!(near(l, low) && near(h, high), "{first:?} {second:?}: {l} {h}");
        }
        assert_eq!(newcombe((0, 0), (1, 2)), None);
    }

    #[test]
    fn two_proportions_agree_with_published_values() {
        // Heart attacks in the Physicians' Health Study (NEJM 318, 1988, 262–264): placebo 189 of 11034, aspirin 104 of 11037.
        // A. Agresti, Categorical Data Analysis: X² = z² = 25.01.
        let test = two_proportions((189, 11_034), (104, 11_037)).unwrap();
        assert!((test.z * test.z - 25.01).abs() < 0.005 && !test.exact, "{test:?}");
        // Computed with statsmodels 0.15, proportions_ztest.
        for (first, second, z, p_value) in [
            ((83, 100), (63, 90), 2.1209900998675097, 0.033922635564693174),
            ((56, 70), (48, 80), 2.6501719512585336, 0.00804508136819656),
            ((1700, 2000), (7000, 8000), -2.973505167250266, 0.002944194493609881),
            ((140, 1000), (90, 1000), 3.5045676760368583, 0.00045734930931179716),
        ] {
            let test = two_proportions(first, second).unwrap();
            assert!((test.z - z).abs() < 1e-12 && (test.p_value / p_value - 1.0).abs() < 1e-12, "{test:?}");
        }
        assert_eq!(two_proportions((0, 0), (1, 2)), None);
        let all = two_proportions((500, 500), (900, 900)).unwrap();
        assert!(all.z == 0.0 && (all.p_value - 1.0).abs() < 1e-9, "{all:?}");
    }

    #[test]
    fn few_expected_are_tested_exactly() {
        // The lady tasting tea (R. A. Fisher, The Design of Experiments, 1935): 17/35 two-sided.
        assert!((fisher((3, 4), (1, 4)) - 17.0 / 35.0).abs() < 1e-12);
        // Computed with scipy 1.17, fisher_exact.
        assert!((fisher((10, 12), (2, 15)) - 0.00043523130075828965).abs() < 1e-12);
        for (first, second, p_value) in [
            ((8, 10), (1, 6), 0.034965034965034975),
            ((20, 400), (0, 5000), 1.5808751622351093e-23),
            ((0, 300), (14, 900), 0.0272735414260762),
            ((1, 100), (0, 1_000_000), 9.99900009878807e-05),
            ((2, 150), (30, 6000), 0.1829823933322436),
        ] {
            let test = two_proportions(first, second).unwrap();
            let off = test.p_value / p_value - 1.0;
            assert!(test.exact && off.abs() < 1e-6, "{first:?} {second:?}: {test:?}");
        }
        assert!(!two_proportions((10, 100), (10, 100)).unwrap().exact);
    }

    #[test]
    fn benjamini_hochberg_agrees_with_the_example_of_the_paper() {
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let q_values = benjamini_hochberg(&p_values);
        let rejected = |values: &[f64]| values.iter().filter(|q| **q <= 0.05).count();
        assert_eq!((rejected(&q_values), rejected(&q_values[..4])), (4, 4), "the first four, as the paper says");
        // Computed with statsmodels 0.15, multipletests(method="fdr_bh").
        let expected = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714285714286, 0.06385714285714286, 0.0645];
        assert!(q_values.iter().zip(expected).all(|(q, e)| (q - e).abs() < 1e-15), "{q_values:?}");
        let mut backwards = p_values;
        backwards.reverse();
        let mut same = benjamini_hochberg(&backwards);
        same.reverse();
        assert_eq!(same, q_values, "the order in which they are tested plays no part");
        assert!(benjamini_hochberg(&[]).is_empty());
    }
}
