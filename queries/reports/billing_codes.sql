-- billing_codes: one row is one provider, product, local month, verdict on billing and the codes it rests on, with the rule.
-- Rules: summed over its codes a month is the row of `billing`. basis is `catalogue` (the code's entry says so, rule and
-- rule_source are its meaning and source), `pricing_strategy` (the answer said PAY) or `none` (nothing is documented).
-- Source: verification_billing.
SELECT
    v.provider,
    v.product,
    v.local_month,
    v.billing,
    v.basis,
    v.answer_code,
    v.answer_error_code,
    MIN(v.rule) AS rule,
    MIN(v.rule_source) AS rule_source,
    COUNT(*) AS verifications
FROM verification_billing v
GROUP BY v.provider, v.product, v.local_month, v.billing, v.basis, v.answer_code, v.answer_error_code
ORDER BY
    v.provider NULLS LAST,
    v.product NULLS LAST,
    v.local_month NULLS LAST,
    v.billing NULLS LAST,
    v.basis NULLS LAST,
    v.answer_code NULLS LAST,
    v.answer_error_code NULLS LAST
