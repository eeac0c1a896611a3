//! `kycmart report`: every report over a mart, and `run.json` beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use comfy_table::Table;
use polars::prelude::DataFrame;
use serde::Serialize;

use super::ingest::FailOn;
use super::news::{self, News};
use super::print::{lines, plain_table};
use super::{Context, MartArgument};
use crate::config::Config;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::engine::{Engine, number, text};
use crate::error::{Error, Result};
use crate::ingest::Summary;
use crate::mart::Mart;
use crate::mart::as_of::{Past, View};
use crate::report::run::RunFolder;
use crate::report::write::Format;
use crate::report::{Scope, Written, prepare, write_all};

const EXAMPLES: &str = "\
Examples:
  kycmart report --mart mart --out reports
  kycmart report --mart mart --out reports --from 2026-10-01 --to 2026-10-31 --format csv
  kycmart report --mart mart --out reports --fail-on unknown=10,alarms
  kycmart report --mart mart --out reports --as-of 2026-10-15          as it was at the end of that day

With --as-of a report is what it was then: the batches of then, and the code catalogue that was stored with the newest of
them. Where an erasure or a vacuum makes that impossible, it says so and exits with 3.

Reports are in OUT/latest. The range ends with the newest observed day unless --to says otherwise; the clock plays no part.";

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
    /// File formats.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "csv,parquet")]
    format: Vec<Format>,
    /// IANA time zone in which days begin [default: UTC].
    #[arg(long, env = "KYCMART_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<String>,
    /// Count known sandbox traffic too.
    #[arg(long)]
    include_sandbox: bool,
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
    catalogue_version: String,
    table_versions: BTreeMap<&'static str, u64>,
    ingest: Option<&'a Summary>,
    findings: &'a BTreeMap<&'static str, u64>,
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
    let scope = output.scope(&context.config)?;
    let id = &uuid::Uuid::new_v4().simple().to_string()[..6];
    let folder =
        RunFolder::create(&output.out(&context.config)?, format!("{}-{id}", started.format("%Y%m%dT%H%M%SZ")))?;
    let mut engine = DuckDb::open(&resources(&context.config))?;
    view.register(&mut engine)?;
    prepare(&mut engine, &context.queries, &scope)?;
    let (written, figures) = write_all(&engine, &context.queries, &scope, &output.format, folder.path())?;
    let findings = findings(&engine, ingest)?;
    let batch = ingest.and_then(|summary| summary.batch_id.as_deref());
    let news = batch.map_or(Ok(News::default()), |batch| news::of_batch(&engine, batch))?;
    news.print();
    let newest = "SELECT CAST(MAX(local_date) AS VARCHAR) FROM calendar";
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
            to: scope.to.map(|d| d.to_string()).or(text(&engine, newest)?),
            time_zone: scope.time_zone.name().to_owned(),
        },
        include_sandbox: scope.include_sandbox,
        catalogue_version: view.catalogue_version().to_owned(),
        table_versions: view.mart().versions().into_iter().collect(),
        ingest,
        findings: &findings,
        news,
        reports: &written,
    };
    let target = folder.publish(&record)?;
    print_headline(figures.as_ref(), &target)?;
    let findings: Vec<(&str, u64)> = findings.into_iter().collect();
    output.fail_on.judge(&findings, &context.config)
}

/// What may deserve attention, by name.
fn findings(engine: &dyn Engine, ingest: Option<&Summary>) -> Result<BTreeMap<&'static str, u64>> {
    let count = |sql: &str| number(engine, sql).map(|n| u64::try_from(n).unwrap_or(0));
    let observations = |rule: &str| count(&format!("SELECT COUNT(*) FROM resolved_observations WHERE {rule}"));
    let rejects = match ingest {
        Some(summary) => summary.payloads_rejected,
        None => {
            count("SELECT COUNT(DISTINCT payload_key) FROM rejects WHERE batch_id IN (SELECT batch_id FROM batches)")?
        }
    };
    Ok(BTreeMap::from([
        ("rejects", rejects),
        ("unknown", observations("outcome = 'unknown'")?),
        ("ambiguous", observations("link_status = 'ambiguous'")?),
        ("unattributed", observations("link_status = 'unattributed'")?),
        ("undated", observations("event_us IS NULL")?),
        ("sandbox", observations("environment = 'sandbox'")?),
        ("alarms", count(SIGNATURES_REUSED)?),
    ]))
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

/// The headline rates on standard output, and where the rest is.
fn print_headline(figures: Option<&DataFrame>, folder: &Path) -> Result<()> {
    let latest = folder.parent().map_or_else(|| folder.to_owned(), |p| p.join("latest"));
    lines(|out| {
        if let Some(frame) = figures {
            writeln!(out, "{}", headline(frame))?;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        writeln!(out, "reports: {} ({name})", latest.display())
    })
}

fn headline(frame: &DataFrame) -> Table {
    let mut table = plain_table();
    table.set_header([
        "provider",
        "verifications",
        "pass rate",
        "95 % interval",
        "failed",
        "unavailable",
        "error",
        "open",
    ]);
    let texts = |name: &str| frame.column(name).ok().and_then(|c| c.str().ok()).cloned();
    let counts = |name: &str| frame.column(name).ok().and_then(|c| c.i64().ok()).cloned();
    let rates = |name: &str| frame.column(name).ok().and_then(|c| c.f64().ok()).cloned();
    for row in 0..frame.height() {
        let count = |name: &str| counts(name).and_then(|c| c.get(row)).unwrap_or(0);
        let percent = |name: &str| rates(name).and_then(|c| c.get(row)).map(|r| format!("{:.1} %", r * 100.0));
        let interval = percent("pass_rate_low").zip(percent("pass_rate_high")).map(|(l, h)| format!("{l} – {h}"));
        table.add_row([
            texts("provider").and_then(|c| c.get(row).map(str::to_owned)).unwrap_or_default(),
            count("verifications").to_string(),
            percent("pass_rate").unwrap_or_else(|| "–".into()),
            interval.unwrap_or_else(|| "–".into()),
            count("failed").to_string(),
            count("unavailable").to_string(),
            count("error").to_string(),
            (count("pending") + count("review")).to_string(),
        ]);
    }
    table
}
