//! The two sets in which the reports of a run are written: one for circulation, one for inside the house.
//!
//! A set holds finished frames; every format of it is written from them, so their values agree. Not here: which cells are
//! withheld (`suppress`), how a format looks (`write`, `workbook`, `page`).

use chrono::NaiveDate;
use polars::prelude::DataFrame;
use serde::Serialize;

use super::spec::Spec;

/// Who may read a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
    /// Small cells are withheld.
    Circulation,
    /// Full figures, in a folder that only its owner can read.
    Internal,
}

impl Disclosure {
    /// The name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Disclosure::Circulation => "circulation",
            Disclosure::Internal => "internal",
        }
    }
}

/// A finished report of one set.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    /// `None` for a report of the user's own folder.
    pub spec: Option<Spec>,
    /// Its last column is `disclosure`: what was withheld in the row, by whose leave it may be read.
    pub frame: DataFrame,
}

/// What all reports of a run are about. Nothing volatile: the same mart and range give the same facts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub from: Option<NaiveDate>,
    /// The last day: `--to`, else the newest observed one.
    pub to: Option<NaiveDate>,
    /// The newest observation of the range, in microseconds since the epoch, UTC.
    pub newest_us: Option<i64>,
    pub time_zone: String,
    pub include_sandbox: bool,
    pub catalogue_version: String,
    pub tool_version: String,
    /// Counts below this are withheld in circulation.
    pub threshold: u64,
    /// Availability from which a window is online, and up to which it is offline.
    pub online_from: f64,
    pub offline_to: f64,
}

/// Everything that one set is written from.
#[derive(Clone, Debug)]
pub struct Set {
    pub disclosure: Disclosure,
    pub facts: Facts,
    pub alerts: Vec<Alert>,
    pub tables: Vec<Table>,
}

impl Set {
    /// The frame of a report, if there is one of this name.
    pub fn frame(&self, name: &str) -> Option<&DataFrame> {
        self.tables.iter().find(|table| table.name == name).map(|table| &table.frame)
    }
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// The rule: `drift`, `availability`, `backlog`, `rejects`, `unknown`, `silence`.
    pub rule: &'static str,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// Whose: provider, authority, segment, in words.
    pub subject: String,
    /// One sentence with the figures.
    pub message: String,
    /// The report that has the figures.
    pub report: &'static str,
}
