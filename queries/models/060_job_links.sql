-- job_links: one row is what observations without a provider reference state (partner_job_id, partner, environment)
-- and that points to exactly one job.
-- Rule: a job answers to a partner_job_id if one of its observations states it. Partner and environment must agree
-- where both sides know them. No job or several: no row, and the observation is `ambiguous` (DESIGN 4, job_key).
-- Source: keyed_observations. `partner` and `environment` are '' where they were not stated.
-- materialise: yes
WITH asked AS (
    SELECT
        k.provider,
        k.partner_job_id,
        COALESCE(k.partner, '') AS partner,
        COALESCE(k.environment, '') AS environment
    FROM keyed_observations k
    WHERE k.provider_job_id IS NULL AND k.partner_job_id IS NOT NULL
    GROUP BY k.provider, k.partner_job_id, COALESCE(k.partner, ''), COALESCE(k.environment, '')
),
asked_names AS (
    SELECT a.provider, a.partner_job_id
    FROM asked a
    GROUP BY a.provider, a.partner_job_id
),
known AS (
    SELECT
        k.provider,
        k.partner_job_id,
        k.job_key,
        MIN(k.provider_job_id) AS provider_job_id,
        COALESCE(MIN(k.partner), '') AS partner,
        COALESCE(MIN(k.environment), '') AS environment
    FROM keyed_observations k
    JOIN asked_names n ON n.provider = k.provider AND n.partner_job_id = k.partner_job_id
    WHERE k.provider_job_id IS NOT NULL
    GROUP BY k.provider, k.partner_job_id, k.job_key
)
SELECT
    a.provider,
    a.partner_job_id,
    a.partner,
    a.environment,
    MIN(k.job_key) AS job_key,
    MIN(k.provider_job_id) AS provider_job_id,
    NULLIF(MIN(k.partner), '') AS job_partner,
    NULLIF(MIN(k.environment), '') AS job_environment
FROM asked a
JOIN known k
    ON k.provider = a.provider
    AND k.partner_job_id = a.partner_job_id
    AND (a.partner = '' OR k.partner = '' OR a.partner = k.partner)
    AND (a.environment = '' OR k.environment = '' OR a.environment = k.environment)
GROUP BY a.provider, a.partner_job_id, a.partner, a.environment
HAVING MIN(k.job_key) = MAX(k.job_key)
