-- authority_windows: one row is one ten-minute window of one authority (provider, country, ID type) with lookups in it.
-- window_start_us counts microseconds since the epoch, UTC. async_only: the caller waited for none of the answers, so an
-- outage may hide. status is NULL where the authority neither answered nor failed to.
-- Source: authority_observed.
-- The finish adds: window_start, availability (answered / (answered + unavailable)), availability_low, availability_high
-- (Wilson 95 %), indicative (a boundary lies strictly between the bounds).
SELECT
    o.provider,
    o.country,
    o.id_type,
    o.window_index,
    o.window_start_us,
    o.answered,
    o.unavailable,
    o.ambiguous,
    o.lookups,
    o.async_only,
    o.status
FROM authority_observed o
ORDER BY o.provider NULLS LAST, o.country NULLS LAST, o.id_type NULLS LAST, o.window_index NULLS LAST
