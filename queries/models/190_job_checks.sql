-- job_checks: one row is one result of one named check of one counted verification.
-- Rules (docs/METRICS.md, "Checks"):
--   * of a job's observations that state a check of this name the latest counts: own-dated before history, then the
--     latest time, then the entry named first in its payload, then by payload key; replays and racing copies are one;
--   * what that observation states twice alike counts once; different results of it (several reject details, several
--     events of a liveness attack) are rows of their own;
--   * reason: for Jumio's `rejectReasonDetail` the code of the reject reason that the same observation states, else NULL.
-- Checks of observations without a job (ambiguous, unattributed, fragments) belong to no verification and are not here.
-- Source: checks, attributed_observations, verification_days.
WITH carriers AS (
    SELECT c.payload_key, c.position
    FROM checks c
    WHERE c.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY c.payload_key, c.position
),
placed AS (
    SELECT
        v.job_key,
        v.provider,
        v.product,
        a.payload_key,
        a.position,
        ROW_NUMBER() OVER (
            PARTITION BY a.job_key
            ORDER BY a.own_dated DESC, a.event_us DESC NULLS LAST, a.position, a.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM carriers c
    JOIN attributed_observations a ON a.payload_key = c.payload_key AND a.position = c.position
    JOIN verification_days v ON v.job_key = a.job_key
),
stated AS (
    SELECT p.job_key, p.provider, p.product, p.place, c.name, c.value, c.detail
    FROM checks c
    JOIN placed p ON p.payload_key = c.payload_key AND p.position = c.position
    WHERE c.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY p.job_key, p.provider, p.product, p.place, c.name, c.value, c.detail
),
latest AS (
    SELECT
        s.job_key, s.provider, s.product, s.place, s.name, s.value, s.detail,
        MIN(s.place) OVER (
            PARTITION BY s.job_key, s.name
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS newest
    FROM stated s
),
reasons AS (
    SELECT s.job_key, s.place, MIN(s.value) AS reason
    FROM stated s
    WHERE s.name = 'rejectReason'
    GROUP BY s.job_key, s.place
)
SELECT
    l.job_key,
    l.provider,
    l.product,
    l.name AS check_name,
    r.reason,
    l.value AS result,
    l.detail
FROM latest l
LEFT JOIN reasons r
    ON r.job_key = CASE WHEN l.name = 'rejectReasonDetail' THEN l.job_key END
    AND r.place = l.place
WHERE l.place = l.newest
