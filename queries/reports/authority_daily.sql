-- authority_daily: one row is one local day of one authority (provider, country, ID type) with lookups in it, and one
-- without a day per authority that was ever looked up, from which the finish fills the days without a lookup.
-- windows counts the windows with lookups; those with a status are counted again under it. availability_e9 is the sum of
-- the windows' availabilities in billionths, as whole numbers, so that the order of the rows changes nothing.
-- first_window is the authority's first window with a lookup of all that is stored up to the end of the range.
-- Source: authority_observed, authority_evidence, params.
-- The finish adds: the days without a lookup; windows_of_day, windows_no_data, status, time_availability
-- (availability_e9 / windows with a status), availability, availability_low, availability_high (Wilson 95 %), indicative;
-- it takes away first_window and availability_e9.
WITH days AS (
    SELECT
        o.local_date,
        o.provider,
        o.country,
        o.id_type,
        CAST(SUM(o.answered) AS BIGINT) AS answered,
        CAST(SUM(o.unavailable) AS BIGINT) AS unavailable,
        CAST(SUM(o.ambiguous) AS BIGINT) AS ambiguous,
        CAST(SUM(o.lookups) AS BIGINT) AS lookups,
        COUNT(*) AS windows,
        CAST(SUM(CASE WHEN o.status = 'online' THEN 1 ELSE 0 END) AS BIGINT) AS windows_online,
        CAST(SUM(CASE WHEN o.status = 'interruption' THEN 1 ELSE 0 END) AS BIGINT) AS windows_interruption,
        CAST(SUM(CASE WHEN o.status = 'offline' THEN 1 ELSE 0 END) AS BIGINT) AS windows_offline,
        CAST(SUM(CASE WHEN o.async_only THEN 1 ELSE 0 END) AS BIGINT) AS windows_async_only,
        CAST(SUM(CAST(ROUND(o.availability * 1000000000.0) AS BIGINT)) AS BIGINT) AS availability_e9
    FROM authority_observed o
    GROUP BY o.local_date, o.provider, o.country, o.id_type
),
authorities AS (
    SELECT e.provider, e.country, e.id_type, MIN(e.window_index) AS first_window
    FROM authority_evidence e
    CROSS JOIN params p
    WHERE p.to_window IS NULL OR e.window_index <= p.to_window
    GROUP BY e.provider, e.country, e.id_type
),
rows_of_both AS (
    SELECT
        d.local_date, d.provider, d.country, d.id_type, d.answered, d.unavailable, d.ambiguous, d.lookups, d.windows,
        d.windows_online, d.windows_interruption, d.windows_offline, d.windows_async_only, d.availability_e9,
        CAST(NULL AS BIGINT) AS first_window
    FROM days d
    UNION ALL
    SELECT
        CAST(NULL AS DATE) AS local_date, a.provider, a.country, a.id_type, 0 AS answered, 0 AS unavailable,
        0 AS ambiguous, 0 AS lookups, 0 AS windows, 0 AS windows_online, 0 AS windows_interruption, 0 AS windows_offline,
        0 AS windows_async_only, 0 AS availability_e9, a.first_window
    FROM authorities a
)
SELECT
    b.local_date,
    b.provider,
    b.country,
    b.id_type,
    b.answered,
    b.unavailable,
    b.ambiguous,
    b.lookups,
    b.windows,
    b.windows_online,
    b.windows_interruption,
    b.windows_offline,
    b.windows_async_only,
    b.availability_e9,
    b.first_window
FROM rows_of_both b
ORDER BY b.local_date NULLS LAST, b.provider NULLS LAST, b.country NULLS LAST, b.id_type NULLS LAST, b.first_window NULLS LAST
