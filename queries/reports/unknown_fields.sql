-- unknown_fields: one row is one provider (NULL: nobody's), kind, shape and field that no document names. A payload that
-- nobody knows (kind unreadable) has a shape, and all of its fields are here. payloads counts distinct payloads, sandbox
-- ones too. The times are those of the payloads, else of their first delivery, in microseconds since the epoch, UTC; the
-- range applies where there is one. The example is the first place by file name, byte offset and row.
-- Source: unknown_fields, delivery_times, payload_places, calendar, params.
-- The finish turns first_seen_us and last_seen_us into the times first_seen and last_seen.
WITH placed AS (
    SELECT
        u.provider,
        u.kind,
        u.shape,
        u.field,
        u.payload_key,
        COALESCE(u.event_time_us, d.received_us) AS seen_us,
        l.source,
        l.source_offset,
        l.source_index,
        ROW_NUMBER() OVER (
            PARTITION BY u.provider, u.kind, u.shape, u.field
            ORDER BY l.source NULLS LAST, l.source_offset NULLS LAST, l.source_index NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM unknown_fields u
    CROSS JOIN params p
    LEFT JOIN delivery_times d ON d.payload_key = CASE WHEN u.event_time_us IS NULL THEN u.payload_key END
    LEFT JOIN calendar k
        ON k.slot_index = CASE WHEN u.event_time_us IS NOT NULL THEN u.slot_index ELSE d.received_slot END
    LEFT JOIN payload_places l ON l.payload_key = u.payload_key
    WHERE u.batch_id IN (SELECT b.batch_id FROM batches b)
        AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
        AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
)
SELECT
    f.provider,
    f.kind,
    f.shape,
    f.field,
    COUNT(DISTINCT f.payload_key) AS payloads,
    MIN(f.seen_us) AS first_seen_us,
    MAX(f.seen_us) AS last_seen_us,
    MAX(CASE WHEN f.place = 1 THEN f.source END) AS example_source,
    MAX(CASE WHEN f.place = 1 THEN f.source_offset END) AS example_offset,
    MAX(CASE WHEN f.place = 1 THEN f.source_index END) AS example_index
FROM placed f
GROUP BY f.provider, f.kind, f.shape, f.field
ORDER BY f.provider NULLS LAST, f.kind NULLS LAST, f.shape NULLS LAST, f.field NULLS LAST
