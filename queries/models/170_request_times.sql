-- request_times: one row is one verification of which it is known when it was asked for.
-- Rules: the earliest of what its observations state (v3 `created_at`, Jumio transaction date) and of the acknowledgements
-- that name the provider's reference, if partner and environment agree where both sides know them and exactly one
-- verification is meant. An acknowledgement has its stated time, else that of its earliest delivery.
-- Source: observations, attributed_observations, submissions, delivery_times, verifications.
WITH stated AS (
    SELECT o.payload_key, o.position, o.requested_at_us
    FROM observations o
    WHERE o.requested_at_us IS NOT NULL AND o.batch_id IN (SELECT b.batch_id FROM batches b)
),
acknowledged AS (
    SELECT
        s.payload_key,
        MIN(v.job_key) AS job_key,
        MIN(COALESCE(s.event_time_us, d.received_us)) AS requested_us
    FROM submissions s
    JOIN verifications v
        ON v.provider = s.provider
        AND v.provider_job_id = s.provider_job_id
        AND COALESCE(s.partner, v.partner, '') = COALESCE(v.partner, s.partner, '')
        AND COALESCE(s.environment, v.environment, '') = COALESCE(v.environment, s.environment, '')
    LEFT JOIN delivery_times d ON d.payload_key = CASE WHEN s.event_time_us IS NULL THEN s.payload_key END
    WHERE s.accepted AND s.batch_id IN (SELECT b.batch_id FROM batches b)
    GROUP BY s.payload_key
    HAVING MIN(v.job_key) = MAX(v.job_key)
),
known AS (
    SELECT a.job_key, s.requested_at_us AS requested_us
    FROM stated s
    JOIN attributed_observations a ON a.payload_key = s.payload_key AND a.position = s.position
    WHERE a.job_key IS NOT NULL
    UNION ALL
    SELECT k.job_key, k.requested_us
    FROM acknowledged k
    WHERE k.requested_us IS NOT NULL
)
SELECT
    n.job_key,
    MIN(n.requested_us) AS requested_us
FROM known n
GROUP BY n.job_key
