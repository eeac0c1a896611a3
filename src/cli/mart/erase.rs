//! `kycmart mart erase` and `kycmart mart retention`: payloads that must go.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use clap::Args;

use crate::cli::ingest::word;
use crate::cli::print::lines;
use crate::cli::report::resources;
use crate::cli::{Context, MartArgument};
use crate::error::{Error, Result};
use crate::mart::erase::{Account, Erasure, Wanted};
use crate::mart::{Mart, MartLock};
use crate::pseudonym::PseudonymKey;
use crate::record::{Environment, Micros, Provider};

const EXAMPLES: &str = "\
Examples:
  kycmart mart erase --mart mart --user-id user-4711 --key-file pseudonym.key --dry-run
  kycmart mart erase --mart mart --job-id 0000004711 --partner 2442 --reason 'request 17 of 2026-11-02'
  kycmart mart vacuum --mart mart --delete --keep 0h --force      the bytes go, too

All payloads of the jobs found are erased: rows first, then their bytes with `mart vacuum`. A tombstone keeps their digests,
so that a source that is still there does not bring them back. The sources, and reports written before, are yours to clean.";

const RETENTION_EXAMPLES: &str = "\
Examples:
  kycmart mart retention --mart mart --keep 24m --dry-run
  kycmart mart retention --mart mart --keep 400d --holds holds.csv
  kycmart mart retention --mart mart --before 2025-01-01

A job goes as a whole once nothing was heard of it for that long. Batches and their counts stay.";

/// Erase every payload of a user or a job.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// A user, by the id that payloads state; needs the pseudonym key.
    #[arg(long, value_name = "ID", required_unless_present = "job_id")]
    user_id: Vec<String>,
    /// A job, by the provider's or the company's reference.
    #[arg(long, value_name = "ID", conflicts_with = "user_id")]
    job_id: Vec<String>,
    /// Only jobs at this provider: smile_id, advance_ai, jumio.
    #[arg(long, value_parser = word::<Provider>, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// Only jobs of this account.
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// Only jobs of this environment: production or sandbox.
    #[arg(long, value_parser = word::<Environment>, value_name = "NAME")]
    environment: Option<Environment>,
    /// File with the pseudonym keys.
    #[arg(long, env = "KYCMART_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
}

/// Remove what is older than the law lets you keep it.
#[derive(Debug, Args)]
#[command(after_help = RETENTION_EXAMPLES)]
pub struct RetentionArguments {
    #[command(flatten)]
    mart: MartArgument,
    /// How long to keep: 400d, 24m or 2y, back from today.
    #[arg(long, value_name = "TIME", required_unless_present = "before")]
    keep: Option<String>,
    /// Remove what is from before this day instead.
    #[arg(long, value_name = "DAY", conflicts_with = "keep")]
    before: Option<NaiveDate>,
    /// File with the pseudonym keys, where users are on hold.
    #[arg(long, env = "KYCMART_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
}

/// What both kinds of removal share.
#[derive(Debug, Args)]
struct Terms {
    /// Why, as the tombstone keeps it; nothing personal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Legal holds: a CSV with the columns field (user_id or job_id) and value; their payloads stay.
    #[arg(long, env = "KYCMART_HOLDS", value_name = "FILE")]
    holds: Option<PathBuf>,
    /// Say what would go, change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `mart erase`.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let users = arguments.user_id.iter().cloned().map(Wanted::UserId);
    let jobs = arguments.job_id.iter().cloned().map(Wanted::JobId);
    let wanted: Vec<Wanted> = users.chain(jobs).collect();
    if wanted.iter().any(|w| matches!(w, Wanted::UserId(id) | Wanted::JobId(id) if id.trim().is_empty())) {
        return Err(Error::usage("the id is empty"));
    }
    let account = Account {
        provider: arguments.provider,
        partner: arguments.partner.clone(),
        environment: arguments.environment,
    };
    let key = context.config.key(arguments.key_file.as_deref())?;
    remove(&arguments.mart, &arguments.terms, &wanted, &account, key.as_ref(), context)
}

/// Runs `mart retention`.
pub fn retain(arguments: &RetentionArguments, context: &Context) -> Result<u8> {
    let cutoff = match (&arguments.keep, arguments.before) {
        (Some(keep), _) => before(Utc::now(), keep)?,
        (None, Some(day)) => day.and_time(chrono::NaiveTime::MIN).and_utc(),
        (None, None) => return Err(Error::usage("say how long to keep").hint("add --keep 24m or --before DAY")),
    };
    let key = context.config.key(arguments.key_file.as_deref())?;
    eprintln!("retention: what was last heard of before {} goes", cutoff.format("%Y-%m-%dT%H:%M:%SZ"));
    let wanted = [Wanted::OlderThan(Micros(cutoff.timestamp_micros()))];
    remove(&arguments.mart, &arguments.terms, &wanted, &Account::default(), key.as_ref(), context)
}

/// The instant that lies this long before: `400d`, `24m`, `2y`.
fn before(now: DateTime<Utc>, keep: &str) -> Result<DateTime<Utc>> {
    let wrong = || Error::usage(format!("--keep {keep}: write days, months or years, as 400d, 24m or 2y"));
    let (number, unit) = keep.split_at_checked(keep.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u32 = number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
    let then = match unit {
        "d" => now.checked_sub_days(Days::new(number.into())),
        "m" => now.checked_sub_months(Months::new(number)),
        "y" => number.checked_mul(12).and_then(|months| now.checked_sub_months(Months::new(months))),
        _ => None,
    };
    then.ok_or_else(wrong)
}

fn remove(
    mart: &MartArgument,
    terms: &Terms,
    wanted: &[Wanted],
    account: &Account,
    key: Option<&PseudonymKey>,
    context: &Context,
) -> Result<u8> {
    let root = mart.path(&context.config)?;
    let holds = terms.holds.as_deref().map(holds).transpose()?.unwrap_or_default();
    let resources = resources(&context.config);
    let mart = Mart::open(&root)?;
    if terms.dry_run {
        print(&mart.plan_erasure(wanted, account, &holds, key, &resources)?.erasure, true)?;
        return Ok(0);
    }
    drop(mart);
    let _lock = MartLock::take(&root, "mart erase")?;
    let mut mart = Mart::open_or_create(&root)?;
    let plan = mart.plan_erasure(wanted, account, &holds, key, &resources)?;
    print(&mart.erase(plan, terms.reason.as_deref())?, false)?;
    Ok(0)
}

/// Reads a list of legal holds.
fn holds(path: &Path) -> Result<Vec<Wanted>> {
    let wrong = |what: String| {
        Error::usage(format!("the holds {}: {what}", path.display()))
            .hint("a CSV with a header: field,value; field is user_id or job_id")
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_path(path);
    let reader = reader.as_mut().map_err(|e| wrong(e.to_string()))?;
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let column =
        |name: &str| header.iter().position(|h| h == name).ok_or_else(|| wrong(format!("there is no column {name}")));
    let (field, value) = (column("field")?, column("value")?);
    let mut holds = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let text = record.get(value).unwrap_or_default().to_owned();
        holds.push(match record.get(field) {
            _ if text.is_empty() => return Err(wrong(format!("row {} has no value", row + 1))),
            Some("user_id") => Wanted::UserId(text),
            Some("job_id") => Wanted::JobId(text),
            _ => return Err(wrong(format!("row {}: the field is neither user_id nor job_id", row + 1))),
        });
    }
    Ok(holds)
}

fn print(erasure: &Erasure, dry_run: bool) -> Result<()> {
    erasure.notes.iter().for_each(|note| eprintln!("mart: {note}"));
    let verb = if dry_run { "would be erased" } else { "erased" };
    lines(|out| {
        writeln!(out, "{} payloads {verb}", erasure.payloads)?;
        if erasure.held > 0 {
            writeln!(out, "{} payloads stay: legal hold", erasure.held)?;
        }
        for (table, rows) in erasure.rows.iter().filter(|(_, rows)| **rows > 0) {
            writeln!(out, "  {table}: {rows} rows")?;
        }
        match &erasure.erasure_id {
            Some(id) => writeln!(out, "erasure {id}"),
            None if dry_run => erasure.jobs.iter().try_for_each(|job| writeln!(out, "  job {job}")),
            None => Ok(()),
        }
    })?;
    if erasure.erasure_id.is_some() {
        eprintln!("mart: the bytes are still in files that no version uses, until:");
        eprintln!("mart: kycmart mart vacuum --delete --keep 0h --force");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_keep_is_days_months_or_years() {
        let now = DateTime::parse_from_rfc3339("2026-03-31T12:00:00Z").unwrap().to_utc();
        let day = |keep: &str| before(now, keep).map(|t| t.date_naive().to_string()).unwrap_or_default();
        assert_eq!((day("30d"), day("1m"), day("2y")), ("2026-03-01".into(), "2026-02-28".into(), "2024-03-31".into()));
        for wrong in ["", "m", "0d", "-3d", "12", "5w", "99999999999y", "4294967295y", "ä"] {
            assert!(before(now, wrong).is_err(), "{wrong}");
        }
    }
}
