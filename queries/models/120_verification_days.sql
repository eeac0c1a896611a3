-- verification_days: one row is one verification that the reports count, with its local day.
-- Rules: a verification belongs to the local day of its first dated observation; without any date it has none and counts
-- in every range; sandbox traffic is left out unless asked for. The range is applied here, after every verification was
-- resolved over all that is stored.
-- Source: verifications, calendar, params.
SELECT
    v.job_key,
    k.local_date,
    k.local_month,
    v.provider,
    v.product,
    v.country,
    v.id_type,
    v.partner,
    v.environment,
    v.channel,
    v.user_pseudonym,
    v.dimension_1,
    v.dimension_2,
    v.dimension_3,
    v.outcome,
    v.result_code,
    v.error_code,
    v.result_text,
    v.billable,
    v.has_receipt,
    v.own_first_us,
    v.first_us,
    v.decided_at_us
FROM verifications v
CROSS JOIN params p
LEFT JOIN calendar k ON k.slot_index = v.first_slot
WHERE (p.include_sandbox OR COALESCE(v.environment, '') <> 'sandbox')
    AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
