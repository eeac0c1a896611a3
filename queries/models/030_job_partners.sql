-- job_partners: one row is one provider reference whose partner (account) is stated by some observations only.
-- Rule: an observation that names no partner takes the partner known for its reference, if exactly one is known.
-- Source: observations. References that need no help (all state it, none does, or two differ) have no row.
-- materialise: yes
SELECT
    o.provider,
    o.provider_job_id,
    MIN(o.partner) AS partner
FROM observations o
WHERE o.provider_job_id IS NOT NULL
    AND o.batch_id IN (SELECT b.batch_id FROM batches b)
GROUP BY o.provider, o.provider_job_id
HAVING COUNT(o.partner) < COUNT(*) AND MIN(o.partner) = MAX(o.partner)
