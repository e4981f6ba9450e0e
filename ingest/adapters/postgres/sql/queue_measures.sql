-- name: measure_throughput
-- Of the jobs of lane $1 that were published in the last $3, the newest 200: how many, how many of
-- tenant $2, of how many tenants, and seconds since the first; and what is worked on for the tenant.
WITH recent AS MATERIALIZED (
    SELECT tenant_id, finished_at FROM upload_pipeline.upload_jobs
    WHERE lane = $1 AND state = 'done' AND finished_at > now() - $3::interval
    ORDER BY finished_at DESC LIMIT 200
)
SELECT
    count(*) AS published,
    count(*) FILTER (WHERE tenant_id = $2) AS own_published,
    count(DISTINCT tenant_id) AS tenants,
    coalesce(extract(EPOCH FROM now() - min(finished_at)), 0)::float8 AS seconds,
    (
        SELECT count(*) FILTER (WHERE lane = $1 AND tenant_id = $2)
        FROM upload_pipeline.upload_jobs WHERE state = 'working'
    ) AS own_held
FROM recent;

-- name: count_lane
-- How jobs of tenant $1 in lane $2 get on: unfinished ones, counted up to $5; and what was
-- published and failed for good from $3 on, until $4.
SELECT
    (
        SELECT count(*) FROM (
            SELECT FROM upload_pipeline.upload_jobs
            WHERE tenant_id = $1 AND lane = $2 AND finished_at IS NULL LIMIT $5
        ) AS unfinished
    ) AS unfinished,
    (
        SELECT count(*) FROM upload_pipeline.upload_jobs
        WHERE tenant_id = $1 AND lane = $2 AND state = 'done'
            AND finished_at >= $3 AND finished_at < coalesce($4::timestamptz, 'infinity')
    ) AS done,
    (
        SELECT count(*) FROM upload_pipeline.upload_jobs
        WHERE tenant_id = $1 AND lane = $2 AND state = 'deadletter'
            AND finished_at >= $3 AND finished_at < coalesce($4::timestamptz, 'infinity')
    ) AS dead;

-- name: lane_is_submitted
-- Whether all that is left of tenant $1 in lane $2 waits for provider batches, and those are there.
SELECT NOT EXISTS (
    SELECT FROM upload_pipeline.upload_jobs
    WHERE tenant_id = $1 AND lane = $2 AND finished_at IS NULL
        AND NOT (state = 'waiting' AND wait_reason = 'batch')
) AND NOT EXISTS (
    SELECT FROM upload_pipeline.provider_batches
    WHERE tenant_id = $1 AND status IN ('filling', 'submitting', 'collected')
);

-- name: count_waiting
-- How many jobs wait, by reason.
SELECT wait_reason, count(*) AS jobs FROM upload_pipeline.upload_jobs
WHERE state = 'waiting' GROUP BY wait_reason;

-- name: count_stuck
-- Unfinished jobs that nothing moves, $1 after something should have: whose lease ran out or has no
-- end; whose wait is over or has no end; that are never due, in lanes $2; that are due while a stream
-- of their lane, which nobody paused, is alive and does nothing, counted up to $3; one is alive for
-- $4 after its last heartbeat.
WITH
-- What is paused is not stuck.
stops AS MATERIALIZED (
    SELECT kind, subject FROM upload_pipeline.pauses WHERE kind <> 'provider'
),
-- Lanes with a stream that lives, may claim, and has neither held nor published anything lately.
idle AS MATERIALIZED (
    SELECT DISTINCT w.lane FROM upload_pipeline.workers AS w
    WHERE w.stopped_at IS NULL AND NOT w.draining
        AND w.heartbeat_at > now() - $4::interval AND w.started_at < now() - $1::interval
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS j
            WHERE j.state = 'working' AND j.lane = w.lane
        )
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS j
            WHERE j.state = 'done' AND j.lane = w.lane AND j.finished_at > now() - $1::interval
        )
        AND NOT EXISTS (
            SELECT 1 FROM stops AS s
            WHERE s.kind = 'everything' OR (s.kind = 'lane' AND s.subject = w.lane)
        )
)
SELECT 'lease' AS kind, count(*) AS jobs FROM upload_pipeline.upload_jobs
WHERE state = 'working'
    AND (leased_until < now() - $1::interval OR leased_until > now() + interval '100 years')
UNION ALL
SELECT 'wait', count(*) FROM upload_pipeline.upload_jobs
WHERE state = 'waiting'
    AND (wait_until < now() - $1::interval OR wait_until > now() + interval '100 years')
UNION ALL
SELECT 'never_due', count(*) FROM upload_pipeline.upload_jobs
WHERE lane = ANY($2::text[]) AND state IN ('queued', 'retryable')
    AND run_after > now() + interval '30 days'
UNION ALL
SELECT 'ignored', count(*) FROM (
    SELECT FROM upload_pipeline.upload_jobs AS j
    WHERE j.lane IN (SELECT lane FROM idle) AND j.state IN ('queued', 'retryable')
        AND j.run_after < now() - $1::interval
        AND NOT EXISTS (
            SELECT 1 FROM stops AS s WHERE s.kind = 'tenant' AND s.subject = j.tenant_id::text
        )
    LIMIT $3
) AS ignored;
