-- pass_rates_by_provider: one row is one provider.
-- Beside the verifications stand the observations that belong to none: ambiguous (their partner_job_id points to no job or
-- to several) and unattributed (no reference at all). They are counted by their own day and are in no rate.
-- Source: verification_days, doubtful_observations.
-- The finish adds: decided (passed + failed), pass_rate, pass_rate_low, pass_rate_high (Wilson 95 %).
WITH parts AS (
    SELECT
        v.provider,
        COUNT(*) AS verifications,
        CAST(SUM(CASE WHEN v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS passed,
        CAST(SUM(CASE WHEN v.outcome = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed,
        CAST(SUM(CASE WHEN v.outcome = 'review' THEN 1 ELSE 0 END) AS BIGINT) AS review,
        CAST(SUM(CASE WHEN v.outcome = 'incomplete' THEN 1 ELSE 0 END) AS BIGINT) AS incomplete,
        CAST(SUM(CASE WHEN v.outcome = 'unavailable' THEN 1 ELSE 0 END) AS BIGINT) AS unavailable,
        CAST(SUM(CASE WHEN v.outcome = 'error' THEN 1 ELSE 0 END) AS BIGINT) AS error,
        CAST(SUM(CASE WHEN v.outcome = 'pending' THEN 1 ELSE 0 END) AS BIGINT) AS pending,
        CAST(SUM(CASE WHEN v.outcome = 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS unknown,
        CAST(0 AS BIGINT) AS ambiguous_observations,
        CAST(0 AS BIGINT) AS unattributed_observations
    FROM verification_days v
    GROUP BY v.provider
    UNION ALL
    SELECT
        o.provider,
        CAST(0 AS BIGINT) AS verifications,
        CAST(0 AS BIGINT) AS passed,
        CAST(0 AS BIGINT) AS failed,
        CAST(0 AS BIGINT) AS review,
        CAST(0 AS BIGINT) AS incomplete,
        CAST(0 AS BIGINT) AS unavailable,
        CAST(0 AS BIGINT) AS error,
        CAST(0 AS BIGINT) AS pending,
        CAST(0 AS BIGINT) AS unknown,
        CAST(SUM(CASE WHEN o.link_status = 'ambiguous' THEN 1 ELSE 0 END) AS BIGINT) AS ambiguous_observations,
        CAST(SUM(CASE WHEN o.link_status = 'unattributed' THEN 1 ELSE 0 END) AS BIGINT) AS unattributed_observations
    FROM doubtful_observations o
    WHERE o.job_key IS NULL
    GROUP BY o.provider
)
SELECT
    p.provider,
    CAST(SUM(p.verifications) AS BIGINT) AS verifications,
    CAST(SUM(p.passed) AS BIGINT) AS passed,
    CAST(SUM(p.failed) AS BIGINT) AS failed,
    CAST(SUM(p.review) AS BIGINT) AS review,
    CAST(SUM(p.incomplete) AS BIGINT) AS incomplete,
    CAST(SUM(p.unavailable) AS BIGINT) AS unavailable,
    CAST(SUM(p.error) AS BIGINT) AS error,
    CAST(SUM(p.pending) AS BIGINT) AS pending,
    CAST(SUM(p.unknown) AS BIGINT) AS unknown,
    CAST(SUM(p.ambiguous_observations) AS BIGINT) AS ambiguous_observations,
    CAST(SUM(p.unattributed_observations) AS BIGINT) AS unattributed_observations
FROM parts p
GROUP BY p.provider
ORDER BY p.provider NULLS LAST
