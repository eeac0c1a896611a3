-- authority_incidents: what the finish makes incidents from, of all that is stored: one row is one window in which an
-- authority was looked up and not online (kind `window`), or one check at which its provider declared it not online (kind
-- `declared`). at_us is the window's start or the time of the check.
-- Source: authority_troubles, authority_checks.
-- The finish makes of it: one row per incident, a run of windows that are not online (docs/METRICS.md, "Incidents"), of
-- those that touch the range.
WITH rows_of_both AS (
    SELECT
        t.provider, t.country, t.id_type, 'window' AS kind, t.window_index * 600000000 AS at_us, t.window_index,
        t.answered, t.unavailable, t.ambiguous, t.all_async, t.online_before, t.last_evidence,
        CAST(NULL AS VARCHAR(16)) AS level
    FROM authority_troubles t
    UNION ALL
    SELECT
        c.provider, c.country, c.id_type, 'declared' AS kind, c.checked_us AS at_us, c.window_index,
        0 AS answered, 0 AS unavailable, 0 AS ambiguous, 0 AS all_async, CAST(NULL AS BIGINT) AS online_before,
        CAST(NULL AS BIGINT) AS last_evidence, c.level
    FROM authority_checks c
    WHERE c.level IN ('interruption', 'offline') AND c.checked_us IS NOT NULL
)
SELECT
    b.provider,
    b.country,
    b.id_type,
    b.kind,
    b.at_us,
    b.window_index,
    b.answered,
    b.unavailable,
    b.ambiguous,
    b.all_async,
    b.online_before,
    b.last_evidence,
    b.level
FROM rows_of_both b
ORDER BY b.provider NULLS LAST, b.country NULLS LAST, b.id_type NULLS LAST, b.kind, b.at_us, b.level NULLS LAST
