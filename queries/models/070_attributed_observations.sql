-- attributed_observations: one row is one observation, once, with its job (if it has one) and its effective time.
-- Rules:
--   * a (payload_key, position) that racing batches wrote twice counts once (one batch never writes it twice);
--   * link_status: `own` (names the provider's reference), `linked` (its partner_job_id points to exactly one job),
--     `ambiguous` (it points to none or to several), `unattributed` (it names neither); the last two have no job_key;
--   * event_us: what was stated, else the earliest delivery of the payload (source `received`), else NULL;
--   * own_dated: has a time and is no history entry; the time of a history entry is only an upper bound.
-- Source: keyed_observations, job_links, delivery_times.
-- materialise: yes
WITH repeated AS (
    SELECT o.payload_key, o.position
    FROM observations o
    WHERE o.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY o.payload_key, o.position
    HAVING COUNT(*) > 1
),
copies AS (
    SELECT o.payload_key, o.position, MIN(o.batch_id) AS batch_id
    FROM observations o
    JOIN repeated r ON r.payload_key = o.payload_key AND r.position = o.position
    WHERE o.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY o.payload_key, o.position
)
SELECT
    k.payload_key,
    k.statement_digest,
    k.position,
    k.is_history,
    k.is_part,
    NOT k.is_history AND COALESCE(k.event_time_us, d.received_us) IS NOT NULL AS own_dated,
    k.provider,
    k.kind,
    k.product,
    COALESCE(k.partner, l.job_partner) AS partner,
    COALESCE(k.environment, l.job_environment) AS environment,
    k.channel,
    COALESCE(k.provider_job_id, l.provider_job_id) AS provider_job_id,
    k.partner_job_id,
    COALESCE(k.job_key, l.job_key) AS job_key,
    CASE
        WHEN k.job_key IS NOT NULL THEN 'own'
        WHEN l.job_key IS NOT NULL THEN 'linked'
        WHEN k.partner_job_id IS NOT NULL THEN 'ambiguous'
        ELSE 'unattributed'
    END AS link_status,
    k.user_pseudonym,
    k.job_complete,
    k.job_success,
    k.result_code,
    k.error_code,
    k.result_text,
    k.withheld_digest,
    k.country,
    k.id_type,
    k.dimension_1,
    k.dimension_2,
    k.dimension_3,
    k.has_receipt,
    COALESCE(k.event_time_us, d.received_us) AS event_us,
    CASE
        WHEN k.event_time_us IS NOT NULL THEN k.event_time_source
        WHEN d.received_us IS NOT NULL THEN 'received'
    END AS event_time_source,
    CASE WHEN k.event_time_us IS NOT NULL THEN k.window_index ELSE d.received_window END AS window_index,
    CASE WHEN k.event_time_us IS NOT NULL THEN k.slot_index ELSE d.received_slot END AS slot_index
FROM keyed_observations k
LEFT JOIN copies c ON c.payload_key = k.payload_key AND c.position = k.position
LEFT JOIN job_links l
    ON l.provider = k.provider
    AND l.partner_job_id = CASE WHEN k.job_key IS NULL THEN k.partner_job_id END
    AND l.partner = COALESCE(k.partner, '')
    AND l.environment = COALESCE(k.environment, '')
LEFT JOIN delivery_times d ON d.payload_key = CASE WHEN k.event_time_us IS NULL THEN k.payload_key END
WHERE c.batch_id IS NULL OR c.batch_id = k.batch_id
