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
    v.result_code,
    v.error_code,
    v.rule,
    v.rule_source,
    COUNT(*) AS verifications
FROM verification_billing v
GROUP BY
    v.provider, v.product, v.local_month, v.billing, v.basis, v.result_code, v.error_code, v.rule, v.rule_source
ORDER BY
    v.provider NULLS LAST,
    v.product NULLS LAST,
    v.local_month NULLS LAST,
    v.billing NULLS LAST,
    v.basis NULLS LAST,
    v.result_code NULLS LAST,
    v.error_code NULLS LAST,
    v.rule NULLS LAST,
    v.rule_source NULLS LAST
