-- authority_daily: one row is one local day of one authority (provider, country, ID type) with lookups in it.
-- windows counts the windows with lookups; those with a status are counted again under it.
-- Source: authority_observed.
-- The finish adds: availability, availability_low, availability_high (Wilson 95 %).
SELECT
    o.local_date,
    o.provider,
    o.country,
    o.id_type,
    CAST(SUM(o.answered) AS BIGINT) AS answered,
    CAST(SUM(o.unavailable) AS BIGINT) AS unavailable,
    CAST(SUM(o.ambiguous) AS BIGINT) AS ambiguous,
    CAST(SUM(o.lookups) AS BIGINT) AS lookups,
    COUNT(*) AS windows,
    CAST(SUM(CASE WHEN o.status = 'online' THEN 1 ELSE 0 END) AS BIGINT) AS windows_online,
    CAST(SUM(CASE WHEN o.status = 'interruption' THEN 1 ELSE 0 END) AS BIGINT) AS windows_interruption,
    CAST(SUM(CASE WHEN o.status = 'offline' THEN 1 ELSE 0 END) AS BIGINT) AS windows_offline
FROM authority_observed o
GROUP BY o.local_date, o.provider, o.country, o.id_type
ORDER BY o.local_date NULLS LAST, o.provider NULLS LAST, o.country NULLS LAST, o.id_type NULLS LAST
