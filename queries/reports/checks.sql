-- checks: one row is one provider, product, check, reason, result and detail: what the named checks of verifications said.
-- Rules: a verification counts once in each row that its latest statement of this check makes; several rows of one check
-- can hold the same verification (several reject details), so they need not sum to check_verifications. A result that is
-- none of the documented words is NULL.
-- Source: check_counts, verification_days.
-- The finish adds: share (verifications / check_verifications) and share_low, share_high (Wilson 95 %).
WITH products AS (
    SELECT v.provider, v.product, COUNT(*) AS product_verifications
    FROM verification_days v
    GROUP BY v.provider, v.product
)
SELECT
    r.provider,
    r.product,
    r.check_name,
    r.reason,
    r.result,
    r.detail,
    r.verifications,
    CAST(SUM(r.firsts) OVER (
        PARTITION BY r.provider, r.product, r.check_name
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS BIGINT) AS check_verifications,
    p.product_verifications
FROM check_counts r
JOIN products p ON p.provider = r.provider AND COALESCE(p.product, '') = COALESCE(r.product, '')
ORDER BY
    r.provider NULLS LAST,
    r.product NULLS LAST,
    r.check_name NULLS LAST,
    r.verifications DESC NULLS LAST,
    r.reason NULLS LAST,
    r.result NULLS LAST,
    r.detail NULLS LAST
