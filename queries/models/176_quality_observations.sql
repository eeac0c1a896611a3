-- quality_observations: one row is one observation that the reports count, by its own day: for a history entry the day of
-- its upper bound; without any time it counts in every range. Whether it is sandbox traffic is told by its job, where it
-- has one, so that the rows are those of which doubtful_observations are a part.
-- Source: attributed_observations, verifications, calendar, params.
WITH sandbox_jobs AS (
    SELECT v.job_key
    FROM verifications v
    WHERE v.environment = 'sandbox'
)
SELECT
    a.provider,
    a.link_status,
    a.is_history,
    a.statement_digest,
    a.job_key,
    a.event_us
FROM attributed_observations a
CROSS JOIN params p
LEFT JOIN sandbox_jobs s ON s.job_key = a.job_key
LEFT JOIN calendar k ON k.slot_index = a.slot_index
WHERE (p.include_sandbox OR (s.job_key IS NULL AND (a.job_key IS NOT NULL OR COALESCE(a.environment, '') <> 'sandbox')))
    AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
