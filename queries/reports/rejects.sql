-- rejects: one row is one provider (NULL: nobody's) and reason: what could not be read. payloads counts distinct payloads,
-- bytes each of them once. The range applies where a delivery tells when the payload was received.
-- Source: rejects, delivery_times, calendar, params.
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
)
SELECT
    r.provider,
    r.reason,
    COUNT(*) AS payloads,
    CAST(SUM(r.payload_bytes) AS BIGINT) AS bytes
FROM payloads r
GROUP BY r.provider, r.reason
ORDER BY r.provider NULLS LAST, r.reason NULLS LAST
