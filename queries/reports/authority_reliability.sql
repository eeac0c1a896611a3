-- authority_reliability: what the finish sums up by local month: one row is one window of all that is stored in which an
-- authority was looked up and not online (kind `window`), one local day of the range with its lookups (kind `day`), or one
-- authority with its first window (kind `authority`).
-- Source: authority_troubles, authority_observed, authority_evidence, params.
-- The finish makes of it: one row per authority and local month with incidents, times, and the share of the availability
-- target that was used up.
WITH rows_of_three AS (
    SELECT
        t.provider, t.country, t.id_type, 'window' AS kind, CAST(NULL AS DATE) AS local_date, t.window_index,
        t.answered, t.unavailable, t.ambiguous, t.all_async, t.online_before, t.last_evidence, 0 AS windows
    FROM authority_troubles t
    UNION ALL
    SELECT
        o.provider, o.country, o.id_type, 'day' AS kind, o.local_date, CAST(NULL AS BIGINT) AS window_index,
        CAST(SUM(o.answered) AS BIGINT) AS answered, CAST(SUM(o.unavailable) AS BIGINT) AS unavailable,
        CAST(SUM(o.ambiguous) AS BIGINT) AS ambiguous, 0 AS all_async, CAST(NULL AS BIGINT) AS online_before,
        CAST(NULL AS BIGINT) AS last_evidence, COUNT(*) AS windows
    FROM authority_observed o
    GROUP BY o.provider, o.country, o.id_type, o.local_date
    UNION ALL
    SELECT
        e.provider, e.country, e.id_type, 'authority' AS kind, CAST(NULL AS DATE) AS local_date,
        MIN(e.window_index) AS window_index, 0 AS answered, 0 AS unavailable, 0 AS ambiguous, 0 AS all_async,
        CAST(NULL AS BIGINT) AS online_before, CAST(NULL AS BIGINT) AS last_evidence, 0 AS windows
    FROM authority_evidence e
    CROSS JOIN params p
    WHERE p.to_window IS NULL OR e.window_index <= p.to_window
    GROUP BY e.provider, e.country, e.id_type
)
SELECT
    r.provider,
    r.country,
    r.id_type,
    r.kind,
    r.local_date,
    r.window_index,
    r.answered,
    r.unavailable,
    r.ambiguous,
    r.all_async,
    r.online_before,
    r.last_evidence,
    r.windows
FROM rows_of_three r
ORDER BY
    r.provider NULLS LAST, r.country NULLS LAST, r.id_type NULLS LAST, r.kind, r.local_date NULLS LAST,
    r.window_index NULLS LAST
