//! Expected reports as tables of `key → column → cell`, counted by Polars, and their comparison with a CSV.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{AnyValue, Column, DataFrame, IntoColumn, NamedFrom, Series};

/// The cells that say which row it is; a missing one is empty, as in CSV.
pub type Key = Vec<String>;

/// The other cells of a row.
pub type Row = BTreeMap<&'static str, String>;

/// Rows of a report by key.
pub type Table = BTreeMap<Key, Row>;

/// A key from its parts.
pub fn key<const N: usize>(parts: [Option<&str>; N]) -> Key {
    parts.into_iter().map(|part| part.unwrap_or_default().to_owned()).collect()
}

/// Rows to be grouped by their key.
pub struct Rows<V> {
    columns: Vec<&'static str>,
    keys: Vec<Key>,
    values: Vec<Vec<V>>,
}

/// How the values of a group become one.
#[derive(Clone, Copy)]
pub enum Take {
    Sum,
    Least,
    Greatest,
}

impl<V> Rows<V>
where
    Series: NamedFrom<Vec<V>, [V]>,
    V: Clone,
{
    /// No rows yet, of these columns of values.
    pub fn new(columns: &[&'static str]) -> Self {
        Rows { columns: columns.to_vec(), keys: Vec::new(), values: vec![Vec::new(); columns.len()] }
    }

    /// One more row.
    pub fn push(&mut self, key: Key, values: impl IntoIterator<Item = V>) {
        self.keys.push(key);
        for (column, value) in self.values.iter_mut().zip(values) {
            column.push(value);
        }
    }

    /// The rows grouped by key.
    #[allow(deprecated)] // Polars would have us compile its lazy engine for this
    pub fn grouped(&self, take: Take) -> Table {
        let Some(width) = self.keys.first().map(Vec::len) else { return Table::new() };
        let key_names: Vec<String> = (0..width).map(|part| format!("key_{part}")).collect();
        let mut columns: Vec<Column> = Vec::new();
        for (part, name) in key_names.iter().enumerate() {
            let cells: Vec<&str> = self.keys.iter().map(|key| key[part].as_str()).collect();
            columns.push(text_column(name, cells));
        }
        for (name, values) in self.columns.iter().zip(&self.values) {
            columns.push(Series::new((*name).into(), values.clone()).into_column());
        }
        let frame = DataFrame::new(self.keys.len(), columns).expect("columns of one length");
        let groups = frame.group_by(&key_names).expect("columns that are there").select(self.columns.iter().copied());
        let counted = match take {
            Take::Sum => groups.sum(),
            Take::Least => groups.min(),
            Take::Greatest => groups.max(),
        };
        self.rows_of(&counted.expect("columns that can be counted"), width)
    }

    fn rows_of(&self, counted: &DataFrame, width: usize) -> Table {
        let row = |index: usize| {
            let cells: Vec<String> = counted.columns().iter().map(|c| cell(&c.get(index).expect("a row"))).collect();
            (cells[..width].to_vec(), self.columns.iter().copied().zip(cells[width..].iter().cloned()).collect())
        };
        (0..counted.height()).map(row).collect()
    }
}

fn text_column(name: &str, cells: Vec<&str>) -> Column {
    Series::new(name.into(), cells).into_column()
}

fn cell(value: &AnyValue) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => (*text).to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        other => other.to_string(),
    }
}

/// Adds the columns of the second table to the rows of the first.
pub fn beside(mut table: Table, more: Table) -> Table {
    for (key, columns) in more {
        table.entry(key).or_default().extend(columns);
    }
    table
}

/// Adds a column that follows from the rest of its row.
pub fn derive(table: &mut Table, name: &'static str, of: impl Fn(&Key, &Row) -> String) {
    for (key, row) in table {
        let value = of(key, row);
        row.insert(name, value);
    }
}

/// A count in a row; what is not there is none.
pub fn count(row: &Row, name: &str) -> i64 {
    row.get(name).map_or(0, |cell| cell.parse().expect("a number"))
}

/// What to expect of a report.
pub struct Expected {
    pub report: &'static str,
    /// The columns that a row is known by.
    pub keys: &'static [&'static str],
    pub rows: Table,
    /// Rates as (column, counted, of how many).
    pub rates: Vec<(&'static str, &'static str, &'static [&'static str])>,
}

impl Expected {
    /// Every difference between this and a report as written, in words.
    pub fn differences(&self, found: &[BTreeMap<String, String>]) -> Vec<String> {
        let mut by_key: BTreeMap<Key, &BTreeMap<String, String>> = BTreeMap::new();
        let mut differences = Vec::new();
        for row in found {
            let key: Key = self.keys.iter().map(|name| row[*name].clone()).collect();
            if by_key.insert(key.clone(), row).is_some() {
                differences.push(format!("{key:?}: twice in the report"));
            }
        }
        differences.extend(found.first().and_then(|row| self.uncounted(row)));
        let all: BTreeSet<&Key> = self.rows.keys().chain(by_key.keys()).collect();
        for key in all {
            match (self.rows.get(key), by_key.get(key)) {
                (Some(expected), Some(found)) => differences.extend(self.compare(key, expected, found)),
                (Some(expected), None) => {
                    differences.push(format!("{key:?}: not in the report, recounted {expected:?}"))
                }
                (None, Some(found)) => differences.push(format!("{key:?}: only in the report: {found:?}")),
                (None, None) => unreachable!("a key of one of the two"),
            }
        }
        differences
    }

    /// Columns of the report that the recount does not have.
    fn uncounted(&self, found: &BTreeMap<String, String>) -> Option<String> {
        let rates = self.rates.iter().flat_map(|(name, ..)| ["", "_low", "_high"].map(|end| format!("{name}{end}")));
        let counted = self.rows.values().next().into_iter().flat_map(BTreeMap::keys).copied();
        // What was withheld is no count: the suppression's own tests see to it.
        let named = self.keys.iter().copied().chain(counted).chain(["disclosure"]);
        let known: BTreeSet<String> = named.map(str::to_owned).chain(rates).collect();
        let extra: Vec<&String> = found.keys().filter(|name| !known.contains(*name)).collect();
        (!extra.is_empty()).then(|| format!("columns {extra:?} are not recounted"))
    }

    fn compare(&self, key: &Key, expected: &Row, found: &BTreeMap<String, String>) -> Option<String> {
        let mut wrong: Vec<String> = Vec::new();
        for (name, value) in expected {
            let said = found.get(*name).map_or("no such column", String::as_str);
            if said != value && !same_number(said, value) {
                wrong.push(format!("{name}: report {said:?}, recount {value:?}"));
            }
        }
        for (name, counted, of) in &self.rates {
            let trials = of.iter().map(|name| count(expected, name)).sum();
            let bounds = interval(count(expected, counted), trials);
            for (end, value) in ["", "_low", "_high"].iter().zip(bounds) {
                let said = found.get(&format!("{name}{end}")).map_or("no such column", String::as_str);
                if said != value && !same_number(said, &value) {
                    wrong.push(format!("{name}{end}: report {said:?}, recount {value:?}"));
                }
            }
        }
        (!wrong.is_empty()).then(|| format!("{key:?}: {}", wrong.join("; ")))
    }
}

/// Fractions may differ in the last digits; counts and times are compared as text.
fn same_number(one: &str, other: &str) -> bool {
    let fraction = |text: &str| text.parse::<f64>().ok().filter(|_| text.contains(['.', 'e']));
    let both = (fraction(one), fraction(other));
    matches!(both, (Some(one), Some(other)) if (one - other).abs() < 1e-9)
}

/// A rate and its Wilson bounds at 95 %, as cells; of nothing there is no rate. The bounds are the two solutions p of
/// (p̂ − p)² = z² p (1 − p) / n, found as roots of that quadratic and not by the formula that the program uses.
pub fn interval(successes: i64, trials: i64) -> [String; 3] {
    if trials == 0 {
        return Default::default();
    }
    let (n, rate, z2) = (trials as f64, successes as f64 / trials as f64, 1.959_963_984_540_054_f64.powi(2));
    let (a, b, c) = (1.0 + z2 / n, -(2.0 * rate + z2 / n), rate * rate);
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    [rate, (-b - root) / (2.0 * a), (-b + root) / (2.0 * a)].map(|value| format!("{value:?}"))
}
