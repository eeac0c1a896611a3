-- authority_checks: one row is one declared availability of an ID authority, of all that is stored.
-- Rules: one declaration per provider, environment, country, ID type and time of check, however often it was polled; a
-- declaration without a time of check has that of its earliest delivery; one without any time counts by itself. Of
-- contradicting statements about one check the worst word and the lowest rate count. `level` folds the providers' words: Advance.AI's `health`
-- is online and its `unstable` an interruption; every other word is `other`. Known sandbox checks only count where they
-- are asked for; the range is not applied.
-- Source: authority_status, delivery_times, params.
WITH timed AS (
    SELECT
        a.payload_key,
        a.provider,
        a.environment,
        a.country,
        a.id_type,
        a.status,
        CASE LOWER(a.status)
            WHEN 'online' THEN 'online'
            WHEN 'health' THEN 'online'
            WHEN 'interruption' THEN 'interruption'
            WHEN 'unstable' THEN 'interruption'
            WHEN 'offline' THEN 'offline'
            ELSE 'other'
        END AS level,
        a.last_check_success_rate,
        COALESCE(a.checked_at_us, d.received_us) AS checked_us,
        CASE WHEN a.checked_at_us IS NOT NULL THEN a.slot_index ELSE d.received_slot END AS slot_index,
        CASE WHEN a.checked_at_us IS NOT NULL THEN a.window_index ELSE d.received_window END AS window_index
    FROM authority_status a
    LEFT JOIN delivery_times d ON d.payload_key = CASE WHEN a.checked_at_us IS NULL THEN a.payload_key END
    WHERE a.batch_id IN (SELECT b.batch_id FROM batches b)
),
ranked AS (
    SELECT
        t.provider, t.environment, t.country, t.id_type, t.status, t.level, t.checked_us, t.slot_index, t.window_index,
        t.payload_key,
        MIN(t.last_check_success_rate) OVER (
            PARTITION BY t.provider, t.environment, t.country, t.id_type, t.checked_us,
                CASE WHEN t.checked_us IS NULL THEN t.payload_key ELSE '' END
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS last_check_success_rate,
        ROW_NUMBER() OVER (
            PARTITION BY t.provider, t.environment, t.country, t.id_type, t.checked_us,
                CASE WHEN t.checked_us IS NULL THEN t.payload_key ELSE '' END
            ORDER BY
                CASE t.level WHEN 'offline' THEN 1 WHEN 'interruption' THEN 2 WHEN 'online' THEN 3 ELSE 4 END,
                t.last_check_success_rate NULLS LAST,
                t.status NULLS LAST,
                t.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM timed t
)
SELECT
    r.provider,
    r.environment,
    r.country,
    r.id_type,
    r.status,
    r.level,
    r.last_check_success_rate,
    r.checked_us,
    r.slot_index,
    r.window_index,
    r.payload_key
FROM ranked r
CROSS JOIN params p
WHERE r.place = 1
    AND (p.include_sandbox OR COALESCE(r.environment, '') <> 'sandbox')
