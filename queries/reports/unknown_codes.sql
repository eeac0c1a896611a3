-- unknown_codes: one row is one provider, product, result code and error code that the catalogue gives no outcome.
-- withheld_texts counts distinct texts, codes or reasons that may not be stored. The times are those of the own-dated
-- observations, in microseconds since the epoch, UTC. The example is the first place by file name, byte offset and row.
-- Source: doubtful_observations, payload_places.
-- The finish turns first_seen_us and last_seen_us into the times first_seen and last_seen.
WITH placed AS (
    SELECT
        o.provider,
        o.product,
        o.result_code,
        o.error_code,
        o.job_key,
        o.withheld_digest,
        o.own_dated,
        o.event_us,
        l.source,
        l.source_offset,
        l.source_index,
        ROW_NUMBER() OVER (
            PARTITION BY o.provider, o.product, o.result_code, o.error_code
            ORDER BY l.source NULLS LAST, l.source_offset NULLS LAST, l.source_index NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM doubtful_observations o
    LEFT JOIN payload_places l ON l.payload_key = o.payload_key
    WHERE o.outcome = 'unknown'
)
SELECT
    p.provider,
    p.product,
    p.result_code,
    p.error_code,
    COUNT(*) AS observations,
    COUNT(DISTINCT p.job_key) AS verifications,
    COUNT(DISTINCT p.withheld_digest) AS withheld_texts,
    MIN(CASE WHEN p.own_dated THEN p.event_us END) AS first_seen_us,
    MAX(CASE WHEN p.own_dated THEN p.event_us END) AS last_seen_us,
    MAX(CASE WHEN p.place = 1 THEN p.source END) AS example_source,
    MAX(CASE WHEN p.place = 1 THEN p.source_offset END) AS example_offset,
    MAX(CASE WHEN p.place = 1 THEN p.source_index END) AS example_index
FROM placed p
GROUP BY p.provider, p.product, p.result_code, p.error_code
ORDER BY p.provider NULLS LAST, p.product NULLS LAST, p.result_code NULLS LAST, p.error_code NULLS LAST
