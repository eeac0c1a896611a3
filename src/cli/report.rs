//! `kycmart report`: every report over a mart, and `run.json` beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde::Serialize;

use super::ingest::FailOn;
use super::news::{self, News};
use super::{Context, MartArgument, headline};
use crate::config::Config;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::engine::{Engine, number, text};
use crate::error::{Error, Result};
use crate::ingest::Summary;
use crate::mart::Mart;
use crate::mart::as_of::{Past, View};
use crate::report::alerts::Rules;
use crate::report::restated::{self, Ledger, Restated};
use crate::report::run::RunFolder;
use crate::report::set::{Alert, Facts};
use crate::report::write::Format;
use crate::report::{Done, Order, Scope, Written, invoice, prepare, write_all};

const EXAMPLES: &str = "\
Examples:
  kycmart report --mart mart --out reports
  kycmart report --mart mart --out reports --from 2026-10-01 --to 2026-10-31 --format csv
  kycmart report --mart mart --out reports --internal                  full figures too, for the house
  kycmart report --mart mart --out reports --fail-on drift,availability,unknown=10
  kycmart report --mart mart --out reports --as-of 2026-10-15          as it was at the end of that day
  kycmart report --mart mart --out reports --invoice october.csv       a provider's invoice against what was counted

With --as-of a report is what it was then: the batches of then, and the code catalogue that was stored with the newest of
them. Where an erasure or a vacuum makes that impossible, it says so and exits with 3.

OUT/latest/circulation has the reports with small counts withheld: report.html to read, kycmart.xlsx, a CSV and a Parquet
file of each, alerts.json, kycmart.prom. With --internal OUT/latest/internal has the same with full figures.

The range ends with the newest observed day unless --to says otherwise; the clock plays no part.";

/// Write every report over a mart.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    mart: MartArgument,
    /// See the mart as it was: after a batch (its identifier, or the beginning of it), at a time (RFC 3339), or at the end
    /// of a day (UTC).
    #[arg(long, value_name = "BATCH|TIME")]
    as_of: Option<String>,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Where reports go and what they cover.
#[derive(Debug, Args)]
pub struct OutputArguments {
    /// Folder of the runs; the newest is named by OUT/latest.
    #[arg(long, env = "KYCMART_OUT", value_name = "DIR")]
    out: Option<PathBuf>,
    /// First day, inclusive (2026-10-01).
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Last day, inclusive.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// File formats: a file per report, one workbook, one page.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "csv,parquet,xlsx,html")]
    format: Vec<Format>,
    /// Write the full figures too, into OUT/latest/internal (readable by its owner only).
    #[arg(long, env = "KYCMART_INTERNAL", hide_env_values = true)]
    internal: bool,
    /// IANA time zone in which days begin [default: UTC].
    #[arg(long, env = "KYCMART_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<String>,
    /// Count known sandbox traffic too.
    #[arg(long)]
    include_sandbox: bool,
    /// A provider's invoice to set against what was counted, in the report billing_invoice: CSV with a header. Columns, in
    /// any order and spelling of case, spaces and dashes: provider (vendor, supplier), month (period, billing month; 2026-10
    /// or a day of it), quantity (qty, count, units, items, volume), product (service; empty: all that have no line of
    /// their own), amount (total, price, cost). Others are ignored. Numbers may have thousands separators; lines of one
    /// provider, month and product are added up.
    #[arg(long, value_name = "FILE.csv")]
    invoice: Option<PathBuf>,
    #[command(flatten)]
    pub fail_on: FailOn,
}

/// `run.json`: everything volatile of a run.
#[derive(Debug, Serialize)]
struct RunRecord<'a> {
    run: &'a str,
    command: &'static str,
    tool_version: &'static str,
    started_at: String,
    finished_at: String,
    duration_seconds: f64,
    mart: String,
    as_of: Option<AsOf<'a>>,
    range: Range,
    include_sandbox: bool,
    /// The file that `billing_invoice` was made from.
    invoice: Option<String>,
    catalogue_version: String,
    table_versions: BTreeMap<&'static str, u64>,
    ingest: Option<&'a Summary>,
    findings: &'a BTreeMap<&'static str, u64>,
    /// Sets that were written.
    sets: Vec<&'static str>,
    /// What the run itself found amiss; alerts about figures are in alerts.json of each set.
    run_alerts: &'a [Alert],
    /// Earlier days whose figures are not those of the run before.
    restated: &'a [Restated],
    ledger: &'a Ledger,
    /// What the batch of this run brought that was never seen before.
    news: News,
    reports: &'a [Written],
}

/// The past that a report shows.
#[derive(Debug, Serialize)]
struct AsOf<'a> {
    /// As it was asked for.
    asked: &'a str,
    moment: String,
    /// The batches that counted then.
    batches: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Range {
    from: Option<String>,
    to: Option<String>,
    time_zone: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> Result<u8> {
    let seen = Seen::open(&arguments.mart.path(&context.config)?, arguments.as_of.as_deref())?;
    write_run(&seen.view(context), &arguments.output, context, "report", Utc::now(), None)
}

/// A mart as it is or was.
pub enum Seen {
    Now(Mart),
    Then(Box<Past>),
}

impl Seen {
    /// Opens it, as of then if that is asked for.
    pub fn open(root: &Path, as_of: Option<&str>) -> Result<Self> {
        match as_of {
            Some(wish) => Past::open(root, wish).map(|past| Seen::Then(Box::new(past))),
            None => Mart::open(root).map(Seen::Now),
        }
    }

    /// What a report is made from.
    pub fn view<'a>(&'a self, context: &'a Context) -> View<'a> {
        match self {
            Seen::Now(mart) => View::Now(mart, &context.catalogue),
            Seen::Then(past) => View::Then(past),
        }
    }
}

impl OutputArguments {
    /// The folder of the runs.
    pub fn out(&self, config: &Config) -> Result<PathBuf> {
        let out = self.out.clone().or_else(|| config.out.clone());
        out.ok_or_else(|| {
            Error::usage("no output folder was named").hint("add --out DIR, or out = \"DIR\" to kycmart.toml")
        })
    }

    /// The lines of the invoice, if one was named.
    pub fn invoice(&self) -> Result<Vec<invoice::Line>> {
        self.invoice.as_deref().map_or(Ok(Vec::new()), invoice::read)
    }

    fn scope(&self, config: &Config) -> Result<Scope> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Error::usage(format!("the range is empty: --from {from} is after --to {to}")));
        }
        let mut config = config.clone();
        if let Some(zone) = &self.time_zone {
            config.reports.time_zone.clone_from(zone);
        }
        Ok(Scope {
            from: self.from,
            to: self.to,
            time_zone: config.time_zone().map_err(Error::usage)?,
            include_sandbox: self.include_sandbox || config.reports.include_sandbox,
            online_from: config.reports.online_from,
            offline_to: config.reports.offline_to,
            drift: config.drift,
            invoice: self.invoice()?,
            availability_target: config.reports.availability_target,
        })
    }
}

/// What the embedded engine may use, by the configuration.
pub fn resources(config: &Config) -> Resources {
    Resources { memory_limit: config.limits.memory.clone(), threads: config.limits.threads, keep_order: false }
}

/// Writes one run and says where it is.
pub fn write_run(
    view: &View,
    output: &OutputArguments,
    context: &Context,
    command: &'static str,
    started: DateTime<Utc>,
    ingest: Option<&Summary>,
) -> Result<u8> {
    let clock = Instant::now();
    let (config, out) = (&context.config, output.out(&context.config)?);
    output.fail_on.wishes(&FINDINGS, config)?;
    let scope = output.scope(config)?;
    let id = &uuid::Uuid::new_v4().simple().to_string()[..6];
    let folder = RunFolder::create(&out, format!("{}-{id}", started.format("%Y%m%dT%H%M%SZ")))?;
    let engine = prepared(view, context, &scope)?;
    let facts = facts(&engine, &scope, config, view.catalogue_version())?;
    let done = write_all(&engine, &order(context, output, &scope, &facts), folder.path())?;
    let run_alerts = run_alerts(ingest, &config.alerts);
    let findings = findings(&engine, ingest, &done, &run_alerts)?;
    let ledger = restated::ledger(&engine, view.catalogue_version(), scope.time_zone.name(), scope.include_sandbox)?;
    let mut restated = if view.past().is_some() { Vec::new() } else { restated_days(&engine, &out, &ledger)? };
    let batch = ingest.and_then(|summary| summary.batch_id.as_deref());
    let news = batch.map_or(Ok(News::default()), |batch| news::of_batch(&engine, batch))?;
    drop(engine);
    write_days_again(&mut restated, view, output, context, &scope, folder.path())?;
    news.print();
    let finished = Utc::now();
    let name = folder.name().to_owned();
    let record = RunRecord {
        run: &name,
        command,
        tool_version: env!("CARGO_PKG_VERSION"),
        started_at: started.to_rfc3339(),
        finished_at: finished.to_rfc3339(),
        duration_seconds: (finished - started).as_seconds_f64().max(clock.elapsed().as_secs_f64()),
        mart: view.mart().root().display().to_string(),
        as_of: view.past().map(|past| AsOf {
            asked: past.asked(),
            moment: past.moment().rfc3339(),
            batches: past.batches().iter().map(|batch| batch.batch_id.as_str()).collect(),
        }),
        range: Range {
            from: scope.from.map(|d| d.to_string()),
            to: facts.to.map(|d| d.to_string()),
            time_zone: scope.time_zone.name().to_owned(),
        },
        include_sandbox: scope.include_sandbox,
        invoice: output.invoice.as_ref().map(|path| path.display().to_string()),
        catalogue_version: view.catalogue_version().to_owned(),
        table_versions: view.mart().versions().into_iter().collect(),
        ingest,
        findings: &findings,
        sets: if output.internal { vec!["circulation", "internal"] } else { vec!["circulation"] },
        run_alerts: &run_alerts,
        restated: &restated,
        ledger: &ledger,
        news,
        reports: &done.written,
    };
    let target = folder.publish(&record)?;
    let alerts: Vec<&Alert> = run_alerts.iter().chain(&done.shown.alerts).collect();
    headline::print(&done.shown, &alerts, &restated, &target)?;
    let findings: Vec<(&str, u64)> = findings.into_iter().collect();
    output.fail_on.judge(&findings, config)
}

/// The days that are not what the run before said.
fn restated_days(engine: &dyn Engine, out: &Path, ledger: &Ledger) -> Result<Vec<Restated>> {
    if let Some(before) = restated::previous(out) {
        return restated::compare(engine, &before, ledger);
    }
    if out.join("latest").exists() {
        eprintln!(
            "kycmart: the run.json of the run before cannot be read: which earlier days changed since is not known"
        );
    }
    Ok(Vec::new())
}

/// An engine with the tables and the models.
fn prepared(view: &View, context: &Context, scope: &Scope) -> Result<DuckDb> {
    let mut engine = DuckDb::open(&resources(&context.config))?;
    view.register(&mut engine)?;
    prepare(&mut engine, &context.queries, scope)?;
    Ok(engine)
}

fn order<'a>(context: &'a Context, output: &'a OutputArguments, scope: &'a Scope, facts: &'a Facts) -> Order<'a> {
    let (queries, rules) = (&context.queries, &context.config.alerts);
    Order { queries, scope, facts, formats: &output.format, internal: output.internal, rules }
}

/// What all reports of the run are about.
fn facts(engine: &dyn Engine, scope: &Scope, config: &Config, catalogue_version: &str) -> Result<Facts> {
    let newest = "SELECT CAST(MAX(local_date) AS VARCHAR) FROM calendar";
    let newest = text(engine, newest)?.and_then(|day| day.parse().ok());
    let within = "SELECT MAX(k.slot_index) * 300000000 FROM calendar k CROSS JOIN params p
        WHERE p.to_date IS NULL OR k.local_date <= p.to_date";
    Ok(Facts {
        from: scope.from,
        to: scope.to.or(newest),
        newest_us: Some(number(engine, within)?).filter(|us| *us > 0),
        time_zone: scope.time_zone.name().to_owned(),
        include_sandbox: scope.include_sandbox,
        catalogue_version: catalogue_version.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        threshold: config.reports.least_count,
        online_from: scope.online_from,
        offline_to: scope.offline_to,
    })
}

/// Days written again in one run.
const MOST_DAYS_AGAIN: usize = 31;

/// Reports of the restated days that the run's own range leaves out, newest first, under `restated/<day>/`.
fn write_days_again(
    restated: &mut [Restated],
    view: &View,
    output: &OutputArguments,
    context: &Context,
    scope: &Scope,
    folder: &Path,
) -> Result<()> {
    let outside = |day: &NaiveDate| scope.from.is_some_and(|from| *day < from) || scope.to.is_some_and(|to| *day > to);
    let mut left = MOST_DAYS_AGAIN;
    for restated in restated.iter_mut().rev() {
        let Some(day) = restated.day.parse().ok().filter(outside).filter(|_| left > 0) else { continue };
        left -= 1;
        let scope = Scope { from: Some(day), to: Some(day), invoice: Vec::new(), ..scope.clone() };
        let engine = prepared(view, context, &scope)?;
        let facts = facts(&engine, &scope, &context.config, view.catalogue_version())?;
        let folder = folder.join("restated").join(&restated.day);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
        write_all(&engine, &order(context, output, &scope, &facts), &folder)?;
        restated.written_again = true;
    }
    Ok(())
}

/// What the run itself found amiss: nothing new in any source.
fn run_alerts(ingest: Option<&Summary>, rules: &Rules) -> Vec<Alert> {
    let nothing = ingest.filter(|summary| rules.silence && summary.payloads_new == 0);
    let alert = |summary: &Summary| Alert {
        rule: "silence",
        severity: "warning",
        subject: "all sources".to_owned(),
        message: format!("nothing new in {} inputs", summary.inputs.len()),
        report: "inputs",
    };
    nothing.map(alert).into_iter().collect()
}

/// The names of all findings.
pub const FINDINGS: [&str; 12] = [
    "availability",
    "backlog",
    "drift",
    "silence",
    "rejects",
    "unknown",
    "ambiguous",
    "unattributed",
    "undated",
    "future",
    "sandbox",
    "alarms",
];

/// What may deserve attention, by name.
fn findings(
    engine: &dyn Engine,
    ingest: Option<&Summary>,
    done: &Done,
    run_alerts: &[Alert],
) -> Result<BTreeMap<&'static str, u64>> {
    let count = |sql: &str| number(engine, sql).map(|n| u64::try_from(n).unwrap_or(0));
    let observations = |rule: &str| count(&format!("SELECT COUNT(*) FROM resolved_observations WHERE {rule}"));
    let rejects = match ingest {
        Some(summary) => summary.payloads_rejected,
        None => {
            count("SELECT COUNT(DISTINCT payload_key) FROM rejects WHERE batch_id IN (SELECT batch_id FROM batches)")?
        }
    };
    let mut findings = done.findings.clone();
    *findings.entry("silence").or_default() += run_alerts.len() as u64;
    findings.extend([
        ("rejects", rejects),
        ("unknown", observations("outcome = 'unknown'")?),
        ("ambiguous", observations("link_status = 'ambiguous'")?),
        ("unattributed", observations("link_status = 'unattributed'")?),
        ("undated", observations("event_us IS NULL")?),
        ("future", observations("slot_index > (SELECT MAX(k.slot_index) FROM calendar k)")?),
        ("sandbox", observations("environment = 'sandbox'")?),
        ("alarms", count(SIGNATURES_REUSED)?),
    ]);
    Ok(findings)
}

/// Signatures that came with statements about more than one job: one of them is not what the provider signed.
const SIGNATURES_REUSED: &str = "
    SELECT COUNT(*) FROM (
        SELECT r.signature_digest
        FROM receipts r
        JOIN resolved_observations o ON o.payload_key = r.payload_key AND o.position = 0
        WHERE r.signature_digest IS NOT NULL AND r.signature_class = 'hmac44' AND o.provider_job_id IS NOT NULL
            AND r.batch_id IN (SELECT batch_id FROM batches)
        GROUP BY r.signature_digest
        HAVING COUNT(DISTINCT o.job_key) > 1
    ) s";
