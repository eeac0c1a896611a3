-- open_cases: one row is one provider, product, outcome (`review` or `pending`) and age of verifications that wait for an
-- end. Their age is the time from the first own-dated observation to as_of: the newest own-dated observation of anything up
-- to the end of the range, so that the wall clock plays no part. Each bound belongs to the older group. Verifications
-- without an own-dated observation are `undated`. age_order sorts the ages.
-- Source: verification_days, attributed_observations, calendar, params.
-- The finish turns oldest_us and as_of_us into the times oldest and as_of.
WITH newest AS (
    SELECT MAX(a.event_us) AS as_of_us
    FROM attributed_observations a
    CROSS JOIN params p
    JOIN calendar k ON k.slot_index = a.slot_index
    WHERE a.own_dated AND (p.to_date IS NULL OR k.local_date <= p.to_date)
),
aged AS (
    SELECT
        v.provider,
        v.product,
        v.outcome,
        v.own_first_us,
        n.as_of_us,
        CASE
            WHEN v.own_first_us IS NULL THEN 7
            WHEN n.as_of_us - v.own_first_us < 3600000000 THEN 1
            WHEN n.as_of_us - v.own_first_us < 86400000000 THEN 2
            WHEN n.as_of_us - v.own_first_us < 259200000000 THEN 3
            WHEN n.as_of_us - v.own_first_us < 604800000000 THEN 4
            WHEN n.as_of_us - v.own_first_us < 2592000000000 THEN 5
            ELSE 6
        END AS age_order
    FROM verification_days v
    CROSS JOIN newest n
    WHERE v.outcome IN ('review', 'pending')
)
SELECT
    g.provider,
    g.product,
    g.outcome,
    g.age_order,
    CASE g.age_order
        WHEN 1 THEN 'under_1_hour'
        WHEN 2 THEN '1_to_24_hours'
        WHEN 3 THEN '1_to_3_days'
        WHEN 4 THEN '3_to_7_days'
        WHEN 5 THEN '7_to_30_days'
        WHEN 6 THEN '30_days_or_more'
        ELSE 'undated'
    END AS age,
    COUNT(*) AS cases,
    MIN(g.own_first_us) AS oldest_us,
    MAX(g.as_of_us) AS as_of_us
FROM aged g
GROUP BY g.provider, g.product, g.outcome, g.age_order
ORDER BY g.provider NULLS LAST, g.product NULLS LAST, g.outcome NULLS LAST, g.age_order NULLS LAST
