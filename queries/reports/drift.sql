-- drift: one row is one metric of one segment, recent period against baseline.
-- metric pass_rate: hits are the passed ones of the decided (passed + failed), by provider, product, country and ID type.
-- metric code_share: hits are the verifications that ended with a result code and error code (NULL: with none), of all
-- verifications of such a segment whatever their outcome: outages and errors show here.
-- Source: drift_verifications, params.
-- The finish adds: recent_rate, baseline_rate, change, change_low, change_high (Newcombe 95 %), z, p_value, q_value
-- (Benjamini-Hochberg over all tested rows), test, tested, flagged, direction; and puts the worst first.
WITH coded AS (
    SELECT
        v.provider,
        v.product,
        v.country,
        v.id_type,
        v.result_code,
        v.error_code,
        CAST(SUM(CASE WHEN v.is_recent THEN 1 ELSE 0 END) AS BIGINT) AS recent,
        CAST(SUM(CASE WHEN v.is_recent THEN 0 ELSE 1 END) AS BIGINT) AS baseline
    FROM drift_verifications v
    GROUP BY v.provider, v.product, v.country, v.id_type, v.result_code, v.error_code
),
metrics AS (
    SELECT
        'code_share' AS metric,
        c.provider,
        c.product,
        c.country,
        c.id_type,
        c.result_code,
        c.error_code,
        c.recent AS recent_hits,
        CAST(SUM(c.recent) OVER (
            PARTITION BY c.provider, c.product, c.country, c.id_type
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS BIGINT) AS recent_n,
        c.baseline AS baseline_hits,
        CAST(SUM(c.baseline) OVER (
            PARTITION BY c.provider, c.product, c.country, c.id_type
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS BIGINT) AS baseline_n
    FROM coded c
    UNION ALL
    SELECT
        'pass_rate' AS metric,
        v.provider,
        v.product,
        v.country,
        v.id_type,
        NULL AS result_code,
        NULL AS error_code,
        CAST(SUM(CASE WHEN v.is_recent AND v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS recent_hits,
        CAST(SUM(CASE WHEN v.is_recent AND v.outcome IN ('passed', 'failed') THEN 1 ELSE 0 END) AS BIGINT) AS recent_n,
        CAST(SUM(CASE WHEN NOT v.is_recent AND v.outcome = 'passed' THEN 1 ELSE 0 END) AS BIGINT) AS baseline_hits,
        CAST(SUM(CASE WHEN NOT v.is_recent AND v.outcome IN ('passed', 'failed') THEN 1 ELSE 0 END) AS BIGINT)
            AS baseline_n
    FROM drift_verifications v
    GROUP BY v.provider, v.product, v.country, v.id_type
)
SELECT
    m.metric,
    m.provider,
    m.product,
    m.country,
    m.id_type,
    m.result_code,
    m.error_code,
    p.recent_from,
    p.recent_to,
    p.baseline_from,
    p.baseline_to,
    m.recent_hits,
    m.recent_n,
    m.baseline_hits,
    m.baseline_n
FROM metrics m
CROSS JOIN params p
ORDER BY
    m.metric NULLS LAST,
    m.provider NULLS LAST,
    m.product NULLS LAST,
    m.country NULLS LAST,
    m.id_type NULLS LAST,
    m.result_code NULLS LAST,
    m.error_code NULLS LAST
