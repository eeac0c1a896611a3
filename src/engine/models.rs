//! The SQL that ships with the program, and a folder that may override it.
//!
//! Models are views in dependency order; reports are one SELECT each. Both are plain files in `queries/`, so that every
//! figure can be traced to text that a person can read.

use std::path::Path;

use super::Engine;
use crate::error::{Error, Result};

/// One SQL file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// File name without number and ending: the name of the view or report.
    pub name: String,
    pub sql: String,
    /// From a folder of the user's: nobody can say which of its cells count people.
    pub own: bool,
}

/// All models and reports of a run.
#[derive(Clone, Debug)]
pub struct Queries {
    pub models: Vec<Query>,
    pub reports: Vec<Query>,
}

macro_rules! files {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../queries/", $folder, "/", $file, ".sql")))),+]
    };
}

const MODELS: &[(&str, &str)] = files!("models":
    "010_catalogue",
    "020_delivery_times",
    "030_job_partners",
    "040_job_environments",
    "050_keyed_observations",
    "060_job_links",
    "070_attributed_observations",
    "080_job_products",
    "090_code_meanings",
    "100_resolved_observations",
    "110_verifications",
    "120_verification_days",
    "125_drift_verifications",
    "130_doubtful_observations",
    "135_payload_places",
    "140_authority_lookups",
    "145_authority_evidence",
    "150_authority_observed",
    "155_authority_checks",
    "160_authority_declarations",
    "170_authority_troubles",
    "170_request_times",
    "172_tries",
    "174_delivered_payloads",
    "176_quality_observations",
    "190_check_counts",
    "195_job_scores",
    "200_billing_rules",
    "210_verification_billing",
);

const REPORTS: &[(&str, &str)] = files!("reports":
    "authority_daily",
    "authority_declared",
    "authority_hourly",
    "authority_incidents",
    "authority_reliability",
    "authority_windows",
    "billing",
    "billing_codes",
    "billing_invoice",
    "check_scores",
    "checks",
    "data_quality",
    "declared_vs_observed",
    "drift",
    "drift_mix",
    "error_codes",
    "inputs",
    "open_cases",
    "pass_rates_by_id_type",
    "pass_rates_by_product",
    "pass_rates_by_provider",
    "pass_rates_daily",
    "receipts_coverage",
    "rejects",
    "retries",
    "submissions",
    "time_to_final",
    "unknown_codes",
    "unknown_fields",
);

impl Queries {
    /// The compiled-in queries.
    pub fn builtin() -> Self {
        let read = |files: &[(&str, &str)]| files.iter().map(|(file, sql)| Query::new(file, sql, false)).collect();
        Queries { models: read(MODELS), reports: read(REPORTS) }
    }

    /// The compiled-in queries, overridden and joined by the files of a folder with `models` and `reports` in it.
    ///
    /// # Errors
    /// When the folder cannot be read or holds neither.
    pub fn with_folder(folder: &Path) -> Result<Self> {
        let mut queries = Queries::builtin();
        let models = overlay(&mut queries.models, &folder.join("models"))?;
        let reports = overlay(&mut queries.reports, &folder.join("reports"))?;
        if models + reports == 0 {
            return Err(Error::usage(format!("no .sql file in {0}/models or {0}/reports", folder.display())));
        }
        Ok(queries)
    }

    /// Defines all models in an engine that has the tables, `params` and `calendar`.
    ///
    /// # Errors
    /// When a model is wrong.
    pub fn define_models(&self, engine: &mut dyn Engine) -> Result<()> {
        self.models.iter().try_for_each(|m| engine.define(&m.name, &m.sql, m.materialise()))
    }
}

impl Query {
    fn new(file: &str, sql: &str, own: bool) -> Self {
        let name = file.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('_');
        Query { name: name.to_owned(), sql: sql.to_owned(), own }
    }

    /// Whether its header asks for it to be computed once.
    pub fn materialise(&self) -> bool {
        self.sql.lines().take_while(|line| line.starts_with("--")).any(|line| line.trim() == "-- materialise: yes")
    }
}

/// Replaces queries by files of the same name, adds the others in the order of their file names.
fn overlay(queries: &mut Vec<Query>, folder: &Path) -> Result<usize> {
    if !folder.is_dir() {
        return Ok(0);
    }
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("read", folder, &e))?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "sql"));
    paths.sort();
    for path in &paths {
        let sql = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
        let query = Query::new(&path.file_stem().unwrap_or_default().to_string_lossy(), &sql, true);
        match queries.iter_mut().find(|q| q.name == query.name) {
            Some(existing) => *existing = query,
            None => queries.push(query),
        }
    }
    Ok(paths.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_queries_is_compiled_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
        for (folder, files) in [("models", MODELS), ("reports", REPORTS)] {
            let mut on_disk: Vec<String> = std::fs::read_dir(root.join(folder))
                .unwrap()
                .map(|e| e.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            on_disk.sort();
            assert_eq!(on_disk, files.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_folder_overrides_by_name_and_joins() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("reports")).unwrap();
        std::fs::write(folder.path().join("reports/rejects.sql"), "SELECT 1 AS one").unwrap();
        std::fs::write(folder.path().join("reports/mine.sql"), "SELECT 2 AS two").unwrap();
        let queries = Queries::with_folder(folder.path()).unwrap();
        let report = |name: &str| queries.reports.iter().find(|q| q.name == name).map(|q| q.sql.as_str());
        assert_eq!((report("rejects"), report("mine")), (Some("SELECT 1 AS one"), Some("SELECT 2 AS two")));
        assert!(Queries::with_folder(Path::new("/nowhere")).is_err());
    }
}
