-- unknown_codes: one row is one provider, product, result code and error code that the catalogue gives no outcome.
-- withheld_texts counts distinct texts, codes or reasons that may not be stored. The times are those of the own-dated
-- observations, in microseconds since the epoch, UTC.
-- Source: doubtful_observations.
-- The finish turns first_seen_us and last_seen_us into the times first_seen and last_seen.
SELECT
    o.provider,
    o.product,
    o.result_code,
    o.error_code,
    COUNT(*) AS observations,
    COUNT(DISTINCT o.job_key) AS verifications,
    COUNT(DISTINCT o.withheld_digest) AS withheld_texts,
    MIN(CASE WHEN o.own_dated THEN o.event_us END) AS first_seen_us,
    MAX(CASE WHEN o.own_dated THEN o.event_us END) AS last_seen_us
FROM doubtful_observations o
WHERE o.outcome = 'unknown'
GROUP BY o.provider, o.product, o.result_code, o.error_code
ORDER BY o.provider NULLS LAST, o.product NULLS LAST, o.result_code NULLS LAST, o.error_code NULLS LAST
