-- verification_billing: one row is one counted verification and whether the provider bills it, as far as is known.
-- Rules (docs/METRICS.md, "Billing"); every answer of the job counts, not only the one that decided:
--   * `billable`: an answer stated pricingStrategy PAY, or the catalogue says that an answer's code is billed; an answer
--     that was billed stays billed, whatever came after it;
--   * else `not_known`: nothing is documented of some answer. FREE says nothing: new interfaces always send it;
--   * else `not_billable`: the catalogue says of every answer that it is not billed;
--   * a statement that there is no result yet, and one that names no code, error code or text, is no answer.
-- answer_code, answer_error_code, basis and rule are those of the first answer (by time) that gave the verdict; where no rule is known for any
-- answer, the codes are those of the observation that decided.
-- Source: verification_days, resolved_observations, billing_rules, observations.
-- materialise: yes
WITH paid AS (
    SELECT o.payload_key, o.position
    FROM observations o
    WHERE o.pricing_strategy = 'PAY' AND o.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY o.payload_key, o.position
),
spoken AS (
    SELECT r.job_key
    FROM resolved_observations r
    LEFT JOIN paid p ON p.payload_key = r.payload_key AND p.position = r.position
    WHERE r.job_key IS NOT NULL AND (r.billable IS NOT NULL OR p.payload_key IS NOT NULL)
    GROUP BY r.job_key
),
statements AS (
    SELECT
        r.job_key,
        r.own_dated,
        r.event_us,
        r.position,
        r.payload_key,
        r.result_code,
        r.error_code,
        r.meaning_number,
        CASE
            WHEN p.payload_key IS NOT NULL THEN 'pricing_strategy'
            WHEN r.billable IS NOT NULL THEN 'catalogue'
            ELSE 'none'
        END AS basis,
        CASE
            WHEN p.payload_key IS NOT NULL OR r.billable = 'yes' THEN 1
            WHEN r.billable = 'no' THEN 3
            WHEN r.outcome = 'pending' AND r.outcome_basis IN ('catalogue', 'text') THEN 4
            WHEN r.result_code IS NULL AND r.error_code IS NULL AND r.result_text IS NULL
                AND r.withheld_digest IS NULL THEN 4
            ELSE 2
        END AS claim
    FROM resolved_observations r
    LEFT JOIN paid p ON p.payload_key = r.payload_key AND p.position = r.position
    WHERE r.job_key IN (SELECT k.job_key FROM spoken k)
),
ranked AS (
    SELECT
        s.job_key, s.result_code, s.error_code, s.meaning_number, s.basis, s.claim,
        ROW_NUMBER() OVER (
            PARTITION BY s.job_key
            ORDER BY s.claim, s.own_dated DESC, s.event_us NULLS LAST, s.position DESC, s.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM statements s
)
SELECT
    v.job_key,
    v.local_date,
    v.local_month,
    v.provider,
    v.product,
    CASE r.claim WHEN 1 THEN 'billable' WHEN 3 THEN 'not_billable' ELSE 'not_known' END AS billing,
    COALESCE(r.basis, 'none') AS basis,
    CASE WHEN r.job_key IS NULL THEN v.result_code ELSE r.result_code END AS answer_code,
    CASE WHEN r.job_key IS NULL THEN v.error_code ELSE r.error_code END AS answer_error_code,
    CASE WHEN r.basis = 'pricing_strategy' THEN 'the answer stated pricingStrategy PAY' ELSE b.rule END AS rule,
    CASE WHEN r.basis = 'pricing_strategy' THEN 'the payload' ELSE b.rule_source END AS rule_source
FROM verification_days v
LEFT JOIN ranked r ON r.place = 1 AND r.job_key = v.job_key
LEFT JOIN billing_rules b ON b.meaning_number = CASE WHEN r.basis = 'catalogue' THEN r.meaning_number END
