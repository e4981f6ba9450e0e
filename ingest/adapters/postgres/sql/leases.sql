-- name: lock_leases
-- The jobs of ($1 job ids, $2 lease tokens) that are still held by those leases, and locked.
WITH {include locked_leases}
SELECT job_id FROM held;

-- name: held_leases
-- The jobs of ($1 job ids, $2 lease tokens) that are held by those leases at this moment.
SELECT j.job_id
FROM upload_pipeline.upload_jobs AS j
INNER JOIN unnest($1::uuid[], $2::uuid[]) AS b (job_id, lease_token)
    ON j.job_id = b.job_id AND j.lease_token = b.lease_token
WHERE j.state = 'working';

-- name: heartbeat_jobs
-- Extend by $2 the leases of worker $1, but not of jobs without progress for $3. A job that is
-- locked is being written under its lease, which extends it.
UPDATE upload_pipeline.upload_jobs
SET leased_until = now() + $2::interval
WHERE job_id IN (
    SELECT job_id FROM upload_pipeline.upload_jobs
    WHERE leased_by = $1 AND state = 'working' AND progressed_at > now() - $3::interval
    FOR UPDATE SKIP LOCKED
);

-- name: rescue_jobs
-- Return up to $2 jobs whose lease ran out to their last durable point; after $1 rescues of one
-- job, dead-letter it.
WITH lost AS (
    SELECT job_id, rescue_count + 1 AS rescues, $1::integer AS most, rescue_count + 1 >= $1 AS exhausted
    FROM upload_pipeline.upload_jobs
    WHERE state = 'working' AND leased_until < now()
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
{include return_lost}
RETURNING j.job_id, j.state;

-- name: release_worker
-- Give back what worker $1 holds: it drained ($2 is 0), or its stream is known to be dead ($2 is
-- 1), which counts as a rescue; after $3 rescues of one job, dead-letter it.
WITH lost AS (
    SELECT
        job_id, rescue_count + $2 AS rescues, $3::integer AS most,
        $2 > 0 AND rescue_count + $2 >= $3 AS exhausted
    FROM upload_pipeline.upload_jobs
    WHERE leased_by = $1 AND state = 'working'
    ORDER BY job_id
    FOR UPDATE
)
{include return_lost}
RETURNING j.job_id;
