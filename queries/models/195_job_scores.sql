-- job_scores: one row is one kind of score of one counted verification, in points from 0 to 100.
-- Rules: check_name is `liveness`, `similarity` or `confidence` (Smile ID ConfidenceValue). Of a job's observations that
-- state such a score the latest counts, ordered as in check_counts. Jumio states shares of 1: what is not above 1 counts
-- times 100. What was no number from 0 to 100 was not stored and is not here.
-- Source: observations, attributed_observations, verification_days.
WITH scored AS (
    SELECT o.payload_key, o.position, 'liveness' AS check_name, o.liveness_score AS score
    FROM observations o
    WHERE o.liveness_score IS NOT NULL AND o.batch_id IN (SELECT b.batch_id FROM batches b)
    UNION
    SELECT o.payload_key, o.position, 'similarity' AS check_name, o.similarity_score AS score
    FROM observations o
    WHERE o.similarity_score IS NOT NULL AND o.batch_id IN (SELECT b.batch_id FROM batches b)
    UNION
    SELECT o.payload_key, o.position, 'confidence' AS check_name, o.confidence AS score
    FROM observations o
    WHERE o.confidence IS NOT NULL AND o.batch_id IN (SELECT b.batch_id FROM batches b)
),
ranked AS (
    SELECT
        v.job_key,
        v.provider,
        v.product,
        s.check_name,
        s.score,
        ROW_NUMBER() OVER (
            PARTITION BY a.job_key, s.check_name
            ORDER BY a.own_dated DESC, a.event_us DESC NULLS LAST, a.position, a.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM scored s
    JOIN attributed_observations a ON a.payload_key = s.payload_key AND a.position = s.position
    JOIN verification_days v ON v.job_key = a.job_key
)
SELECT
    r.job_key,
    r.provider,
    r.product,
    r.check_name,
    CASE WHEN r.provider = 'jumio' AND r.score <= 1 THEN r.score * 100 ELSE r.score END AS points
FROM ranked r
WHERE r.place = 1
