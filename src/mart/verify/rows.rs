//! The rows: they are those that their batches wrote, less what was erased, and they belong together.
//!
//! One query per check, over files that are whole; the engine spills what does not fit in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, Int64Array, RecordBatch};

use super::super::delta::DeltaTable;
use super::super::read::{integers, texts};
use super::super::{FIRST_TABLE, Mart, PAYLOAD_TABLES, numbers, table_specs};
use super::{Check, NAMED, Watch};
use crate::engine::duckdb::DuckDb;
use crate::engine::{Engine, number};
use crate::error::Result;
use crate::record::{Batch, Column, Table, Tombstone};

/// What the check of the rows makes sure of.
pub(super) const WHAT: &str = "every batch has the rows that it wrote, less those that were erased";

/// Columns of `tombstones` that count the erased rows of a table.
const ERASED_ROWS: [(&str, &str); 7] = [
    ("receipts", "deliveries"),
    ("observations", "observations"),
    ("checks", "checks"),
    ("authority_status", "authority_rows"),
    ("submissions", "submissions"),
    ("rejects", "rejects"),
    ("unknown_fields", "unknown_fields"),
];

/// Facts of which one payload has one row, by what tells them apart.
const FACTS: [(&str, &str); 4] = [
    ("observations", "payload_key, position"),
    ("submissions", "payload_key"),
    ("rejects", "payload_key"),
    ("unknown_fields", "payload_key, field"),
];

/// Runs every check for which the tables in `whole` suffice.
pub(super) fn check(mart: &Mart, whole: &[&'static str], engine: &mut DuckDb, watch: &dyn Watch) -> Result<Vec<Check>> {
    watch.begin("rows", 5);
    for table in mart.tables.iter().filter(|t| whole.contains(&t.spec().name)) {
        register(mart, table, engine)?;
    }
    let rows = Rows { mart, whole, engine, batches: mart.batches()?, pending: mart_pending(mart, whole)? };
    let mut checks = Vec::new();
    for check in [Rows::counts, Rows::accounts, Rows::unique, Rows::received, Rows::erased] {
        checks.push(check(&rows)?);
        watch.advance(1);
    }
    Ok(checks)
}

/// The columns that the checks need; older files may lack others.
fn register(mart: &Mart, table: &DeltaTable, engine: &mut DuckDb) -> Result<()> {
    const NEEDED: [&str; 10] = [
        "batch_id",
        "payload_key",
        "position",
        "field",
        "payload_digest",
        "payload_bytes",
        "source",
        "source_offset",
        "source_index",
        "job_digest",
    ];
    let name = table.spec().name;
    let counts = |c: &&Column| name == Tombstone::NAME && ERASED_ROWS.iter().any(|(_, column)| *column == c.name);
    let columns: Vec<Column> =
        table.spec().columns.iter().filter(|c| NEEDED.contains(&c.name) || counts(c)).copied().collect();
    let files: Vec<_> = table.files(&mart.log)?.into_iter().map(|f| f.path).collect();
    engine.register_files(name, &columns, &files)
}

fn mart_pending(mart: &Mart, whole: &[&str]) -> Result<bool> {
    Ok(whole.contains(&Tombstone::NAME) && whole.contains(&"receipts") && mart.erasure_pending()?)
}

struct Rows<'a> {
    mart: &'a Mart,
    whole: &'a [&'static str],
    engine: &'a DuckDb,
    batches: Vec<Batch>,
    /// Whether an erasure is not finished.
    pending: bool,
}

impl Rows<'_> {
    /// Notes which of the tables that a check needs are damaged; true where all are whole.
    fn have(&self, tables: &[&'static str], check: &mut Check) -> bool {
        let lacking: Vec<&str> = tables.iter().copied().filter(|t| !self.whole.contains(t)).collect();
        // A mart of an older version has fewer tables: nothing is damaged then.
        let is_there = |t: &&&str| self.mart.root().join(t).join("_delta_log").is_dir();
        let damaged: Vec<&str> = lacking.iter().filter(is_there).copied().collect();
        if !damaged.is_empty() {
            check.left_out = Some(format!("not checked: {}, damaged as said above", damaged.join(", ")));
        }
        lacking.is_empty()
    }

    fn counts(&self) -> Result<Check> {
        let mut check = Check::new("rows", WHAT);
        let listed: HashSet<&str> = self.batches.iter().map(|b| b.batch_id.as_str()).collect();
        let erased = self.erased_rows(&mut check)?;
        let (mut total, mut uncounted, mut unlisted) = (0, 0, HashSet::new());
        let tables: Vec<&'static str> = table_specs().iter().map(|s| s.name).collect();
        let of_batches = |name: &&&'static str| **name != FIRST_TABLE && **name != Tombstone::NAME;
        let names: Vec<&'static str> = tables.iter().filter(of_batches).copied().collect();
        self.have(&names, &mut check);
        for table in names.iter().copied().filter(|name| self.whole.contains(name)) {
            let stored = self.stored_rows(table)?;
            for (batch, rows) in stored.iter().filter(|(batch, _)| !listed.contains(batch.as_str())) {
                uncounted += rows;
                unlisted.insert(batch.clone());
            }
            total += stored.values().sum::<i64>();
            let Some(erased) = &erased else { continue };
            for batch in self.batches.iter().filter(|b| !b.table_rows.is_empty()) {
                let gone = erased.get(&(table, batch.batch_id.clone())).copied().unwrap_or(0);
                let wrote = numbers(&batch.table_rows).get(table).map_or(0, |n| i64::try_from(*n).unwrap_or(i64::MAX));
                let has = stored.get(&batch.batch_id).copied().unwrap_or(0);
                if has != wrote - gone {
                    let gone = if gone > 0 { format!(", {gone} of them were erased") } else { String::new() };
                    let says = format!("{table} has {has} of its rows, it wrote {wrote}{gone}");
                    check.problem(format!("batch {}", batch.batch_id), says);
                }
            }
        }
        self.versions(&mut check);
        check.looked_at = format!("{total} rows of {} batches", listed.len());
        let silent = self.batches.iter().filter(|b| b.table_rows.is_empty()).count();
        if silent > 0 {
            check.notes.push(format!("{silent} batches of an older version do not say how many rows they wrote"));
        }
        if uncounted > 0 {
            let batches = unlisted.len();
            check.notes.push(format!(
                "{uncounted} rows of {batches} batches that are not listed: they count nowhere, mart compact drops them"
            ));
        }
        Ok(check)
    }

    /// A log that lost its end is contiguous; but the batches know how far it went.
    fn versions(&self, check: &mut Check) {
        for table in &self.mart.tables {
            let name = table.spec().name;
            let last = self.batches.iter().filter_map(|b| Some((*numbers(&b.table_versions).get(name)?, &b.batch_id)));
            if let Some((version, batch)) = last.max().filter(|(version, _)| *version > table.version()) {
                let says = format!("its log ends at version {}; {batch} left it at {version}", table.version());
                check.problem(name, says);
            }
        }
    }

    fn stored_rows(&self, table: &str) -> Result<BTreeMap<String, i64>> {
        let erasing = self.pending && PAYLOAD_TABLES.contains(&table);
        let filter = if erasing { "WHERE payload_key NOT IN (SELECT payload_key FROM tombstones)" } else { "" };
        let sql = format!("SELECT batch_id, COUNT(*) AS n FROM {table} {filter} GROUP BY batch_id");
        let mut stored = BTreeMap::new();
        for rows in self.engine.select(&sql)? {
            let (batches, counts) = (texts(&rows, "batch_id")?, integers(&rows, "n")?);
            stored.extend((0..rows.num_rows()).map(|row| (batches.value(row).to_owned(), counts.value(row))));
        }
        Ok(stored)
    }

    /// Rows that were erased, by table and batch; `None` where nobody can know.
    fn erased_rows(&self, check: &mut Check) -> Result<Option<BTreeMap<(&'static str, String), i64>>> {
        let mut erased = BTreeMap::new();
        if !self.have(&[Tombstone::NAME], check) {
            // A mart of before erasures has no such table.
            return Ok(check.left_out.is_none().then_some(erased));
        }
        let sums = ERASED_ROWS.map(|(_, column)| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}"));
        let sql = format!("SELECT batch_id, {} FROM tombstones GROUP BY batch_id", sums.join(", "));
        for rows in self.engine.select(&sql)? {
            for (table, column) in ERASED_ROWS {
                let (batches, counts) = (texts(&rows, "batch_id")?, integers(&rows, column)?);
                let of_row = |row: usize| ((table, batches.value(row).to_owned()), counts.value(row));
                erased.extend((0..rows.num_rows()).map(of_row));
            }
        }
        Ok(Some(erased))
    }

    fn accounts(&self) -> Result<Check> {
        let mut check = Check::new("accounts", "of every batch, payloads seen = new + already known + rejected");
        let mut seen = BTreeSet::new();
        for batch in &self.batches {
            let place = || format!("batch {}", batch.batch_id);
            if !seen.insert(batch.batch_id.as_str()) {
                check.problem(place(), "is listed twice");
            }
            if batch.replaces.as_ref().is_some_and(|old| self.batches.iter().any(|b| b.batch_id == *old)) {
                check.problem(place(), "is listed beside the batch that it replaces");
            }
            let Batch { payloads_seen, payloads_new, payloads_known, payloads_rejected, .. } = *batch;
            let parts = [payloads_new, payloads_known, payloads_rejected];
            if parts.iter().any(|n| *n < 0) || parts.iter().sum::<i64>() != payloads_seen {
                check.problem(
                    place(),
                    format!("{payloads_seen} seen are not {payloads_new} new + {payloads_known} known + {payloads_rejected} rejected"),
                );
            }
        }
        check.looked_at = format!("{} batches", self.batches.len());
        Ok(check)
    }

    fn unique(&self) -> Result<Check> {
        let mut check = Check::new("unique", "no fact of a payload counts twice");
        let mut looked_at = 0;
        self.have(&FACTS.map(|(table, _)| table), &mut check);
        for (table, columns) in FACTS.into_iter().filter(|(table, _)| self.whole.contains(table)) {
            let listed = format!("{table} WHERE batch_id IN (SELECT batch_id FROM batches)");
            looked_at += number(self.engine, &format!("SELECT COUNT(*) FROM {listed}"))?;
            let twice = format!("SELECT {columns}, COUNT(*) AS n FROM {listed} GROUP BY {columns} HAVING COUNT(*) > 1");
            self.name(&twice, columns, table, &mut check, &|n| format!("stands there {n} times"))?;
        }
        check.looked_at = format!("{looked_at} facts");
        Ok(check)
    }

    fn received(&self) -> Result<Check> {
        let mut check = Check::new("received", "every fact belongs to a payload whose receipt is recorded");
        if !self.have(&["receipts"], &mut check) {
            return Ok(check);
        }
        let facts = PAYLOAD_TABLES.into_iter().filter(|t| *t != "receipts");
        self.have(&facts.clone().collect::<Vec<_>>(), &mut check);
        let mut looked_at = 0;
        for table in facts.filter(|t| self.whole.contains(t)) {
            let listed = "batch_id IN (SELECT batch_id FROM batches)";
            looked_at += number(self.engine, &format!("SELECT COUNT(*) FROM {table} WHERE {listed}"))?;
            let orphans = format!(
                "SELECT payload_key, COUNT(*) AS n FROM {table} f WHERE {listed} AND NOT EXISTS
                 (SELECT 1 FROM receipts r WHERE r.payload_key = f.payload_key AND r.{listed}) GROUP BY payload_key"
            );
            self.name(&orphans, "payload_key", table, &mut check, &|n| format!("has {n} rows and no receipt"))?;
        }
        check.looked_at = format!("{looked_at} facts");
        Ok(check)
    }

    fn erased(&self) -> Result<Check> {
        let mut check = Check::new("erased", "nothing that was erased is still there");
        if !self.have(&[Tombstone::NAME], &mut check) {
            "nothing was erased".clone_into(&mut check.looked_at);
            return Ok(check);
        }
        if self.pending {
            check.problem("tombstones", "an erasure was interrupted; the next command that writes finishes it");
        }
        self.have(&PAYLOAD_TABLES, &mut check);
        for table in PAYLOAD_TABLES.into_iter().filter(|t| self.whole.contains(t)) {
            let left = format!(
                "SELECT payload_key, COUNT(*) AS n FROM {table}
                 WHERE payload_key IN (SELECT payload_key FROM tombstones) GROUP BY payload_key"
            );
            self.name(&left, "payload_key", table, &mut check, &|n| format!("was erased and has {n} rows"))?;
        }
        let erased = number(self.engine, "SELECT COUNT(DISTINCT payload_key) FROM tombstones")?;
        check.looked_at = format!("{erased} erased payloads");
        Ok(check)
    }

    /// Every row of a query is a problem: of a payload, and of how many rows.
    fn name(
        &self,
        sql: &str,
        columns: &str,
        table: &str,
        check: &mut Check,
        says: &dyn Fn(i64) -> String,
    ) -> Result<()> {
        let all = number(self.engine, &format!("SELECT COUNT(*) FROM ({sql}) found"))?.unsigned_abs();
        if all == 0 {
            return Ok(());
        }
        let mut named = 0;
        for rows in self.engine.select(&format!("{sql} ORDER BY {columns} LIMIT {NAMED}"))? {
            for row in 0..rows.num_rows() {
                check.problem(
                    format!("{table}: payload {}", payload(&rows, row)?),
                    says(integers(&rows, "n")?.value(row)),
                );
                named += 1;
            }
        }
        check.problems += all - named;
        Ok(())
    }
}

/// A payload, and the position within it where there is one.
fn payload(rows: &RecordBatch, row: usize) -> Result<String> {
    let key = texts(rows, "payload_key")?.value(row).to_owned();
    Ok(match rows.column_by_name("position").map(|c| arrow::compute::cast(c, &arrow::datatypes::DataType::Int64)) {
        Some(position) => {
            let position = position?;
            let position = position.as_any().downcast_ref::<Int64Array>().filter(|p| p.is_valid(row));
            position.map_or(key.clone(), |p| format!("{key}, position {}", p.value(row)))
        }
        None => key,
    })
}
