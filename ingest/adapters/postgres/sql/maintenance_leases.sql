-- name: make_duties
-- Rows of the duties $1 that have none; nobody holds them.
INSERT INTO upload_pipeline.maintenance_leases (duty, holder, token, leased_until)
SELECT duty, '', gen_random_uuid(), '-infinity' FROM unnest($1::text[]) AS n (duty)
WHERE duty NOT IN (SELECT l.duty FROM upload_pipeline.maintenance_leases AS l)
ORDER BY duty
ON CONFLICT DO NOTHING;

-- name: take_duties
-- Those of the duties $1 that nobody holds, leased to $2 for $3; and how long ago each was begun.
-- A row that is locked is being taken or given back at this moment.
WITH free AS (
    SELECT duty FROM upload_pipeline.maintenance_leases
    WHERE duty = ANY($1::text[]) AND leased_until < clock_timestamp()
    ORDER BY duty FOR UPDATE SKIP LOCKED
)
UPDATE upload_pipeline.maintenance_leases AS l
SET holder = $2, token = gen_random_uuid(), leased_until = clock_timestamp() + $3::interval
FROM free
WHERE l.duty = free.duty
RETURNING
    l.duty, l.token, extract(EPOCH FROM clock_timestamp() - l.ran_at)::float8 AS idle_seconds;

-- name: renew_duties
-- Extend by $3 those of the leases ($1 duties, $2 tokens) that have not ended.
WITH held AS (
    SELECT l.duty FROM upload_pipeline.maintenance_leases AS l
    INNER JOIN unnest($1::text[], $2::uuid[]) AS h (duty, token)
        ON l.duty = h.duty AND l.token = h.token
    WHERE l.leased_until > clock_timestamp()
    ORDER BY l.duty FOR UPDATE OF l
)
UPDATE upload_pipeline.maintenance_leases AS l
SET leased_until = clock_timestamp() + $3::interval
FROM held
WHERE l.duty = held.duty
RETURNING l.duty;

-- name: begin_duty
-- Whether duty $1 is leased under token $2; note that it begins, unless it did within $3: one that
-- is done many times a second would write as many versions of its row.
WITH held AS (
    SELECT duty, ran_at FROM upload_pipeline.maintenance_leases
    WHERE duty = $1 AND token = $2 AND leased_until > clock_timestamp()
), noted AS (
    UPDATE upload_pipeline.maintenance_leases AS l SET ran_at = clock_timestamp()
    FROM held
    WHERE l.duty = held.duty AND l.token = $2 AND l.leased_until > clock_timestamp()
        AND (l.ran_at IS NULL OR l.ran_at < clock_timestamp() - $3::interval)
)
SELECT duty FROM held;

-- name: check_duty
-- Whether the lease of duty $1 under token $2 lasts for $3 more at the least. The server ends a
-- transaction of which nothing was heard for as long: it cannot write after the lease.
SELECT set_config('idle_in_transaction_session_timeout', $4, true)
FROM upload_pipeline.maintenance_leases
WHERE duty = $1 AND token = $2 AND leased_until > clock_timestamp() + $3::interval;

-- name: give_up_duties
-- The leases ($1 duties, $2 tokens) end now.
UPDATE upload_pipeline.maintenance_leases AS l SET leased_until = '-infinity'
FROM (
    SELECT k.duty FROM upload_pipeline.maintenance_leases AS k
    INNER JOIN unnest($1::text[], $2::uuid[]) AS h (duty, token)
        ON k.duty = h.duty AND k.token = h.token
    ORDER BY k.duty FOR UPDATE OF k
) AS held
WHERE l.duty = held.duty;

-- name: prune_duties
-- Remove duties that nobody has begun or held for $1: no settings ask for them any more.
DELETE FROM upload_pipeline.maintenance_leases
WHERE leased_until < clock_timestamp() - $1::interval
    AND coalesce(ran_at, '-infinity') < clock_timestamp() - $1::interval
RETURNING duty;
