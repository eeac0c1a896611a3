-- delivered_payloads: one row is one payload that the reports count, with what is known of its deliveries.
-- Rules: a delivery is one place (file, member, byte, row), however often it was read. lag_us is the earliest delivery
-- less the time that the payload states for its own result. A payload belongs to the local day of its earliest delivery;
-- one of which none is known counts in every range. Sandbox ones are here too: not every payload tells.
-- signature_class is the last in the alphabet over the deliveries, so that one with a signature goes before one without.
-- Source: receipts, observations, rejects, unknown_fields, calendar, params.
WITH stored AS (
    SELECT
        r.payload_key,
        MIN(r.provider) AS provider,
        COUNT(*) AS deliveries,
        MIN(r.received_at_us) AS received_us,
        MIN(r.received_slot) AS received_slot,
        MAX(r.signature_class) AS signature_class
    FROM receipts r
    WHERE r.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY r.payload_key
),
places AS (
    SELECT r.payload_key, r.source, r.source_member, r.source_offset, r.source_index
    FROM receipts r
    WHERE r.batch_id IN (SELECT b.batch_id FROM batches b)
        AND r.payload_key IN (SELECT s.payload_key FROM stored s WHERE s.deliveries > 1)
    GROUP BY r.payload_key, r.source, r.source_member, r.source_offset, r.source_index
),
repeated AS (
    SELECT l.payload_key, COUNT(*) AS deliveries
    FROM places l
    GROUP BY l.payload_key
),
stated AS (
    SELECT o.payload_key, MIN(o.event_time_us) AS event_us
    FROM observations o
    WHERE o.event_time_us IS NOT NULL AND NOT o.is_history AND o.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY o.payload_key
),
rejected AS (
    SELECT j.payload_key
    FROM rejects j
    WHERE j.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY j.payload_key
),
odd AS (
    SELECT u.payload_key
    FROM unknown_fields u
    WHERE u.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY u.payload_key
)
SELECT
    s.payload_key,
    s.provider,
    COALESCE(n.deliveries, s.deliveries) AS deliveries,
    s.received_us,
    s.received_us - t.event_us AS lag_us,
    s.signature_class,
    j.payload_key IS NOT NULL AS is_rejected,
    u.payload_key IS NOT NULL AS has_unknown_fields
FROM stored s
CROSS JOIN params p
LEFT JOIN repeated n ON n.payload_key = s.payload_key
LEFT JOIN stated t ON t.payload_key = s.payload_key
LEFT JOIN rejected j ON j.payload_key = s.payload_key
LEFT JOIN odd u ON u.payload_key = s.payload_key
LEFT JOIN calendar k ON k.slot_index = s.received_slot
WHERE (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
