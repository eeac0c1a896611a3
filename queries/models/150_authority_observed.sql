-- authority_observed: one row is one ten-minute window of the range in which an ID authority was looked up.
-- Rule: the window's local day is that of its first five-minute slot; the range is applied to it. What a window's status
-- is stands in authority_evidence.
-- Source: authority_evidence, calendar, params.
SELECT
    k.local_date,
    e.provider,
    e.country,
    e.id_type,
    e.window_index,
    e.window_index * 600000000 AS window_start_us,
    e.answered,
    e.unavailable,
    e.ambiguous,
    e.lookups,
    e.all_async = 1 AS async_only,
    e.availability,
    e.status
FROM authority_evidence e
CROSS JOIN params p
LEFT JOIN calendar k ON k.slot_index = e.window_index * 2
WHERE (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
