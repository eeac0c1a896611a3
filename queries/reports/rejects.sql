-- rejects: one row is one provider (NULL: nobody's) and reason: what could not be read. payloads counts distinct payloads,
-- bytes each of them once. The range applies where a delivery tells when the payload was received. The example is the first
-- place by file name, byte offset and row. Unknown shapes are told apart by their fields in unknown_fields.
-- Source: rejects, delivery_times, payload_places, calendar, params.
WITH payloads AS (
    SELECT
        j.provider,
        j.reason,
        j.payload_key,
        MAX(j.payload_bytes) AS payload_bytes
    FROM rejects j
    CROSS JOIN params p
    LEFT JOIN delivery_times d ON d.payload_key = j.payload_key
    LEFT JOIN calendar k ON k.slot_index = d.received_slot
    WHERE j.batch_id IN (SELECT b.batch_id FROM batches b)
        AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
        AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
    GROUP BY j.provider, j.reason, j.payload_key
),
placed AS (
    SELECT
        r.provider,
        r.reason,
        r.payload_bytes,
        l.source,
        l.source_offset,
        l.source_index,
        ROW_NUMBER() OVER (
            PARTITION BY r.provider, r.reason
            ORDER BY l.source NULLS LAST, l.source_offset NULLS LAST, l.source_index NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM payloads r
    LEFT JOIN payload_places l ON l.payload_key = r.payload_key
)
SELECT
    p.provider,
    p.reason,
    COUNT(*) AS payloads,
    CAST(SUM(p.payload_bytes) AS BIGINT) AS bytes,
    MAX(CASE WHEN p.place = 1 THEN p.source END) AS example_source,
    MAX(CASE WHEN p.place = 1 THEN p.source_offset END) AS example_offset,
    MAX(CASE WHEN p.place = 1 THEN p.source_index END) AS example_index
FROM placed p
GROUP BY p.provider, p.reason
ORDER BY p.provider NULLS LAST, p.reason NULLS LAST
