//! What a batch brought that was never seen before: codes, fields and shapes, so that a provider's change is noticed the
//! morning after.
//!
//! New is what stands in payloads of this batch and of no other that is listed. Not here: all that is unknown (the reports
//! `unknown_codes`, `unknown_fields` and `rejects`).

use arrow::array::{Array, StringArray};
use serde::Serialize;

use crate::engine::Engine;
use crate::engine::duckdb::quote;
use crate::error::Result;
use crate::mart::read::{integers, texts};

/// Lines that are printed.
const PRINTED: usize = 10;
/// Entries in `run.json`.
const NAMED: usize = 100;
/// Fields of a shape that are printed.
const FIELDS_PRINTED: usize = 6;

/// What is new.
#[derive(Debug, Default, Serialize)]
pub struct News {
    pub total: i64,
    /// The first hundred, by what they are and the number of payloads.
    pub named: Vec<Unknown>,
}

/// A code, a field or a shape that nobody knows, with one place where it stands.
#[derive(Debug, Serialize)]
pub struct Unknown {
    /// `code`, `field` or `shape`.
    pub what: String,
    pub provider: Option<String>,
    /// Of a field.
    pub kind: Option<String>,
    /// Of a code.
    pub product: Option<String>,
    /// The code, the field, or all fields of the shape; NULL where there is none that may be stored.
    pub name: Option<String>,
    pub payloads: i64,
    pub source: String,
    pub offset: i64,
    pub index: i64,
}

/// What is new in a batch. The engine has the tables and the models.
///
/// # Errors
/// When a query fails.
pub fn of_batch(engine: &dyn Engine, batch: &str) -> Result<News> {
    let mut news = News::default();
    for rows in engine.select(&format!("{} LIMIT {NAMED}", NEW.replace("THIS_BATCH", &quote(batch))))? {
        let text = |name: &str, row: usize| Ok::<_, crate::error::Error>(cell(texts(&rows, name)?, row));
        let number = |name: &str, row: usize| Ok::<_, crate::error::Error>(integers(&rows, name)?.value(row));
        for row in 0..rows.num_rows() {
            news.total = number("total", row)?;
            news.named.push(Unknown {
                what: text("what", row)?.unwrap_or_default(),
                provider: text("provider", row)?,
                kind: text("kind", row)?,
                product: text("product", row)?,
                name: text("name", row)?,
                payloads: number("payloads", row)?,
                source: text("source", row)?.unwrap_or_default(),
                offset: number("source_offset", row)?,
                index: number("source_index", row)?,
            });
        }
    }
    Ok(news)
}

fn cell(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

impl News {
    /// The first of it, on standard error.
    pub fn print(&self) {
        for unknown in self.named.iter().take(PRINTED) {
            eprintln!("new: {}", unknown.line());
        }
        let more = self.total - i64::try_from(self.named.len().min(PRINTED)).unwrap_or(0);
        if more > 0 {
            eprintln!("new: {more} more; run.json and the reports unknown_codes and unknown_fields have them");
        }
    }
}

impl Unknown {
    fn line(&self) -> String {
        let beside = self.kind.as_deref().or(self.product.as_deref());
        let whose = [self.provider.as_deref(), beside].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let whose = if whose.is_empty() { "of nobody".to_owned() } else { whose };
        let what = match (self.what.as_str(), self.name.as_deref()) {
            ("shape", Some(fields)) => format!("unknown shape with {}", first_fields(fields)),
            ("shape", None) => "unknown shape without fields".to_owned(),
            (what, Some(name)) => format!("unknown {what} {name}"),
            (what, None) => format!("unknown outcome without a {what} that may be shown"),
        };
        let Unknown { payloads, source, offset, index, .. } = self;
        let payloads = if *payloads == 1 { "1 payload".to_owned() } else { format!("{payloads} payloads") };
        format!("{whose}: {what} in {payloads}, first at {source} byte {offset} (row {index})")
    }
}

fn first_fields(fields: &str) -> String {
    let names: Vec<&str> = fields.split(", ").collect();
    match names.len() {
        0..=FIELDS_PRINTED => fields.to_owned(),
        all => format!("{} and {} more", names[..FIELDS_PRINTED].join(", "), all - FIELDS_PRINTED),
    }
}

/// Everything unknown with the batch that its payload came in first; of it what only this batch has, with the first place.
const NEW: &str = "
WITH listed AS (
    SELECT b.batch_id FROM batches b
),
shapes AS (
    SELECT u.payload_key, u.batch_id, u.provider, u.shape, STRING_AGG(u.field, ', ' ORDER BY u.field) AS fields
    FROM unknown_fields u
    WHERE u.shape IS NOT NULL
    GROUP BY u.payload_key, u.batch_id, u.provider, u.shape
),
found AS (
    SELECT
        'code' AS what,
        r.provider,
        CAST(NULL AS VARCHAR) AS kind,
        r.product,
        CASE
            WHEN r.result_code IS NULL THEN r.error_code
            ELSE r.result_code || COALESCE(' with ' || r.error_code, '')
        END AS name,
        o.payload_key,
        o.batch_id
    FROM resolved_observations r
    JOIN observations o ON o.payload_key = r.payload_key AND o.position = r.position
    WHERE r.outcome = 'unknown' AND o.batch_id IN (SELECT l.batch_id FROM listed l)
    UNION ALL
    SELECT 'field', u.provider, u.kind, NULL, u.field, u.payload_key, u.batch_id
    FROM unknown_fields u
    WHERE u.shape IS NULL AND u.batch_id IN (SELECT l.batch_id FROM listed l)
    UNION ALL
    SELECT 'shape', s.provider, NULL, NULL, s.fields, s.payload_key, s.batch_id
    FROM shapes s
    WHERE s.batch_id IN (SELECT l.batch_id FROM listed l)
    UNION ALL
    SELECT 'shape', j.provider, NULL, NULL, NULL, j.payload_key, j.batch_id
    FROM rejects j
    WHERE j.reason = 'unknown_shape' AND j.batch_id IN (SELECT l.batch_id FROM listed l)
        AND j.payload_key NOT IN (SELECT s.payload_key FROM shapes s)
),
fresh AS (
    SELECT f.what, f.provider, f.kind, f.product, f.name
    FROM found f
    GROUP BY f.what, f.provider, f.kind, f.product, f.name
    HAVING MIN(f.batch_id) = THIS_BATCH AND MAX(f.batch_id) = THIS_BATCH
),
placed AS (
    SELECT
        f.what, f.provider, f.kind, f.product, f.name, f.payload_key, r.source, r.source_offset, r.source_index,
        ROW_NUMBER() OVER (
            PARTITION BY f.what, f.provider, f.kind, f.product, f.name
            ORDER BY r.source, r.source_offset, r.source_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM found f
    JOIN fresh n ON n.what = f.what AND n.provider IS NOT DISTINCT FROM f.provider AND n.kind IS NOT DISTINCT FROM f.kind
        AND n.product IS NOT DISTINCT FROM f.product AND n.name IS NOT DISTINCT FROM f.name
    JOIN receipts r ON r.payload_key = f.payload_key AND r.batch_id = THIS_BATCH
)
SELECT
    p.what, p.provider, p.kind, p.product, p.name,
    COUNT(DISTINCT p.payload_key) AS payloads,
    MAX(CASE WHEN p.place = 1 THEN p.source END) AS source,
    MAX(CASE WHEN p.place = 1 THEN p.source_offset END) AS source_offset,
    MAX(CASE WHEN p.place = 1 THEN p.source_index END) AS source_index,
    COUNT(*) OVER () AS total
FROM placed p
GROUP BY p.what, p.provider, p.kind, p.product, p.name
ORDER BY p.what, payloads DESC, p.provider NULLS LAST, p.kind NULLS LAST, p.product NULLS LAST, p.name NULLS LAST";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_new_how_often_and_where() {
        let unknown = |what: &str, name: Option<&str>| Unknown {
            what: what.into(),
            provider: (what != "shape").then(|| "smile_id".into()),
            kind: (what == "field").then(|| "callback".into()),
            product: None,
            name: name.map(str::to_owned),
            payloads: 12,
            source: "in/a.ndjson".into(),
            offset: 7,
            index: 1,
        };
        let place = "in 12 payloads, first at in/a.ndjson byte 7 (row 1)";
        for (line, expected) in [
            (unknown("field", Some("FooBar")).line(), "smile_id callback: unknown field FooBar"),
            (unknown("code", Some("9999")).line(), "smile_id: unknown code 9999"),
            (
                unknown("shape", Some("a, b, c, d, e, f, g")).line(),
                "of nobody: unknown shape with a, b, c, d, e, f and 1 more",
            ),
            (unknown("shape", None).line(), "of nobody: unknown shape without fields"),
        ] {
            assert_eq!(line, format!("{expected} {place}"));
        }
    }
}
