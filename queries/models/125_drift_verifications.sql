-- drift_verifications: one row is one verification of the recent period or of the baseline before it.
-- Rules: the recent period is the last days of the range, or up to the newest observed day; the first day of a range
-- cuts neither period. Days and sandbox as in verification_days; what has no date is in no period.
-- Source: verifications, calendar, params.
SELECT
    v.provider,
    v.product,
    v.country,
    v.id_type,
    v.outcome,
    v.result_code,
    v.error_code,
    k.local_date >= p.recent_from AS is_recent
FROM verifications v
CROSS JOIN params p
JOIN calendar k ON k.slot_index = v.first_slot
WHERE (p.include_sandbox OR COALESCE(v.environment, '') <> 'sandbox')
    AND k.local_date >= p.baseline_from
    AND k.local_date <= p.recent_to
