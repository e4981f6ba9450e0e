-- name: claim_jobs
-- Up to $3 jobs of lane $1, round-robin over at most 16 tenants, under new leases for worker $4
-- that last $5, in the order of turns. Only rows that are given out are locked, and none is waited for:
-- streams that claim at once get different jobs.
WITH RECURSIVE
-- What is paused, read once. A pause of a provider stops its calls, not the claims.
stops AS MATERIALIZED (
    SELECT kind, subject FROM upload_pipeline.pauses WHERE kind <> 'provider'
),
-- The tenants with due jobs, from the one after $2 around to $2 itself. Reading all due jobs for that
-- would take as long as the queue is; each step finds the next tenant by skipping through
-- ix_jobs_state. A paused tenant is stepped over and takes no place of the 16. OFFSET keeps the
-- planner from looking for the next tenant once for each use of it.
ring AS (
    SELECT $2::uuid AS tenant_id, 0 AS place, false AS wrapped, true AS paused
    WHERE NOT EXISTS (
        SELECT 1 FROM stops WHERE kind = 'everything' OR (kind = 'lane' AND subject = $1)
    )
    UNION ALL
    SELECT
        following.tenant_id, r.place + CASE WHEN stop.paused THEN 0 ELSE 1 END,
        following.tenant_id <= $2, stop.paused
    FROM ring AS r
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (
                SELECT j.tenant_id FROM upload_pipeline.upload_jobs AS j
                WHERE j.lane = $1 AND j.state IN ('queued', 'retryable') AND j.run_after <= now()
                    AND j.tenant_id > r.tenant_id
                    AND j.tenant_id <= CASE
                        WHEN r.wrapped THEN $2 ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
                    END
                ORDER BY j.tenant_id LIMIT 1
            ),
            CASE WHEN NOT r.wrapped THEN (
                SELECT j.tenant_id FROM upload_pipeline.upload_jobs AS j
                WHERE j.lane = $1 AND j.state IN ('queued', 'retryable') AND j.run_after <= now()
                    AND j.tenant_id <= $2
                ORDER BY j.tenant_id LIMIT 1
            ) END
        ) AS tenant_id
        OFFSET 0
    ) AS following
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT 1 FROM stops WHERE kind = 'tenant' AND subject = following.tenant_id::text
        ) AS paused
    ) AS stop
    WHERE r.place < 16 AND following.tenant_id IS NOT NULL
),
-- The first $3 jobs by turns: the best one of each tenant, then the second one of each, and so on, so
-- that no tenant waits behind another one's backlog.
candidates AS MATERIALIZED (
    SELECT due.job_id, due.turn, r.place
    FROM ring AS r
    CROSS JOIN LATERAL (
        SELECT j.job_id, row_number() OVER (ORDER BY j.priority DESC, j.run_after) AS turn
        FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = $1 AND j.tenant_id = r.tenant_id
            AND j.state IN ('queued', 'retryable') AND j.run_after <= now()
        ORDER BY j.priority DESC, j.run_after LIMIT $3
    ) AS due
    WHERE NOT r.paused
    ORDER BY due.turn, r.place LIMIT $3
),
-- Without those that another stream is claiming at this moment, or has claimed since candidates was
-- read: SKIP LOCKED passes the former, and the state, read again under the lock, excludes the latter.
held AS (
    SELECT j.job_id FROM upload_pipeline.upload_jobs AS j
    WHERE j.job_id IN (SELECT job_id FROM candidates)
        AND j.state IN ('queued', 'retryable')
    FOR UPDATE SKIP LOCKED
),
-- A new token with each claim: whoever held the job before writes nothing any more.
claimed AS (
    UPDATE upload_pipeline.upload_jobs AS j
    SET state = 'working',
        leased_by = $4,
        leased_until = now() + $5::interval,
        lease_token = gen_random_uuid(),
        progressed_at = now()
    FROM held, upload_pipeline.documents AS d
    WHERE j.job_id = held.job_id AND d.document_id = j.document_id
    RETURNING
        j.job_id, j.lease_token, j.document_id, j.tenant_id, j.lane, j.generation, j.stage,
        j.attempt_count + 1 AS attempt, j.correlation_id, j.cause, j.degraded,
        d.name, d.filename, d.media_type, d.bytes_len, d.raw_key, d.parsed_key
)
SELECT
    claimed.job_id, claimed.lease_token, claimed.document_id, claimed.tenant_id, claimed.lane,
    claimed.generation, claimed.stage, claimed.attempt, claimed.correlation_id,
    claimed.cause, claimed.degraded, claimed.name, claimed.filename, claimed.media_type,
    claimed.bytes_len, claimed.raw_key, claimed.parsed_key,
    (
        SELECT s.embed_model || '@' || s.embed_version
        FROM upload_pipeline.serving_space_of(claimed.tenant_id) AS s
    ) AS served_in
FROM claimed INNER JOIN candidates ON candidates.job_id = claimed.job_id
ORDER BY candidates.turn, candidates.place;

-- name: count_working
-- Unfinished jobs that worker $1 holds.
SELECT count(*) FROM upload_pipeline.upload_jobs WHERE leased_by = $1 AND state = 'working';
