-- receipts_coverage: one row is one Smile ID product and outcome: how many final verifications have a receipt link.
-- A receipt counts where a payload's own result carried it, not where a payload about another job lists this one as
-- history. expected: the provider documents receipts for this product. Other providers issue none.
-- Source: verification_days.
-- The finish adds: coverage (with_receipt / verifications), coverage_low, coverage_high (Wilson 95 %).
SELECT
    v.provider,
    v.product,
    v.outcome,
    COALESCE(v.product, '') IN ('biometric_kyc', 'business_verification', 'document_verification',
        'enhanced_document_verification') AS expected,
    COUNT(*) AS verifications,
    CAST(SUM(CASE WHEN v.has_receipt THEN 1 ELSE 0 END) AS BIGINT) AS with_receipt,
    CAST(SUM(CASE WHEN v.has_receipt THEN 0 ELSE 1 END) AS BIGINT) AS without_receipt
FROM verification_days v
WHERE v.provider = 'smile_id' AND v.outcome IN ('passed', 'failed')
GROUP BY v.provider, v.product, v.outcome
ORDER BY v.provider NULLS LAST, v.product NULLS LAST, v.outcome NULLS LAST
