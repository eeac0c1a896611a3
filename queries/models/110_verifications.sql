-- verifications: one row is one verification: one job at one provider, however many observations it has.
-- Rules (docs/METRICS.md, "Outcome of a verification"; DESIGN 4):
--   * within a pool one observation wins: final, then human, then whole answers before parts, then own-dated before
--     history, then the latest, then the entry named first in its payload, then by outcome, then by statement digest;
--   * of two pools: a final failure of the main pool, a final failure of the ID half, the main pool if it knows anything,
--     an ID half that ended without an answer, the main pool, the ID half; where the product needs a face, the ID half
--     alone never passes a job: it stays `pending`;
--   * country, ID type and channel are those of the earliest own-dated observation that states them;
--   * the first time is the first own-dated one; the upper bounds of history entries count only where there is no other;
--   * payloads: those whose own result speaks of the job, and those that only list it in their history.
-- Source: resolved_observations, attributed_observations, code_meanings.
-- Rows of different jobs never meet here, so an engine short of memory may compute it for some jobs at a time:
-- in passes: attributed_observations by job_key
-- materialise: yes
WITH ranked AS (
    SELECT
        r.job_key, r.pool, r.job_product, r.outcome, r.is_final, r.outcome_basis, r.meaning_number,
        ROW_NUMBER() OVER (
            PARTITION BY r.job_key, r.pool
            ORDER BY
                r.is_final DESC,
                r.is_human DESC,
                r.is_part,
                r.own_dated DESC,
                r.event_us DESC NULLS LAST,
                r.position,
                CASE r.outcome
                    WHEN 'failed' THEN 1 WHEN 'passed' THEN 2 WHEN 'review' THEN 3 WHEN 'unavailable' THEN 4
                    WHEN 'error' THEN 5 WHEN 'incomplete' THEN 6 WHEN 'pending' THEN 7 ELSE 8
                END,
                r.statement_digest,
                r.meaning_number,
                r.outcome_basis
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM resolved_observations r
    WHERE r.job_key IS NOT NULL
),
winners AS (
    SELECT
        w.job_key, w.pool, w.job_product, w.outcome, w.is_final, w.outcome_basis, w.meaning_number,
        CASE
            WHEN w.pool = 'main' AND w.is_final AND w.outcome = 'failed' THEN 1
            WHEN w.is_final AND w.outcome = 'failed' THEN 2
            WHEN w.pool = 'main' AND w.outcome NOT IN ('pending', 'unknown') THEN 3
            WHEN w.pool = 'id' AND w.outcome IN ('unavailable', 'error') THEN 4
            WHEN w.pool = 'main' THEN 5
            ELSE 6
        END AS claim
    FROM ranked w
    WHERE w.place = 1
),
claims AS (
    SELECT w.job_key, MIN(w.claim) AS claim
    FROM winners w
    GROUP BY w.job_key
),
decisions AS (
    SELECT
        w.job_key, w.job_product, w.pool, w.outcome_basis, w.meaning_number,
        w.claim = 6 AND w.outcome = 'passed' AND w.job_product IS NOT NULL AS lacks_face,
        w.outcome,
        w.is_final
    FROM winners w
    JOIN claims c ON c.job_key = w.job_key AND c.claim = w.claim
),
jobs AS (
    SELECT
        r.job_key,
        MIN(r.provider) AS provider,
        MIN(r.partner) AS partner,
        CASE WHEN MIN(r.environment) = MAX(r.environment) THEN MIN(r.environment) END AS environment,
        MIN(r.provider_job_id) AS provider_job_id,
        MIN(r.partner_job_id) AS partner_job_id,
        MIN(r.user_pseudonym) AS user_pseudonym,
        MIN(r.dimension_1) AS dimension_1,
        MIN(r.dimension_2) AS dimension_2,
        MIN(r.dimension_3) AS dimension_3,
        MIN(r.country) AS country,
        MIN(r.id_type) AS id_type,
        MIN(r.channel) AS channel,
        COALESCE(MIN(r.country) < MAX(r.country), FALSE)
            OR COALESCE(MIN(r.id_type) < MAX(r.id_type), FALSE)
            OR COALESCE(MIN(r.channel) < MAX(r.channel), FALSE) AS is_contested,
        MIN(CASE WHEN r.own_dated THEN r.event_us END) AS own_first_us,
        MIN(r.event_us) AS any_first_us,
        MIN(CASE WHEN r.own_dated THEN r.slot_index END) AS own_first_slot,
        MIN(r.slot_index) AS any_first_slot,
        MAX(CASE WHEN r.own_dated THEN r.event_us END) AS own_last_us,
        MAX(r.event_us) AS any_last_us,
        MIN(CASE WHEN r.own_dated AND r.is_final AND r.pool = 'main' AND r.outcome = 'passed' THEN r.event_us END)
            AS main_passed_us,
        MIN(CASE WHEN r.own_dated AND r.is_final AND r.pool = 'main' AND r.outcome = 'failed' THEN r.event_us END)
            AS main_failed_us,
        MIN(CASE WHEN r.own_dated AND r.is_final AND r.pool = 'id' AND r.outcome = 'passed' THEN r.event_us END)
            AS id_passed_us,
        MIN(CASE WHEN r.own_dated AND r.is_final AND r.pool = 'id' AND r.outcome = 'failed' THEN r.event_us END)
            AS id_failed_us,
        MIN(CASE WHEN r.own_dated AND r.authority_signal = 'answered' THEN r.event_us END) AS answered_us,
        MIN(CASE WHEN r.own_dated AND r.authority_signal = 'ambiguous' THEN r.event_us END) AS ambiguous_us,
        MIN(CASE WHEN r.own_dated AND r.authority_signal = 'unavailable' THEN r.event_us END) AS unavailable_us,
        MIN(CASE WHEN r.own_dated AND r.authority_signal IN ('answered', 'ambiguous', 'unavailable')
            THEN r.window_index END) AS lookup_window,
        COUNT(*) AS observations,
        CAST(SUM(CASE WHEN r.is_history THEN 0 ELSE 1 END) AS BIGINT) AS own_payloads,
        MAX(CASE WHEN r.has_receipt AND NOT r.is_history THEN 1 ELSE 0 END) AS receipts
    FROM resolved_observations r
    WHERE r.job_key IS NOT NULL
    GROUP BY r.job_key
),
listed AS (
    SELECT r.job_key, r.payload_key
    FROM resolved_observations r
    WHERE r.job_key IS NOT NULL
        AND r.payload_key IN (SELECT h.payload_key FROM attributed_observations h WHERE h.is_history)
    GROUP BY r.job_key, r.payload_key
    HAVING MIN(r.position) > 0
),
listings AS (
    SELECT l.job_key, COUNT(*) AS payloads
    FROM listed l
    GROUP BY l.job_key
),
statements AS (
    SELECT
        r.job_key, r.country, r.id_type, r.channel,
        ROW_NUMBER() OVER (
            PARTITION BY r.job_key
            ORDER BY CASE WHEN r.country IS NULL THEN 1 ELSE 0 END, r.own_dated DESC, r.event_us NULLS LAST,
                r.position, r.country
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS country_place,
        ROW_NUMBER() OVER (
            PARTITION BY r.job_key
            ORDER BY CASE WHEN r.id_type IS NULL THEN 1 ELSE 0 END, r.own_dated DESC, r.event_us NULLS LAST,
                r.position, r.id_type
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS id_type_place,
        ROW_NUMBER() OVER (
            PARTITION BY r.job_key
            ORDER BY CASE WHEN r.channel IS NULL THEN 1 ELSE 0 END, r.own_dated DESC, r.event_us NULLS LAST,
                r.position, r.channel
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS channel_place
    FROM resolved_observations r
    WHERE r.job_key IN (SELECT j.job_key FROM jobs j WHERE j.is_contested)
),
contested AS (
    SELECT
        s.job_key,
        MIN(CASE WHEN s.country_place = 1 THEN s.country END) AS country,
        MIN(CASE WHEN s.id_type_place = 1 THEN s.id_type END) AS id_type,
        MIN(CASE WHEN s.channel_place = 1 THEN s.channel END) AS channel
    FROM statements s
    GROUP BY s.job_key
)
SELECT
    j.job_key,
    j.provider,
    d.job_product AS product,
    COALESCE(c.country, j.country) AS country,
    COALESCE(c.id_type, j.id_type) AS id_type,
    j.partner,
    j.environment,
    COALESCE(c.channel, j.channel) AS channel,
    j.provider_job_id,
    j.partner_job_id,
    j.user_pseudonym,
    j.dimension_1,
    j.dimension_2,
    j.dimension_3,
    CASE WHEN d.lacks_face THEN 'pending' ELSE d.outcome END AS outcome,
    d.is_final AND NOT d.lacks_face AS is_final,
    NULLIF(m.result_code, '') AS result_code,
    NULLIF(m.error_code, '') AS error_code,
    NULLIF(m.result_text, '') AS result_text,
    CASE WHEN d.outcome_basis IN ('catalogue', 'text') THEN m.half ELSE 'whole' END AS half,
    d.outcome_basis IN ('catalogue', 'text') AND m.is_human AS is_human,
    d.outcome_basis,
    m.billable,
    CASE
        WHEN d.lacks_face OR NOT d.is_final THEN NULL
        WHEN d.pool = 'main' AND d.outcome = 'passed' THEN j.main_passed_us
        WHEN d.pool = 'main' THEN j.main_failed_us
        WHEN d.outcome = 'passed' THEN j.id_passed_us
        ELSE j.id_failed_us
    END AS decided_at_us,
    j.own_first_us,
    COALESCE(j.own_first_us, j.any_first_us) AS first_us,
    COALESCE(j.own_first_slot, j.any_first_slot) AS first_slot,
    COALESCE(j.own_last_us, j.any_last_us) AS last_us,
    j.observations,
    j.own_payloads + COALESCE(l.payloads, 0) AS payloads,
    j.receipts = 1 AS has_receipt,
    j.lookup_window,
    CASE
        WHEN j.answered_us <= COALESCE(j.ambiguous_us, j.answered_us)
            AND j.answered_us <= COALESCE(j.unavailable_us, j.answered_us) THEN 'answered'
        WHEN j.ambiguous_us <= COALESCE(j.unavailable_us, j.ambiguous_us) THEN 'ambiguous'
        WHEN j.unavailable_us IS NOT NULL THEN 'unavailable'
    END AS lookup_signal
FROM jobs j
JOIN decisions d ON d.job_key = j.job_key
JOIN code_meanings m ON m.meaning_number = d.meaning_number
LEFT JOIN listings l ON l.job_key = j.job_key
LEFT JOIN contested c ON c.job_key = j.job_key
