//! What one observation means, by the library's own [`Catalogue::resolve`] and the rules around it (DESIGN 4, Outcome).

use std::collections::HashMap;

use kycmart::provider::catalogue::{Catalogue, Entry};
use kycmart::record::{Observation, Product, Provider};

/// The outcomes in the order in which reports list them.
pub const OUTCOMES: [&str; 8] =
    ["passed", "failed", "review", "incomplete", "unavailable", "error", "pending", "unknown"];

/// The judgement on one observation.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    pub outcome: &'static str,
    /// `id`, `face` or `whole`.
    pub half: &'static str,
    pub is_human: bool,
    pub signal: Option<&'static str>,
    /// What the catalogue says, if it holds the code.
    pub entry: Option<&'static Entry>,
}

impl Meaning {
    /// Only a pass or a fail decides.
    pub fn is_final(self) -> bool {
        matches!(self.outcome, "passed" | "failed")
    }
}

type Stated = (Provider, Option<Product>, Option<String>, Option<String>, Option<String>);

/// The built-in catalogue, asked once for each combination.
#[derive(Default)]
pub struct Meanings(HashMap<Stated, Option<&'static Entry>>);

impl Meanings {
    /// What an observation means if it is about this product.
    pub fn of(&mut self, stated: &Observation, product: Option<Product>) -> Meaning {
        let entry = self.entry(stated, product);
        let signal = entry.and_then(|e| e.authority_signal.as_deref());
        let whole = |outcome| Meaning { outcome, half: "whole", is_human: false, signal, entry };
        let flag = |flag: Option<bool>| flag.filter(|_| !stated.is_history);
        if flag(stated.job_complete) == Some(false) {
            return whole("pending");
        }
        if let Some((entry, outcome)) = entry.and_then(|e| Some((e, e.outcome.as_deref()?))) {
            return Meaning { outcome, half: &entry.half, is_human: entry.is_human, signal, entry: Some(entry) };
        }
        // Success counts only alone: a code that the catalogue does not hold is never folded into another outcome.
        let alone = stated.result_code.is_none() && stated.error_code.is_none();
        if flag(stated.job_success) == Some(true) && alone { whole("passed") } else { whole("unknown") }
    }

    fn entry(&mut self, stated: &Observation, product: Option<Product>) -> Option<&'static Entry> {
        let (code, error, text) = (&stated.result_code, &stated.error_code, &stated.result_text);
        let asked = (stated.provider, product, code.clone(), error.clone(), text.clone());
        *self.0.entry(asked).or_insert_with(|| {
            let catalogue = Catalogue::builtin();
            catalogue.resolve(stated.provider, product, code.as_deref(), error.as_deref(), text.as_deref())
        })
    }
}
