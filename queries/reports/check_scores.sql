-- check_scores: one row is one bucket of ten points of one kind of score of one provider and product: a histogram.
-- Rules: a bucket holds bucket_from <= points < bucket_to, the last one 100 too. All ten buckets are listed, empty ones
-- with 0, so that histograms of different nights can be laid over each other.
-- Source: job_scores.
-- The finish adds: share (verifications / check_verifications) and share_low, share_high (Wilson 95 %).
WITH buckets AS (
    SELECT CAST(0 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(10 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(20 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(30 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(40 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(50 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(60 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(70 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(80 AS BIGINT) AS bucket_from
    UNION ALL SELECT CAST(90 AS BIGINT) AS bucket_from
),
bucketed AS (
    SELECT
        j.provider,
        j.product,
        j.check_name,
        CASE
            WHEN j.points < 10 THEN 0
            WHEN j.points < 20 THEN 10
            WHEN j.points < 30 THEN 20
            WHEN j.points < 40 THEN 30
            WHEN j.points < 50 THEN 40
            WHEN j.points < 60 THEN 50
            WHEN j.points < 70 THEN 60
            WHEN j.points < 80 THEN 70
            WHEN j.points < 90 THEN 80
            ELSE 90
        END AS bucket_from
    FROM job_scores j
),
placed AS (
    SELECT u.provider, u.product, u.check_name, u.bucket_from, COUNT(*) AS verifications
    FROM bucketed u
    GROUP BY u.provider, u.product, u.check_name, u.bucket_from
),
histograms AS (
    SELECT p.provider, p.product, p.check_name, CAST(SUM(p.verifications) AS BIGINT) AS check_verifications
    FROM placed p
    GROUP BY p.provider, p.product, p.check_name
)
SELECT
    h.provider,
    h.product,
    h.check_name,
    b.bucket_from,
    b.bucket_from + 10 AS bucket_to,
    COALESCE(p.verifications, 0) AS verifications,
    h.check_verifications
FROM histograms h
CROSS JOIN buckets b
LEFT JOIN placed p
    ON p.provider = h.provider
    AND COALESCE(p.product, '') = COALESCE(h.product, '')
    AND p.check_name = h.check_name
    AND p.bucket_from = b.bucket_from
ORDER BY h.provider NULLS LAST, h.product NULLS LAST, h.check_name NULLS LAST, b.bucket_from NULLS LAST
