-- authority_hourly: one row is one authority (provider, country, ID type) and the hour that ends with a ten-minute window,
-- if the authority was looked up in that hour: the six windows up to and with window_index, as the provider's own rate of
-- the last hour. Rows with window_index % 6 = 5 are the clock hours, UTC.
-- windows counts those of the six with lookups. The range is applied to the window that ends the hour; the hour may reach
-- back beyond the range's beginning. status is drawn by the boundaries of a window.
-- Source: authority_evidence, params.
-- The finish adds: hour_end, availability, availability_low, availability_high (Wilson 95 %), indicative.
WITH steps AS (
    SELECT 0 AS step
    UNION ALL SELECT 1 AS step
    UNION ALL SELECT 2 AS step
    UNION ALL SELECT 3 AS step
    UNION ALL SELECT 4 AS step
    UNION ALL SELECT 5 AS step
),
hours AS (
    SELECT
        e.provider,
        e.country,
        e.id_type,
        e.window_index + s.step AS window_index,
        CAST(SUM(e.answered) AS BIGINT) AS answered,
        CAST(SUM(e.unavailable) AS BIGINT) AS unavailable,
        CAST(SUM(e.ambiguous) AS BIGINT) AS ambiguous,
        CAST(SUM(e.lookups) AS BIGINT) AS lookups,
        COUNT(*) AS windows,
        MIN(e.all_async) AS all_async
    FROM authority_evidence e
    CROSS JOIN steps s
    CROSS JOIN params p
    WHERE (p.from_window IS NULL OR e.window_index + s.step >= p.from_window)
        AND (p.to_window IS NULL OR e.window_index + s.step <= p.to_window)
    GROUP BY e.provider, e.country, e.id_type, e.window_index + s.step
),
rated AS (
    SELECT
        h.provider, h.country, h.id_type, h.window_index, h.answered, h.unavailable, h.ambiguous, h.lookups, h.windows,
        h.all_async,
        CAST(h.answered AS DOUBLE) / NULLIF(h.answered + h.unavailable, 0) AS availability
    FROM hours h
)
SELECT
    r.provider,
    r.country,
    r.id_type,
    r.window_index,
    (r.window_index + 1) * 600000000 AS hour_end_us,
    r.answered,
    r.unavailable,
    r.ambiguous,
    r.lookups,
    r.windows,
    r.all_async = 1 AS async_only,
    CASE
        WHEN r.availability >= p.window_online THEN 'online'
        WHEN r.availability <= p.window_offline THEN 'offline'
        WHEN r.availability IS NOT NULL THEN 'interruption'
    END AS status
FROM rated r
CROSS JOIN params p
ORDER BY r.provider NULLS LAST, r.country NULLS LAST, r.id_type NULLS LAST, r.window_index NULLS LAST
