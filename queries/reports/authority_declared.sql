-- authority_declared: one row is one authority (provider, environment, country, ID type) as its provider declared it.
-- last_status is the word of the latest check as stated. Times count microseconds since the epoch, UTC.
-- Source: authority_declarations.
-- The finish turns first_checked_us and last_checked_us into the times first_checked and last_checked.
WITH ranked AS (
    SELECT
        d.provider, d.environment, d.country, d.id_type, d.status, d.level, d.last_check_success_rate, d.checked_us,
        ROW_NUMBER() OVER (
            PARTITION BY d.provider, d.environment, d.country, d.id_type
            ORDER BY d.checked_us DESC NULLS LAST, d.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM authority_declarations d
)
SELECT
    r.provider,
    r.environment,
    r.country,
    r.id_type,
    COUNT(*) AS declarations,
    CAST(SUM(CASE WHEN r.level = 'online' THEN 1 ELSE 0 END) AS BIGINT) AS online,
    CAST(SUM(CASE WHEN r.level = 'interruption' THEN 1 ELSE 0 END) AS BIGINT) AS interruption,
    CAST(SUM(CASE WHEN r.level = 'offline' THEN 1 ELSE 0 END) AS BIGINT) AS offline,
    CAST(SUM(CASE WHEN r.level = 'other' THEN 1 ELSE 0 END) AS BIGINT) AS other,
    MIN(r.checked_us) AS first_checked_us,
    MAX(r.checked_us) AS last_checked_us,
    MIN(CASE WHEN r.place = 1 THEN r.status END) AS last_status,
    MIN(r.last_check_success_rate) AS lowest_success_rate
FROM ranked r
GROUP BY r.provider, r.environment, r.country, r.id_type
ORDER BY r.provider NULLS LAST, r.environment NULLS LAST, r.country NULLS LAST, r.id_type NULLS LAST
