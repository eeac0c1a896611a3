-- retries: one row is one provider, product and first outcome: what became of people after `unavailable`, `error`,
-- `incomplete` or `failed`. Counted once per person, product and outcome, from the person's first verification within the
-- range that ended so. A retry is a verification of the same person for the same product at the same provider that began
-- later, whether in the range or after it; those after the first that passed are not counted. passed_later are people
-- with such a pass; their seconds run from the beginning of the first verification to the decision of the pass, where it
-- has a date of its own (passed_dated). The quantiles are exact (nearest rank).
-- Source: tries.
-- The finish adds: share_passed_later (passed_later / people), share_passed_later_low, share_passed_later_high (Wilson
-- 95 %).
WITH firsts AS (
    SELECT t.provider, t.person, t.product, t.outcome AS first_outcome, MIN(t.at_us) AS first_us
    FROM tries t
    WHERE t.in_range AND t.outcome IN ('unavailable', 'error', 'incomplete', 'failed')
    GROUP BY t.provider, t.person, t.product, t.outcome
),
later AS (
    SELECT
        f.provider, f.person, f.product, f.first_outcome, t.outcome, t.at_us, t.decided_at_us,
        MIN(CASE WHEN t.outcome = 'passed' THEN t.at_us END) OVER (
            PARTITION BY f.provider, f.person, f.product, f.first_outcome
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS pass_us
    FROM firsts f
    JOIN tries t
        ON t.provider = f.provider
        AND t.person = f.person
        AND t.product = f.product
        AND t.at_us > f.first_us
),
followed AS (
    SELECT
        l.provider, l.person, l.product, l.first_outcome,
        SUM(CASE WHEN l.at_us <= COALESCE(l.pass_us, l.at_us) THEN 1 ELSE 0 END) AS retries,
        MAX(l.pass_us) AS pass_us,
        MIN(CASE WHEN l.outcome = 'passed' AND l.at_us = l.pass_us THEN l.decided_at_us END) AS passed_us
    FROM later l
    GROUP BY l.provider, l.person, l.product, l.first_outcome
),
people AS (
    SELECT
        f.provider,
        f.product,
        f.first_outcome,
        COALESCE(w.retries, 0) AS retries,
        w.pass_us,
        w.passed_us - f.first_us AS span_us
    FROM firsts f
    LEFT JOIN followed w
        ON w.provider = f.provider
        AND w.person = f.person
        AND w.product = f.product
        AND w.first_outcome = f.first_outcome
),
ranked AS (
    SELECT
        p.provider, p.product, p.first_outcome, p.retries, p.pass_us, p.span_us,
        ROW_NUMBER() OVER (
            PARTITION BY p.provider, p.product, p.first_outcome
            ORDER BY p.span_us NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place,
        COUNT(p.span_us) OVER (
            PARTITION BY p.provider, p.product, p.first_outcome
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS dated
    FROM people p
)
SELECT
    r.provider,
    NULLIF(r.product, '') AS product,
    r.first_outcome,
    COUNT(*) AS people,
    CAST(SUM(CASE WHEN r.retries > 0 THEN 1 ELSE 0 END) AS BIGINT) AS people_with_retry,
    CAST(SUM(r.retries) AS BIGINT) AS attempts,
    COUNT(r.pass_us) AS passed_later,
    COUNT(r.span_us) AS passed_dated,
    CAST(MIN(CASE WHEN r.place * 100 >= r.dated * 50 THEN r.span_us END) AS DOUBLE) / 1000000 AS p50_seconds,
    CAST(MIN(CASE WHEN r.place * 100 >= r.dated * 90 THEN r.span_us END) AS DOUBLE) / 1000000 AS p90_seconds
FROM ranked r
GROUP BY r.provider, r.product, r.first_outcome
ORDER BY r.provider NULLS LAST, NULLIF(r.product, '') NULLS LAST, r.first_outcome NULLS LAST
