-- pass_rates_daily: one row is one local day and provider; verifications without a date stand in rows without a day, last.
-- Source: verification_days.
-- The finish adds: decided (passed + failed), pass_rate, pass_rate_low, pass_rate_high (Wilson 95 %).
SELECT
    v.local_date,
    v.provider,
    COUNT(*) AS verifications,
    CAST(SUM(CASE WHEN v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS passed,
    CAST(SUM(CASE WHEN v.outcome = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed,
    CAST(SUM(CASE WHEN v.outcome = 'review' THEN 1 ELSE 0 END) AS BIGINT) AS review,
    CAST(SUM(CASE WHEN v.outcome = 'incomplete' THEN 1 ELSE 0 END) AS BIGINT) AS incomplete,
    CAST(SUM(CASE WHEN v.outcome = 'unavailable' THEN 1 ELSE 0 END) AS BIGINT) AS unavailable,
    CAST(SUM(CASE WHEN v.outcome = 'error' THEN 1 ELSE 0 END) AS BIGINT) AS error,
    CAST(SUM(CASE WHEN v.outcome = 'pending' THEN 1 ELSE 0 END) AS BIGINT) AS pending,
    CAST(SUM(CASE WHEN v.outcome = 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS unknown
FROM verification_days v
GROUP BY v.local_date, v.provider
ORDER BY v.local_date NULLS LAST, v.provider NULLS LAST
