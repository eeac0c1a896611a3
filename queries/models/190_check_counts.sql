-- check_counts: one row is one provider, product, result of a named check, and reason: how many verifications it holds for.
-- Rules (docs/METRICS.md, "Checks"):
--   * of a job's observations that state a check of this name the latest counts: own-dated before history, then the
--     latest time, then the entry named first in its payload, then by payload key; replays and racing copies are one;
--   * what that observation states twice alike counts once; different results of it (several reject details, several
--     events of a liveness attack) count in rows of their own; firsts counts each verification in one of them only;
--   * reason: for Jumio's `rejectReasonDetail` the code of the reject reason that the same observation states, else NULL.
-- Checks of observations without a job (ambiguous, unattributed, fragments) belong to no verification and are not here.
-- Jobs and words are numbered on the way, because there are millions of rows with few different words.
-- Source: checks, attributed_observations, verification_days.
WITH jobs AS (
    SELECT
        v.job_key,
        v.provider,
        v.product,
        ROW_NUMBER() OVER (ORDER BY v.job_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS job_number
    FROM verification_days v
),
placed AS (
    SELECT
        j.job_number,
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
    SELECT p.job_number, w.name_number, w.word_number, w.is_detail, p.place
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
        MIN(s.place) AS place,
        MIN(s.place * 1000000 + s.word_number) AS first_mark
    FROM stated s
    GROUP BY s.job_number, s.name_number
),
latest AS (
    SELECT s.job_number, s.place, s.word_number, s.is_detail, s.place * 1000000 + s.word_number = n.first_mark AS is_first
    FROM stated s
    JOIN newest n ON n.job_number = s.job_number AND n.name_number = s.name_number AND n.place = s.place
    GROUP BY s.job_number, s.place, s.word_number, s.is_detail, n.first_mark
),
reasons AS (
    SELECT l.job_number, l.place, MIN(w.value) AS reason
    FROM stated l
    JOIN named w ON w.word_number = l.word_number
    WHERE w.name = 'rejectReason'
    GROUP BY l.job_number, l.place
),
counted AS (
    SELECT
        j.provider,
        j.product,
        l.word_number,
        r.reason,
        COUNT(*) AS verifications,
        SUM(CASE WHEN l.is_first THEN 1 ELSE 0 END) AS firsts
    FROM latest l
    JOIN jobs j ON j.job_number = l.job_number
    LEFT JOIN reasons r
        ON r.job_number = CASE WHEN l.is_detail THEN l.job_number END
        AND r.place = l.place
    GROUP BY j.provider, j.product, l.word_number, r.reason
)
SELECT
    c.provider,
    c.product,
    w.name AS check_name,
    c.reason,
    w.value AS result,
    w.detail,
    c.verifications,
    CAST(c.firsts AS BIGINT) AS firsts
FROM counted c
JOIN named w ON w.word_number = c.word_number
