-- authority_troubles: one row is one ten-minute window in which an ID authority was looked up and not online: interruption,
-- offline, or neither answered nor unavailable (status NULL). Of all that is stored: the range is not applied.
-- online_before is the latest online window before it (NULL: none), last_evidence the authority's latest window with an
-- answered or unavailable lookup (NULL: none): with them a run of windows can be told without the windows in which all
-- was well.
-- Source: authority_evidence.
WITH placed AS (
    SELECT
        e.provider, e.country, e.id_type, e.window_index, e.answered, e.unavailable, e.ambiguous, e.all_async, e.status,
        MAX(CASE WHEN e.status = 'online' THEN e.window_index END) OVER (
            PARTITION BY e.provider, e.country, e.id_type
            ORDER BY e.window_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS online_before,
        MAX(CASE WHEN e.status IS NOT NULL THEN e.window_index END) OVER (
            PARTITION BY e.provider, e.country, e.id_type
            ORDER BY e.window_index
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS last_evidence
    FROM authority_evidence e
)
SELECT
    b.provider,
    b.country,
    b.id_type,
    b.window_index,
    b.answered,
    b.unavailable,
    b.ambiguous,
    b.all_async,
    b.online_before,
    b.last_evidence
FROM placed b
WHERE COALESCE(b.status, '') <> 'online'
