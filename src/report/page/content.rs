//! What the page is made of, as the template reads it. Not here: how it looks (`report.html`, `report.css`).

use serde::Serialize;

use super::cells::Table;

/// A part of the page with a heading and a place in the list of contents.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

/// What stands in a section, one below the other.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", content = "body", rename_all = "lowercase")]
pub enum Block {
    Heading(String),
    Text(String),
    /// Nothing is wrong.
    Calm(String),
    /// There was nothing to judge.
    Empty(String),
    Notes(Vec<Note>),
    Cards(Vec<Card>),
    Figures(Vec<Figure>),
    Table(Table),
}

/// A line of a list of what somebody should look at.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// `critical`, `warning` or `note`: the class of its colour.
    pub severity: String,
    /// What it is, in a word.
    pub word: String,
    pub subject: String,
    pub message: String,
    /// Name of the report that has the figures, or nothing.
    pub report: String,
}

/// The headline figures of one provider.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    pub title: String,
    pub figure: String,
    pub interval: String,
    /// Word and figure.
    pub lines: Vec<(String, String)>,
    /// The interval as a bar, already escaped.
    pub svg: Option<String>,
}

/// A chart with its words and the table behind it.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub id: String,
    pub title: String,
    pub caption: String,
    /// Already escaped.
    pub svg: String,
    /// Needs the whole width; scrolls where there is less.
    pub wide: bool,
    /// Shown when asked for.
    pub folded: bool,
    pub table: Option<Table>,
}
