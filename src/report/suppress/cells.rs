//! The cells of all reports: which figures on which places say the same thing about the same people.
//!
//! A cell is a population and what is fixed about its members: keys of the row (NULL is a value) and what the column itself
//! fixes. The same cell in two reports is one. Not here: how cells add up (`margins`).

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{AnyValue, DataFrame};

use crate::error::Result;
use crate::report::set::Table;
use crate::report::spec::{Counted, OUTCOMES, Role, Spec};

/// Attributes of which all values are known, so that columns for each of them add up to the whole.
const DOMAINS: [(&str, &[&str]); 5] = [
    ("outcome", &OUTCOMES),
    ("signal", &["answered", "unavailable", "ambiguous"]),
    ("receipt", &["yes", "no"]),
    ("timed", &["yes", "no"]),
    ("billing", &["billable", "not_billable", "not_known"]),
];

/// What a local day belongs to; some reports break down by it.
const MONTH: &str = "local_month";

/// A key that says of a row that its NULL keys mean all values.
const TOTAL: &str = "is_total";

/// A number that somebody may read, or that only links others.
#[derive(Clone, Debug)]
pub struct Cell {
    pub value: u64,
    /// On a place in a file; what is printed nowhere needs no protection and gives none away.
    pub printed: bool,
    /// How unwelcome it is to withhold it: a whole more than a part, a figure of a whole provider most of all.
    pub dear: u64,
    /// Printed nowhere, but the rest of two cells that are: as telling as they are.
    pub rest: bool,
}

/// One equation: the first cell is the sum of the others. No cell in it is zero.
pub type Equation = Vec<usize>;

/// The limits of a frame that covers a part of its population.
pub type Only = Vec<(&'static str, Vec<u32>)>;

/// Cells of one population, broken down by the same attributes.
#[derive(Clone, Debug)]
pub struct Frame {
    pub population: &'static str,
    /// Sorted.
    pub attributes: Vec<&'static str>,
    pub only: Only,
    /// By the values of the attributes, in their order. Zero has no cell.
    pub cells: BTreeMap<Vec<u32>, usize>,
}

/// All cells of a run.
#[derive(Debug, Default)]
pub struct Cells {
    pub cells: Vec<Cell>,
    pub equations: Vec<Equation>,
    pub frames: Vec<Frame>,
    places: HashMap<(usize, usize, usize), usize>,
    words: HashMap<Option<String>, u32>,
    sums: HashMap<Vec<usize>, usize>,
}

impl Cells {
    /// Reads the counts and sums of finished reports.
    ///
    /// # Errors
    /// When a key cannot be read.
    pub fn read(tables: &[(Table, Spec)]) -> Result<Self> {
        let mut cells = Cells::default();
        for (index, (table, spec)) in tables.iter().enumerate() {
            cells.read_counts(index, &table.frame, spec)?;
        }
        for (index, (table, spec)) in tables.iter().enumerate() {
            cells.read_sums(index, &table.frame, spec);
            cells.read_rests(index, &table.frame, spec);
        }
        Ok(cells)
    }

    /// The cell in a row of a table's column, by their numbers; `None` where nothing is counted, or nobody.
    pub fn place(&self, table: usize, column: usize, row: usize) -> Option<usize> {
        self.places.get(&(table, column, row)).copied()
    }

    /// Adds a cell without a place.
    pub fn add(&mut self, value: u64, printed: bool, dear: u64) -> usize {
        self.cells.push(Cell { value, printed, dear, rest: false });
        self.cells.len() - 1
    }

    fn word(&mut self, value: Option<&str>) -> u32 {
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        *self.words.entry(value.map(str::to_owned)).or_insert(next)
    }

    /// The attributes of a report's rows and their values. A day has its month too.
    fn read_keys(&mut self, frame: &DataFrame, spec: &Spec) -> Result<Vec<(&'static str, Vec<u32>)>> {
        let mut keys = Vec::new();
        for (name, _) in spec.columns.iter().filter(|(_, role)| *role == Role::Key) {
            let Ok(column) = frame.column(name) else { continue };
            let (mut codes, mut months) = (Vec::new(), Vec::new());
            for row in 0..frame.height() {
                let value = column.get(row)?;
                let text = match (&value, value.get_str()) {
                    (AnyValue::Null, _) => None,
                    (_, Some(text)) => Some(text.to_owned()),
                    (other, None) => Some(other.to_string()),
                };
                months.push(self.word(text.as_ref().map(|day| day.get(..7).unwrap_or(day))));
                codes.push(self.word(text.as_deref()));
            }
            match *name {
                "local_date" => keys.extend([("local_date", codes), (MONTH, months)]),
                "month" | MONTH => keys.push((MONTH, months)),
                other => keys.push((other, codes)),
            }
        }
        Ok(keys)
    }

    fn read_counts(&mut self, table: usize, frame: &DataFrame, spec: &Spec) -> Result<()> {
        let values = self.read_keys(frame, spec)?;
        let keys: Vec<&'static str> = values.iter().map(|(name, _)| *name).collect();
        for (name, role) in &spec.columns {
            let (Role::Count(counted), Some(column)) = (role, frame.get_column_index(name)) else { continue };
            let mut keys: Vec<&'static str> = counted.keys.map_or_else(|| keys.clone(), <[&'static str]>::to_vec);
            keys.retain(|key| *key != TOTAL);
            let usual = self.frame(spec, counted, &keys);
            let (none, yes) = (self.word(None), self.word(Some("true")));
            let totals = values.iter().find(|(name, _)| *name == TOTAL).map(|(_, codes)| codes);
            let numbers = numbers(frame, column);
            for (row, number) in numbers.into_iter().enumerate().filter(|(_, number)| *number > 0) {
                let frame_index = if totals.is_some_and(|codes| codes[row] == yes) {
                    let named = |key: &str| values.iter().any(|(name, codes)| *name == key && codes[row] != none);
                    let keys: Vec<&'static str> = keys.iter().copied().filter(|key| named(key)).collect();
                    self.frame(spec, counted, &keys)
                } else {
                    usual
                };
                let at: Vec<u32> = self.coordinates(frame_index, counted, |key| {
                    values.iter().find(|(name, _)| *name == key).map(|(_, codes)| codes[row])
                });
                let dear = if keys.len() < 2 { 30 } else { 6 * u64::from(counted.when.is_empty()) };
                let cell = match self.frames[frame_index].cells.get(&at).copied() {
                    Some(cell) if self.cells[cell].value == number => cell,
                    // Two figures for one thing: each stands for itself.
                    Some(_) => self.add(number, true, dear),
                    None => {
                        let cell = self.add(number, true, dear);
                        self.frames[frame_index].cells.insert(at, cell);
                        cell
                    }
                };
                self.places.insert((table, column, row), cell);
            }
        }
        Ok(())
    }

    fn coordinates(&mut self, frame: usize, counted: &Counted, key: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
        let attributes = self.frames[frame].attributes.clone();
        attributes
            .iter()
            .map(|attribute| match counted.when.iter().find(|(name, _)| name == attribute) {
                Some((_, value)) => self.word(Some(value)),
                None => key(attribute).unwrap_or_else(|| self.word(None)),
            })
            .collect()
    }

    /// The frame that a column belongs to.
    fn frame(&mut self, spec: &Spec, counted: &Counted, keys: &[&'static str]) -> usize {
        let mut attributes: Vec<&'static str> = keys.to_vec();
        attributes.extend(counted.when.iter().map(|(name, _)| *name));
        attributes.sort_unstable();
        attributes.dedup();
        let mut only: Only = Vec::new();
        for (name, values) in spec.only {
            only.push((*name, values.iter().map(|value| self.word(Some(value))).collect()));
        }
        for (name, _) in counted.when {
            let listed = listed(spec, counted, name);
            let all = DOMAINS.iter().find(|(domain, _)| domain == name).map_or(&[][..], |(_, values)| *values);
            if all.is_empty() || !all.iter().all(|value| listed.contains(value)) {
                only.push((*name, listed.iter().map(|value| self.word(Some(value))).collect()));
            }
        }
        let found = self
            .frames
            .iter()
            .position(|f| f.population == counted.population && f.attributes == attributes && f.only == only);
        // One frame per breakdown: what is limited in one report and whole in another is whole.
        let same = |f: &Frame| f.population == counted.population && f.attributes == attributes;
        if let Some(index) = found.or_else(|| self.frames.iter().position(|f| same(f) && f.only.is_empty())) {
            return index;
        }
        if only.is_empty()
            && let Some(index) = self.frames.iter().position(same)
        {
            self.frames[index].only = only;
            return index;
        }
        self.frames.push(Frame { population: counted.population, attributes, only, cells: BTreeMap::new() });
        self.frames.len() - 1
    }

    fn read_sums(&mut self, table: usize, frame: &DataFrame, spec: &Spec) {
        for (name, role) in &spec.columns {
            let (Role::Sum(parts), Some(column)) = (role, frame.get_column_index(name)) else { continue };
            let parts: Vec<usize> = parts.iter().filter_map(|part| frame.get_column_index(part)).collect();
            for (row, number) in numbers(frame, column).into_iter().enumerate().filter(|(_, number)| *number > 0) {
                let mut of: Vec<usize> = parts.iter().filter_map(|part| self.place(table, *part, row)).collect();
                of.sort_unstable();
                let cell = match self.sums.get(&of).copied() {
                    Some(cell) => cell,
                    None => {
                        let cell = self.add(number, true, 0);
                        self.sums.insert(of.clone(), cell);
                        let mut equation = vec![cell];
                        equation.extend(of);
                        self.push(equation);
                        cell
                    }
                };
                self.places.insert((table, column, row), cell);
            }
        }
    }

    /// Adds what is left of a whole beside its only part that has a column.
    fn read_rests(&mut self, table: usize, frame: &DataFrame, spec: &Spec) {
        for (name, role) in &spec.columns {
            let Role::Count(Counted { part_of: Some(whole), .. }) = role else { continue };
            let columns = (frame.get_column_index(name), frame.get_column_index(whole));
            let (Some(part), Some(whole)) = columns else { continue };
            for row in 0..frame.height() {
                let Some(whole) = self.place(table, whole, row) else { continue };
                let part = self.place(table, part, row);
                let left = self.cells[whole].value.saturating_sub(part.map_or(0, |part| self.cells[part].value));
                let mut equation = vec![whole];
                equation.extend(part);
                if left > 0 && part.is_some() {
                    let rest = self.add(left, false, 0);
                    self.cells[rest].rest = true;
                    equation.push(rest);
                }
                self.push(equation);
            }
        }
    }

    /// Adds an equation if it is one: what does not add up tells nothing.
    pub fn push(&mut self, equation: Equation) {
        let Some((whole, parts)) = equation.split_first() else { return };
        let sum: u64 = parts.iter().map(|part| self.cells[*part].value).sum();
        if !parts.is_empty() && sum == self.cells[*whole].value && parts != [*whole] {
            self.equations.push(equation);
        }
    }
}

/// The values of an attribute for which a report has a column like this one.
fn listed(spec: &Spec, counted: &Counted, attribute: &str) -> Vec<&'static str> {
    let of = |role: &Role| match role {
        Role::Count(other) if other.population == counted.population && other.keys == counted.keys => {
            let rest = |c: &Counted| c.when.iter().filter(|(name, _)| *name != attribute).copied().collect::<Vec<_>>();
            let value = other.when.iter().find(|(name, _)| *name == attribute).map(|(_, value)| *value);
            value.filter(|_| rest(other) == rest(counted))
        }
        _ => None,
    };
    let mut values: Vec<&'static str> = spec.columns.iter().filter_map(|(_, role)| of(role)).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// A column's numbers; NULL and what is no number count as nobody.
fn numbers(frame: &DataFrame, column: usize) -> Vec<u64> {
    let series = frame.columns()[column].as_materialized_series().cast(&polars::prelude::DataType::Int64);
    let read = |series: polars::prelude::Series| -> Option<Vec<u64>> {
        Some(series.i64().ok()?.iter().map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0)).collect())
    };
    series.ok().and_then(read).unwrap_or_else(|| vec![0; frame.height()])
}
