//! A provider's invoice: a CSV file to lines that SQL can join (`invoice_lines`).
//!
//! Spreadsheets write the same table in many ways, so spelling, separators, byte order marks and line ends are forgiven;
//! a value that could mean two things is not: the run ends with file and line. Not here: what an invoice is compared with
//! (`queries/reports/billing_invoice.sql`).

mod number;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{Months, NaiveDate};

use super::Scope;
use crate::error::{Error, Result};
use crate::record::{Product, Provider};

/// What one provider invoiced for one month and product, summed over the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub provider: Provider,
    /// The first day of the month.
    pub month: NaiveDate,
    /// `None` for what has no line of its own.
    pub product: Option<Product>,
    /// Items billed.
    pub quantity: i64,
    /// Ten-thousandths of the invoice's currency.
    pub amount: Option<i64>,
}

/// The columns, and how people head them once case, spaces, dashes and underscores are gone.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("provider", &["provider", "vendor", "supplier"]),
    ("month", &["month", "period", "billingmonth", "billingperiod", "invoicemonth"]),
    ("quantity", &["quantity", "qty", "count", "units", "items", "volume"]),
    ("product", &["product", "service"]),
    ("amount", &["amount", "total", "price", "cost"]),
];
const REQUIRED: usize = 3;

/// Where each of [`COLUMNS`] stands in the file.
type Places = [Option<usize>; COLUMNS.len()];
type Key = (Provider, NaiveDate, Option<Product>);

/// Reads an invoice.
///
/// # Errors
/// When the file cannot be read, is no UTF-8, lacks a column, or holds a row that cannot be understood: says file and line.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let bytes =
        std::fs::read(path).map_err(|e| Error::usage(format!("cannot read the invoice {}: {e}", path.display())))?;
    parse(&bytes).map_err(|e| e.within(&format!("the invoice {}", path.display())))
}

/// Reads the text of an invoice.
fn parse(bytes: &[u8]) -> Result<Vec<Line>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::usage("it is not UTF-8").hint("save it as \"CSV UTF-8\""))?
        .trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut places: Option<Places> = None;
    let mut lines: BTreeMap<Key, (i64, Option<i64>)> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| Error::usage(format!("it is no CSV: {e}")))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let number = record.position().map_or(0, csv::Position::line);
        match &places {
            None => places = Some(header(&record)?),
            Some(places) => add(&mut lines, row(&record, places).map_err(|e| e.within(&format!("line {number}")))?)
                .map_err(|e| e.within(&format!("line {number}")))?,
        }
    }
    if places.is_none() {
        return Err(
            Error::usage("it is empty").hint("its first line names the columns: provider,month,product,quantity")
        );
    }
    let line = |((provider, month, product), (quantity, amount))| Line { provider, month, product, quantity, amount };
    Ok(lines.into_iter().map(line).collect())
}

/// What parts the columns: the most frequent of comma, semicolon and tab in the first line.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let times = |byte: u8| first.bytes().filter(|b| *b == byte).count();
    [b'\t', b';', b','].into_iter().max_by_key(|byte| times(*byte)).unwrap_or(b',')
}

fn header(record: &csv::StringRecord) -> Result<Places> {
    let mut places = Places::default();
    for (place, cell) in record.iter().enumerate() {
        let cell = plain(cell);
        let Some(column) = COLUMNS.iter().position(|(_, names)| names.contains(&cell.as_str())) else { continue };
        if places[column].replace(place).is_some() {
            let name = COLUMNS[column].0;
            return Err(Error::usage(format!("two columns are the {name}")).hint("take one of them out, or rename it"));
        }
    }
    for ((name, spellings), place) in COLUMNS.iter().zip(places).take(REQUIRED) {
        if place.is_none() {
            return Err(Error::usage(format!("its first line names no column {name}"))
                .hint(format!("head a column with one of: {}", spellings.join(", "))));
        }
    }
    Ok(places)
}

fn row(record: &csv::StringRecord, places: &Places) -> Result<(Key, i64, Option<i64>)> {
    let [provider, month, quantity, product, amount] =
        places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default());
    for cell in [provider, month, quantity, product, amount] {
        if cell.starts_with(['=', '@']) {
            return Err(Error::usage("a cell holds a formula").hint("export the values that the spreadsheet shows"));
        }
    }
    let amount = match amount {
        "" => None,
        amount => Some(number::amount(amount).ok_or_else(|| {
            Error::usage(format!("{amount:?} is no amount")).hint("write it like 1234.50, without a currency")
        })?),
    };
    let quantity = number::quantity(quantity).ok_or_else(|| {
        Error::usage(format!("{quantity:?} is no quantity")).hint("write the number of items billed, like 1234")
    })?;
    Ok(((provider_of(provider)?, month_of(month)?, product_of(product)?), quantity, amount))
}

fn add(lines: &mut BTreeMap<Key, (i64, Option<i64>)>, (key, quantity, amount): (Key, i64, Option<i64>)) -> Result<()> {
    let (sum, paid) = lines.entry(key).or_insert((0, None));
    let too_large = || Error::usage("the sum of these lines is too large");
    *sum = sum.checked_add(quantity).ok_or_else(too_large)?;
    if let Some(amount) = amount {
        *paid = Some(paid.unwrap_or(0).checked_add(amount).ok_or_else(too_large)?);
    }
    Ok(())
}

/// Lower case, letters and digits only.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn provider_of(text: &str) -> Result<Provider> {
    let wanted = plain(text);
    let same = |provider: &&Provider| plain(provider.word()) == wanted;
    if let Some(provider) = Provider::ALL.iter().find(same) {
        return Ok(*provider);
    }
    if wanted == "smileidentity" {
        return Ok(Provider::SmileId);
    }
    let known: Vec<&str> = Provider::ALL.iter().map(|p| p.word()).collect();
    Err(Error::usage(format!("{text:?} is no provider"))
        .hint(format!("write one of {}; take out lines that are totals", known.join(", "))))
}

/// `2026-10`, or a day of it, with `-` or `/`.
fn month_of(text: &str) -> Result<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    let first = |year: &str, month: &str, day: u32| {
        NaiveDate::from_ymd_opt(i32::try_from(number(year, 4)?).ok()?, number(month, 2)?, day)
    };
    let found = match parts[..] {
        [year, month] => first(year, month, 1),
        [year, month, day] => number(day, 2).and_then(|day| first(year, month, day)).and(first(year, month, 1)),
        _ => None,
    };
    found.ok_or_else(|| Error::usage(format!("{text:?} is no month")).hint("write it like 2026-10"))
}

fn product_of(text: &str) -> Result<Option<Product>> {
    if text.is_empty() {
        return Ok(None);
    }
    let wanted = plain(text);
    if let Some(product) = Product::ALL.iter().find(|product| plain(product.word()) == wanted) {
        return Ok(Some(*product));
    }
    let known: Vec<&str> = Product::ALL.iter().map(|p| p.word()).collect();
    Err(Error::usage(format!("{text:?} is no product of the reports"))
        .hint(format!("write one of {}, or leave it empty for all that have no line of their own", known.join(", "))))
}

/// The table `invoice_lines`: one row is one provider, month and product.
///
/// `is_covered` says that neither end of the range cuts the month.
///
/// # Errors
/// When the columns do not fit, which they do.
pub fn rows(scope: &Scope) -> Result<RecordBatch> {
    let lines = &scope.invoice;
    let schema = Schema::new(vec![
        Field::new("provider", DataType::Utf8, false),
        Field::new("local_month", DataType::Utf8, false),
        Field::new("product", DataType::Utf8, true),
        Field::new("quantity", DataType::Int64, false),
        Field::new("amount", DataType::Float64, true),
        Field::new("is_covered", DataType::Boolean, false),
    ]);
    let covered = |line: &Line| {
        let last = line.month.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        scope.from.is_none_or(|from| from <= line.month)
            && scope.to.is_none_or(|to| last.is_some_and(|last| last <= to))
    };
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(StringArray::from_iter_values(lines.iter().map(|l| l.provider.word()))),
        Arc::new(StringArray::from_iter_values(lines.iter().map(|l| l.month.format("%Y-%m").to_string()))),
        Arc::new(StringArray::from_iter(lines.iter().map(|l| l.product.map(Product::word)))),
        Arc::new(Int64Array::from_iter_values(lines.iter().map(|l| l.quantity))),
        Arc::new(Float64Array::from_iter(lines.iter().map(|l| l.amount.map(|a| a as f64 / number::UNITS as f64)))),
        Arc::new(BooleanArray::from_iter(lines.iter().map(|l| Some(covered(l))))),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

#[cfg(test)]
mod tests;
