-- authority_lookups: one row is one lookup at an ID authority: one per job, however often it was polled.
-- Rule: the earliest own-dated observation of the job that tells whether the authority answered; at the same microsecond
-- an answer goes before an ambiguous word, and that before an outage. Where nothing is own-dated there is no lookup.
-- Country, ID type and channel are the verification's.
-- Source: verifications.
SELECT
    v.job_key,
    v.lookup_window AS window_index,
    v.lookup_signal AS authority_signal,
    v.provider,
    v.country,
    v.id_type,
    v.environment,
    v.channel
FROM verifications v
WHERE v.lookup_window IS NOT NULL AND v.lookup_signal IS NOT NULL
