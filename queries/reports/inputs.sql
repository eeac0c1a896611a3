-- inputs: one row is one input (provider, kind of payload, account) and one period of 24 hours in which it had payloads.
-- Rule: periods are counted backwards from the newest five minutes of the range, 0 is the newest; so a day that has only
-- begun is no silence. A payload belongs to its earliest delivery, else to the first time that it states; undated ones are
-- in no period. Sandbox traffic is left out unless asked for.
-- Source: receipts, observations, submissions, authority_status, calendar, params.
-- The finish makes one row of each input.
WITH undated AS (
    SELECT r.payload_key
    FROM receipts r
    WHERE r.received_slot IS NULL AND r.batch_id IN (SELECT b.batch_id FROM batches b)
),
stated AS (
    SELECT s.payload_key, MIN(s.slot_index) AS slot_index
    FROM (
        SELECT o.payload_key, o.slot_index, o.batch_id FROM observations o
        UNION ALL
        SELECT u.payload_key, u.slot_index, u.batch_id FROM submissions u
        UNION ALL
        SELECT a.payload_key, a.slot_index, a.batch_id FROM authority_status a
    ) s
    WHERE s.batch_id IN (SELECT b.batch_id FROM batches b)
        AND s.payload_key IN (SELECT d.payload_key FROM undated d)
    GROUP BY s.payload_key
),
delivered AS (
    SELECT r.provider, r.kind, r.partner, r.payload_key, MIN(r.received_slot) AS slot_index
    FROM receipts r
    CROSS JOIN params p
    WHERE r.provider IS NOT NULL
        AND r.batch_id IN (SELECT b.batch_id FROM batches b)
        AND (p.include_sandbox OR COALESCE(r.environment, '') <> 'sandbox')
    GROUP BY r.provider, r.kind, r.partner, r.payload_key
),
payloads AS (
    SELECT d.provider, d.kind, d.partner, COALESCE(d.slot_index, s.slot_index) AS slot_index
    FROM delivered d
    LEFT JOIN stated s ON s.payload_key = CASE WHEN d.slot_index IS NULL THEN d.payload_key END
),
ranged AS (
    SELECT y.provider, y.kind, y.partner, y.slot_index
    FROM payloads y
    CROSS JOIN params p
    JOIN calendar k ON k.slot_index = y.slot_index
    WHERE p.to_date IS NULL OR k.local_date <= p.to_date
),
newest AS (
    SELECT MAX(g.slot_index) AS slot_index
    FROM ranged g
)
SELECT
    g.provider,
    g.kind,
    g.partner,
    CAST(FLOOR((n.slot_index - g.slot_index) / 288.0) AS BIGINT) AS period,
    COUNT(*) AS payloads,
    MAX(g.slot_index) * 300000000 AS last_slot_us
FROM ranged g
CROSS JOIN newest n
GROUP BY g.provider, g.kind, g.partner, CAST(FLOOR((n.slot_index - g.slot_index) / 288.0) AS BIGINT)
ORDER BY g.provider NULLS LAST, g.kind NULLS LAST, g.partner NULLS LAST, period NULLS LAST
