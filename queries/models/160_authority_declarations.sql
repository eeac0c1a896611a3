-- authority_declarations: one row is one declared availability of an ID authority that the range holds.
-- Rule: the range is applied to the local day of the check; one without any time counts in every range.
-- Source: authority_checks, calendar, params.
SELECT
    k.local_date,
    c.provider,
    c.environment,
    c.country,
    c.id_type,
    c.status,
    c.level,
    c.last_check_success_rate,
    c.checked_us,
    c.window_index,
    c.payload_key
FROM authority_checks c
CROSS JOIN params p
LEFT JOIN calendar k ON k.slot_index = c.slot_index
WHERE (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
