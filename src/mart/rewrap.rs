//! Stored pseudonyms brought under the newest key of a ring: each becomes `HMAC(new, old)`, as new rows have it.
//!
//! A row says which key made it, so that what was interrupted goes on where it stopped and nothing is wrapped twice. Not
//! here: what a ring computes (`pseudonym`), the key file (`cli::keys`).

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};

use super::delta::Purpose;
use super::erase::with_column;
use super::read::{read_file, texts};
use super::{Mart, MartLock};
use crate::error::Result;
use crate::pseudonym::PseudonymKey;
use crate::record::{Check, Observation, Submission, Table};

/// Brings a mart's pseudonyms under a ring; returns the number of rows that changed. Rows under keys that the ring does not
/// hold stay as they are.
///
/// # Errors
/// When another program writes to the mart, or a file cannot be read or written.
pub fn rewrap(root: &Path, ring: &PseudonymKey) -> Result<u64> {
    Mart::open(root)?;
    let _lock = MartLock::take(root, "keys rotate")?;
    Mart::open_or_create(root)?.rewrap(ring)
}

impl Mart {
    /// Finishes a rotation that was interrupted or did not name this mart, so that new rows join the stored ones.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a commit fails.
    pub fn rewrap_if_pending(&mut self, ring: &PseudonymKey) -> Result<u64> {
        let prefixes = ring.prefixes();
        let old = |id: &str| id != ring.id() && prefixes.iter().any(|prefix| prefix.id() == id);
        let masked = |text: &str| ring.wrap_mask(text).is_some();
        // Observations are rewritten last: as long as one is under an old key, there is something to do. Refusals have none.
        let pending = prefixes.len() > 1
            && (!self.files_with(Observation::NAME, "pseudonym_key_id", &old)?.is_empty()
                || !self.files_with(Submission::NAME, "partner_job_id", &masked)?.is_empty());
        if pending { self.rewrap(ring) } else { Ok(0) }
    }

    /// Brings the pseudonyms under a ring. The caller holds the lock.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a commit fails.
    pub fn rewrap(&mut self, ring: &PseudonymKey) -> Result<u64> {
        let mut changed = 0;
        for table in [Check::NAME, Submission::NAME, Observation::NAME] {
            let schema = self.table(table)?.spec().schema();
            let mut files = Vec::new();
            for file in self.files(table)? {
                let mut rows_of = 0;
                for rows in read_file(&file.path, &schema, None)? {
                    rows_of += wrapped(&rows?, ring)?.1;
                }
                if rows_of > 0 {
                    changed += rows_of;
                    files.push(file);
                }
            }
            if !files.is_empty() {
                let purpose = Purpose::now("REWRAP", "kycmart-rewrap");
                self.rewrite(table, files, purpose, &mut |rows| Ok(wrapped(&rows, ring)?.0))?;
            }
        }
        Ok(changed)
    }
}

/// Rows with their pseudonyms under the ring, and how many of them changed.
fn wrapped(rows: &RecordBatch, ring: &PseudonymKey) -> Result<(RecordBatch, u64)> {
    let mut changed = vec![false; rows.num_rows()];
    let mut rows = rows.clone();
    for column in ["provider_job_id", "partner_job_id"] {
        if rows.column_by_name(column).is_some() {
            rows = mapped(&rows, column, &mut changed, |_, text| ring.wrap_mask(text))?;
        }
    }
    if rows.column_by_name("pseudonym_key_id").is_some() {
        let ids = texts(&rows, "pseudonym_key_id")?.clone();
        let old = |row: usize| ids.is_valid(row).then(|| ids.value(row)).filter(|id| *id != ring.id());
        for (column, field) in [("user_pseudonym", "user_id"), ("id_number_pseudonym", "id_number")] {
            rows = mapped(&rows, column, &mut changed, |row, text| ring.wrap(old(row)?, field, text))?;
        }
        rows = mapped(&rows, "withheld_digest", &mut changed, |row, text| ring.wrap_short(old(row)?, "text", text))?;
        let known = |id: &str| ring.prefixes().iter().any(|prefix| prefix.id() == id);
        rows = mapped(&rows, "pseudonym_key_id", &mut changed, |row, _| {
            old(row).filter(|id| known(id)).map(|_| ring.id().to_owned())
        })?;
    }
    let count = changed.into_iter().filter(|changed| *changed).count() as u64;
    Ok((rows, count))
}

/// Rows with the texts of one column replaced where there is another one for them.
fn mapped(
    rows: &RecordBatch,
    column: &str,
    changed: &mut [bool],
    other: impl Fn(usize, &str) -> Option<String>,
) -> Result<RecordBatch> {
    let values = texts(rows, column)?.iter().zip(changed.iter_mut()).enumerate();
    let new = values.map(|(row, (old, changed))| {
        let replaced = old.and_then(|text| other(row, text));
        *changed |= replaced.is_some();
        replaced.or(old.map(str::to_owned))
    });
    let new: StringArray = new.collect();
    with_column(rows, column, Arc::new(new))
}
