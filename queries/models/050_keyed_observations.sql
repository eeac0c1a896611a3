-- keyed_observations: one row is one stored row of observations, with the key of its job where it names a reference.
-- Rule: job_key = provider:partner:environment:reference, each part '' where it is not known. Smile ID numbers its jobs
-- per partner and per environment, so both belong to the key. Without a reference job_key is NULL, and partner and
-- environment are as stated. Rows that two racing batches wrote are still here twice.
-- Source: observations, job_partners, job_environments.
SELECT
    o.batch_id,
    o.payload_key,
    o.statement_digest,
    o.position,
    o.is_history,
    o.is_part,
    o.provider,
    o.kind,
    o.product,
    COALESCE(o.partner, p.partner) AS partner,
    COALESCE(o.environment, e.environment) AS environment,
    o.channel,
    o.provider_job_id,
    o.partner_job_id,
    o.provider || ':' || COALESCE(o.partner, p.partner, '') || ':' || COALESCE(o.environment, e.environment, '')
        || ':' || o.provider_job_id AS job_key,
    o.user_pseudonym,
    o.job_complete,
    o.job_success,
    o.result_code,
    o.error_code,
    o.result_text,
    o.withheld_digest,
    o.country,
    o.id_type,
    o.dimension_1,
    o.dimension_2,
    o.dimension_3,
    o.has_receipt,
    o.event_time_us,
    o.event_time_source,
    o.window_index,
    o.slot_index
FROM observations o
LEFT JOIN job_partners p ON p.provider = o.provider AND p.provider_job_id = o.provider_job_id
LEFT JOIN job_environments e
    ON e.provider = o.provider
    AND e.provider_job_id = o.provider_job_id
    AND e.partner = COALESCE(o.partner, p.partner, '')
WHERE o.batch_id IN (SELECT b.batch_id FROM batches b)
