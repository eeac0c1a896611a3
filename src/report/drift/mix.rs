//! `drift_mix`: the change of a pass rate, split into change within segments and change of their mix.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::{Scope, marks, numbers, rate, words};
use crate::error::Result;
use crate::report::columns::{counts, texts};

/// Passed and decided in both periods, of a segment or of a whole.
#[derive(Clone, Copy, Default)]
struct Counts {
    recent: (u64, u64),
    baseline: (u64, u64),
}

/// What a segment, or all segments of a provider, add to the change of a whole.
#[derive(Clone, Copy, Default)]
struct Effects {
    within: f64,
    mix: f64,
}

/// One row of the report; `keys` are product, country and ID type.
struct Row {
    provider: Option<String>,
    keys: [Option<String>; 3],
    is_total: bool,
    counts: Counts,
    /// Passed and decided of the provider, or over all for the row over all.
    whole: Counts,
    /// On the provider's rate; `None` where it has none in one of the periods.
    effects: Option<Effects>,
    /// On the rate over all providers.
    overall: Option<Effects>,
}

/// Adds weights and effects to the segments of `drift_mix`, and the total rows: the one over all first, then by provider
/// its total and its segments, the greatest effect first.
///
/// # Errors
/// When a column is not there or not of its type.
pub fn drift_mix(frame: DataFrame, _: &Scope) -> Result<DataFrame> {
    let segments = segments(&frame)?;
    let mut over_all = Counts::default();
    let mut providers: BTreeMap<Option<String>, Vec<Row>> = BTreeMap::new();
    for segment in segments {
        over_all += segment.counts;
        providers.entry(segment.provider.clone()).or_default().push(segment);
    }
    let mut rows = Vec::new();
    let mut overall = over_all.rates().map(|_| Effects::default());
    for (provider, mut segments) in providers {
        let mut whole = Counts::default();
        segments.iter().for_each(|segment| whole += segment.counts);
        for segment in &mut segments {
            segment.whole = whole;
            segment.effects = segment.counts.effects(&whole);
            segment.overall = segment.counts.effects(&over_all);
        }
        let total = Row::total(provider, whole, sum(&segments, |row| row.effects), sum(&segments, |row| row.overall));
        overall = overall.zip(total.overall).map(|(mut sum, part)| {
            sum += part;
            sum
        });
        // Equal ones stay in the order of their keys.
        segments.sort_by(|a, b| b.size().total_cmp(&a.size()));
        rows.push(total);
        rows.extend(segments);
    }
    if !rows.is_empty() {
        rows.insert(0, Row::total(None, over_all, overall, overall));
    }
    written(&rows)
}

impl Counts {
    /// The recent rate and that of the baseline; `None` where a period has none.
    fn rates(&self) -> Option<(f64, f64)> {
        rate(self.recent).zip(rate(self.baseline))
    }

    /// Parts of the whole in the recent period and in the baseline.
    fn weights(&self, whole: &Counts) -> (Option<f64>, Option<f64>) {
        (rate((self.recent.1, whole.recent.1)), rate((self.baseline.1, whole.baseline.1)))
    }

    /// The midpoint decomposition: with weights w and rates r of the segment and R of the whole, recent (1) and baseline (0),
    ///
    ///     within = (w0 + w1) / 2 · (r1 − r0)
    ///     mix    = (w1 − w0) · ((r0 + r1) / 2 − (R0 + R1) / 2)
    ///
    /// A segment that one period lacks has no change within it; in `mix` its only rate stands for both. Summed over the
    /// segments of a whole the effects are R1 − R0.
    ///
    /// E. M. Kitagawa, "Components of a difference between two rates", JASA 50 (1955), 1168–1194.
    fn effects(&self, whole: &Counts) -> Option<Effects> {
        let (recent_whole, baseline_whole) = whole.rates()?;
        let (recent_weight, baseline_weight) = self.weights(whole);
        let (w1, w0) = (recent_weight?, baseline_weight?);
        let (r1, r0) = (rate(self.recent).or(rate(self.baseline))?, rate(self.baseline).or(rate(self.recent))?);
        let middle = (recent_whole + baseline_whole) / 2.0;
        Some(Effects { within: (w0 + w1) / 2.0 * (r1 - r0), mix: (w1 - w0) * ((r0 + r1) / 2.0 - middle) })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        for (sum, part) in [(&mut self.recent, other.recent), (&mut self.baseline, other.baseline)] {
            *sum = (sum.0 + part.0, sum.1 + part.1);
        }
    }
}

impl AddAssign for Effects {
    fn add_assign(&mut self, other: Effects) {
        self.within += other.within;
        self.mix += other.mix;
    }
}

impl Row {
    fn total(provider: Option<String>, whole: Counts, effects: Option<Effects>, overall: Option<Effects>) -> Self {
        Row { provider, keys: [None, None, None], is_total: true, counts: whole, whole, effects, overall }
    }

    /// How much a segment matters for the change of its provider.
    fn size(&self) -> f64 {
        self.effects.map_or(-1.0, |effects| (effects.within + effects.mix).abs())
    }
}

fn sum(rows: &[Row], of: fn(&Row) -> Option<Effects>) -> Option<Effects> {
    let mut sum = Effects::default();
    for row in rows {
        sum += of(row)?;
    }
    Some(sum)
}

fn segments(frame: &DataFrame) -> Result<Vec<Row>> {
    let [providers, products] = [texts(frame, "provider")?, texts(frame, "product")?];
    let [countries, id_types] = [texts(frame, "country")?, texts(frame, "id_type")?];
    let [passed, decided] = [counts(frame, "recent_passed")?, counts(frame, "recent_decided")?];
    let [passed_before, decided_before] = [counts(frame, "baseline_passed")?, counts(frame, "baseline_decided")?];
    let row = |index: usize| Row {
        provider: providers[index].clone(),
        keys: [&products, &countries, &id_types].map(|texts| texts[index].clone()),
        is_total: false,
        counts: Counts {
            recent: (passed[index], decided[index]),
            baseline: (passed_before[index], decided_before[index]),
        },
        whole: Counts::default(),
        effects: None,
        overall: None,
    };
    Ok((0..frame.height()).map(row).collect())
}

fn written(rows: &[Row]) -> Result<DataFrame> {
    let text = |name: &str, of: &dyn Fn(&Row) -> Option<&str>| words(name, rows.iter().map(of).collect());
    let count = |name: &str, of: fn(&Counts) -> u64| {
        let values: Vec<i64> = rows.iter().map(|row| i64::try_from(of(&row.counts)).unwrap_or(i64::MAX)).collect();
        Series::new(name.into(), values).into_column()
    };
    let number = |name: &str, of: fn(&Row) -> Option<f64>| numbers(name, rows.iter().map(of).collect());
    let columns: Vec<Column> = vec![
        text("provider", &|row| row.provider.as_deref()),
        text("product", &|row| row.keys[0].as_deref()),
        text("country", &|row| row.keys[1].as_deref()),
        text("id_type", &|row| row.keys[2].as_deref()),
        marks("is_total", rows.iter().map(|row| row.is_total).collect()),
        count("recent_passed", |counts| counts.recent.0),
        count("recent_decided", |counts| counts.recent.1),
        count("baseline_passed", |counts| counts.baseline.0),
        count("baseline_decided", |counts| counts.baseline.1),
        number("recent_rate", |row| rate(row.counts.recent)),
        number("baseline_rate", |row| rate(row.counts.baseline)),
        number("change", |row| row.counts.rates().map(|(recent, baseline)| recent - baseline)),
        number("recent_weight", |row| row.counts.weights(&row.whole).0),
        number("baseline_weight", |row| row.counts.weights(&row.whole).1),
        number("within_effect", |row| row.effects.map(|effects| effects.within)),
        number("mix_effect", |row| row.effects.map(|effects| effects.mix)),
        number("overall_within_effect", |row| row.overall.map(|effects| effects.within)),
        number("overall_mix_effect", |row| row.overall.map(|effects| effects.mix)),
    ];
    Ok(DataFrame::new(rows.len(), columns)?)
}
