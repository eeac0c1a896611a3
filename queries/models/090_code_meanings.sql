-- code_meanings: one row is one combination of provider, product, result code, error code and text that was observed,
-- and what the catalogue says about it. The product is the observation's own, else its job's.
-- Rules (DESIGN 4, "Outcome"; the same as Catalogue::resolve in src/provider/catalogue.rs):
--   * an entry fits where provider, product, code, error code and text are equal or `*`; the best has an exact product,
--     then an exact code, then error code, then text;
--   * where none fits, an entry without code whose text is the stated one speaks (basis `text`), so that a known text is
--     understood beside an unknown code;
--   * an entry without outcome (a code that states no verdict) gives no meaning, only its authority signal.
-- Source: attributed_observations, job_products, catalogue. `product` … `result_text` are '' where nothing was stated.
-- meaning_number counts the rows in their order; it stands for them inside one run of the models.
-- materialise: yes
WITH combinations AS (
    SELECT
        a.provider,
        COALESCE(a.product, j.product, '') AS product,
        COALESCE(a.result_code, '') AS result_code,
        COALESCE(a.error_code, '') AS error_code,
        COALESCE(a.result_text, '') AS result_text
    FROM attributed_observations a
    LEFT JOIN job_products j ON j.job_key = CASE WHEN a.product IS NULL THEN a.job_key END
    GROUP BY
        a.provider,
        COALESCE(a.product, j.product, ''),
        COALESCE(a.result_code, ''),
        COALESCE(a.error_code, ''),
        COALESCE(a.result_text, '')
),
by_code AS (
    SELECT
        o.provider, o.product, o.result_code, o.error_code, o.result_text,
        c.product AS entry_product, c.code, c.error_code AS entry_error, c.text,
        c.outcome, c.is_final, c.half, c.is_human, c.authority_signal, c.billable, c.retryable
    FROM combinations o
    JOIN catalogue c ON c.provider = o.provider AND c.code = o.result_code
    WHERE c.product IN (o.product, '*') AND c.error_code IN (o.error_code, '*') AND c.text IN (LOWER(o.result_text), '*')
    UNION ALL
    SELECT
        o.provider, o.product, o.result_code, o.error_code, o.result_text,
        c.product AS entry_product, c.code, c.error_code AS entry_error, c.text,
        c.outcome, c.is_final, c.half, c.is_human, c.authority_signal, c.billable, c.retryable
    FROM combinations o
    JOIN catalogue c ON c.provider = o.provider AND c.code = '*'
    WHERE c.product IN (o.product, '*') AND c.error_code IN (o.error_code, '*') AND c.text IN (LOWER(o.result_text), '*')
),
ranked_by_code AS (
    SELECT
        b.provider, b.product, b.result_code, b.error_code, b.result_text,
        b.code, b.text, b.outcome, b.is_final, b.half, b.is_human, b.authority_signal, b.billable, b.retryable,
        ROW_NUMBER() OVER (
            PARTITION BY b.provider, b.product, b.result_code, b.error_code, b.result_text
            ORDER BY
                CASE WHEN b.entry_product = '*' THEN 1 ELSE 0 END,
                CASE WHEN b.code = '*' THEN 1 ELSE 0 END,
                CASE WHEN b.entry_error = '*' THEN 1 ELSE 0 END,
                CASE WHEN b.text = '*' THEN 1 ELSE 0 END,
                b.outcome NULLS LAST, b.half, b.is_final DESC, b.is_human DESC, b.authority_signal NULLS LAST,
                b.billable NULLS LAST, b.retryable NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS choice
    FROM by_code b
),
ranked_by_text AS (
    SELECT
        o.provider, o.product, o.result_code, o.error_code, o.result_text,
        c.outcome, c.is_final, c.half, c.is_human, c.authority_signal, c.billable, c.retryable,
        ROW_NUMBER() OVER (
            PARTITION BY o.provider, o.product, o.result_code, o.error_code, o.result_text
            ORDER BY
                CASE WHEN c.product = '*' THEN 1 ELSE 0 END,
                CASE WHEN c.error_code = '*' THEN 1 ELSE 0 END,
                c.outcome NULLS LAST, c.half, c.is_final DESC, c.is_human DESC, c.authority_signal NULLS LAST,
                c.billable NULLS LAST, c.retryable NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS choice
    FROM combinations o
    JOIN catalogue c ON c.provider = o.provider AND c.code = '' AND c.text = LOWER(o.result_text)
    WHERE o.result_text NOT IN ('', '*') AND c.product IN (o.product, '*') AND c.error_code IN (o.error_code, '*')
)
SELECT
    ROW_NUMBER() OVER (
        ORDER BY o.provider, o.product, o.result_code, o.error_code, o.result_text
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS meaning_number,
    o.provider,
    o.product,
    o.result_code,
    o.error_code,
    o.result_text,
    CASE WHEN b.choice = 1 THEN b.outcome ELSE t.outcome END AS outcome,
    CASE WHEN b.choice = 1 THEN b.is_final ELSE COALESCE(t.is_final, FALSE) END AS is_final,
    CASE WHEN b.choice = 1 THEN b.half ELSE COALESCE(t.half, 'whole') END AS half,
    CASE WHEN b.choice = 1 THEN b.is_human ELSE COALESCE(t.is_human, FALSE) END AS is_human,
    CASE WHEN b.choice = 1 THEN b.authority_signal ELSE t.authority_signal END AS authority_signal,
    CASE WHEN b.choice = 1 THEN b.billable ELSE t.billable END AS billable,
    CASE WHEN b.choice = 1 THEN b.retryable ELSE t.retryable END AS retryable,
    CASE
        WHEN b.choice = 1 AND b.code = '' AND b.text NOT IN ('', '*') THEN 'text'
        WHEN b.choice = 1 THEN 'catalogue'
        WHEN t.choice = 1 THEN 'text'
        ELSE 'none'
    END AS outcome_basis
FROM combinations o
LEFT JOIN ranked_by_code b
    ON b.choice = 1 AND b.provider = o.provider AND b.product = o.product AND b.result_code = o.result_code
    AND b.error_code = o.error_code AND b.result_text = o.result_text
LEFT JOIN ranked_by_text t
    ON t.choice = 1 AND t.provider = o.provider AND t.product = o.product AND t.result_code = o.result_code
    AND t.error_code = o.error_code AND t.result_text = o.result_text
