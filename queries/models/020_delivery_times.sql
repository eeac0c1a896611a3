-- delivery_times: one row is one payload that states no time for some of its rows, with its earliest known delivery.
-- Rule: facts take the earliest over all deliveries, so the order of arrival changes nothing. Windows and slots grow
-- with time, so their minimum belongs to the minimum of the times. Payloads without any known time have no row.
-- Source: receipts, for the payloads of observations, authority_status, submissions, rejects and unknown_fields that lack a time.
-- materialise: yes
WITH undated AS (
    SELECT o.payload_key FROM observations o WHERE o.event_time_us IS NULL
    UNION ALL
    SELECT a.payload_key FROM authority_status a WHERE a.checked_at_us IS NULL
    UNION ALL
    SELECT s.payload_key FROM submissions s WHERE s.event_time_us IS NULL
    UNION ALL
    SELECT j.payload_key FROM rejects j
    UNION ALL
    SELECT u.payload_key FROM unknown_fields u WHERE u.event_time_us IS NULL
)
SELECT
    r.payload_key,
    MIN(r.received_at_us) AS received_us,
    MIN(r.received_window) AS received_window,
    MIN(r.received_slot) AS received_slot
FROM receipts r
WHERE r.received_at_us IS NOT NULL
    AND r.batch_id IN (SELECT b.batch_id FROM batches b)
    AND r.payload_key IN (SELECT u.payload_key FROM undated u)
GROUP BY r.payload_key
