-- payload_places: one row is one payload in which something is not known, with the place where it can be looked at.
-- Rule: of all its deliveries the one with the smallest file name, then byte offset, then row index, so that the order of
-- arrival changes nothing.
-- Source: receipts, for the payloads of doubtful_observations, unknown_fields and rejects.
-- materialise: yes
WITH asked AS (
    SELECT o.payload_key FROM doubtful_observations o WHERE o.outcome = 'unknown'
    UNION ALL
    SELECT u.payload_key FROM unknown_fields u
    UNION ALL
    SELECT j.payload_key FROM rejects j
),
ranked AS (
    SELECT
        r.payload_key,
        r.source,
        r.source_offset,
        r.source_index,
        ROW_NUMBER() OVER (
            PARTITION BY r.payload_key
            ORDER BY r.source, r.source_offset, r.source_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM receipts r
    WHERE r.batch_id IN (SELECT b.batch_id FROM batches b)
        AND r.payload_key IN (SELECT a.payload_key FROM asked a)
)
SELECT
    p.payload_key,
    p.source,
    p.source_offset,
    p.source_index
FROM ranked p
WHERE p.place = 1
