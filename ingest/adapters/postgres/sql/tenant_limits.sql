-- name: set_limits
-- The limits of tenant $1, or of each that has none of its own; NULL is no limit.
INSERT INTO upload_pipeline.tenant_limits
(tenant_id, active_jobs, uploads_per_day, bytes_per_day, searches_per_minute)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id) DO UPDATE
SET active_jobs = excluded.active_jobs, uploads_per_day = excluded.uploads_per_day,
    bytes_per_day = excluded.bytes_per_day, searches_per_minute = excluded.searches_per_minute,
    updated_at = now();

-- name: remove_limits
-- No limits of its own any more.
DELETE FROM upload_pipeline.tenant_limits WHERE tenant_id = $1 RETURNING tenant_id;

-- name: list_limits
-- All limits that were set.
SELECT tenant_id, active_jobs, uploads_per_day, bytes_per_day, searches_per_minute
FROM upload_pipeline.tenant_limits ORDER BY tenant_id;

-- name: has_limits
-- Whether there are limits for tenant $1, its own or those of each.
SELECT EXISTS (SELECT FROM upload_pipeline.limits_of($1));

-- name: use_of_limits
-- The limits that hold for tenant $1, and what is used of each at this moment.
SELECT
    l.active_jobs, l.uploads_per_day, l.bytes_per_day, l.searches_per_minute,
    (
        SELECT count(*) FROM upload_pipeline.upload_jobs AS j
        WHERE j.tenant_id = $1 AND j.finished_at IS NULL
    ) AS active_jobs_used,
    coalesce(u.uploads, 0) AS uploads_per_day_used,
    coalesce(u.bytes, 0) AS bytes_per_day_used,
    coalesce(greatest(0, ceil(l.searches_per_minute - s.available
        - extract(EPOCH FROM now() - s.at) * l.searches_per_minute / 60)), 0)::bigint
        AS searches_per_minute_used
FROM (SELECT $1::uuid AS tenant_id) AS t
LEFT JOIN upload_pipeline.limits_of($1) AS l ON true
LEFT JOIN upload_pipeline.tenant_uploads AS u
    ON u.tenant_id = t.tenant_id AND u.day = (now() AT TIME ZONE 'UTC')::date
LEFT JOIN upload_pipeline.tenant_searches AS s ON s.tenant_id = t.tenant_id;

-- name: admit_upload
-- One more job of tenant $1, of $2 bytes, at $3 or now; a row says which limit that would break.
SELECT kind, allowed, used, retry_seconds
FROM upload_pipeline.admit_upload($1, $2, coalesce($3::timestamptz, now()));

-- name: admit_uploads
-- Jobs of tenant $1 that were just made, of ($2) bytes each; a row says that they may break a limit.
SELECT a.kind
FROM unnest($2::bigint []) AS s (bytes_len)
CROSS JOIN LATERAL upload_pipeline.admit_upload($1, s.bytes_len, now()) AS a
LIMIT 1;

-- name: admit_search
-- One more search of tenant $1, at $2 or now; a row says that it is one too many.
SELECT allowed, retry_seconds
FROM upload_pipeline.admit_search($1, coalesce($2::timestamptz, clock_timestamp()));
