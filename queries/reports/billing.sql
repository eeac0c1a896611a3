-- billing: one row is one provider, product and local month: how many verifications are billed, as far as is known.
-- Rules: those of verification_billing. billable + not_billable + not_known = verifications. Verifications without a date
-- stand in rows without a month.
-- Source: verification_billing.
SELECT
    v.provider,
    v.product,
    v.local_month,
    COUNT(*) AS verifications,
    CAST(SUM(CASE WHEN v.billing = 'billable' THEN 1 ELSE 0 END) AS BIGINT) AS billable,
    CAST(SUM(CASE WHEN v.billing = 'not_billable' THEN 1 ELSE 0 END) AS BIGINT) AS not_billable,
    CAST(SUM(CASE WHEN v.billing = 'not_known' THEN 1 ELSE 0 END) AS BIGINT) AS not_known
FROM verification_billing v
GROUP BY v.provider, v.product, v.local_month
ORDER BY v.provider NULLS LAST, v.product NULLS LAST, v.local_month NULLS LAST
