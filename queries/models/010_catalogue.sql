-- catalogue: one row is one entry of the code catalogue in force.
-- Rule: the rows of the newest finished batch; what earlier batches knew no longer counts. Only `passed` and `failed`
-- can be final, whatever an override says (DESIGN 4, "Outcome of a verification"). Texts are compared in lower case.
-- Source: codes, batches.
-- materialise: yes
WITH newest AS (
    SELECT MAX(c.batch_id) AS batch_id
    FROM codes c
    WHERE c.batch_id IN (SELECT b.batch_id FROM batches b)
)
SELECT
    c.provider,
    c.product,
    c.code,
    c.error_code,
    LOWER(c.text) AS text,
    c.outcome,
    c.is_final AND COALESCE(c.outcome, '') IN ('passed', 'failed') AS is_final,
    c.half,
    c.is_human,
    c.authority_signal,
    c.billable,
    c.retryable,
    c.meaning,
    c.source
FROM codes c
JOIN newest n ON n.batch_id = c.batch_id
