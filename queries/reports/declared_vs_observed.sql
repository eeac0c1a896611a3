-- declared_vs_observed: one row is one authority (provider, environment, country, ID type), one level that its provider
-- declared and one status that its lookups showed in the ten-minute window of the check; `no_data` where that window has
-- no lookup that was answered or unavailable, or the check no time.
-- checks counts declarations, authority_checks all of the authority. lookups are those of the windows, each window once.
-- compared counts the checks that state a rate and whose window has one; difference_e9 is the sum of declared less
-- observed in billionths, as whole numbers, so that the order of the rows changes nothing.
-- The provider's environment is the check's; the lookups are all that count of the authority.
-- Source: authority_declarations, authority_evidence.
-- The finish adds: share (checks / authority_checks) and mean_difference (difference_e9 / compared); it takes away
-- difference_e9.
WITH compared AS (
    SELECT
        d.provider,
        d.environment,
        d.country,
        d.id_type,
        d.level,
        COALESCE(e.status, 'no_data') AS observed_status,
        d.window_index,
        COALESCE(e.lookups, 0) AS lookups,
        CASE WHEN d.last_check_success_rate IS NOT NULL AND e.availability IS NOT NULL THEN 1 ELSE 0 END AS has_both,
        CAST(ROUND((d.last_check_success_rate - e.availability) * 1000000000.0) AS BIGINT) AS difference_e9
    FROM authority_declarations d
    LEFT JOIN authority_evidence e ON e.provider = d.provider
        AND COALESCE(e.country, '') = COALESCE(d.country, '')
        AND COALESCE(e.id_type, '') = COALESCE(d.id_type, '')
        AND e.window_index = d.window_index
),
by_window AS (
    SELECT
        c.provider,
        c.environment,
        c.country,
        c.id_type,
        c.level,
        c.observed_status,
        c.window_index,
        COUNT(*) AS checks,
        MAX(c.lookups) AS lookups,
        CAST(SUM(c.has_both) AS BIGINT) AS compared,
        CAST(SUM(COALESCE(c.difference_e9, 0)) AS BIGINT) AS difference_e9
    FROM compared c
    GROUP BY c.provider, c.environment, c.country, c.id_type, c.level, c.observed_status, c.window_index
),
cells AS (
    SELECT
        w.provider,
        w.environment,
        w.country,
        w.id_type,
        w.level,
        w.observed_status,
        CAST(SUM(w.checks) AS BIGINT) AS checks,
        CAST(SUM(w.lookups) AS BIGINT) AS lookups,
        CAST(SUM(w.compared) AS BIGINT) AS compared,
        CAST(SUM(w.difference_e9) AS BIGINT) AS difference_e9
    FROM by_window w
    GROUP BY w.provider, w.environment, w.country, w.id_type, w.level, w.observed_status
)
SELECT
    c.provider,
    c.environment,
    c.country,
    c.id_type,
    c.level AS declared_level,
    c.observed_status,
    c.checks,
    CAST(SUM(c.checks) OVER (
        PARTITION BY c.provider, c.environment, c.country, c.id_type
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS BIGINT) AS authority_checks,
    c.lookups,
    c.compared,
    c.difference_e9
FROM cells c
ORDER BY
    c.provider NULLS LAST, c.environment NULLS LAST, c.country NULLS LAST, c.id_type NULLS LAST, c.level NULLS LAST,
    c.observed_status NULLS LAST
