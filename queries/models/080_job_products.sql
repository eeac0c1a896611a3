-- job_products: one row is one job whose observations do not all state one and the same product, but some state one.
-- Rule: the product of a job is the one that its observations state; of several, the first in the alphabet.
-- Source: attributed_observations. Jobs that need no help, and jobs of which nothing is known, have no row.
-- materialise: yes
SELECT
    a.job_key,
    MIN(a.product) AS product
FROM attributed_observations a
WHERE a.job_key IS NOT NULL
GROUP BY a.job_key
HAVING COUNT(a.product) > 0 AND (COUNT(a.product) < COUNT(*) OR MIN(a.product) < MAX(a.product))
