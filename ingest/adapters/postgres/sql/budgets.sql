-- name: set_budget
-- The limits of tenant $1 (or of all together) for purpose $2 in period $3: soft $4, hard $5.
INSERT INTO upload_pipeline.budgets (tenant_id, purpose, period, soft_usd, hard_usd)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, purpose, period) DO UPDATE
SET soft_usd = excluded.soft_usd, hard_usd = excluded.hard_usd, updated_at = now();

-- name: remove_budget
-- Tenant $1 has no limit for purpose $2 in period $3 any more.
DELETE FROM upload_pipeline.budgets WHERE tenant_id = $1 AND purpose = $2 AND period = $3
RETURNING period;

-- name: list_budgets
-- The budgets of tenants $1, or all of them, with what is spent of each in the present period.
SELECT
    b.tenant_id, b.purpose, b.period,
    trim_scale(b.soft_usd) AS soft_usd, trim_scale(b.hard_usd) AS hard_usd, b.updated_at,
    trim_scale(coalesce(s.reserved_usd, 0)) AS reserved_usd,
    trim_scale(coalesce(s.spent_usd, 0)) AS spent_usd
FROM upload_pipeline.budgets AS b
LEFT JOIN upload_pipeline.spending AS s
    ON s.tenant_id = b.tenant_id AND s.purpose = b.purpose AND s.period = b.period
    AND s.starts_on = upload_pipeline.period_start(
        b.period, (now() AT TIME ZONE 'UTC')::date
    )
WHERE $1::uuid[] IS NULL OR b.tenant_id = ANY($1)
ORDER BY b.tenant_id, b.purpose, b.period;
