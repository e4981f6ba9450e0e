-- name: set_budget
-- The limits of tenant $1 (or of everybody) for period $2: soft $3, hard $4.
INSERT INTO upload_pipeline.budgets (user_id, period, soft_usd, hard_usd)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, period) DO UPDATE
SET soft_usd = excluded.soft_usd, hard_usd = excluded.hard_usd, updated_at = now();

-- name: remove_budget
-- No limit any more.
DELETE FROM upload_pipeline.budgets WHERE user_id = $1 AND period = $2 RETURNING period;

-- name: list_budgets
-- The budgets of tenants $1, or all of them, with what is spent of each in the present period.
SELECT
    b.user_id, b.period, trim_scale(b.soft_usd) AS soft_usd, trim_scale(b.hard_usd) AS hard_usd,
    b.updated_at,
    trim_scale(coalesce(s.reserved_usd, 0)) AS reserved_usd,
    trim_scale(coalesce(s.spent_usd, 0)) AS spent_usd
FROM upload_pipeline.budgets AS b
LEFT JOIN upload_pipeline.spending AS s ON s.user_id = b.user_id AND s.period = b.period
    AND s.starts_on = CASE b.period
        WHEN 'day' THEN (now() AT TIME ZONE 'UTC')::date
        ELSE date_trunc('month', now() AT TIME ZONE 'UTC')::date
    END
WHERE $1::uuid[] IS NULL OR b.user_id = ANY($1)
ORDER BY b.user_id, b.period;
