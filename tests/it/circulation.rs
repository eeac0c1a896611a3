//! Somebody with every file of a run's circulation tries to compute back what is withheld: equations by hand, solved by
//! linear programming. And what is shown is what the internal set has, in CSV as in Parquet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use polars::prelude::{DataType, ParquetReader, SerReader};

use crate::support::{csv_rows, folder, kycmart_in};

type Row = BTreeMap<String, String>;

const OUTCOMES: [&str; 8] = ["passed", "failed", "review", "incomplete", "unavailable", "error", "pending", "unknown"];

/// A withheld figure may be at least so many numbers, or it is as good as known.
const VALUES: i64 = 4;

/// What the files say of the withheld cells.
#[derive(Default)]
struct Puzzle {
    hidden: Vec<String>,
    by_name: BTreeMap<String, usize>,
    /// Withheld cells with a sign each, and what they come to.
    equations: Vec<(BTreeMap<usize, f64>, f64)>,
}

/// A sum of cells: those shown, and those withheld.
#[derive(Clone, Default)]
struct Sum {
    shown: f64,
    hidden: Vec<usize>,
}

impl Sum {
    fn plus(&mut self, other: &Sum) {
        self.shown += other.shown;
        self.hidden.extend(&other.hidden);
    }
}

impl Puzzle {
    /// A cell of a file: empty is withheld.
    fn cell(&mut self, name: String, text: &str) -> Sum {
        if !text.is_empty() {
            return Sum { shown: text.parse().expect("a count"), hidden: Vec::new() };
        }
        let next = self.hidden.len();
        let index = *self.by_name.entry(name.clone()).or_insert(next);
        if index == next {
            self.hidden.push(name);
        }
        Sum { shown: 0.0, hidden: vec![index] }
    }

    fn equal(&mut self, one: &Sum, two: &Sum) {
        let mut terms = BTreeMap::new();
        one.hidden.iter().for_each(|cell| *terms.entry(*cell).or_insert(0.0) += 1.0);
        two.hidden.iter().for_each(|cell| *terms.entry(*cell).or_insert(0.0) -= 1.0);
        terms.retain(|_, factor| *factor != 0.0);
        let left = two.shown - one.shown;
        assert!(!terms.is_empty() || left == 0.0, "what is shown does not add up");
        self.equations.push((terms, left));
    }

    /// The withheld cells that hang together by equations.
    fn parts(&self) -> Vec<Vec<usize>> {
        let mut part: Vec<usize> = (0..self.hidden.len()).collect();
        fn root(part: &mut [usize], mut at: usize) -> usize {
            while part[at] != at {
                part[at] = part[part[at]];
                at = part[at];
            }
            at
        }
        for (terms, _) in &self.equations {
            let Some(first) = terms.keys().next() else { continue };
            for cell in terms.keys() {
                let (one, two) = (root(&mut part, *first), root(&mut part, *cell));
                part[one] = two;
            }
        }
        let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for cell in 0..self.hidden.len() {
            parts.entry(root(&mut part, cell)).or_default().push(cell);
        }
        parts.into_values().collect()
    }

    /// The withheld cells that fewer than `VALUES` whole numbers fit.
    fn recovered(&self) -> Vec<String> {
        let mut found = Vec::new();
        for part in self.parts() {
            let places: BTreeMap<usize, usize> = part.iter().enumerate().map(|(place, cell)| (*cell, place)).collect();
            let within =
                |terms: &BTreeMap<usize, f64>| terms.keys().next().is_some_and(|cell| places.contains_key(cell));
            let equations: Vec<(Vec<(usize, f64)>, f64)> = (self.equations.iter())
                .filter(|(terms, _)| within(terms))
                .map(|(terms, sum)| (terms.iter().map(|(cell, factor)| (places[cell], *factor)).collect(), *sum))
                .collect();
            let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); part.len()];
            for goal in 0..part.len() {
                for direction in [OptimizationDirection::Maximize, OptimizationDirection::Minimize] {
                    if whole(ranges[goal]) < VALUES {
                        let values = solve(part.len(), &equations, goal, direction);
                        let each = ranges.iter_mut().zip(values);
                        each.for_each(|(range, value)| *range = (range.0.min(value), range.1.max(value)));
                    }
                }
                if whole(ranges[goal]) < VALUES {
                    found.push(format!("{} is within {:?}", self.hidden[part[goal]], ranges[goal]));
                }
            }
        }
        found
    }
}

/// How many whole numbers lie in a range.
fn whole((low, high): (f64, f64)) -> i64 {
    if low > high { 0 } else { (high + 1e-6).floor() as i64 - (low - 1e-6).ceil() as i64 + 1 }
}

/// Values that fit all equations, one of them as large or as small as can be. Zero is never withheld, as anybody can read.
fn solve(
    cells: usize,
    equations: &[(Vec<(usize, f64)>, f64)],
    goal: usize,
    direction: OptimizationDirection,
) -> Vec<f64> {
    let mut problem = Problem::new(direction);
    let cells: Vec<_> =
        (0..cells).map(|cell| problem.add_var(if cell == goal { 1.0 } else { 0.0 }, (1.0, 1e5))).collect();
    for (terms, sum) in equations {
        let terms: Vec<_> = terms.iter().map(|(cell, factor)| (cells[*cell], *factor)).collect();
        problem.add_constraint(&terms, ComparisonOp::Eq, *sum);
    }
    let solution = problem.solve().expect("the true figures fit").into_solution().expect("a solution");
    cells.iter().map(|cell| solution.var_value(*cell)).collect()
}

/// A report that breaks verifications down: its keys beside the outcome, and its cells.
struct Breakdown {
    keys: &'static [&'static str],
    /// Which verifications are in it, by provider and outcome.
    covers: fn(&str, &str) -> bool,
    /// The outcome is empty in reports that do not tell it.
    cells: Vec<(Row, &'static str, Sum)>,
}

impl Breakdown {
    fn tells_outcomes(&self) -> bool {
        self.cells.iter().all(|(_, outcome, _)| !outcome.is_empty())
    }

    /// Its sums over some of its keys, of what another report covers too.
    fn sums(&self, keys: &[&str], other: &Breakdown) -> BTreeMap<(Vec<String>, &'static str), Sum> {
        let tells = self.tells_outcomes() && other.tells_outcomes();
        let mut sums: BTreeMap<_, Sum> = BTreeMap::new();
        for (row, outcome, cell) in &self.cells {
            if (other.covers)(&row["provider"], outcome) {
                let key: Vec<String> = keys.iter().map(|key| row[*key].clone()).collect();
                sums.entry((key, if tells { *outcome } else { "" })).or_default().plus(cell);
            }
        }
        sums
    }
}

fn everybody(_: &str, _: &str) -> bool {
    true
}

fn decided(_: &str, outcome: &str) -> bool {
    ["passed", "failed"].contains(&outcome)
}

fn decided_at_smile_id(provider: &str, outcome: &str) -> bool {
    provider == "smile_id" && decided(provider, outcome)
}

fn open(_: &str, outcome: &str) -> bool {
    ["review", "pending"].contains(&outcome)
}

fn rows(set: &Path, name: &str) -> Vec<Row> {
    csv_rows(&fs::read(set.join(format!("{name}.csv"))).expect("the report"))
}

fn name(report: &str, keys: &[&str], row: &Row, column: &str) -> String {
    let keys: Vec<&str> = keys.iter().map(|key| row[*key].as_str()).collect();
    format!("{report} {} {column}", keys.join("/"))
}

/// What the reports of verifications say, and each of them.
fn breakdowns(puzzle: &mut Puzzle, set: &Path) -> Vec<Breakdown> {
    let mut breakdowns = Vec::new();
    let wide: [(&str, &'static [&'static str]); 4] = [
        ("pass_rates_by_provider", &["provider"]),
        ("pass_rates_by_product", &["provider", "product"]),
        ("pass_rates_by_id_type", &["provider", "country", "id_type"]),
        ("pass_rates_daily", &["provider", "local_date", "local_month"]),
    ];
    for (report, keys) in wide {
        let mut cells = Vec::new();
        for mut row in rows(set, report) {
            let month = row.get("local_date").map(|day| day.chars().take(7).collect());
            row.extend(month.map(|month| ("local_month".to_owned(), month)));
            let mut cell = |column: &str| puzzle.cell(name(report, keys, &row, column), &row[column]);
            let parts: Vec<Sum> = OUTCOMES.iter().map(|outcome| cell(outcome)).collect();
            let (all, decided) = (cell("verifications"), cell("decided"));
            let add = |parts: &[Sum]| {
                parts.iter().fold(Sum::default(), |mut sum, part| {
                    sum.plus(part);
                    sum
                })
            };
            puzzle.equal(&all, &add(&parts));
            puzzle.equal(&decided, &add(&parts[..2]));
            cells.extend(OUTCOMES.iter().zip(parts).map(|(outcome, part)| (row.clone(), *outcome, part)));
        }
        breakdowns.push(Breakdown { keys, covers: everybody, cells });
    }
    let by_code: &[&str] = &["provider", "product", "result_code", "error_code", "outcome"];
    let mut cells = Vec::new();
    for row in rows(set, "error_codes") {
        let cell = puzzle.cell(name("error_codes", by_code, &row, ""), &row["verifications"]);
        // The same cell as in the report by product.
        let product = name("pass_rates_by_product", &["provider", "product"], &row, "verifications");
        let product = puzzle.cell(product, &row["product_verifications"]);
        let same = rows(set, "pass_rates_by_product");
        let same = same.iter().find(|r| r["provider"] == row["provider"] && r["product"] == row["product"]).unwrap();
        assert_eq!(same["verifications"].is_empty(), product.shown == 0.0, "one cell, shown once: {row:?}");
        cells.push((row.clone(), outcome(&row), cell));
    }
    breakdowns.push(Breakdown {
        keys: &["provider", "product", "result_code", "error_code"],
        covers: everybody,
        cells,
    });
    let mut cells = Vec::new();
    for row in rows(set, "receipts_coverage") {
        let mut cell = |column: &str| {
            puzzle.cell(name("receipts_coverage", &["provider", "product", "outcome"], &row, column), &row[column])
        };
        let (all, mut parts, without) = (cell("verifications"), cell("with_receipt"), cell("without_receipt"));
        parts.plus(&without);
        puzzle.equal(&all, &parts);
        cells.push((row.clone(), outcome(&row), all));
    }
    breakdowns.push(Breakdown { keys: &["provider", "product"], covers: decided_at_smile_id, cells });
    breakdowns.extend(courses(puzzle, set));
    breakdowns.extend(bills(puzzle, set));
    breakdowns
}

/// Reports of decided and of open cases.
fn courses(puzzle: &mut Puzzle, set: &Path) -> [Breakdown; 2] {
    let keys: &[&str] = &["provider", "product", "channel"];
    let mut timed = Vec::new();
    for row in rows(set, "time_to_final") {
        let by = ["provider", "product", "channel", "outcome"];
        let mut cell = |column: &str| puzzle.cell(name("time_to_final", &by, &row, column), &row[column]);
        let (all, mut parts, undated) = (cell("verifications"), cell("timed"), cell("undated"));
        parts.plus(&undated);
        puzzle.equal(&all, &parts);
        timed.push((row.clone(), outcome(&row), all));
    }
    let mut waiting = Vec::new();
    for row in rows(set, "open_cases") {
        let by = ["provider", "product", "outcome", "age"];
        let cell = puzzle.cell(name("open_cases", &by, &row, "cases"), &row["cases"]);
        waiting.push((row.clone(), outcome(&row), cell));
    }
    let waiting = Breakdown { keys: &["provider", "product", "age"], covers: open, cells: waiting };
    [Breakdown { keys, covers: decided, cells: timed }, waiting]
}

/// Reports of what is billed; they do not tell outcomes.
fn bills(puzzle: &mut Puzzle, set: &Path) -> [Breakdown; 2] {
    let mut billed = Vec::new();
    for row in rows(set, "billing") {
        let by = ["provider", "product", "local_month"];
        let mut cell = |column: &str| puzzle.cell(name("billing", &by, &row, column), &row[column]);
        let (all, mut parts) = (cell("verifications"), cell("billable"));
        for column in ["not_billable", "not_known"] {
            parts.plus(&cell(column));
        }
        puzzle.equal(&all, &parts);
        billed.push((row.clone(), "", all));
    }
    let by: &[&str] = &["provider", "product", "local_month", "billing", "basis", "answer_code", "answer_error_code"];
    let codes = rows(set, "billing_codes").into_iter().map(|row| {
        let cell = puzzle.cell(name("billing_codes", by, &row, ""), &row["verifications"]);
        (row, "", cell)
    });
    let codes = Breakdown { keys: by, covers: everybody, cells: codes.collect() };
    // The columns of `billing` are sums over its codes.
    for row in rows(set, "billing") {
        for column in ["billable", "not_billable", "not_known"] {
            let name = name("billing", &["provider", "product", "local_month"], &row, column);
            let one = puzzle.cell(name, &row[column]);
            let same = |other: &Row| by[..3].iter().all(|key| other[*key] == row[*key]) && other["billing"] == column;
            let mut two = Sum::default();
            codes.cells.iter().filter(|(other, ..)| same(other)).for_each(|(_, _, cell)| two.plus(cell));
            puzzle.equal(&one, &two);
        }
    }
    [Breakdown { keys: &["provider", "product", "local_month"], covers: everybody, cells: billed }, codes]
}

fn outcome(row: &Row) -> &'static str {
    OUTCOMES.into_iter().find(|outcome| *outcome == row["outcome"]).expect("an outcome")
}

/// Equates what any two reports have in common.
fn compare(puzzle: &mut Puzzle, breakdowns: &[Breakdown]) {
    for one in breakdowns {
        for two in breakdowns {
            let common: Vec<&str> = one.keys.iter().copied().filter(|key| two.keys.contains(key)).collect();
            // What tells no outcome can only be compared with what has all of them.
            let is_part = |b: &Breakdown| !(b.covers)("smile_id", "error") || !(b.covers)("jumio", "passed");
            if (is_part(one) || is_part(two)) && !(one.tells_outcomes() && two.tells_outcomes()) {
                continue;
            }
            let (mut left, mut right) = (one.sums(&common, two), two.sums(&common, one));
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).cloned().collect();
            for key in keys {
                let (one, two) = (left.remove(&key).unwrap_or_default(), right.remove(&key).unwrap_or_default());
                puzzle.equal(&one, &two);
            }
        }
    }
}

fn authorities(puzzle: &mut Puzzle, set: &Path) {
    for row in rows(set, "authority_daily") {
        let keys = ["local_date", "provider", "country", "id_type"];
        let mut cell = |column: &str| puzzle.cell(name("authority_daily", &keys, &row, column), &row[column]);
        let (all, mut parts) = (cell("lookups"), cell("answered"));
        for column in ["unavailable", "ambiguous"] {
            parts.plus(&cell(column));
        }
        puzzle.equal(&all, &parts);
    }
}

fn with_run() -> tempfile::TempDir {
    let home = folder();
    kycmart_in(home.path(), &["sample", "--out", "s", "--payloads", "3000"]).expect(0);
    kycmart_in(home.path(), &["nightly", "s", "--mart", "m", "--out", "out", "--internal"]).expect(0);
    home
}

#[test]
fn no_withheld_count_is_recovered_from_all_files_of_a_run() {
    let home = with_run();
    let set = home.path().join("out/latest/circulation");
    let mut puzzle = Puzzle::default();
    let breakdowns = breakdowns(&mut puzzle, &set);
    compare(&mut puzzle, &breakdowns);
    authorities(&mut puzzle, &set);
    assert!(puzzle.hidden.len() > 50, "{} cells are withheld: nothing was tried", puzzle.hidden.len());
    assert_eq!(puzzle.recovered(), Vec::<String>::new());
}

/// Compares two sets; gives back how many cells are withheld, and how many are not.
fn agree(home: &Path) -> (usize, usize) {
    let latest = home.join("out/latest");
    let (mut withheld, mut shown) = (0, 0);
    for file in fs::read_dir(latest.join("circulation")).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let report = file.file_stem().unwrap().to_string_lossy().into_owned();
        let (mut outside, mut inside) =
            (rows(&latest.join("circulation"), &report), rows(&latest.join("internal"), &report));
        // In a report in the order of figures, rows with withheld ones stand last.
        let keys =
            ["metric", "provider", "product", "country", "id_type", "result_code", "error_code", "outcome", "is_total"];
        if ["error_codes", "drift", "drift_mix"].contains(&report.as_str()) {
            outside.sort_by_key(|row| keys.map(|key| row.get(key).cloned()));
            inside.sort_by_key(|row| keys.map(|key| row.get(key).cloned()));
        }
        if ["authority_windows", "authority_hourly"].contains(&report.as_str()) {
            inside.retain(|row| row["lookups"].parse::<u64>().unwrap() >= 10);
        }
        assert_eq!(outside.len(), inside.len(), "{report}: rows stay");
        for (outside, inside) in outside.iter().zip(&inside) {
            let words: BTreeSet<&str> = outside["disclosure"]
                .strip_prefix("circulation; withheld: ")
                .unwrap_or("")
                .split_whitespace()
                .collect();
            assert_eq!(inside["disclosure"], "internal");
            assert_eq!(outside.len(), inside.len(), "{report}: columns stay");
            for (column, value) in outside.iter().filter(|(column, _)| *column != "disclosure") {
                if words.contains(column.as_str()) {
                    assert_eq!(value, "", "{report} {column} is said to be withheld");
                    withheld += 1;
                } else {
                    assert_eq!(value, &inside[column], "{report} {column}");
                    shown += 1;
                }
            }
        }
    }
    (withheld, shown)
}

#[test]
fn what_circulates_is_what_the_house_has_and_every_gap_is_named() {
    let home = with_run();
    let (withheld, shown) = agree(home.path());
    assert!(withheld > 100 && shown > 1000, "{withheld} withheld, {shown} shown");
}

#[test]
fn parquet_withholds_what_csv_withholds() {
    let home = with_run();
    let set = home.path().join("out/latest/circulation");
    let mut compared = 0;
    for file in fs::read_dir(&set).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "parquet") {
            continue;
        }
        let frame = ParquetReader::new(fs::File::open(&file).unwrap()).finish().unwrap();
        let rows = rows(&set, &file.file_stem().unwrap().to_string_lossy());
        assert_eq!(rows.len(), frame.height(), "{file:?}");
        for column in frame.columns() {
            for (row, line) in rows.iter().enumerate() {
                let value = column.get(row).unwrap();
                let text = &line[column.name().as_str()];
                assert_eq!(value.is_null(), text.is_empty(), "{file:?} {} {row}", column.name());
                if *column.dtype() == DataType::Int64 && !value.is_null() {
                    assert_eq!(&value.to_string(), text, "{file:?} {} {row}", column.name());
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 1000);
}

#[test]
fn no_small_count_is_shown() {
    let home = with_run();
    let set = home.path().join("out/latest/circulation");
    let small = |text: &str| text.parse::<u64>().is_ok_and(|n| (1..10).contains(&n));
    for report in ["pass_rates_by_provider", "pass_rates_daily", "error_codes", "authority_daily"] {
        for row in rows(&set, report) {
            let counts = ["verifications", "passed", "failed", "unavailable", "lookups", "answered", "decided"];
            let found = counts.iter().filter(|column| row.get(**column).is_some_and(|text| small(text)));
            assert_eq!(found.count(), 0, "{report} {row:?}");
        }
    }
}
