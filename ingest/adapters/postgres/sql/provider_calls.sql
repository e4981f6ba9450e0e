-- name: reserve_call
-- Set aside $10 US dollars for call $1 of tenant $2, unless provider $3 is paused; the full budget's
-- name, or null when it is done.
WITH stop AS MATERIALIZED (
    SELECT EXISTS (
        SELECT 1 FROM upload_pipeline.pauses WHERE kind = 'provider' AND subject = $3::text
    ) AS paused
)
SELECT
    paused,
    CASE WHEN NOT paused THEN upload_pipeline.reserve_call(
        $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::interval,
        $9::bigint, $10::numeric
    ) END AS full_budget
FROM stop;

-- name: end_call
-- End calls $1 in state $2, charged $3 units, $4 pages, $5 US dollars; request $6, error $7.
SELECT upload_pipeline.end_calls(
    $1::uuid[], $2::text, $3::bigint, $4::integer, $5::numeric, $6::text, $7::text
);

-- name: expired_calls
-- Up to $1 reserved calls whose process must be dead: nobody reported how they ended.
SELECT call_id FROM upload_pipeline.provider_calls
WHERE state = 'reserved' AND expires_at < now() ORDER BY expires_at LIMIT $1;

-- name: usage
-- What tenant $1 (or everybody) was charged from day $2 to before day $3, by day, provider, model.
SELECT
    (reserved_at AT TIME ZONE 'UTC')::date AS day, provider, model, operation,
    count(*) FILTER (WHERE state = 'settled') AS calls,
    count(*) FILTER (WHERE state = 'unknown') AS unknown_calls,
    coalesce(sum(units) FILTER (WHERE state IN ('settled', 'unknown')), 0)::bigint AS units,
    coalesce(sum(units) FILTER (WHERE state = 'unknown'), 0)::bigint AS unknown_units,
    coalesce(sum(pages) FILTER (WHERE state IN ('settled', 'unknown')), 0)::bigint AS pages,
    trim_scale(coalesce(sum(usd), 0)) AS usd
FROM upload_pipeline.provider_calls
WHERE ($1::uuid IS NULL OR tenant_id = $1)
    AND reserved_at >= $2::date::timestamp AT TIME ZONE 'UTC'
    AND reserved_at < $3::date::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- name: extend_call
-- The end of call $1 is known by $2.
UPDATE upload_pipeline.provider_calls SET expires_at = $2 WHERE call_id = $1 AND state = 'reserved';

-- name: spent_in_lane
-- What calls for tenant $1 in lane $2 that began since $3 have cost, or have set aside; and tokens.
SELECT
    coalesce(sum(CASE state WHEN 'reserved' THEN reserved_usd ELSE usd END), 0) AS usd,
    coalesce(sum(units) FILTER (WHERE operation = 'embed'), 0)::bigint AS tokens
FROM upload_pipeline.provider_calls
WHERE tenant_id = $1 AND reserved_at >= $3 AND lane = $2;
