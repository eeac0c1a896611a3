//! Days whose figures changed since the run before: a late payload, a corrected code or an erasure reaches back.
//!
//! Every run keeps a digest of each day's verifications in `run.json`; the next run compares. Goes over all days, whatever
//! the range of a run. Not here: which days are written again (`cli::report`).

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, StringArray};
use serde::{Deserialize, Serialize};

use crate::engine::duckdb::quote;
use crate::engine::{Engine, text};
use crate::error::Result;
use crate::mart::read::{integers, texts};

/// What a run keeps for the next one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Ledger {
    /// When the newest ingest finished, UTC.
    pub newest_batch: String,
    pub catalogue_version: String,
    pub time_zone: String,
    pub include_sandbox: bool,
    /// A digest of each local day's verifications.
    pub days: BTreeMap<String, String>,
}

/// A day that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restated {
    pub day: String,
    /// What brought it about, in words.
    pub why: Vec<String>,
    /// Its report was written again under `restated/`, because the run's own range leaves it out.
    pub written_again: bool,
}

/// The ledger of the run that `latest` names; `None` where there is none or its file is broken.
pub fn previous(out: &Path) -> Option<Ledger> {
    #[derive(Deserialize)]
    struct Run {
        ledger: Ledger,
    }
    let bytes = std::fs::read(out.join("latest/run.json")).ok()?;
    serde_json::from_slice::<Run>(&bytes).ok().map(|run| run.ledger)
}

/// The ledger of this run. The engine has the models.
///
/// # Errors
/// When a query fails.
pub fn ledger(engine: &dyn Engine, catalogue_version: &str, time_zone: &str, include_sandbox: bool) -> Result<Ledger> {
    let mut hashers: BTreeMap<String, blake3::Hasher> = BTreeMap::new();
    for rows in engine.select(DAYS)? {
        let (days, lines, counts) = (texts(&rows, "day")?, texts(&rows, "line")?, integers(&rows, "verifications")?);
        for row in 0..rows.num_rows() {
            let hasher = hashers.entry(days.value(row).to_owned()).or_default();
            hasher.update(lines.value(row).as_bytes());
            hasher.update(&counts.value(row).to_le_bytes());
        }
    }
    let digest = |hasher: blake3::Hasher| hasher.finalize().to_hex()[..16].to_owned();
    Ok(Ledger {
        newest_batch: text(engine, "SELECT CAST(MAX(finished_at) AS VARCHAR) FROM batches")?.unwrap_or_default(),
        catalogue_version: catalogue_version.to_owned(),
        time_zone: time_zone.to_owned(),
        include_sandbox,
        days: hashers.into_iter().map(|(day, hasher)| (day, digest(hasher))).collect(),
    })
}

/// The days up to the newest of then that are not what they were, and why.
///
/// # Errors
/// When a query fails.
pub fn compare(engine: &dyn Engine, before: &Ledger, now: &Ledger) -> Result<Vec<Restated>> {
    if (&before.time_zone, before.include_sandbox) != (&now.time_zone, now.include_sandbox) {
        return Ok(Vec::new());
    }
    let Some(newest) = before.days.keys().rfind(|day| *day != UNDATED) else { return Ok(Vec::new()) };
    let all: std::collections::BTreeSet<&String> = before.days.keys().chain(now.days.keys()).collect();
    let changed: Vec<&String> =
        all.into_iter().filter(|day| *day <= newest && before.days.get(*day) != now.days.get(*day)).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let late = late_payloads(engine, &before.newest_batch)?;
    let reasons = |day: &String| {
        let mut why = Vec::new();
        if let Some(payloads) = late.get(day) {
            why.push(format!("{payloads} payloads about it were taken in since"));
        }
        if day == newest {
            why.push("it was the newest day then and may not have ended".to_owned());
        }
        if before.catalogue_version != now.catalogue_version {
            why.push(format!("the code catalogue is {} now, {} then", now.catalogue_version, before.catalogue_version));
        }
        if why.is_empty() {
            why.push("stored payloads were read again, erased or linked anew".to_owned());
        }
        why
    };
    Ok(changed.into_iter().map(|day| Restated { day: day.clone(), why: reasons(day), written_again: false }).collect())
}

/// Payloads of later ingests by the day of their verification.
fn late_payloads(engine: &dyn Engine, since: &str) -> Result<BTreeMap<String, i64>> {
    let mut late = BTreeMap::new();
    for rows in engine.select(&LATE.replace("SINCE", &quote(since)))? {
        let (days, payloads): (&StringArray, _) = (texts(&rows, "day")?, integers(&rows, "payloads")?);
        late.extend(
            (0..rows.num_rows()).filter(|r| days.is_valid(*r)).map(|r| (days.value(r).to_owned(), payloads.value(r))),
        );
    }
    Ok(late)
}

/// The row of verifications without a day.
const UNDATED: &str = "undated";

const DAYS: &str = "
SELECT
    COALESCE(CAST(k.local_date AS VARCHAR), 'undated') AS day,
    v.provider || '|' || COALESCE(v.product, '') || '|' || COALESCE(v.country, '') || '|' || COALESCE(v.id_type, '')
        || '|' || v.outcome || '|' || COALESCE(v.result_code, '') || '|' || COALESCE(v.error_code, '')
        || '|' || COALESCE(v.lookup_signal, '') AS line,
    COUNT(*) AS verifications
FROM verifications v
CROSS JOIN params p
LEFT JOIN calendar k ON k.slot_index = v.first_slot
WHERE p.include_sandbox OR COALESCE(v.environment, '') <> 'sandbox'
GROUP BY 1, 2
ORDER BY 1, 2";

const LATE: &str = "
SELECT CAST(k.local_date AS VARCHAR) AS day, COUNT(DISTINCT o.payload_key) AS payloads
FROM observations o
JOIN attributed_observations a ON a.payload_key = o.payload_key AND a.position = o.position
JOIN verifications v ON v.job_key = a.job_key
JOIN calendar k ON k.slot_index = v.first_slot
WHERE o.batch_id IN (SELECT b.batch_id FROM batches b WHERE b.finished_at > CAST(SINCE AS TIMESTAMP))
GROUP BY 1
ORDER BY 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_json_of_another_version_is_no_ledger() {
        let out = tempfile::tempdir().unwrap();
        assert_eq!(previous(out.path()), None);
        std::fs::create_dir(out.path().join("latest")).unwrap();
        std::fs::write(out.path().join("latest/run.json"), "{\"run\": \"x\"}").unwrap();
        assert_eq!(previous(out.path()), None);
        std::fs::write(out.path().join("latest/run.json"), "{\"ledger\": {\"newest_batch\": \"x\"}}").unwrap();
        assert_eq!(previous(out.path()), Some(Ledger { newest_batch: "x".into(), ..Ledger::default() }));
    }
}
