-- drift_mix: one row is one provider, product, country and ID type with decided verifications in the recent period or in
-- the baseline: what it has to do with the change of its provider's pass rate, and of that over all providers.
-- Source: drift_verifications.
-- The finish adds: recent_rate, baseline_rate, change, recent_weight, baseline_weight, within_effect, mix_effect,
-- overall_within_effect, overall_mix_effect; and a row per provider and one over all with is_total.
SELECT
    v.provider,
    v.product,
    v.country,
    v.id_type,
    CAST(SUM(CASE WHEN v.is_recent AND v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS recent_passed,
    CAST(SUM(CASE WHEN v.is_recent THEN 1 ELSE 0 END) AS BIGINT) AS recent_decided,
    CAST(SUM(CASE WHEN NOT v.is_recent AND v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS baseline_passed,
    CAST(SUM(CASE WHEN v.is_recent THEN 0 ELSE 1 END) AS BIGINT) AS baseline_decided
FROM drift_verifications v
WHERE v.outcome IN ('passed', 'failed')
GROUP BY v.provider, v.product, v.country, v.id_type
ORDER BY v.provider NULLS LAST, v.product NULLS LAST, v.country NULLS LAST, v.id_type NULLS LAST
