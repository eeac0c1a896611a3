-- checks: one row is one provider, product, check, reason, result and detail: what the named checks of verifications said.
-- Rules: a verification counts once in each row that its latest statement of this check makes; several rows of one check
-- can hold the same verification (several reject details), so they need not sum to check_verifications. A result that is
-- none of the documented words is NULL.
-- Source: job_checks, verification_days.
-- The finish adds: share (verifications / check_verifications) and share_low, share_high (Wilson 95 %).
WITH results AS (
    SELECT c.provider, c.product, c.check_name, c.reason, c.result, c.detail, COUNT(*) AS verifications
    FROM job_checks c
    GROUP BY c.provider, c.product, c.check_name, c.reason, c.result, c.detail
),
carried AS (
    SELECT c.provider, c.product, c.check_name, COUNT(DISTINCT c.job_key) AS check_verifications
    FROM job_checks c
    GROUP BY c.provider, c.product, c.check_name
),
products AS (
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
    c.check_verifications,
    p.product_verifications
FROM results r
JOIN carried c
    ON c.provider = r.provider AND COALESCE(c.product, '') = COALESCE(r.product, '') AND c.check_name = r.check_name
JOIN products p ON p.provider = r.provider AND COALESCE(p.product, '') = COALESCE(r.product, '')
ORDER BY
    r.provider NULLS LAST,
    r.product NULLS LAST,
    r.check_name NULLS LAST,
    r.verifications DESC NULLS LAST,
    r.reason NULLS LAST,
    r.result NULLS LAST,
    r.detail NULLS LAST
