-- tries: one row is one verification of a person who got `unavailable`, `error`, `incomplete` or `failed` at least once.
-- Rules: a person is a user pseudonym at one provider, sandbox apart from the rest. Of several known partners each has
-- persons of its own, as has an unknown one; where exactly one is known it holds for all of the person's verifications.
-- at_us is the first own-dated observation: what has none cannot be told to be earlier or later and is left out.
-- in_range says whether that day is within the range: what came of a try is looked for in all that is stored.
-- Source: verifications, calendar, params. `product` is '' where none is known.
-- materialise: yes
WITH dated AS (
    SELECT
        v.provider,
        CASE WHEN COALESCE(v.environment, '') = 'sandbox' THEN 'sandbox' ELSE '' END AS side,
        v.user_pseudonym,
        v.partner,
        v.product,
        v.outcome,
        v.own_first_us,
        v.first_slot,
        v.decided_at_us
    FROM verifications v
    CROSS JOIN params p
    WHERE v.user_pseudonym IS NOT NULL
        AND v.own_first_us IS NOT NULL
        AND (p.include_sandbox OR COALESCE(v.environment, '') <> 'sandbox')
),
concerned AS (
    SELECT d.provider, d.user_pseudonym
    FROM dated d
    WHERE d.outcome IN ('unavailable', 'error', 'incomplete', 'failed')
    GROUP BY d.provider, d.user_pseudonym
),
partnered AS (
    SELECT
        d.provider, d.side, d.user_pseudonym, d.partner, d.product, d.outcome, d.own_first_us, d.first_slot,
        d.decided_at_us,
        MIN(d.partner) OVER (
            PARTITION BY d.provider, d.side, d.user_pseudonym
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS least_partner,
        MAX(d.partner) OVER (
            PARTITION BY d.provider, d.side, d.user_pseudonym
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS greatest_partner
    FROM dated d
    JOIN concerned c ON c.provider = d.provider AND c.user_pseudonym = d.user_pseudonym
)
SELECT
    t.provider,
    t.side || ':'
        || CASE WHEN t.least_partner = t.greatest_partner THEN t.least_partner ELSE COALESCE(t.partner, '') END
        || ':' || t.user_pseudonym AS person,
    COALESCE(t.product, '') AS product,
    t.outcome,
    t.own_first_us AS at_us,
    t.decided_at_us,
    (p.from_date IS NULL OR k.local_date >= p.from_date) AND (p.to_date IS NULL OR k.local_date <= p.to_date) AS in_range
FROM partnered t
CROSS JOIN params p
JOIN calendar k ON k.slot_index = t.first_slot
