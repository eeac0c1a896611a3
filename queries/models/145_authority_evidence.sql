-- authority_evidence: one row is one ten-minute window in which an ID authority was looked up, of all that is stored.
-- Rules: availability = answered / (answered + unavailable); `online` from params.window_online upwards, `offline` up to
-- params.window_offline, `interruption` between, NULL where neither was seen. A window without a lookup has no row. Known
-- sandbox lookups only count where they are asked for; the range is not applied. Lookups after the end of the calendar (a
-- wrong clock) do not count.
-- Source: authority_lookups, calendar, params.
-- materialise: yes
WITH counted AS (
    SELECT
        l.provider,
        l.country,
        l.id_type,
        l.window_index,
        CAST(SUM(CASE WHEN l.authority_signal = 'answered' THEN 1 ELSE 0 END) AS BIGINT) AS answered,
        CAST(SUM(CASE WHEN l.authority_signal = 'unavailable' THEN 1 ELSE 0 END) AS BIGINT) AS unavailable,
        CAST(SUM(CASE WHEN l.authority_signal = 'ambiguous' THEN 1 ELSE 0 END) AS BIGINT) AS ambiguous,
        COUNT(*) AS lookups,
        MIN(CASE WHEN COALESCE(l.channel, '') = 'async' THEN 1 ELSE 0 END) AS all_async
    FROM authority_lookups l
    CROSS JOIN params p
    WHERE (p.include_sandbox OR COALESCE(l.environment, '') <> 'sandbox')
        AND l.window_index * 2 <= (SELECT MAX(k.slot_index) FROM calendar k)
    GROUP BY l.provider, l.country, l.id_type, l.window_index
),
rated AS (
    SELECT
        c.provider, c.country, c.id_type, c.window_index, c.answered, c.unavailable, c.ambiguous, c.lookups, c.all_async,
        CAST(c.answered AS DOUBLE) / NULLIF(c.answered + c.unavailable, 0) AS availability
    FROM counted c
)
SELECT
    r.provider,
    r.country,
    r.id_type,
    r.window_index,
    r.answered,
    r.unavailable,
    r.ambiguous,
    r.lookups,
    r.all_async,
    r.availability,
    CASE
        WHEN r.availability >= p.window_online THEN 'online'
        WHEN r.availability <= p.window_offline THEN 'offline'
        WHEN r.availability IS NOT NULL THEN 'interruption'
    END AS status
FROM rated r
CROSS JOIN params p
