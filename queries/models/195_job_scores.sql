-- job_scores: one row is one kind of score of one counted verification, in points from 0 to 100.
-- Rules: check_name is `liveness`, `similarity` or `confidence` (Smile ID ConfidenceValue). Of a job's observations that
-- state such a score the latest counts, ordered as in check_counts. Jumio states shares of 1: what is not above 1 counts
-- times 100. What was no number from 0 to 100 was not stored and is not here.
-- Source: observations, attributed_observations, verification_days.
WITH stated AS (
    SELECT o.payload_key, o.position, o.liveness_score, o.similarity_score, o.confidence
    FROM observations o
    WHERE COALESCE(o.liveness_score, o.similarity_score, o.confidence) IS NOT NULL
        AND o.batch_id IN (SELECT b.batch_id FROM batches b)
),
placed AS (
    SELECT
        a.job_key, a.own_dated, a.event_us, a.position, a.payload_key,
        v.provider, v.product,
        s.liveness_score, s.similarity_score, s.confidence
    FROM stated s
    JOIN attributed_observations a ON a.payload_key = s.payload_key AND a.position = s.position
    JOIN verification_days v ON v.job_key = a.job_key
),
scored AS (
    SELECT
        p.job_key, p.own_dated, p.event_us, p.position, p.payload_key, p.provider, p.product,
        'liveness' AS check_name, p.liveness_score AS score
    FROM placed p
    WHERE p.liveness_score IS NOT NULL
    UNION ALL
    SELECT
        p.job_key, p.own_dated, p.event_us, p.position, p.payload_key, p.provider, p.product,
        'similarity' AS check_name, p.similarity_score AS score
    FROM placed p
    WHERE p.similarity_score IS NOT NULL
    UNION ALL
    SELECT
        p.job_key, p.own_dated, p.event_us, p.position, p.payload_key, p.provider, p.product,
        'confidence' AS check_name, p.confidence AS score
    FROM placed p
    WHERE p.confidence IS NOT NULL
),
ranked AS (
    SELECT
        s.job_key,
        s.provider,
        s.product,
        s.check_name,
        s.score,
        ROW_NUMBER() OVER (
            PARTITION BY s.job_key, s.check_name
            ORDER BY s.own_dated DESC, s.event_us DESC NULLS LAST, s.position, s.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM scored s
)
SELECT
    r.job_key,
    r.provider,
    r.product,
    r.check_name,
    CASE WHEN r.provider = 'jumio' AND r.score <= 1 THEN r.score * 100 ELSE r.score END AS points
FROM ranked r
WHERE r.place = 1
