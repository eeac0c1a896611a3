-- authority_observed: one row is one ten-minute window in which an ID authority was looked up.
-- Rules: availability = answered / (answered + unavailable); `online` from params.window_online upwards, `offline` up to
-- params.window_offline, `interruption` between, NULL where neither was seen. The window's local day is that of its first
-- five-minute slot; the range is applied to it. A window without a lookup has no row.
-- Source: authority_lookups, calendar, params.
WITH counted AS (
    SELECT
        l.provider,
        l.country,
        l.id_type,
        l.window_index,
        CAST(SUM(CASE WHEN l.authority_signal = 'answered' THEN 1 ELSE 0 END) AS BIGINT) AS answered,
        CAST(SUM(CASE WHEN l.authority_signal = 'unavailable' THEN 1 ELSE 0 END) AS BIGINT) AS unavailable,
        CAST(SUM(CASE WHEN l.authority_signal = 'ambiguous' THEN 1 ELSE 0 END) AS BIGINT) AS ambiguous,
        COUNT(*) AS lookups,
        MIN(CASE WHEN COALESCE(l.channel, '') = 'async' THEN 1 ELSE 0 END) AS all_async
    FROM authority_lookups l
    CROSS JOIN params p
    WHERE p.include_sandbox OR COALESCE(l.environment, '') <> 'sandbox'
    GROUP BY l.provider, l.country, l.id_type, l.window_index
),
rated AS (
    SELECT
        c.provider, c.country, c.id_type, c.window_index, c.answered, c.unavailable, c.ambiguous, c.lookups, c.all_async,
        CAST(c.answered AS DOUBLE) / NULLIF(c.answered + c.unavailable, 0) AS availability
    FROM counted c
)
SELECT
    k.local_date,
    r.provider,
    r.country,
    r.id_type,
    r.window_index,
    r.window_index * 600000000 AS window_start_us,
    r.answered,
    r.unavailable,
    r.ambiguous,
    r.lookups,
    r.all_async = 1 AS async_only,
    CASE
        WHEN r.availability >= p.window_online THEN 'online'
        WHEN r.availability <= p.window_offline THEN 'offline'
        WHEN r.availability IS NOT NULL THEN 'interruption'
    END AS status
FROM rated r
CROSS JOIN params p
LEFT JOIN calendar k ON k.slot_index = r.window_index * 2
WHERE (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
