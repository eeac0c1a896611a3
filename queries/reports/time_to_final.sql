-- time_to_final: one row is one provider, product, channel and outcome (`passed` or `failed`): how long it took until a
-- verification was decided. Measured from the first own-dated observation (timed, at_once for 0 s, undated where one of
-- the two instants is not known), and from the request where it is known to lie before the decision (from_request).
-- The quantiles are over all that are timed, those at once included: the smallest duration that at least so many percent
-- do not exceed (nearest rank), exactly.
-- Source: verification_days, request_times.
WITH decided AS (
    SELECT
        v.provider, v.product, v.channel, v.outcome,
        v.decided_at_us - v.own_first_us AS span_us,
        CASE WHEN q.requested_us < v.decided_at_us THEN v.decided_at_us - q.requested_us END AS request_us
    FROM verification_days v
    LEFT JOIN request_times q ON q.job_key = v.job_key
    WHERE v.outcome IN ('passed', 'failed')
),
spans AS (
    SELECT d.provider, d.product, d.channel, d.outcome, FALSE AS is_request, d.span_us, COUNT(*) AS verifications
    FROM decided d
    GROUP BY d.provider, d.product, d.channel, d.outcome, d.span_us
    UNION ALL
    SELECT
        d.provider, d.product, d.channel, d.outcome, TRUE AS is_request, d.request_us AS span_us,
        COUNT(*) AS verifications
    FROM decided d
    WHERE d.request_us IS NOT NULL
    GROUP BY d.provider, d.product, d.channel, d.outcome, d.request_us
),
ranked AS (
    SELECT
        s.provider, s.product, s.channel, s.outcome, s.is_request, s.span_us, s.verifications,
        SUM(s.verifications) OVER (
            PARTITION BY s.provider, s.product, s.channel, s.outcome, s.is_request
            ORDER BY s.span_us NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS up_to_here,
        SUM(CASE WHEN s.span_us IS NULL THEN 0 ELSE s.verifications END) OVER (
            PARTITION BY s.provider, s.product, s.channel, s.outcome, s.is_request
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS timed
    FROM spans s
),
measured AS (
    SELECT
        r.provider, r.product, r.channel, r.outcome, r.is_request,
        SUM(r.verifications) AS verifications,
        SUM(CASE WHEN r.span_us IS NULL THEN 0 ELSE r.verifications END) AS timed,
        SUM(CASE WHEN r.span_us = 0 THEN r.verifications ELSE 0 END) AS at_once,
        CAST(MIN(CASE WHEN r.up_to_here * 100 >= r.timed * 50 THEN r.span_us END) AS DOUBLE) / 1000000 AS p50,
        CAST(MIN(CASE WHEN r.up_to_here * 100 >= r.timed * 90 THEN r.span_us END) AS DOUBLE) / 1000000 AS p90,
        CAST(MIN(CASE WHEN r.up_to_here * 100 >= r.timed * 99 THEN r.span_us END) AS DOUBLE) / 1000000 AS p99,
        CAST(MAX(r.span_us) AS DOUBLE) / 1000000 AS longest
    FROM ranked r
    GROUP BY r.provider, r.product, r.channel, r.outcome, r.is_request
)
SELECT
    m.provider,
    m.product,
    m.channel,
    m.outcome,
    CAST(SUM(CASE WHEN m.is_request THEN 0 ELSE m.verifications END) AS BIGINT) AS verifications,
    CAST(SUM(CASE WHEN m.is_request THEN 0 ELSE m.timed END) AS BIGINT) AS timed,
    CAST(SUM(CASE WHEN m.is_request THEN 0 ELSE m.at_once END) AS BIGINT) AS at_once,
    CAST(SUM(CASE WHEN m.is_request THEN 0 ELSE m.verifications - m.timed END) AS BIGINT) AS undated,
    MAX(CASE WHEN m.is_request THEN NULL ELSE m.p50 END) AS p50_seconds,
    MAX(CASE WHEN m.is_request THEN NULL ELSE m.p90 END) AS p90_seconds,
    MAX(CASE WHEN m.is_request THEN NULL ELSE m.p99 END) AS p99_seconds,
    MAX(CASE WHEN m.is_request THEN NULL ELSE m.longest END) AS longest_seconds,
    CAST(SUM(CASE WHEN m.is_request THEN m.timed ELSE 0 END) AS BIGINT) AS from_request,
    MAX(CASE WHEN m.is_request THEN m.p50 END) AS request_p50_seconds,
    MAX(CASE WHEN m.is_request THEN m.p90 END) AS request_p90_seconds,
    MAX(CASE WHEN m.is_request THEN m.p99 END) AS request_p99_seconds,
    MAX(CASE WHEN m.is_request THEN m.longest END) AS request_longest_seconds
FROM measured m
GROUP BY m.provider, m.product, m.channel, m.outcome
ORDER BY m.provider NULLS LAST, m.product NULLS LAST, m.channel NULLS LAST, m.outcome NULLS LAST
