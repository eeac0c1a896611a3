-- check_counts: one row is one provider, product, result of a named check, and reason: how many verifications it holds for.
-- Rules (docs/METRICS.md, "Checks"):
--   * of a job's observations that state a check of this name the latest counts: own-dated before history, then the
--     latest time, then the entry named first in its payload, then by payload key; replays and racing copies are one;
--   * what that observation states twice alike counts once; different results of it (several reject details, several
--     events of a liveness attack) count in rows of their own; firsts counts each verification in one of them only;
--   * reason: for Jumio's `rejectReasonDetail` the code of the reject reason that the same observation states, else NULL.
-- Checks of observations without a job (ambiguous, unattributed, fragments) belong to no verification and are not here.
-- Jobs, products and words are numbered on the way, because there are millions of rows with few different words. A mark
-- is the place of an observation among its job's and the word it states: the least mark of a job's check is its first.
-- Source: checks, attributed_observations, verification_days.
WITH products AS (
    SELECT
        v.provider,
        v.product,
        ROW_NUMBER() OVER (
            ORDER BY v.provider, v.product
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS product_number
    FROM verification_days v
    GROUP BY v.provider, v.product
),
jobs AS (
    SELECT
        v.job_key,
        p.product_number,
        ROW_NUMBER() OVER (ORDER BY v.job_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS job_number
    FROM verification_days v
    JOIN products p ON p.provider = v.provider AND COALESCE(p.product, '') = COALESCE(v.product, '')
),
placed AS (
    SELECT
        j.job_number,
        j.product_number,
        a.payload_key,
        a.position,
        ROW_NUMBER() OVER (
            PARTITION BY j.job_number
            ORDER BY a.own_dated DESC, a.event_us DESC NULLS LAST, a.position, a.payload_key
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
    FROM attributed_observations a
    JOIN jobs j ON j.job_key = a.job_key
),
words AS (
    SELECT
        c.name,
        c.value,
        c.detail,
        ROW_NUMBER() OVER (
            ORDER BY c.name, c.value, c.detail
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS word_number
    FROM checks c
    GROUP BY c.name, c.value, c.detail
),
named AS (
    SELECT
        w.name,
        w.value,
        w.detail,
        w.word_number,
        MIN(w.word_number) OVER (
            PARTITION BY w.name
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS name_number,
        w.name = 'rejectReasonDetail' AS is_detail
    FROM words w
),
stated AS (
    SELECT
        p.job_number,
        p.product_number,
        w.name_number,
        p.place * 1000000 + w.word_number AS mark
    FROM checks c
    JOIN named w
        ON w.name = c.name
        AND COALESCE(w.value, '') = COALESCE(c.value, '')
        AND COALESCE(w.detail, '') = COALESCE(c.detail, '')
    JOIN placed p ON p.payload_key = c.payload_key AND p.position = c.position
    WHERE c.batch_id IN (SELECT b.batch_id FROM batches b)
),
newest AS (
    SELECT
        s.job_number,
        s.name_number,
        MIN(s.product_number) AS product_number,
        MIN(s.mark) AS first_mark,
        MAX(s.mark) AS last_mark
    FROM stated s
    GROUP BY s.job_number, s.name_number
),
latest AS (
    SELECT n.job_number, n.product_number, n.first_mark AS mark, 1 AS firsts
    FROM newest n
    UNION ALL
    SELECT s.job_number, s.product_number, s.mark, 0 AS firsts
    FROM stated s
    JOIN newest n
        ON n.job_number = s.job_number
        AND n.name_number = s.name_number
        AND n.first_mark < n.last_mark
    WHERE s.mark > n.first_mark AND s.mark - s.mark % 1000000 = n.first_mark - n.first_mark % 1000000
    GROUP BY s.job_number, s.product_number, s.mark
),
reasons AS (
    SELECT s.job_number, s.mark - s.mark % 1000000 AS place_mark, MIN(w.value) AS reason
    FROM stated s
    JOIN named w ON w.name_number = s.name_number AND w.word_number = s.mark % 1000000
    WHERE w.name = 'rejectReason'
    GROUP BY s.job_number, s.mark - s.mark % 1000000
),
tallied AS (
    SELECT
        l.product_number,
        w.word_number,
        CASE WHEN w.is_detail THEN l.job_number END AS job_number,
        CASE WHEN w.is_detail THEN l.mark - w.word_number END AS place_mark,
        COUNT(*) AS verifications,
        SUM(l.firsts) AS firsts
    FROM latest l
    JOIN named w ON w.word_number = l.mark % 1000000
    GROUP BY
        l.product_number,
        w.word_number,
        CASE WHEN w.is_detail THEN l.job_number END,
        CASE WHEN w.is_detail THEN l.mark - w.word_number END
),
counted AS (
    SELECT
        t.product_number,
        t.word_number,
        r.reason,
        SUM(t.verifications) AS verifications,
        SUM(t.firsts) AS firsts
    FROM tallied t
    LEFT JOIN reasons r ON r.job_number = t.job_number AND r.place_mark = t.place_mark
    GROUP BY t.product_number, t.word_number, r.reason
)
SELECT
    p.provider,
    p.product,
    w.name AS check_name,
    c.reason,
    w.value AS result,
    w.detail,
    CAST(c.verifications AS BIGINT) AS verifications,
    CAST(c.firsts AS BIGINT) AS firsts
FROM counted c
JOIN products p ON p.product_number = c.product_number
JOIN named w ON w.word_number = c.word_number
