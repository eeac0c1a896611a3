-- data_quality: one row is one provider (NULL: nobody's) and measure: counted of out_of, and their share. What each counts
-- and of what is in docs/METRICS.md. A measure of 0 is there where out_of is not.
-- Payloads and deliveries belong to the day of the earliest delivery and are counted in sandbox too; observations and
-- verifications as everywhere. verifications_sandbox alone counts sandbox traffic whether it was asked for or not.
-- Source: delivered_payloads, quality_observations, doubtful_observations, verification_days,
-- verifications, calendar, params.
WITH delivered AS (
    SELECT
        d.provider,
        d.signature_class,
        COUNT(*) AS payloads,
        SUM(d.deliveries) AS deliveries,
        SUM(CASE WHEN d.is_rejected THEN 1 ELSE 0 END) AS rejected,
        SUM(CASE WHEN d.has_unknown_fields THEN 1 ELSE 0 END) AS with_unknown_fields,
        SUM(CASE WHEN d.received_us IS NULL THEN 1 ELSE 0 END) AS without_received_at,
        SUM(CASE WHEN d.lag_us IS NOT NULL THEN 1 ELSE 0 END) AS lagged,
        SUM(CASE WHEN d.lag_us > 86400000000 THEN 1 ELSE 0 END) AS late
    FROM delivered_payloads d
    GROUP BY d.provider, d.signature_class
),
payloads AS (
    SELECT
        d.provider,
        CAST(SUM(d.payloads) AS BIGINT) AS payloads,
        CAST(SUM(d.deliveries) AS BIGINT) AS deliveries,
        CAST(SUM(d.rejected) AS BIGINT) AS rejected,
        CAST(SUM(d.with_unknown_fields) AS BIGINT) AS with_unknown_fields,
        CAST(SUM(d.without_received_at) AS BIGINT) AS without_received_at,
        CAST(SUM(d.lagged) AS BIGINT) AS lagged,
        CAST(SUM(d.late) AS BIGINT) AS late
    FROM delivered d
    GROUP BY d.provider
),
signed AS (
    SELECT d.provider, d.signature_class, d.payloads
    FROM delivered d
    WHERE d.provider = 'smile_id'
),
observed AS (
    SELECT
        q.provider,
        COUNT(*) AS observations,
        CAST(SUM(CASE WHEN q.link_status = 'ambiguous' THEN 1 ELSE 0 END) AS BIGINT) AS ambiguous,
        CAST(SUM(CASE WHEN q.link_status = 'unattributed' THEN 1 ELSE 0 END) AS BIGINT) AS unattributed,
        CAST(SUM(CASE WHEN q.event_us IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS undated
    FROM quality_observations q
    GROUP BY q.provider
),
statements AS (
    SELECT
        q.provider,
        COUNT(*) AS stated,
        COUNT(*) - COUNT(DISTINCT q.statement_digest) AS repeated
    FROM quality_observations q
    WHERE q.job_key IS NOT NULL AND NOT q.is_history
    GROUP BY q.provider
),
unknown AS (
    SELECT o.provider, COUNT(*) AS observations
    FROM doubtful_observations o
    WHERE o.outcome = 'unknown'
    GROUP BY o.provider
),
verified AS (
    SELECT
        v.provider,
        COUNT(*) AS verifications,
        CAST(SUM(CASE WHEN v.outcome = 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS unknown,
        CAST(SUM(CASE WHEN v.first_us IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS undated,
        CAST(SUM(CASE WHEN v.own_first_us IS NULL AND v.first_us IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT)
            AS history_only,
        CAST(SUM(CASE WHEN v.product IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_product,
        CAST(SUM(CASE WHEN v.country IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_country,
        CAST(SUM(CASE WHEN v.id_type IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_id_type,
        CAST(SUM(CASE WHEN v.channel IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_channel,
        CAST(SUM(CASE WHEN v.environment IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_environment,
        CAST(SUM(CASE WHEN v.partner IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_partner,
        CAST(SUM(CASE WHEN v.user_pseudonym IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS without_pseudonym
    FROM verification_days v
    GROUP BY v.provider
),
everywhere AS (
    SELECT
        v.provider,
        COUNT(*) AS verifications,
        CAST(SUM(CASE WHEN v.environment = 'sandbox' THEN 1 ELSE 0 END) AS BIGINT) AS sandbox
    FROM verifications v
    CROSS JOIN params p
    LEFT JOIN calendar k ON k.slot_index = v.first_slot
    WHERE (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
        AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
    GROUP BY v.provider
),
measures AS (
    SELECT d.provider,
        'deliveries_repeated' AS measure, d.deliveries - d.payloads AS counted, d.deliveries AS out_of
    FROM payloads d
    UNION ALL
    SELECT d.provider, 'payloads_rejected' AS measure, d.rejected AS counted, d.payloads AS out_of
    FROM payloads d
    UNION ALL
    SELECT d.provider,
        'payloads_with_unknown_fields' AS measure, d.with_unknown_fields AS counted, d.payloads AS out_of
    FROM payloads d
    UNION ALL
    SELECT d.provider,
        'payloads_without_received_at' AS measure, d.without_received_at AS counted, d.payloads AS out_of
    FROM payloads d
    UNION ALL
    SELECT d.provider, 'payloads_late' AS measure, d.late AS counted, d.lagged AS out_of
    FROM payloads d
    UNION ALL
    SELECT s.provider,
        'payloads_signed_' || s.signature_class AS measure, s.payloads AS counted, d.payloads AS out_of
    FROM signed s
    JOIN payloads d ON d.provider = s.provider
    UNION ALL
    SELECT q.provider, 'observations_ambiguous' AS measure, q.ambiguous AS counted, q.observations AS out_of
    FROM observed q
    UNION ALL
    SELECT q.provider, 'observations_unattributed' AS measure, q.unattributed AS counted, q.observations AS out_of
    FROM observed q
    UNION ALL
    SELECT q.provider, 'observations_undated' AS measure, q.undated AS counted, q.observations AS out_of
    FROM observed q
    UNION ALL
    SELECT q.provider,
        'observations_unknown' AS measure, COALESCE(u.observations, 0) AS counted, q.observations AS out_of
    FROM observed q
    LEFT JOIN unknown u ON u.provider = q.provider
    UNION ALL
    SELECT q.provider, 'observations_repeated' AS measure, q.repeated AS counted, q.stated AS out_of
    FROM statements q
    UNION ALL
    SELECT v.provider, 'verifications_unknown' AS measure, v.unknown AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider, 'verifications_undated' AS measure, v.undated AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_history_only' AS measure, v.history_only AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_product' AS measure, v.without_product AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_country' AS measure, v.without_country AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_id_type' AS measure, v.without_id_type AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_channel' AS measure, v.without_channel AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_environment' AS measure, v.without_environment AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_partner' AS measure, v.without_partner AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider,
        'verifications_without_pseudonym' AS measure, v.without_pseudonym AS counted, v.verifications AS out_of
    FROM verified v
    UNION ALL
    SELECT v.provider, 'verifications_sandbox' AS measure, v.sandbox AS counted, v.verifications AS out_of
    FROM everywhere v
)
SELECT
    m.provider,
    m.measure,
    m.counted,
    m.out_of,
    CAST(m.counted AS DOUBLE) / NULLIF(m.out_of, 0) AS share
FROM measures m
WHERE m.out_of > 0
ORDER BY m.provider NULLS LAST, m.measure NULLS LAST
