-- error_codes: one row is one provider, product, result code, error code and outcome: why verifications ended as they did.
-- The codes are those of the observation that decided; NULL where it stated none. Passing codes are listed too.
-- Source: verification_days.
-- The finish adds: share (verifications / product_verifications) and share_low, share_high (Wilson 95 %).
WITH coded AS (
    SELECT
        v.provider,
        v.product,
        v.result_code,
        v.error_code,
        v.outcome,
        MIN(v.result_text) AS result_text,
        COUNT(*) AS verifications
    FROM verification_days v
    GROUP BY v.provider, v.product, v.result_code, v.error_code, v.outcome
)
SELECT
    c.provider,
    c.product,
    c.result_code,
    c.error_code,
    c.outcome,
    c.result_text,
    c.verifications,
    CAST(SUM(c.verifications) OVER (
        PARTITION BY c.provider, c.product
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS BIGINT) AS product_verifications
FROM coded c
ORDER BY
    c.provider NULLS LAST,
    c.product NULLS LAST,
    c.verifications DESC NULLS LAST,
    c.result_code NULLS LAST,
    c.error_code NULLS LAST,
    c.outcome NULLS LAST
