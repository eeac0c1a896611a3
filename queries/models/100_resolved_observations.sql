-- resolved_observations: one row is one observation with what it means.
-- Rules, in this order: `job_complete: false` is `pending`; the catalogue, by code, then by text; `job_success: true`
-- is `passed`, final, about the whole job; all else is `unknown`. Both flags speak of the payload's own result, never of
-- its history entries. `pool` says which statements compete: `id` apart from the rest where a job has an ID half that
-- cannot decide alone (biometric_kyc, enhanced_document_verification, or product unknown), else `main` for all.
-- Source: attributed_observations, job_products, code_meanings.
WITH joined AS (
    SELECT
        a.payload_key,
        a.statement_digest,
        a.position,
        a.is_history,
        a.is_part,
        a.own_dated,
        a.provider,
        a.kind,
        COALESCE(a.product, j.product) AS product,
        COALESCE(j.product, a.product) AS job_product,
        a.partner,
        a.environment,
        a.channel,
        a.provider_job_id,
        a.partner_job_id,
        a.job_key,
        a.link_status,
        a.user_pseudonym,
        a.result_code,
        a.error_code,
        a.result_text,
        a.withheld_digest,
        a.country,
        a.id_type,
        a.dimension_1,
        a.dimension_2,
        a.dimension_3,
        a.has_receipt,
        a.event_us,
        a.event_time_source,
        a.window_index,
        a.slot_index,
        m.meaning_number,
        m.outcome,
        m.is_final,
        m.half,
        m.is_human,
        m.authority_signal,
        m.billable,
        m.retryable,
        CASE
            WHEN NOT a.is_history AND NOT COALESCE(a.job_complete, TRUE) THEN 'job_complete'
            WHEN m.outcome IS NOT NULL THEN m.outcome_basis
            WHEN m.outcome_basis = 'none' AND (a.result_code IS NOT NULL OR a.error_code IS NOT NULL) THEN 'none'
            WHEN NOT a.is_history AND COALESCE(a.job_success, FALSE) THEN 'job_success'
            ELSE 'none'
        END AS outcome_basis
    FROM attributed_observations a
    LEFT JOIN job_products j ON j.job_key = a.job_key
    JOIN code_meanings m
        ON m.provider = a.provider
        AND m.product = COALESCE(a.product, j.product, '')
        AND m.result_code = COALESCE(a.result_code, '')
        AND m.error_code = COALESCE(a.error_code, '')
        AND m.result_text = COALESCE(a.result_text, '')
)
SELECT
    r.payload_key,
    r.statement_digest,
    r.position,
    r.is_history,
    r.is_part,
    r.own_dated,
    r.provider,
    r.kind,
    r.product,
    r.job_product,
    r.partner,
    r.environment,
    r.channel,
    r.provider_job_id,
    r.partner_job_id,
    r.job_key,
    r.link_status,
    r.user_pseudonym,
    r.result_code,
    r.error_code,
    r.result_text,
    r.withheld_digest,
    r.country,
    r.id_type,
    r.dimension_1,
    r.dimension_2,
    r.dimension_3,
    r.has_receipt,
    r.event_us,
    r.event_time_source,
    r.window_index,
    r.slot_index,
    r.meaning_number,
    CASE r.outcome_basis
        WHEN 'job_complete' THEN 'pending'
        WHEN 'job_success' THEN 'passed'
        WHEN 'none' THEN 'unknown'
        ELSE r.outcome
    END AS outcome,
    CASE
        WHEN r.outcome_basis = 'job_success' THEN TRUE
        WHEN r.outcome_basis IN ('catalogue', 'text') THEN r.is_final
        ELSE FALSE
    END AS is_final,
    CASE WHEN r.outcome_basis IN ('catalogue', 'text') THEN r.half ELSE 'whole' END AS half,
    CASE WHEN r.outcome_basis IN ('catalogue', 'text') THEN r.is_human ELSE FALSE END AS is_human,
    r.outcome_basis,
    r.authority_signal,
    r.billable,
    r.retryable,
    CASE
        WHEN r.outcome_basis IN ('catalogue', 'text') AND r.half = 'id'
            AND COALESCE(r.job_product, 'biometric_kyc') IN ('biometric_kyc', 'enhanced_document_verification')
        THEN 'id'
        ELSE 'main'
    END AS pool
FROM joined r
