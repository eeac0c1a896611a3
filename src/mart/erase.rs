//! Erasure: every row of some payloads is removed from every table, and a tombstone keeps them from coming back.
//!
//! The tombstones are committed first. From then on the rows count for no reader of kycmart's, and every later command that
//! writes finishes what was interrupted, table by table, `receipts` last. The bytes go with `vacuum`. Not here: copies
//! outside the mart (the sources, reports written before).

mod search;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};

use self::search::{check_keys, doomed_jobs, masked_payloads, notes, one_account, payloads_of};
use super::delta::{Change, Purpose};
use super::parquet_file::Sizes;
use super::read::{integers, read_file, texts};
use super::rewrite::keep;
use super::{ERASE_ID, Mart, PAYLOAD_TABLES};
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, Resources};
use crate::error::{Error, Result};
use crate::key_set::{KeySet, short_key};
use crate::normalise::Rows;
use crate::pseudonym::PseudonymKey;
use crate::record::{Environment, Input, Micros, Observation, Provider, Receipt, Removal, Selector, Table, Tombstone};

/// Stands in the place of a file name that went with the only payload of the file.
pub const ERASED_SOURCE: &str = "erased";

/// What payloads are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of a user, by the raw user id: all jobs in which it was stated.
    UserId(String),
    /// Of a job, by the provider's or the company's reference.
    JobId(String),
    /// Of jobs about which nothing was heard since then, microseconds since the epoch.
    OlderThan(Micros),
}

/// Whose jobs are meant, where one reference names jobs of several accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub provider: Option<Provider>,
    pub partner: Option<String>,
    pub environment: Option<Environment>,
}

/// What an erasure would remove, or has removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Erasure {
    /// NULL where nothing was removed.
    pub erasure_id: Option<String>,
    /// Payloads found.
    pub payloads: u64,
    /// Payloads found that a legal hold keeps.
    pub held: u64,
    /// Rows by table.
    pub rows: BTreeMap<&'static str, i64>,
    /// What could not be looked for, and why.
    pub notes: Vec<String>,
    /// The jobs, as `provider partner environment reference`, of those payloads that state one; the first hundred.
    pub jobs: Vec<String>,
}

/// An erasure that is planned.
pub struct Plan {
    engine: DuckDb,
    selector: Selector,
    /// What it comes to.
    pub erasure: Erasure,
}

impl Mart {
    /// Finds the payloads to erase, those on hold left out.
    ///
    /// # Errors
    /// When a user id is looked for without the keys that the mart's pseudonyms were made with, or when a reference names
    /// jobs of several accounts.
    pub fn plan_erasure(
        &self,
        wanted: &[Wanted],
        account: &Account,
        holds: &[Wanted],
        key: Option<&PseudonymKey>,
        resources: &Resources,
    ) -> Result<Plan> {
        let mut engine = DuckDb::open(resources)?;
        self.register_stored(&mut engine, &[])?;
        let users = wanted.iter().chain(holds).any(|w| matches!(w, Wanted::UserId(_)));
        if users {
            check_keys(&engine, key)?;
        }
        let held_jobs = holds.iter().any(|w| matches!(w, Wanted::JobId(_)));
        if held_jobs && key.is_none() && masked_payloads(&engine)? > 0 {
            return Err(Error::usage(
                "a hold on a job may name a reference that is masked here, which takes the pseudonym key",
            )
            .hint("add --key-file FILE, the one that the payloads were ingested with"));
        }
        engine.execute("CREATE TEMP TABLE held AS SELECT payload_key FROM receipts WHERE FALSE")?;
        engine.execute("CREATE TEMP TABLE found AS SELECT payload_key FROM receipts WHERE FALSE")?;
        for (wishes, account, table) in [(holds, &Account::default(), "held"), (wanted, account, "found")] {
            for wish in wishes {
                let select = payloads_of(wish, account, key);
                engine.execute(&format!("INSERT INTO {table} {select}"))?;
                if table == "found"
                    && let Wanted::JobId(reference) = wish
                {
                    one_account(&engine, reference, account, key)?;
                }
            }
        }
        engine.execute("CREATE TEMP TABLE doomed AS SELECT DISTINCT payload_key FROM found WHERE payload_key NOT IN (SELECT payload_key FROM held)")?;
        let held = "SELECT COUNT(DISTINCT payload_key) FROM found WHERE payload_key IN (SELECT payload_key FROM held)";
        let count = |sql: &str| Ok::<_, Error>(crate::engine::number(&engine, sql)?.unsigned_abs());
        let mut erasure = Erasure {
            payloads: count("SELECT COUNT(*) FROM doomed")?,
            held: count(held)?,
            jobs: doomed_jobs(&engine)?,
            notes: notes(&engine, wanted, key)?,
            ..Erasure::default()
        };
        for table in PAYLOAD_TABLES {
            let rows = format!("SELECT COUNT(*) FROM {table} WHERE payload_key IN (SELECT payload_key FROM doomed)");
            erasure.rows.insert(table, crate::engine::number(&engine, &rows)?);
        }
        let selector = match wanted.first() {
            Some(Wanted::UserId(_)) => Selector::UserId,
            Some(Wanted::JobId(_)) => Selector::JobId,
            _ => Selector::Age,
        };
        Ok(Plan { engine, selector, erasure })
    }

    /// Erases what was planned. The caller holds the lock.
    ///
    /// # Errors
    /// When the mart cannot be written. Once the tombstones are committed, whatever is left is done by the next command
    /// that writes.
    pub fn erase(&mut self, plan: Plan, reason: Option<&str>) -> Result<Erasure> {
        let mut erasure = plan.erasure;
        if erasure.payloads == 0 {
            return Ok(erasure);
        }
        let now = Micros(chrono::Utc::now().timestamp_micros());
        let id =
            format!("{}-{}", now.utc().format("%Y%m%dT%H%M%S%6fZ"), &uuid::Uuid::new_v4().simple().to_string()[..6]);
        let operation = if plan.selector == Selector::Age { Removal::Retention } else { Removal::Erase };
        let mut writer = self.writer(Tombstone::NAME, Sizes::COMPACT)?;
        for rows in plan.engine.select(TOMBSTONES)? {
            let stamp = Stamp { id: &id, operation, selector: plan.selector, reason, now };
            writer.write(&Tombstone::batch(&stamp.tombstones(&rows)?))?;
        }
        drop(plan.engine);
        let purpose = Purpose { operation: "ERASE", writer: ERASE_ID, number: now.0 };
        self.commit(Tombstone::NAME, Change { add: writer.finish()?, remove: Vec::new() }, purpose)?;
        self.finish_erasure()?;
        erasure.erasure_id = Some(id);
        Ok(erasure)
    }

    /// Removes the rows of all tombstoned payloads, if an erasure is not finished.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a commit fails.
    pub(super) fn finish_erasure(&mut self) -> Result<()> {
        if !self.erasure_pending()? {
            return Ok(());
        }
        let number = self.table(Tombstone::NAME)?.transaction_number(&self.log, ERASE_ID)?.unwrap_or(0);
        let purpose = Purpose { operation: "ERASE", writer: ERASE_ID, number };
        let doomed = self.tombstones()?;
        self.forget_names(&doomed, purpose)?;
        for table in PAYLOAD_TABLES {
            let files = self.files_with(table, "payload_key", &|key| doomed.has_key(key))?;
            if !files.is_empty() || table == Receipt::NAME {
                self.rewrite(table, files, purpose, &mut |rows| {
                    keep(&rows, "payload_key", &|key| !doomed.has_key(key))
                })?;
            }
        }
        Ok(())
    }

    /// What must not come in again.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn tombstones(&self) -> Result<Tombstones> {
        let (mut keys, mut jobs) = (Vec::new(), Vec::new());
        for file in self.files(Tombstone::NAME)? {
            for rows in read_file(&file.path, &Tombstone::schema(), Some(&["payload_key", "job_digest"]))? {
                let rows = rows?;
                keys.extend(texts(&rows, "payload_key")?.iter().flatten().map(short_key));
                jobs.extend(texts(&rows, "job_digest")?.iter().flatten().map(short_key));
            }
        }
        Ok(Tombstones { keys: KeySet::of(keys), jobs: KeySet::of(jobs) })
    }

    /// Files of which nothing is left but what is erased lose their names in `inputs`: a store may name files after people.
    fn forget_names(&mut self, doomed: &Tombstones, purpose: Purpose) -> Result<()> {
        let (mut gone, mut left) = (HashSet::new(), HashSet::new());
        for file in self.files(Receipt::NAME)? {
            for rows in read_file(&file.path, &Receipt::schema(), Some(&["payload_key", "source"]))? {
                let rows = rows?;
                for (key, source) in texts(&rows, "payload_key")?.iter().zip(texts(&rows, "source")?.iter()) {
                    let names = if key.is_some_and(|key| doomed.has_key(key)) { &mut gone } else { &mut left };
                    if let Some(source) = source.filter(|source| !names.contains(*source)) {
                        names.insert(source.to_owned());
                    }
                }
            }
        }
        let is_gone = |source: &str| gone.contains(source) && !left.contains(source);
        let files = self.files_with(Input::NAME, "source", &is_gone)?;
        if files.is_empty() {
            return Ok(());
        }
        self.rewrite(Input::NAME, files, purpose, &mut |rows| {
            let sources = texts(&rows, "source")?.iter();
            let sources = sources.map(|source| source.map(|s| if is_gone(s) { ERASED_SOURCE } else { s }));
            let sources: StringArray = sources.collect();
            with_column(&rows, "source", Arc::new(sources))
        })
    }
}

/// Payloads that were erased.
pub struct Tombstones {
    keys: KeySet,
    /// Digests of bodies with the references that they came with.
    jobs: KeySet,
}

impl Tombstones {
    /// Whether a payload was erased: it has the identity of one that was, or, whatever else is known of it now, its body and
    /// its references.
    pub fn hold(&self, rows: &Rows) -> bool {
        if self.len() == 0 {
            return false;
        }
        let least = |of: fn(&Observation) -> Option<&str>, refused: Option<&str>| {
            rows.observations.iter().filter_map(of).chain(refused).min().map(str::to_owned)
        };
        let refusal = rows.submission.as_ref();
        let provider_job = least(|o| o.provider_job_id.as_deref(), refusal.and_then(|s| s.provider_job_id.as_deref()));
        let partner_job = least(|o| o.partner_job_id.as_deref(), refusal.and_then(|s| s.partner_job_id.as_deref()));
        let job = job_digest(&rows.receipt.payload_digest, provider_job.as_deref(), partner_job.as_deref());
        self.has_key(&rows.payload_key) || job.is_some_and(|job| self.jobs.contains(short_key(&job)))
    }

    /// How many.
    #[allow(clippy::len_without_is_empty)] // nobody asks whether there are none
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether the payload of this identity was erased.
    pub(super) fn has_key(&self, payload_key: &str) -> bool {
        self.keys.contains(short_key(payload_key))
    }
}

/// What a body is together with the least of the references that it came with; `None` without any.
fn job_digest(payload_digest: &str, provider_job: Option<&str>, partner_job: Option<&str>) -> Option<String> {
    provider_job.or(partner_job)?;
    let mut hasher = blake3::Hasher::new();
    for part in [Some(payload_digest), provider_job, partner_job] {
        crate::identity::field(&mut hasher, part);
    }
    Some(hasher.finalize().to_hex().to_string())
}

/// Rows with one column replaced.
pub(super) fn with_column(rows: &RecordBatch, name: &str, values: ArrayRef) -> Result<RecordBatch> {
    let index = rows.schema().index_of(name)?;
    let mut columns = rows.columns().to_vec();
    columns[index] = values;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

/// What all tombstones of one erasure share.
struct Stamp<'a> {
    id: &'a str,
    operation: Removal,
    selector: Selector,
    reason: Option<&'a str>,
    now: Micros,
}

impl Stamp<'_> {
    fn tombstones(&self, rows: &RecordBatch) -> Result<Vec<Tombstone>> {
        let text = |name: &str, row: usize| Ok::<_, Error>(texts(rows, name)?.value(row).to_owned());
        let maybe = |name: &str, row: usize| {
            let column = texts(rows, name)?;
            Ok::<_, Error>(column.is_valid(row).then(|| column.value(row).to_owned()))
        };
        let count = |name: &str, row: usize| Ok::<_, Error>(integers(rows, name)?.value(row));
        (0..rows.num_rows())
            .map(|row| {
                Ok(Tombstone {
                    erasure_id: self.id.to_owned(),
                    payload_key: text("payload_key", row)?,
                    payload_digest: text("payload_digest", row)?,
                    batch_id: text("batch_id", row)?,
                    operation: self.operation,
                    selector: self.selector,
                    reason: self.reason.map(str::to_owned),
                    erased_at: self.now,
                    job_digest: job_digest(
                        &text("payload_digest", row)?,
                        maybe("provider_job", row)?.as_deref(),
                        maybe("partner_job", row)?.as_deref(),
                    ),
                    deliveries: count("deliveries", row)?,
                    observations: count("observations", row)?,
                    checks: count("checks", row)?,
                    authority_rows: count("authority_rows", row)?,
                    submissions: count("submissions", row)?,
                    rejects: count("rejects", row)?,
                    unknown_fields: Some(count("unknown_fields", row)?),
                })
            })
            .collect()
    }
}

/// One row per doomed payload and batch.
const TOMBSTONES: &str = "
WITH pieces AS (
    SELECT payload_key, batch_id, 1 AS d, 0 AS o, 0 AS c, 0 AS a, 0 AS s, 0 AS j, 0 AS u FROM receipts
    UNION ALL SELECT payload_key, batch_id, 0, 1, 0, 0, 0, 0, 0 FROM observations
    UNION ALL SELECT payload_key, batch_id, 0, 0, 1, 0, 0, 0, 0 FROM checks
    UNION ALL SELECT payload_key, batch_id, 0, 0, 0, 1, 0, 0, 0 FROM authority_status
    UNION ALL SELECT payload_key, batch_id, 0, 0, 0, 0, 1, 0, 0 FROM submissions
    UNION ALL SELECT payload_key, batch_id, 0, 0, 0, 0, 0, 1, 0 FROM rejects
    UNION ALL SELECT payload_key, batch_id, 0, 0, 0, 0, 0, 0, 1 FROM unknown_fields
),
digests AS (
    SELECT payload_key, MIN(payload_digest) AS payload_digest FROM receipts
    WHERE payload_key IN (SELECT payload_key FROM doomed) GROUP BY payload_key
),
named AS (
    SELECT payload_key, MIN(provider_job_id) AS provider_job, MIN(partner_job_id) AS partner_job
    FROM (
        SELECT payload_key, provider_job_id, partner_job_id FROM observations
        UNION ALL SELECT payload_key, provider_job_id, partner_job_id FROM submissions
    ) r GROUP BY payload_key
)
SELECT
    p.payload_key,
    COALESCE(MIN(g.payload_digest), '') AS payload_digest,
    p.batch_id,
    MIN(n.provider_job) AS provider_job,
    MIN(n.partner_job) AS partner_job,
    CAST(SUM(p.d) AS BIGINT) AS deliveries,
    CAST(SUM(p.o) AS BIGINT) AS observations,
    CAST(SUM(p.c) AS BIGINT) AS checks,
    CAST(SUM(p.a) AS BIGINT) AS authority_rows,
    CAST(SUM(p.s) AS BIGINT) AS submissions,
    CAST(SUM(p.j) AS BIGINT) AS rejects,
    CAST(SUM(p.u) AS BIGINT) AS unknown_fields
FROM pieces p
JOIN doomed x ON x.payload_key = p.payload_key
LEFT JOIN digests g ON g.payload_key = p.payload_key
LEFT JOIN named n ON n.payload_key = p.payload_key
GROUP BY p.payload_key, p.batch_id
ORDER BY p.payload_key, p.batch_id";
