-- submissions: one row is one provider, code, acceptance and message: how requests were answered before any verification
-- existed. answers counts distinct payloads, so a replayed answer counts once and two equal refusals count twice.
-- Source: submissions, delivery_times, calendar, params.
SELECT
    s.provider,
    s.code,
    s.accepted,
    s.message,
    COUNT(DISTINCT s.payload_key) AS answers
FROM submissions s
CROSS JOIN params p
LEFT JOIN delivery_times d ON d.payload_key = CASE WHEN s.event_time_us IS NULL THEN s.payload_key END
LEFT JOIN calendar k
    ON k.slot_index = CASE WHEN s.event_time_us IS NOT NULL THEN s.slot_index ELSE d.received_slot END
WHERE s.batch_id IN (SELECT b.batch_id FROM batches b)
    AND (p.include_sandbox OR COALESCE(s.environment, '') <> 'sandbox')
    AND (k.local_date IS NULL OR p.from_date IS NULL OR k.local_date >= p.from_date)
    AND (k.local_date IS NULL OR p.to_date IS NULL OR k.local_date <= p.to_date)
GROUP BY s.provider, s.code, s.accepted, s.message
ORDER BY s.provider NULLS LAST, s.code NULLS LAST, s.accepted DESC NULLS LAST, s.message NULLS LAST
