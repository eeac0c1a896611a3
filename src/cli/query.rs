//! `kycmart query`: one SELECT over a mart's tables and models.

use std::path::Path;

use clap::Args;

use super::print::{self, Style};
use super::report::{Seen, resources};
use super::{Context, MartArgument};
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{Scope, prepare};

const EXAMPLES: &str = "\
Examples:
  kycmart query --mart mart 'SELECT provider, outcome, COUNT(*) AS n FROM verifications GROUP BY ALL ORDER BY ALL'
  kycmart query --mart mart pass_rates_daily --format csv        a report by its name
  kycmart query --mart mart question.sql --format parquet > answer.parquet

Tables: observations, checks, receipts, authority_status, submissions, rejects, unknown_fields, codes, inputs, batches.
Rows of a table count if their batch_id is listed in batches; the models take care of it.
Models: verifications, resolved_observations, authority_lookups and the others of queries/models.";

/// Run one SELECT over a mart, a named report, or the SELECT in a .sql file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// A SELECT, the name of a report or model, or a .sql file.
    query: String,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Style,
    /// See known sandbox traffic too.
    #[arg(long)]
    include_sandbox: bool,
    /// Ask the mart as it was once; see `kycmart report --help`.
    #[arg(long, value_name = "BATCH|TIME")]
    as_of: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let select = one_select(&text_of(&arguments.query, context)?)?;
    let seen = Seen::open(&arguments.mart.path(&context.config)?, arguments.as_of.as_deref())?;
    let reports = &context.config.reports;
    let scope = Scope {
        from: None,
        to: None,
        time_zone: context.config.time_zone().map_err(Error::usage)?,
        include_sandbox: arguments.include_sandbox || reports.include_sandbox,
        online_from: reports.online_from,
        offline_to: reports.offline_to,
        drift: context.config.drift,
        invoice: Vec::new(),
        availability_target: reports.availability_target,
    };
    let mut engine = DuckDb::open(&Resources { keep_order: true, ..resources(&context.config) })?;
    seen.view(context).register(&mut engine)?;
    prepare(&mut engine, &context.queries, &scope)?;
    let advise = |e: Error| match e.kind() {
        ErrorKind::Usage => e.hint("one SELECT over the tables and models of `kycmart query --help`"),
        ErrorKind::Failed => e,
    };
    let batches = engine.select(&select).map_err(advise)?;
    print::print(&batches, arguments.format, &mut std::io::BufWriter::new(std::io::stdout()))?;
    Ok(0)
}

fn text_of(query: &str, context: &Context) -> Result<String> {
    let queries = context.queries.reports.iter();
    if let Some(report) = queries.into_iter().find(|q| q.name == query) {
        return Ok(report.sql.clone());
    }
    if context.queries.models.iter().any(|q| q.name == query) {
        return Ok(format!("SELECT * FROM {query}"));
    }
    let path = Path::new(query);
    if path.extension().is_some_and(|e| e == "sql") {
        return std::fs::read_to_string(path).map_err(|e| Error::usage(format!("cannot read {query}: {e}")));
    }
    if !query.contains(char::is_whitespace) {
        let names: Vec<&str> = context.queries.reports.iter().map(|q| q.name.as_str()).collect();
        return Err(Error::usage(format!("{query} is no SELECT, no .sql file and no report"))
            .hint(format!("reports: {}", names.join(", "))));
    }
    Ok(query.to_owned())
}

/// Wraps a text so that only a SELECT can stand there: as a subquery it can change nothing.
fn one_select(text: &str) -> Result<String> {
    let select = text.trim().trim_end_matches(';').trim_end();
    let closed = balanced(select).map_err(|what| Error::usage(format!("not one SELECT: {what}")))?;
    Ok(format!("SELECT * FROM (\n{closed}\n) AS answer"))
}

/// Refuses a text that would end the parenthesis around it, or that holds a second statement.
pub(super) fn balanced(select: &str) -> std::result::Result<&str, &'static str> {
    let (mut depth, mut chars) = (0i32, select.char_indices().peekable());
    while let Some((start, c)) = chars.next() {
        match c {
            // A doubled quote closes and opens again, which comes to the same.
            '\'' | '"' => {
                chars.by_ref().find(|(_, inner)| *inner == c).ok_or("a quote is not closed")?;
            }
            '-' if select[start..].starts_with("--") => {
                chars.by_ref().find(|(_, inner)| *inner == '\n');
            }
            '/' if select[start..].starts_with("/*") => {
                let end = select[start + 2..].find("*/").ok_or("a comment is not closed")? + start + 3;
                while chars.next_if(|(at, _)| *at <= end).is_some() {}
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            ';' => return Err("there is a second statement after the ;"),
            _ => {}
        }
        if depth < 0 {
            return Err("a ) too many");
        }
    }
    Ok(select)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_select_passes() {
        for fine in
            ["SELECT 1;", "SELECT ';' AS a -- ;)\n", "WITH a AS (SELECT 1 AS x) SELECT x FROM a", "SELECT 1 /* ; ) */"]
        {
            assert!(one_select(fine).is_ok(), "{fine}");
        }
        for wrong in
            ["SELECT 1; DROP TABLE x", "SELECT 1) AS a; COPY x TO 'y'; SELECT (1", "SELECT 'open", "SELECT 1 /* open"]
        {
            assert!(one_select(wrong).is_err(), "{wrong}");
        }
    }
}
