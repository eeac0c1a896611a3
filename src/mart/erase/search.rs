//! Which payloads an erasure means: SQL over the stored rows.
//!
//! Not here: removing them.

use arrow::array::Array;

use super::{Account, Wanted};
use crate::engine::Engine;
use crate::engine::duckdb::{DuckDb, quote};
use crate::error::{Error, Result};
use crate::mart::read::texts;
use crate::pseudonym::PseudonymKey;

/// Refuses to look for a user where rows were made with a key that is not given: some would be missed.
pub(super) fn check_keys(engine: &DuckDb, key: Option<&PseudonymKey>) -> Result<()> {
    let Some(key) = key else {
        return Err(Error::usage("a user id can only be found with the pseudonym key")
            .hint("add --key-file FILE, the one that the payloads were ingested with"));
    };
    let known: Vec<String> = key.prefixes().iter().map(|k| quote(k.id())).collect();
    let others = format!(
        "SELECT STRING_AGG(id, ', ' ORDER BY id) FROM (SELECT DISTINCT pseudonym_key_id AS id FROM observations
         WHERE pseudonym_key_id IS NOT NULL AND pseudonym_key_id NOT IN ({})) k",
        known.join(", ")
    );
    match crate::engine::text(engine, &others)? {
        Some(ids) => {
            Err(Error::usage(format!("rows of the mart were made with keys that are not in this file: {ids}"))
                .hint("give the key file that holds them all (kycmart keys show FILE), or erase by --job-id"))
        }
        None => Ok(()),
    }
}

/// Payloads with a reference that looked personal.
pub(super) fn masked_payloads(engine: &DuckDb) -> Result<i64> {
    let masked = |table: &str| {
        format!(
            "SELECT payload_key FROM {table} WHERE provider_job_id LIKE 'masked:%' OR partner_job_id LIKE 'masked:%'"
        )
    };
    let both = format!("SELECT COUNT(*) FROM ({} UNION {}) m", masked("observations"), masked("submissions"));
    crate::engine::number(engine, &both)
}

/// What the search cannot see.
pub(super) fn notes(engine: &DuckDb, wanted: &[Wanted], key: Option<&PseudonymKey>) -> Result<Vec<String>> {
    let count = |condition: &str| {
        crate::engine::number(
            engine,
            &format!("SELECT COUNT(DISTINCT payload_key) FROM observations WHERE {condition}"),
        )
    };
    let mut notes = Vec::new();
    let keyless = count("pseudonym_key_id IS NULL")?;
    if keyless > 0 && wanted.iter().any(|w| matches!(w, Wanted::UserId(_))) {
        notes.push(format!(
            "{keyless} payloads were ingested without a pseudonym key: no user can be found in them; use --job-id, or \
             reprocess them with a key"
        ));
    }
    let masked = if key.is_none() { masked_payloads(engine)? } else { 0 };
    if masked > 0 && wanted.iter().any(|w| matches!(w, Wanted::JobId(_))) {
        notes.push(format!("the references of {masked} payloads are masked: they are found with --key-file FILE only"));
    }
    Ok(notes)
}

/// A reference is numbered per account: two accounts' jobs of one number are two people's.
pub(super) fn one_account(
    engine: &DuckDb,
    reference: &str,
    account: &Account,
    key: Option<&PseudonymKey>,
) -> Result<()> {
    let wanted = Wanted::JobId(reference.to_owned());
    let accounts = format!(
        "SELECT provider, partner, environment FROM observations WHERE {states}
         UNION SELECT provider, partner, environment FROM submissions WHERE {states} ORDER BY ALL",
        states = format_args!("{} AND {}", stated(&wanted, key), account.condition()),
    );
    let mut found: Vec<[Option<String>; 3]> = Vec::new();
    for rows in engine.select(&accounts)? {
        let text =
            |name: &str, row: usize| texts(&rows, name).map(|c| c.is_valid(row).then(|| c.value(row).to_owned()));
        for row in 0..rows.num_rows() {
            found.push([text("provider", row)?, text("partner", row)?, text("environment", row)?]);
        }
    }
    let differ = |a: &[Option<String>; 3], b: &[Option<String>; 3]| {
        a.iter().zip(b).any(|(a, b)| a.is_some() && b.is_some() && a != b)
    };
    if !found.iter().any(|a| found.iter().any(|b| differ(a, b))) {
        return Ok(());
    }
    let name = |a: &[Option<String>; 3]| a.each_ref().map(|part| part.as_deref().unwrap_or("?")).join(" ");
    let names: Vec<String> = found.iter().map(name).collect();
    Err(Error::usage(format!("this reference names jobs of several accounts: {}", names.join("; ")))
        .hint("say whose is meant: --provider NAME, --partner ID, --environment NAME"))
}

impl Account {
    /// As a condition on rows that have provider, partner and environment; what a row does not state may be anything.
    fn condition(&self) -> String {
        let mut conditions = vec!["TRUE".to_owned()];
        if let Some(provider) = self.provider {
            conditions.push(format!("provider = {}", quote(provider.word())));
        }
        let texts = [("partner", self.partner.as_deref()), ("environment", self.environment.map(|e| e.word()))];
        for (column, value) in texts {
            if let Some(value) = value {
                conditions.push(format!("({column} IS NULL OR {column} = {})", quote(value)));
            }
        }
        conditions.join(" AND ")
    }
}

/// The condition under which a row with references states what is wanted.
fn stated(wanted: &Wanted, key: Option<&PseudonymKey>) -> String {
    let rings = key.map(PseudonymKey::prefixes).unwrap_or_default();
    match wanted {
        Wanted::UserId(user) => {
            let pseudonyms = rings.iter().map(|ring| quote(&ring.pseudonym("user_id", user.trim())));
            format!("user_pseudonym IN ({})", pseudonyms.collect::<Vec<_>>().join(", "))
        }
        Wanted::JobId(job) => {
            let masked = rings.iter().map(|ring| quote(&ring.mask(job.trim())));
            let names = std::iter::once(quote(job.trim())).chain(masked).collect::<Vec<_>>().join(", ");
            format!("(provider_job_id IN ({names}) OR partner_job_id IN ({names}))")
        }
        Wanted::OlderThan(_) => "FALSE".to_owned(),
    }
}

/// The payloads that state what is wanted, and all others that speak of the same jobs.
pub(super) fn payloads_of(wanted: &Wanted, account: &Account, key: Option<&PseudonymKey>) -> String {
    if let Wanted::OlderThan(cutoff) = wanted {
        return OLDER_THAN.replace("{cutoff}", &cutoff.0.to_string());
    }
    let states = format!("{} AND {}", stated(wanted, key), account.condition());
    let refused = match wanted {
        Wanted::JobId(_) => states.as_str(),
        _ => "FALSE",
    };
    PAYLOADS_OF_JOBS.replace("{states}", &states).replace("{refused}", refused)
}

/// Where only the company's reference is stated, the provider's counts as the same job's if exactly one is known for it
/// (DESIGN 4).
const PAYLOADS_OF_JOBS: &str = "
WITH stated AS (
    SELECT DISTINCT provider, provider_job_id, partner_job_id, partner, environment FROM observations WHERE {states}
    UNION
    SELECT DISTINCT provider, provider_job_id, partner_job_id, partner, environment FROM submissions WHERE {refused}
),
matched AS (
    SELECT * FROM stated
    UNION
    SELECT m.provider, MIN(k.provider_job_id), m.partner_job_id, m.partner, m.environment
    FROM stated m
    JOIN observations k
        ON k.provider = m.provider
        AND k.partner_job_id = m.partner_job_id
        AND k.provider_job_id IS NOT NULL
        AND (k.partner IS NULL OR m.partner IS NULL OR k.partner = m.partner)
        AND (k.environment IS NULL OR m.environment IS NULL OR k.environment = m.environment)
    WHERE m.provider_job_id IS NULL
    GROUP BY m.provider, m.partner_job_id, m.partner, m.environment
    HAVING COUNT(DISTINCT k.provider_job_id) = 1
),
stating AS (
    SELECT payload_key, provider, provider_job_id, partner_job_id, partner, environment FROM observations
    UNION ALL
    SELECT payload_key, provider, provider_job_id, partner_job_id, partner, environment FROM submissions
    UNION ALL
    SELECT payload_key, provider, receipt_job_id, NULL, partner, environment FROM receipts
)
SELECT payload_key FROM observations WHERE {states}
UNION
SELECT payload_key FROM submissions WHERE {refused}
UNION
SELECT s.payload_key
FROM stating s
JOIN matched m
    ON s.provider = m.provider
    AND (s.provider_job_id = m.provider_job_id
        OR (s.provider_job_id IS NULL AND s.partner_job_id = m.partner_job_id))
    AND (s.partner IS NULL OR m.partner IS NULL OR s.partner = m.partner)
    AND (s.environment IS NULL OR m.environment IS NULL OR s.environment = m.environment)";

/// A job goes as a whole, once nothing was heard of it since the cutoff. What has no time of its own is as old as the ingest
/// that brought it.
const OLDER_THAN: &str = "
WITH times AS (
    SELECT payload_key, MAX(us) AS us FROM (
        SELECT payload_key, event_time_us AS us FROM observations
        UNION ALL SELECT payload_key, checked_at_us FROM authority_status
        UNION ALL SELECT payload_key, event_time_us FROM submissions
        UNION ALL SELECT payload_key, received_at_us FROM receipts
    ) t GROUP BY payload_key
),
dated AS (
    SELECT r.payload_key, COALESCE(MAX(t.us), MAX(EPOCH_US(b.finished_at))) AS us
    FROM receipts r
    JOIN batches b ON b.batch_id = r.batch_id
    LEFT JOIN times t ON t.payload_key = r.payload_key
    GROUP BY r.payload_key
),
stating AS (
    SELECT DISTINCT
        o.payload_key,
        o.provider,
        COALESCE(o.provider_job_id, o.partner_job_id, o.payload_key) AS reference,
        o.partner,
        o.environment,
        d.us
    FROM observations o
    JOIN dated d ON d.payload_key = o.payload_key
),
accounts AS (
    SELECT provider, reference, partner, environment, MAX(us) AS us
    FROM stating GROUP BY provider, reference, partner, environment
),
jobs AS (
    SELECT s.payload_key, MAX(a.us) AS us
    FROM stating s
    JOIN accounts a
        ON a.provider = s.provider
        AND a.reference = s.reference
        AND (a.partner IS NULL OR s.partner IS NULL OR a.partner = s.partner)
        AND (a.environment IS NULL OR s.environment IS NULL OR a.environment = s.environment)
    GROUP BY s.payload_key
),
newest AS (
    SELECT payload_key, MAX(us) AS us FROM (
        SELECT payload_key, us FROM dated UNION ALL SELECT payload_key, us FROM jobs
    ) n GROUP BY payload_key
)
SELECT payload_key FROM newest WHERE us < {cutoff}";

/// The jobs of the doomed payloads, for a person to look at.
pub(super) fn doomed_jobs(engine: &DuckDb) -> Result<Vec<String>> {
    let jobs = "SELECT DISTINCT provider || ' ' || COALESCE(partner, '?') || ' ' || COALESCE(environment, '?') || ' '
            || COALESCE(provider_job_id, partner_job_id) AS job
        FROM observations
        WHERE payload_key IN (SELECT payload_key FROM doomed) AND COALESCE(provider_job_id, partner_job_id) IS NOT NULL
        ORDER BY job LIMIT 100";
    let mut names = Vec::new();
    for rows in engine.select(jobs)? {
        names.extend(texts(&rows, "job")?.iter().flatten().map(str::to_owned));
    }
    Ok(names)
}
