-- billing_rules: one row is one observed combination of codes (see code_meanings) for which the catalogue says whether it
-- is billed, with the entry that says so, in words and by its source.
-- Rule: of the entries that fit and say so the closest, as in code_meanings.
-- Source: code_meanings, catalogue.
WITH fitting AS (
    SELECT
        m.meaning_number,
        c.meaning,
        c.source,
        ROW_NUMBER() OVER (
            PARTITION BY m.meaning_number
            ORDER BY
                CASE WHEN c.product = '*' THEN 1 ELSE 0 END,
                CASE WHEN c.code = m.result_code THEN 0 WHEN c.code = '*' THEN 1 ELSE 2 END,
                CASE WHEN c.error_code = '*' THEN 1 ELSE 0 END,
                CASE WHEN c.text = '*' THEN 1 ELSE 0 END,
                c.meaning,
                c.source
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS choice
    FROM code_meanings m
    JOIN catalogue c ON c.provider = m.provider AND c.billable = m.billable
    WHERE c.product IN (m.product, '*')
        AND (c.code IN (m.result_code, '*') OR (c.code = '' AND c.text = LOWER(m.result_text)))
        AND c.error_code IN (m.error_code, '*')
        AND c.text IN (LOWER(m.result_text), '*')
)
SELECT f.meaning_number, f.meaning AS rule, f.source AS rule_source
FROM fitting f
WHERE f.choice = 1
