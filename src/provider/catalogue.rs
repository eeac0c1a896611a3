//! The code catalogue: what the providers' codes and texts mean.
//!
//! It is data (`codes/*.csv`, one file per provider), so that a meaning can be corrected, or overridden by a user's own
//! CSV, without touching code or stored rows. [`Catalogue::resolve`] is the definition of how an observation finds its
//! row; `queries/models` does the same in SQL, and a test holds the two against each other.
//!
//! Not here: what follows from an outcome (which observation decides a verification); that is in the models.
//!
//! A row's `product`, `code`, `error_code` and `text` may be `*`, any or none; an empty cell is "none stated". No row of ours
//! has the code `*`: it would hide unknown codes.
//! Rows of the pseudo-products (`submission`, `query`, `detail`, `action`) never match an observation: they explain codes
//! of refusals, of the call itself, and of parts of a result.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use crate::record::{Code, Product, Provider};

/// The columns of a catalogue file, in order.
pub const COLUMNS: [&str; 14] = [
    "provider",
    "product",
    "code",
    "error_code",
    "text",
    "outcome",
    "is_final",
    "half",
    "is_human",
    "authority_signal",
    "billable",
    "retryable",
    "meaning",
    "source",
];

/// The outcomes a row may state; none is written as an empty cell. `unknown` is what has no row.
pub const OUTCOMES: [&str; 7] = ["passed", "failed", "review", "incomplete", "unavailable", "error", "pending"];

/// Products that no observation has.
const PSEUDO_PRODUCTS: [&str; 4] = ["submission", "query", "detail", "action"];
const HALVES: [&str; 3] = ["id", "face", "whole"];
const SIGNALS: [&str; 4] = ["answered", "unavailable", "ambiguous", "not_asked"];
const ANY: &str = "*";

const BUILTIN: [(&str, &str); 3] = [
    ("smile_id.csv", include_str!("codes/smile_id.csv")),
    ("advance_ai.csv", include_str!("codes/advance_ai.csv")),
    ("jumio.csv", include_str!("codes/jumio.csv")),
];

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub provider: Provider,
    /// A product, `*` for any, or a pseudo-product.
    pub product: String,
    /// `result_code`, empty for none stated, or `*`.
    pub code: String,
    /// `error_code`, empty for none stated, or `*`.
    pub error_code: String,
    /// The text as it is displayed and stored, empty for none stated, or `*`.
    pub text: String,
    /// One of [`OUTCOMES`]; none where the code states no verdict.
    pub outcome: Option<String>,
    /// True for `passed` and `failed`.
    pub is_final: bool,
    /// `id`, `face` or `whole`.
    pub half: String,
    pub is_human: bool,
    /// `answered`, `unavailable`, `ambiguous` or `not_asked`; none where it cannot be told.
    pub authority_signal: Option<String>,
    /// `yes` or `no`; none where it is not known.
    pub billable: Option<String>,
    pub retryable: Option<bool>,
    pub meaning: String,
    pub source: String,
}

impl Entry {
    /// What a row is known by: no two rows of a catalogue share it.
    fn key(&self) -> Key {
        let text = fold_text(&self.text);
        (self.provider.word(), self.product.clone(), self.code.clone(), self.error_code.clone(), text)
    }

    /// How closely the row matches; the greatest wins.
    fn closeness(&self) -> (bool, bool, bool, bool) {
        (self.product != ANY, self.code != ANY, self.error_code != ANY, self.text != ANY)
    }

    fn cells(&self) -> [&str; 14] {
        [
            self.provider.word(),
            &self.product,
            &self.code,
            &self.error_code,
            &self.text,
            self.outcome.as_deref().unwrap_or(""),
            flag_word(Some(self.is_final)),
            &self.half,
            flag_word(Some(self.is_human)),
            self.authority_signal.as_deref().unwrap_or(""),
            self.billable.as_deref().unwrap_or(""),
            flag_word(self.retryable),
            &self.meaning,
            &self.source,
        ]
    }
}

type Key = (&'static str, String, String, String, String);

/// A catalogue file that cannot be used. Names the place and what is allowed there, never the cell's content.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{origin}, line {line}{}: {problem}", column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct CatalogueError {
    /// The file.
    pub origin: String,
    /// Its line, from 1.
    pub line: u64,
    pub column: Option<&'static str>,
    /// What is wrong and what is allowed.
    pub problem: String,
}

/// The catalogue in force.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    version: String,
    words: HashMap<Provider, Words>,
}

/// What a provider is known to say, for quick lookup.
#[derive(Clone, Debug, Default)]
struct Words {
    /// Folded text to displayed text.
    texts: HashMap<String, String>,
    codes: HashSet<String>,
    errors: HashSet<String>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    pub fn builtin() -> &'static Catalogue {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::from_rows(builtin_rows().expect("the built-in catalogue is checked by a test"))
        });
        &CATALOGUE
    }

    /// The built-in catalogue with a user's rows: a row with the same key columns replaces ours, any other is added.
    pub fn with_overrides(csv_text: &str, origin: &str) -> Result<Catalogue, CatalogueError> {
        let mut rows: BTreeMap<Key, Entry> =
            Catalogue::builtin().entries.iter().map(|entry| (entry.key(), entry.clone())).collect();
        rows.extend(parse(csv_text, origin)?);
        Ok(Catalogue::from_rows(rows))
    }

    fn from_rows(rows: BTreeMap<Key, Entry>) -> Catalogue {
        let mut entries: Vec<Entry> = rows.into_values().collect();
        entries.sort_by(|a, b| a.cells()[..5].cmp(&b.cells()[..5]));
        let mut words: HashMap<Provider, Words> = HashMap::new();
        for entry in &entries {
            let known = words.entry(entry.provider).or_default();
            if !matches!(entry.text.as_str(), "" | ANY) {
                known.texts.insert(fold_text(&entry.text), entry.text.clone());
            }
            if !matches!(entry.code.as_str(), "" | ANY) {
                known.codes.insert(entry.code.clone());
            }
            if !matches!(entry.error_code.as_str(), "" | ANY) {
                known.errors.insert(entry.error_code.clone());
            }
        }
        let digest = blake3::hash(canonical_csv(&entries).as_bytes()).to_hex();
        Catalogue { version: digest[..12].to_string(), entries, words }
    }

    /// The first 12 hexadecimal digits of the BLAKE3 of the catalogue as canonical CSV.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All rows, sorted by provider, product, code, error code and text.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The catalogue as sorted CSV with its header.
    pub fn csv(&self) -> String {
        canonical_csv(&self.entries)
    }

    /// The displayed form of a text of this provider, if any row holds it. Only such texts may be stored.
    pub fn known_text(&self, provider: Provider, text: &str) -> Option<&str> {
        self.words.get(&provider)?.texts.get(&fold_text(text)).map(String::as_str)
    }

    /// Whether any row of this provider holds this code.
    pub fn knows_code(&self, provider: Provider, code: &str) -> bool {
        self.words.get(&provider).is_some_and(|known| known.codes.contains(code))
    }

    /// Whether any row of this provider holds this error code.
    pub fn knows_error(&self, provider: Provider, code: &str) -> bool {
        self.words.get(&provider).is_some_and(|known| known.errors.contains(code))
    }

    /// The catalogue as rows of the table `codes`, texts in the form in which observations store them.
    pub fn rows(&self, batch_id: &str) -> Vec<Code> {
        let row = |entry: &Entry| Code {
            batch_id: batch_id.to_string(),
            catalogue_version: self.version.clone(),
            provider: entry.provider.word().to_string(),
            product: entry.product.clone(),
            code: entry.code.clone(),
            error_code: entry.error_code.clone(),
            text: self.known_text(entry.provider, &entry.text).unwrap_or(&entry.text).to_owned(),
            outcome: entry.outcome.clone(),
            is_final: entry.is_final,
            half: entry.half.clone(),
            is_human: entry.is_human,
            authority_signal: entry.authority_signal.clone(),
            billable: entry.billable.clone(),
            retryable: entry.retryable,
            meaning: entry.meaning.clone(),
            source: entry.source.clone(),
        };
        self.entries.iter().map(row).collect()
    }

    /// The row that says what a statement means.
    ///
    /// Of the rows whose product, code, error code and text each equal what is stated or are `*`, the closest wins:
    /// product exact first, then code, then error code, then text. Where no row matches, a row without a code that
    /// holds the stated text speaks, so that a known text is understood beside an unknown code.
    pub fn resolve(
        &self,
        provider: Provider,
        product: Option<Product>,
        result_code: Option<&str>,
        error_code: Option<&str>,
        text: Option<&str>,
    ) -> Option<&Entry> {
        let product = product.map_or(ANY, Product::word);
        let error_code = error_code.unwrap_or("");
        let text = fold_text(text.unwrap_or(""));
        let closest = |code: &str, with_text: bool| {
            let fits = |entry: &&Entry| {
                entry.provider == provider
                    && (entry.product == ANY || entry.product == product)
                    && (entry.code == code || (entry.code == ANY && !with_text))
                    && (entry.error_code == ANY || entry.error_code == error_code)
                    && (fold_text(&entry.text) == text || (entry.text == ANY && !with_text))
            };
            self.entries.iter().filter(fits).max_by_key(|entry| entry.closeness())
        };
        let by_code = closest(result_code.unwrap_or(""), false);
        if text.is_empty() || text == ANY { by_code } else { by_code.or_else(|| closest("", true)) }
    }
}

/// A text as it is compared: trimmed, lower case, each run of white space one space, no full stop at its end.
pub fn fold_text(text: &str) -> String {
    tidy_text(text).to_lowercase()
}

/// A text as it is displayed and stored: like [`fold_text`], but in its own letters.
fn tidy_text(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', ' ']).to_string()
}

fn builtin_rows() -> Result<BTreeMap<Key, Entry>, CatalogueError> {
    let mut rows = BTreeMap::new();
    for (origin, text) in BUILTIN {
        rows.extend(parse(text, origin)?);
    }
    Ok(rows)
}

fn canonical_csv(entries: &[Entry]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written =
        std::iter::once(COLUMNS).chain(entries.iter().map(Entry::cells)).try_for_each(|r| writer.write_record(r));
    written.expect("rows of one width, written to memory");
    let bytes = writer.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("made from strings")
}

/// Reads a catalogue file.
fn parse(csv_text: &str, origin: &str) -> Result<BTreeMap<Key, Entry>, CatalogueError> {
    let error = |line, column, problem: String| CatalogueError { origin: origin.to_string(), line, column, problem };
    let text = csv_text.strip_prefix('\u{feff}').unwrap_or(csv_text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = BTreeMap::new();
    let mut lines: HashMap<Key, u64> = HashMap::new();
    let mut header_seen = false;
    for record in reader.records() {
        let record = record
            .map_err(|e| error(e.position().map_or(0, csv::Position::line), None, "this is not CSV".to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        if !header_seen {
            header_seen = true;
            if !record.iter().eq(COLUMNS) {
                return Err(error(line, None, format!("the header must be `{}`", COLUMNS.join(","))));
            }
            continue;
        }
        if record.len() != COLUMNS.len() {
            return Err(error(line, None, format!("{} cells where {} are needed", record.len(), COLUMNS.len())));
        }
        let entry = Row(&record).entry().map_err(|(column, problem)| error(line, Some(column), problem))?;
        if let Some(earlier) = lines.insert(entry.key(), line) {
            return Err(error(line, None, format!("its five key columns are those of line {earlier}")));
        }
        rows.insert(entry.key(), entry);
    }
    if header_seen {
        Ok(rows)
    } else {
        Err(error(1, None, format!("empty; the header must be `{}`", COLUMNS.join(","))))
    }
}

/// A record with as many cells as there are columns.
struct Row<'a>(&'a csv::StringRecord);

type Refused = (&'static str, String);

impl Row<'_> {
    fn cell(&self, column: &str) -> &str {
        COLUMNS.iter().position(|c| *c == column).and_then(|i| self.0.get(i)).unwrap_or("").trim()
    }

    fn entry(&self) -> Result<Entry, Refused> {
        let outcome = self.optional("outcome", &OUTCOMES)?;
        let is_final = self.flag("is_final")?.ok_or_else(|| refused("is_final", &["true", "false"]))?;
        if is_final != matches!(outcome.as_deref(), Some("passed" | "failed")) {
            return Err((
                "is_final",
                "must be true where the outcome is passed or failed, and false elsewhere".to_string(),
            ));
        }
        let providers: Vec<&str> = Provider::ALL.iter().map(|p| p.word()).collect();
        Ok(Entry {
            provider: Provider::from_word(self.cell("provider")).ok_or_else(|| refused("provider", &providers))?,
            product: self.product()?,
            code: self.cell("code").to_string(),
            error_code: self.cell("error_code").to_string(),
            text: tidy_text(self.cell("text")),
            outcome,
            is_final,
            half: self.optional("half", &HALVES)?.ok_or_else(|| refused("half", &HALVES))?,
            is_human: self.flag("is_human")?.ok_or_else(|| refused("is_human", &["true", "false"]))?,
            authority_signal: self.optional("authority_signal", &SIGNALS)?,
            billable: self.optional("billable", &["yes", "no"])?,
            retryable: self.flag("retryable")?,
            meaning: self.cell("meaning").to_string(),
            source: self.cell("source").to_string(),
        })
    }

    fn product(&self) -> Result<String, Refused> {
        let products = Product::ALL.iter().map(|p| p.word());
        let allowed: Vec<&str> = std::iter::once(ANY).chain(PSEUDO_PRODUCTS).chain(products).collect();
        self.optional("product", &allowed)?.ok_or_else(|| refused("product", &allowed))
    }

    /// A word of a list, or nothing.
    fn optional(&self, column: &'static str, allowed: &[&str]) -> Result<Option<String>, Refused> {
        match self.cell(column) {
            "" => Ok(None),
            word if allowed.contains(&word) => Ok(Some(word.to_string())),
            _ => Err(refused(column, allowed)),
        }
    }

    fn flag(&self, column: &'static str) -> Result<Option<bool>, Refused> {
        match self.cell(column).to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(refused(column, &["true", "false"])),
        }
    }
}

fn refused(column: &'static str, allowed: &[&str]) -> Refused {
    (column, format!("allowed: {}", allowed.join(", ")))
}

fn flag_word(flag: Option<bool>) -> &'static str {
    match flag {
        Some(true) => "true",
        Some(false) => "false",
        None => "",
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "catalogue_word_tests.rs"]
mod word_tests;
