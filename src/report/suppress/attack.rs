//! Somebody who has all files of a run and tries to compute back what is withheld. Knows nothing of the code under test:
//! the equations are those of single verifications, counted by hand. Any number of people of every conceivable sort.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use polars::prelude::{DataFrame, NamedFrom, Series};
use proptest::prelude::*;

use super::*;
use crate::report::spec::spec;

const PROVIDERS: [&str; 2] = ["smile_id", "jumio"];
const OUTCOMES: [&str; 8] = ["passed", "failed", "review", "incomplete", "unavailable", "error", "pending", "unknown"];

/// A sort of verification: everything that reports tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sort {
    provider: usize,
    product: usize,
    authority: usize,
    day: usize,
    code: usize,
    outcome: usize,
    receipt: bool,
}

/// Every conceivable sort.
fn sorts() -> Vec<Sort> {
    let mut sorts = Vec::new();
    for n in 0..2 * 2 * 2 * 3 * 2 * 3 * 2 {
        let mut rest = n;
        let mut digit = |base: usize| {
            let digit = rest % base;
            rest /= base;
            digit
        };
        sorts.push(Sort {
            provider: digit(2),
            product: digit(2),
            authority: digit(2),
            day: digit(3),
            code: digit(2),
            outcome: digit(3),
            receipt: digit(2) == 1,
        });
    }
    // Jumio issues no receipts, and nobody has thought otherwise.
    sorts.retain(|s| s.provider == 0 || !s.receipt);
    sorts
}

type Value = Option<String>;
type Counts<'a> = Vec<(&'static str, Box<dyn Fn(&Sort) -> bool + 'a>)>;

/// A report as somebody would count it by hand.
struct View {
    name: &'static str,
    keys: Vec<&'static str>,
    key: fn(&Sort) -> Option<Vec<Value>>,
    receipts: bool,
    /// The last column counts all that agree in the first two keys.
    product_total: bool,
}

fn text(prefix: &str, n: usize) -> Value {
    // The second of everything has no name: NULL is a value.
    (n != 1).then(|| format!("{prefix}{n}"))
}

fn provider(s: &Sort) -> Value {
    Some(PROVIDERS[s.provider].to_owned())
}

fn views() -> Vec<View> {
    let view = |name, keys: &[&'static str], key| View {
        name,
        keys: keys.to_vec(),
        key,
        receipts: false,
        product_total: false,
    };
    vec![
        view("pass_rates_by_provider", &["provider"], |s| Some(vec![provider(s)])),
        view("pass_rates_by_product", &["provider", "product"], |s| {
            Some(vec![provider(s), text("product", s.product)])
        }),
        view("pass_rates_by_id_type", &["provider", "country", "id_type"], |s| {
            Some(vec![provider(s), text("country", s.authority), Some("BVN".to_owned())])
        }),
        view("pass_rates_daily", &["local_date", "provider"], |s| Some(vec![text("day", s.day), provider(s)])),
        View {
            product_total: true,
            ..view("error_codes", &["provider", "product", "result_code", "error_code", "outcome"], |s| {
                let outcome = Some(OUTCOMES[s.outcome].to_owned());
                Some(vec![provider(s), text("product", s.product), text("code", s.code), None, outcome])
            })
        },
        View {
            receipts: true,
            ..view("receipts_coverage", &["provider", "product", "outcome"], |s| {
                let key = vec![provider(s), text("product", s.product), Some(OUTCOMES[s.outcome].to_owned())];
                (s.provider == 0 && s.outcome < 2).then_some(key)
            })
        },
    ]
}

impl View {
    fn counts(&self) -> Counts<'static> {
        let mut counts: Counts = vec![("verifications", Box::new(|_| true))];
        if self.receipts {
            counts.push(("with_receipt", Box::new(|s| s.receipt)));
            counts.push(("without_receipt", Box::new(|s| !s.receipt)));
        } else if !self.product_total {
            for (index, name) in OUTCOMES.iter().enumerate() {
                counts.push((name, Box::new(move |s| s.outcome == index)));
            }
            counts.push(("decided", Box::new(|s| s.outcome < 2)));
        }
        counts
    }

    /// The rows that have anybody, in order.
    fn rows(&self, people: &[(Sort, u64)]) -> Vec<Vec<Value>> {
        let mut rows: Vec<Vec<Value>> =
            people.iter().filter(|(_, n)| *n > 0).filter_map(|(s, _)| (self.key)(s)).collect();
        rows.sort();
        rows.dedup();
        rows
    }

    /// The keys as a file has them.
    fn keys_of(&self, table: &Table) -> Vec<Vec<Value>> {
        let key =
            |name: &&str, row: usize| table.frame.column(name).unwrap().str().unwrap().get(row).map(str::to_owned);
        (0..table.frame.height()).map(|row| self.keys.iter().map(|name| key(name, row)).collect()).collect()
    }

    fn table(&self, people: &[(Sort, u64)]) -> Table {
        let rows = self.rows(people);
        let mut columns = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            columns.push(Series::new((*key).into(), rows.iter().map(|r| r[index].clone()).collect::<Vec<_>>()));
        }
        let sum = |which: &dyn Fn(&Sort) -> bool| people.iter().filter(|(s, _)| which(s)).map(|(_, n)| *n as i64).sum();
        for (name, count) in self.counts() {
            let of = |row: &Vec<Value>| sum(&|s| (self.key)(s).as_ref() == Some(row) && count(s));
            columns.push(Series::new(name.into(), rows.iter().map(of).collect::<Vec<i64>>()));
        }
        if self.product_total {
            let of = |row: &Vec<Value>| sum(&|s| (self.key)(s).is_some_and(|key| key[..2] == row[..2]));
            columns.push(Series::new("product_verifications".into(), rows.iter().map(of).collect::<Vec<i64>>()));
        }
        let frame = DataFrame::new(rows.len(), columns.into_iter().map(IntoColumn::into_column).collect()).unwrap();
        Table { name: self.name.to_owned(), spec: spec(self.name), frame }
    }
}

/// What a file says: which sorts of people a cell counts, and how many there are, if it is shown.
struct Reading {
    place: String,
    counts: Vec<usize>,
    shown: Option<i64>,
}

fn read(view: &View, table: &Table, sorts: &[Sort], known: &[Vec<Value>]) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut add = |column: &str, which: &dyn Fn(&Vec<Value>, &Sort) -> bool| {
        let numbers = table.frame.column(column).unwrap().i64().unwrap().clone();
        for (row, key) in known.iter().enumerate() {
            let counts = (0..sorts.len()).filter(|s| which(key, &sorts[*s])).collect();
            let place = format!("{} {column} {key:?}", view.name);
            readings.push(Reading { place, counts, shown: numbers.get(row) });
        }
    };
    for (name, count) in view.counts() {
        add(name, &|key, s| (view.key)(s).as_ref() == Some(key) && count(s));
    }
    if view.product_total {
        add("product_verifications", &|key, s| (view.key)(s).is_some_and(|own| own[..2] == key[..2]));
    }
    // A row that is not there is nobody.
    let absent = (0..sorts.len()).filter(|s| (view.key)(&sorts[*s]).is_some_and(|key| !known.contains(&key))).collect();
    readings.push(Reading { place: format!("{}: the rest", view.name), counts: absent, shown: Some(0) });
    readings
}

/// A withheld figure may be at least so many numbers, or it is as good as known.
const VALUES: i64 = 4;

/// The withheld readings that fewer whole numbers fit.
fn recovered(sorts: usize, readings: &[Reading]) -> Vec<String> {
    let hidden: Vec<&Reading> = readings.iter().filter(|r| r.shown.is_none()).collect();
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); hidden.len()];
    let mut pinned = Vec::new();
    for index in 0..hidden.len() {
        for direction in [OptimizationDirection::Maximize, OptimizationDirection::Minimize] {
            let (low, high) = ranges[index];
            if whole(low, high) < VALUES {
                let Some(people) = solve(sorts, readings, hidden[index], direction) else { continue };
                for (range, reading) in ranges.iter_mut().zip(&hidden) {
                    let sum: f64 = reading.counts.iter().map(|s| people[*s]).sum();
                    *range = (range.0.min(sum), range.1.max(sum));
                }
            }
        }
        if whole(ranges[index].0, ranges[index].1) < VALUES {
            pinned.push(format!("{} within {:?}", hidden[index].place, ranges[index]));
        }
    }
    pinned
}

/// How many whole numbers lie in a range.
fn whole(low: f64, high: f64) -> i64 {
    if low > high { 0 } else { (high + 1e-6).floor() as i64 - (low - 1e-6).ceil() as i64 + 1 }
}

/// People that fit all that is shown, with as many or as few as possible of one reading.
fn solve(sorts: usize, readings: &[Reading], goal: &Reading, direction: OptimizationDirection) -> Option<Vec<f64>> {
    let mut problem = Problem::new(direction);
    let people: Vec<Variable> =
        (0..sorts).map(|s| problem.add_var(if goal.counts.contains(&s) { 1.0 } else { 0.0 }, (0.0, 1e4))).collect();
    for reading in readings {
        let terms: Vec<(Variable, f64)> = reading.counts.iter().map(|s| (people[*s], 1.0)).collect();
        match reading.shown {
            _ if terms.is_empty() => {}
            Some(shown) => problem.add_constraint(&terms, ComparisonOp::Eq, shown as f64),
            // Zero is never withheld, as anybody can read.
            None => problem.add_constraint(&terms, ComparisonOp::Ge, 1.0),
        }
    }
    let solution = problem.solve().ok()?.into_solution().ok()?;
    Some(people.iter().map(|v| solution.var_value(*v)).collect())
}

fn attack(people: &[(Sort, u64)], threshold: u64) -> Vec<String> {
    let (sorts, views) = (sorts(), views());
    let tables = circulate(views.iter().map(|view| view.table(people)).collect(), threshold).unwrap();
    let mut readings = Vec::new();
    for (view, table) in views.iter().zip(&tables) {
        readings.extend(read(view, table, &sorts, &view.keys_of(table)));
    }
    recovered(sorts.len(), &readings)
}

#[test]
fn the_attacker_finds_what_is_not_protected() {
    let people: Vec<(Sort, u64)> = sorts().into_iter().map(|s| (s, if s.day == 0 { 1 } else { 40 })).collect();
    let (sorts, views) = (sorts(), views());
    let mut readings = Vec::new();
    for view in &views {
        let table = view.table(&people);
        readings.extend(read(view, &table, &sorts, &view.keys_of(&table)));
    }
    let hole = readings.iter().position(|r| r.place.starts_with("pass_rates_daily failed")).unwrap();
    readings[hole].shown = None;
    assert_eq!(recovered(sorts.len(), &readings).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_withheld_is_recovered_from_all_reports(
        amounts in proptest::collection::vec(
            prop_oneof![6 => Just(0u64), 2 => 1u64..4, 1 => 5u64..15, 1 => 20u64..200], sorts().len()),
        threshold in prop_oneof![Just(10u64), Just(3), Just(5)],
    ) {
        let people: Vec<(Sort, u64)> = sorts().into_iter().zip(amounts).collect();
        let pinned = attack(&people, threshold);
        prop_assert!(pinned.is_empty(), "recovered: {pinned:#?}");
    }

    #[test]
    fn nothing_withheld_is_recovered_from_the_reports_of_few(
        picks in proptest::collection::vec((0..sorts().len(), 1u64..60), 1..12),
    ) {
        let mut people: Vec<(Sort, u64)> = sorts().into_iter().map(|s| (s, 0)).collect();
        picks.into_iter().for_each(|(sort, n)| people[sort].1 += n);
        let pinned = attack(&people, 10);
        prop_assert!(pinned.is_empty(), "recovered: {pinned:#?}");
    }
}
