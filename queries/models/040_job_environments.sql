-- job_environments: one row is one reference of one partner whose environment is stated by some observations only.
-- Rule: as for the partner, within provider, reference and resolved partner. Where both environments are known, an
-- observation that names none stays without: production and sandbox number their jobs alike and are never mixed.
-- Source: observations, job_partners. `partner` is '' where none is known.
-- materialise: yes
SELECT
    o.provider,
    o.provider_job_id,
    COALESCE(o.partner, p.partner, '') AS partner,
    MIN(o.environment) AS environment
FROM observations o
LEFT JOIN job_partners p ON p.provider = o.provider AND p.provider_job_id = o.provider_job_id
WHERE o.provider_job_id IS NOT NULL
    AND o.batch_id IN (SELECT b.batch_id FROM batches b)
GROUP BY o.provider, o.provider_job_id, COALESCE(o.partner, p.partner, '')
HAVING COUNT(o.environment) < COUNT(*) AND MIN(o.environment) = MAX(o.environment)
