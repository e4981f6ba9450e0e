-- name: claim_jobs
-- Up to $3 jobs of lane $1, round-robin over at most 16 tenants after tenant $2, under new leases
-- for worker $4 that last $5. Tenants are found by skipping through the claim index.
WITH RECURSIVE tenants AS (
    (
        SELECT j.user_id, 1 AS seen FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = $1 AND j.state IN ('queued', 'retryable') AND j.user_id > $2
        ORDER BY j.user_id LIMIT 1
    )
    UNION ALL
    SELECT following.user_id, t.seen + 1 FROM tenants AS t
    CROSS JOIN LATERAL (
        SELECT j.user_id FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = $1 AND j.state IN ('queued', 'retryable') AND j.user_id > t.user_id
        ORDER BY j.user_id LIMIT 1
    ) AS following
    WHERE t.seen < 16
), candidates AS (
    SELECT due.job_id
    FROM tenants AS t
    CROSS JOIN LATERAL (
        SELECT j.job_id, row_number() OVER (ORDER BY j.priority DESC, j.run_after) AS turn
        FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = $1 AND j.user_id = t.user_id
            AND j.state IN ('queued', 'retryable') AND j.run_after <= now()
        ORDER BY j.priority DESC, j.run_after LIMIT $3
    ) AS due
    ORDER BY due.turn, t.user_id LIMIT $3
), held AS (
    SELECT j.job_id FROM upload_pipeline.upload_jobs AS j
    WHERE j.job_id IN (SELECT job_id FROM candidates)
        AND j.state IN ('queued', 'retryable')
    FOR UPDATE SKIP LOCKED
)
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'working',
    leased_by = $4,
    leased_until = now() + $5::interval,
    lease_token = gen_random_uuid(),
    progressed_at = now()
FROM held, upload_pipeline.documents AS d
WHERE j.job_id = held.job_id AND d.document_id = j.document_id
RETURNING
    j.job_id, j.lease_token, j.document_id, j.user_id, j.generation, j.stage,
    j.attempt_count + 1 AS attempt, j.correlation_id,
    d.filename, d.media_type, d.bytes_len, d.raw_key, d.parsed_key;

-- name: count_working
-- Unfinished jobs that worker $1 holds.
SELECT count(*) FROM upload_pipeline.upload_jobs WHERE leased_by = $1 AND state = 'working';

-- name: heartbeat_jobs
-- Extend by $2 the leases of worker $1, but not of jobs without progress for $3.
UPDATE upload_pipeline.upload_jobs
SET leased_until = now() + $2::interval
WHERE leased_by = $1 AND state = 'working' AND progressed_at > now() - $3::interval;

-- name: rescue_jobs
-- Return up to $2 jobs whose lease ran out to their last durable point; after $1 rescues of one
-- job, dead-letter it.
WITH expired AS (
    SELECT job_id, rescue_count + 1 >= $1 AS exhausted
    FROM upload_pipeline.upload_jobs
    WHERE state = 'working' AND leased_until < now()
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE upload_pipeline.upload_jobs AS j
SET state = CASE WHEN e.exhausted THEN 'deadletter' ELSE 'queued' END,
    stage = CASE
        WHEN e.exhausted THEN j.stage
        WHEN d.parsed_key IS NOT NULL AND d.generation = j.generation THEN 'parsed'
        ELSE 'queued'
    END,
    rescue_count = j.rescue_count + 1,
    run_after = now(),
    last_error = CASE
        WHEN e.exhausted THEN jsonb_build_object(
            'class', 'WorkerLost', 'code', 'worker_lost', 'stage', j.stage,
            'message', 'its worker was lost ' || (j.rescue_count + 1) || ' times, limit ' || $1
        )
        ELSE j.last_error
    END
FROM expired AS e, upload_pipeline.documents AS d
WHERE j.job_id = e.job_id AND d.document_id = j.document_id
RETURNING j.job_id, j.state;

-- name: release_worker
-- Give back what worker $1 holds: it drained, or its stream is known to be dead.
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'queued',
    stage = CASE
        WHEN d.parsed_key IS NOT NULL AND d.generation = j.generation THEN 'parsed'
        ELSE 'queued'
    END,
    rescue_count = j.rescue_count + $2,
    run_after = now()
FROM upload_pipeline.documents AS d
WHERE j.leased_by = $1 AND j.state = 'working' AND d.document_id = j.document_id
RETURNING j.job_id;

-- name: expire_waiting
-- Dead-letter waiting jobs whose deadline has passed.
UPDATE upload_pipeline.upload_jobs
SET state = 'deadletter',
    last_error = jsonb_build_object(
        'class', 'WaitExpired', 'code', 'wait_expired', 'stage', stage,
        'message', 'waited for ' || wait_reason || ' until ' || wait_until
    )
WHERE job_id IN (
    SELECT job_id FROM upload_pipeline.upload_jobs
    WHERE state = 'waiting' AND wait_until < now() LIMIT 1000 FOR UPDATE SKIP LOCKED
)
RETURNING job_id;

-- name: lock_leases
-- The jobs of ($1 job ids, $2 lease tokens) that are still held by those leases, locked in order.
SELECT j.job_id, j.chunks_total, j.chunks_stored
FROM upload_pipeline.upload_jobs AS j
INNER JOIN unnest($1::uuid[], $2::uuid[]) AS b (job_id, lease_token)
    ON j.job_id = b.job_id AND j.lease_token = b.lease_token
WHERE j.state = 'working'
ORDER BY j.job_id
FOR UPDATE OF j;

-- name: advance_parsed
-- Jobs $1 of which the text is stored: go to parse_validated, extend leases by $2.
UPDATE upload_pipeline.upload_jobs
SET stage = 'parse_validated', progressed_at = now(), leased_until = now() + $2::interval
WHERE job_id = ANY($1::uuid[]);

-- name: advance_chunked
-- Jobs of ($1 ids) cut into ($2) chunks, of which ($3) are stored already, with ($4) retained.
UPDATE upload_pipeline.upload_jobs AS j
SET stage = 'chunks_buffered',
    chunks_total = b.chunks_total,
    chunks_stored = b.chunks_stored,
    retained_chunks = b.retained_chunks,
    progressed_at = now(),
    leased_until = now() + $5::interval
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::jsonb[])
    AS b (job_id, chunks_total, chunks_stored, retained_chunks)
WHERE j.job_id = b.job_id;

-- name: advance_stored
-- Jobs of ($1 ids) of which ($2) more chunks are stored.
UPDATE upload_pipeline.upload_jobs AS j
SET stage = 'embedding',
    chunks_stored = j.chunks_stored + b.stored,
    progressed_at = now(),
    leased_until = now() + $3::interval
FROM unnest($1::uuid[], $2::int[]) AS b (job_id, stored)
WHERE j.job_id = b.job_id
RETURNING j.job_id, j.chunks_total, j.chunks_stored;

-- name: finish_jobs
-- Jobs $1, of which every chunk is stored and published.
UPDATE upload_pipeline.upload_jobs SET state = 'done', stage = 'embedded' WHERE job_id = ANY($1);

-- name: settle_job
-- End the attempt under lease ($1, $2): to state $3, with error $4, claimable again after $5;
-- $6 counts the attempt.
UPDATE upload_pipeline.upload_jobs AS j
SET state = $3,
    stage = CASE
        WHEN $3 = 'deadletter' THEN j.stage
        WHEN d.parsed_key IS NOT NULL AND d.generation = j.generation THEN 'parsed'
        ELSE 'queued'
    END,
    last_error = $4::jsonb || jsonb_build_object('stage', j.stage),
    run_after = now() + $5::interval,
    attempt_count = j.attempt_count + $6
FROM upload_pipeline.documents AS d
WHERE j.job_id = $1 AND j.lease_token = $2 AND j.state = 'working'
    AND d.document_id = j.document_id
RETURNING j.job_id;

-- name: lock_document_jobs
-- The unfinished jobs of a document, locked: always before the document itself is.
SELECT job_id FROM upload_pipeline.upload_jobs
WHERE document_id = $1 AND finished_at IS NULL ORDER BY job_id FOR UPDATE;

-- name: cancel_jobs
-- Jobs $1, stopped by request or superseded, with the reason $2.
UPDATE upload_pipeline.upload_jobs
SET state = 'cancelled', last_error = $2::jsonb
WHERE job_id = ANY($1::uuid[]) AND finished_at IS NULL
RETURNING job_id;

-- name: insert_job
-- A new job for generation $4 of document $2.
INSERT INTO upload_pipeline.upload_jobs
(
    job_id, document_id, user_id, generation, file_sha256, lane, priority,
    idempotency_key, correlation_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: find_job_by_key
-- The job that this tenant made with this idempotency key, and the bytes it was made for.
SELECT job_id, document_id, generation, file_sha256
FROM upload_pipeline.upload_jobs WHERE user_id = $1 AND idempotency_key = $2;

-- name: newest_job
-- The newest job of a document.
SELECT job_id, generation, state FROM upload_pipeline.upload_jobs
WHERE document_id = $1 ORDER BY generation DESC, created_at DESC LIMIT 1;

-- name: get_job
-- One job of one tenant, with what its document says.
SELECT
    j.job_id, j.document_id, j.user_id, j.generation, j.lane, j.stage, j.state,
    j.attempt_count, j.rescue_count, j.run_after, j.leased_by, j.leased_until, j.progressed_at,
    j.wait_reason, j.wait_until, j.chunks_total, j.chunks_stored, j.last_error,
    j.correlation_id, j.created_at, j.updated_at, j.finished_at,
    d.filename, d.media_type, d.bytes_len
FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
WHERE j.job_id = $1 AND j.user_id = $2;

-- name: get_jobs
-- Several jobs of one tenant at once; unknown ids are left out.
SELECT
    j.job_id, j.document_id, j.user_id, j.generation, j.lane, j.stage, j.state,
    j.attempt_count, j.rescue_count, j.run_after, j.leased_by, j.leased_until, j.progressed_at,
    j.wait_reason, j.wait_until, j.chunks_total, j.chunks_stored, j.last_error,
    j.correlation_id, j.created_at, j.updated_at, j.finished_at,
    d.filename, d.media_type, d.bytes_len
FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
WHERE j.job_id = ANY($1::uuid[]) AND j.user_id = $2;

-- name: list_jobs
-- Jobs of a tenant, newest first, after the page key ($3, $4); $2 narrows to one state.
SELECT
    j.job_id, j.document_id, j.user_id, j.generation, j.lane, j.stage, j.state,
    j.attempt_count, j.rescue_count, j.run_after, j.leased_by, j.leased_until, j.progressed_at,
    j.wait_reason, j.wait_until, j.chunks_total, j.chunks_stored, j.last_error,
    j.correlation_id, j.created_at, j.updated_at, j.finished_at,
    d.filename, d.media_type, d.bytes_len
FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
WHERE j.user_id = $1
    AND ($2::text IS NULL OR j.state = $2)
    AND ($3::timestamptz IS NULL OR (j.created_at, j.job_id) < ($3, $4::uuid))
ORDER BY j.created_at DESC, j.job_id DESC LIMIT $5;

-- name: queue_position
-- Claimable jobs of the same lane and tenant that come before job $1.
SELECT count(*) FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.upload_jobs AS mine ON mine.job_id = $1
WHERE j.lane = mine.lane AND j.user_id = mine.user_id AND j.state IN ('queued', 'retryable')
    AND (-j.priority, j.run_after) < (-mine.priority, mine.run_after);

-- name: requeue_job
-- A person sends a dead-lettered job of tenant $2 round again, with fresh attempts.
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'queued', attempt_count = 0, rescue_count = 0, run_after = now(),
    stage = CASE
        WHEN d.parsed_key IS NOT NULL AND d.generation = j.generation THEN 'parsed'
        ELSE 'queued'
    END
FROM upload_pipeline.documents AS d
WHERE j.job_id = $1 AND j.user_id = $2 AND j.state = 'deadletter'
    AND d.document_id = j.document_id AND d.generation = j.generation
RETURNING j.job_id;

-- name: count_by_state
-- Jobs by lane, stage and state; the measure of the backlog.
SELECT lane, stage, state, count(*) AS jobs
FROM upload_pipeline.upload_jobs GROUP BY lane, stage, state;

-- name: oldest_due
-- Seconds since the oldest claimable job of each lane became due.
SELECT lane, extract(EPOCH FROM max(now() - run_after))::float8 AS seconds
FROM upload_pipeline.upload_jobs
WHERE state IN ('queued', 'retryable') AND run_after <= now()
GROUP BY lane;
