-- billing_invoice: one row is one provider, product and month of the invoice given with --invoice, set against the count.
-- Rules (docs/METRICS.md, "Billing"):
--   * a line without product is compared with all products of its provider and month that have no line of their own;
--   * what may have been billed lies between billable_min (billable) and billable_max (billable + not_known); difference
--     is the way from the nearer bound to what was invoiced, 0 between them;
--   * products without a line are `not_invoiced`, from the provider's first month in the invoice to its last;
--   * a month that --from or --to cuts is `outside_range`: it cannot be compared.
-- Without an invoice there are no rows.
-- Source: invoice_lines, verification_billing.
WITH counted AS (
    SELECT
        v.provider,
        v.product,
        v.local_month,
        COUNT(*) AS verifications,
        CAST(SUM(CASE WHEN v.billing = 'billable' THEN 1 ELSE 0 END) AS BIGINT) AS billable_min,
        CAST(SUM(CASE WHEN v.billing = 'not_billable' THEN 0 ELSE 1 END) AS BIGINT) AS billable_max
    FROM verification_billing v
    WHERE v.local_month IS NOT NULL AND v.provider IN (SELECT i.provider FROM invoice_lines i)
    GROUP BY v.provider, v.product, v.local_month
),
spans AS (
    SELECT i.provider, MIN(i.local_month) AS first_month, MAX(i.local_month) AS last_month
    FROM invoice_lines i
    GROUP BY i.provider
),
assigned AS (
    SELECT
        c.provider,
        CASE WHEN own.provider IS NULL AND rest.provider IS NOT NULL THEN NULL ELSE c.product END AS product,
        c.local_month,
        c.verifications,
        c.billable_min,
        c.billable_max
    FROM counted c
    JOIN spans s
        ON s.provider = c.provider AND s.first_month <= c.local_month AND c.local_month <= s.last_month
    LEFT JOIN invoice_lines own
        ON own.provider = c.provider AND own.local_month = c.local_month AND own.product = c.product
    LEFT JOIN invoice_lines rest
        ON rest.provider = c.provider AND rest.local_month = c.local_month AND rest.product IS NULL
),
expected AS (
    SELECT
        a.provider,
        a.product,
        a.local_month,
        CAST(SUM(a.verifications) AS BIGINT) AS verifications,
        CAST(SUM(a.billable_min) AS BIGINT) AS billable_min,
        CAST(SUM(a.billable_max) AS BIGINT) AS billable_max
    FROM assigned a
    GROUP BY a.provider, a.product, a.local_month
),
compared AS (
    SELECT
        COALESCE(i.provider, e.provider) AS provider,
        COALESCE(i.product, e.product) AS product,
        COALESCE(i.local_month, e.local_month) AS local_month,
        i.quantity AS invoiced,
        COALESCE(i.quantity, 0) AS quantity,
        COALESCE(i.is_covered, TRUE) AS is_covered,
        COALESCE(e.verifications, 0) AS verifications,
        COALESCE(e.billable_min, 0) AS billable_min,
        COALESCE(e.billable_max, 0) AS billable_max,
        i.amount
    FROM invoice_lines i
    FULL OUTER JOIN expected e
        ON e.provider = i.provider
        AND e.local_month = i.local_month
        AND COALESCE(e.product, '') = COALESCE(i.product, '')
)
SELECT
    c.provider,
    c.product,
    c.local_month,
    c.invoiced,
    c.billable_min,
    c.billable_max,
    CASE
        WHEN NOT c.is_covered THEN NULL
        WHEN c.quantity > c.billable_max THEN c.quantity - c.billable_max
        WHEN c.quantity < c.billable_min THEN c.quantity - c.billable_min
        ELSE 0
    END AS difference,
    CASE
        WHEN NOT c.is_covered THEN 'outside_range'
        WHEN c.invoiced IS NULL THEN 'not_invoiced'
        WHEN c.quantity > c.billable_max AND c.verifications = 0 THEN 'not_seen'
        WHEN c.quantity > c.billable_max THEN 'over'
        WHEN c.quantity < c.billable_min THEN 'under'
        ELSE 'agrees'
    END AS verdict,
    c.amount
FROM compared c
WHERE c.invoiced IS NOT NULL OR c.billable_max > 0
ORDER BY c.provider NULLS LAST, c.product NULLS LAST, c.local_month NULLS LAST
