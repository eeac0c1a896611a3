-- doubtful_observations: one row is one observation that belongs to no verification or whose outcome is unknown.
-- Rules: as for verification_days, by the observation's own effective time (for a history entry its upper bound).
-- Whether it is sandbox traffic is told by its job, where it has one.
-- Source: resolved_observations, verifications, calendar, params.
-- materialise: yes
WITH doubtful AS (
    SELECT
        r.payload_key,
        r.provider,
        r.product,
        r.environment,
        r.link_status,
        r.job_key,
        r.outcome,
        r.result_code,
        r.error_code,
        r.withheld_digest,
        r.own_dated,
        r.event_us,
        k.local_date
    FROM resolved_observations r
    CROSS JOIN params p
    LEFT JOIN calendar k ON k.slot_index = r.slot_index
    WHERE (r.outcome = 'unknown' OR r.job_key IS NULL)
        AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
        AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
),
their_jobs AS (
    SELECT v.job_key, v.environment
    FROM verifications v
    WHERE v.job_key IN (SELECT d.job_key FROM doubtful d)
)
SELECT
    d.payload_key,
    d.provider,
    d.product,
    d.link_status,
    d.job_key,
    d.outcome,
    d.result_code,
    d.error_code,
    d.withheld_digest,
    d.own_dated,
    d.event_us,
    d.local_date
FROM doubtful d
CROSS JOIN params p
LEFT JOIN their_jobs j ON j.job_key = d.job_key
WHERE p.include_sandbox OR COALESCE(CASE WHEN d.job_key IS NULL THEN d.environment ELSE j.environment END, '') <> 'sandbox'
