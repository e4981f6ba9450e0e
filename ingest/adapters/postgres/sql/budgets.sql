-- name: set_budget
-- The limits of tenant $1 (or of everybody) for ingestion in period $2: soft $3, hard $4.
INSERT INTO upload_pipeline.budgets (tenant_id, period, soft_usd, hard_usd)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, period) DO UPDATE
SET soft_usd = excluded.soft_usd, hard_usd = excluded.hard_usd, updated_at = now();

-- name: set_search_budget
-- The limits of tenant $1 (or of everybody) for questions in period $2: soft $3, hard $4.
INSERT INTO upload_pipeline.search_budgets (tenant_id, period, soft_usd, hard_usd)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, period) DO UPDATE
SET soft_usd = excluded.soft_usd, hard_usd = excluded.hard_usd, updated_at = now();

-- name: remove_budget
-- Ingestion has no limit any more.
DELETE FROM upload_pipeline.budgets WHERE tenant_id = $1 AND period = $2 RETURNING period;

-- name: remove_search_budget
-- Questions have no limit any more.
DELETE FROM upload_pipeline.search_budgets WHERE tenant_id = $1 AND period = $2 RETURNING period;

-- name: list_budgets
-- The budgets of tenants $1, or all of them, with what is spent of each in the present period.
WITH present AS (
    SELECT
        (now() AT TIME ZONE 'UTC')::date AS day,
        date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month
), limits AS (
    SELECT 'ingestion' AS purpose, b.tenant_id, b.period, b.soft_usd, b.hard_usd, b.updated_at
    FROM upload_pipeline.budgets AS b
    WHERE $1::uuid[] IS NULL OR b.tenant_id = ANY($1)
    UNION ALL
    SELECT 'search' AS purpose, b.tenant_id, b.period, b.soft_usd, b.hard_usd, b.updated_at
    FROM upload_pipeline.search_budgets AS b
    WHERE $1::uuid[] IS NULL OR b.tenant_id = ANY($1)
)
SELECT
    l.tenant_id, l.purpose, l.period,
    trim_scale(l.soft_usd) AS soft_usd, trim_scale(l.hard_usd) AS hard_usd, l.updated_at,
    trim_scale(coalesce(s.reserved_usd, q.reserved_usd, 0)) AS reserved_usd,
    trim_scale(coalesce(s.spent_usd, q.spent_usd, 0)) AS spent_usd
FROM limits AS l
CROSS JOIN present AS p
LEFT JOIN upload_pipeline.spending AS s ON l.purpose = 'ingestion'
    AND s.tenant_id = l.tenant_id AND s.period = l.period
    AND s.starts_on = CASE l.period WHEN 'day' THEN p.day ELSE p.month END
LEFT JOIN upload_pipeline.search_spending AS q ON l.purpose = 'search'
    AND q.tenant_id = l.tenant_id AND q.period = l.period
    AND q.starts_on = CASE l.period WHEN 'day' THEN p.day ELSE p.month END
ORDER BY l.tenant_id, l.purpose, l.period;
