-- name: wake_waiting
-- Back to the queue: up to $2 jobs that wait for $1 and are due to look again.
UPDATE upload_pipeline.upload_jobs AS j SET state = 'queued'
WHERE j.job_id IN (
    SELECT w.job_id FROM upload_pipeline.upload_jobs AS w
    WHERE w.state = 'waiting' AND w.wait_reason = $1 AND w.run_after <= now()
    ORDER BY w.run_after LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING j.job_id;

-- name: wake_parsed
-- Back to the queue: the jobs that wait for parses $1.
UPDATE upload_pipeline.upload_jobs SET state = 'queued', run_after = now()
WHERE parse_job_id = ANY($1::uuid[]) AND state = 'waiting' AND wait_reason = 'parse'
RETURNING job_id;

-- name: wait_for_batches
-- Jobs ($1), whose leases are locked, wait for provider batches ($2), at the longest $3.
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'waiting', wait_reason = 'batch', wait_until = now() + $3::interval,
    run_after = now() + $3::interval, provider_batch_id = w.batch_id,
    stage = upload_pipeline.durable_stage(d.parsed_key, d.generation = j.generation)
FROM unnest($1::uuid[], $2::uuid[]) AS w (job_id, batch_id), upload_pipeline.documents AS d
WHERE j.job_id = w.job_id AND j.state = 'working' AND d.document_id = j.document_id;

-- name: wake_batched
-- Back to the queue: up to $1 jobs whose provider batch is over.
UPDATE upload_pipeline.upload_jobs AS j SET state = 'queued', run_after = now()
WHERE j.job_id IN (
    SELECT w.job_id FROM upload_pipeline.provider_batches AS b
    INNER JOIN upload_pipeline.upload_jobs AS w ON w.provider_batch_id = b.batch_id
    WHERE b.status = 'collected' AND w.state = 'waiting' AND w.wait_reason = 'batch'
    LIMIT $1 FOR UPDATE OF w SKIP LOCKED
)
RETURNING j.job_id;

-- name: hasten_waiting
-- Jobs that wait for $1, of tenant $2 or of all, look again at once.
UPDATE upload_pipeline.upload_jobs SET run_after = now()
WHERE state = 'waiting' AND wait_reason = $1 AND run_after > now()
    AND ($2::uuid IS NULL OR tenant_id = $2);

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

-- name: advance_fetched
-- Jobs ($1) of which the bytes, with digests ($2), are stored: go to job_validated, unless they are
-- further already, and extend leases by $3.
UPDATE upload_pipeline.upload_jobs AS j
SET stage = upload_pipeline.further_stage(j.stage, 'job_validated'),
    file_sha256 = b.file_sha256, progressed_at = now(), leased_until = now() + $3::interval
FROM unnest($1::uuid[], $2::text[]) AS b (job_id, file_sha256)
WHERE j.job_id = b.job_id;

-- name: advance_parsed
-- Jobs $1 of which the text is stored: go to parse_validated, unless they are further already,
-- and extend leases by $2.
UPDATE upload_pipeline.upload_jobs
SET stage = upload_pipeline.further_stage(stage, 'parse_validated'),
    progressed_at = now(), leased_until = now() + $2::interval
WHERE job_id = ANY($1::uuid[]);

-- name: advance_chunked
-- Jobs of ($1 ids) cut into ($2) chunks, of which ($3) are stored already, with ($4) retained; one
-- that is planned again, while batches of its first plan are being stored, does not go back.
UPDATE upload_pipeline.upload_jobs AS j
SET stage = upload_pipeline.further_stage(j.stage, 'chunks_buffered'),
    chunks_total = b.chunks_total,
    chunks_stored = b.chunks_stored,
    retained_chunks = b.retained_chunks::jsonb,
    skipped_chunks = NULL,
    progressed_at = now(),
    leased_until = now() + $5::interval
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[])
    AS b (job_id, chunks_total, chunks_stored, retained_chunks)
WHERE j.job_id = b.job_id;

-- name: advance_stored
-- Jobs of ($1 ids, $2 lease tokens) of which ($3) more chunks are stored; only those that are still
-- held by those leases, which it locks itself: a round trip less than after lock_leases.
WITH {include locked_leases}
UPDATE upload_pipeline.upload_jobs AS j
SET stage = 'embedding',
    chunks_stored = j.chunks_stored + b.stored,
    progressed_at = now(),
    leased_until = now() + $4::interval
FROM held INNER JOIN unnest($1::uuid[], $3::int[]) AS b (job_id, stored) ON b.job_id = held.job_id
WHERE j.job_id = held.job_id
RETURNING j.job_id, j.chunks_total, j.chunks_stored;

-- name: leave_out_chunk
-- Job $1 goes on without a chunk, described by $2; its lease is extended by $3.
UPDATE upload_pipeline.upload_jobs AS j
SET stage = 'embedding',
    chunks_total = j.chunks_total - 1,
    skipped_chunks = coalesce(j.skipped_chunks, '[]') || $2::jsonb,
    progressed_at = now(),
    leased_until = now() + $3::interval
WHERE j.job_id = $1
RETURNING j.chunks_total, j.chunks_stored;

-- name: settle_job
-- End the attempt under lease ($1, $2): to state $3, with error $4, claimable again (or woken)
-- after $5; $6 counts the attempt. A waiting job waits for $7, at the longest $8; if it is for parse
-- $9, and that is over, it does not wait. The parse is locked: its end wakes whoever waits for it.
-- From here on it does without the provider of $10; but one that waits for it will use it.
WITH
-- Locked until the end of the transaction: a parse that ends meanwhile waits for it, and then wakes
-- this job, too.
parse AS MATERIALIZED (
    SELECT status FROM upload_pipeline.parse_jobs WHERE parse_job_id = $9::uuid FOR SHARE
),
-- A parse that is over needs no waiting for.
decided AS (
    SELECT CASE
        WHEN $9::uuid IS NULL THEN $3
        WHEN (SELECT status FROM parse) IN ('submitting', 'submitted') THEN $3
        ELSE 'queued'
    END AS state
)
UPDATE upload_pipeline.upload_jobs AS j
SET state = n.state,
    stage = CASE
        WHEN n.state = 'deadletter' THEN j.stage
        WHEN n.state = 'waiting' AND $9::uuid IS NOT NULL THEN upload_pipeline.further_stage(
            upload_pipeline.durable_stage(d.parsed_key, d.generation = j.generation), 'parsing'
        )
        ELSE upload_pipeline.durable_stage(d.parsed_key, d.generation = j.generation)
    END,
    last_error = CASE
        WHEN $9::uuid IS NULL THEN $4::jsonb || jsonb_build_object('stage', j.stage)
        ELSE j.last_error
    END,
    run_after = CASE WHEN n.state = 'queued' AND $3 = 'waiting' THEN now()
        ELSE now() + $5::interval END,
    attempt_count = j.attempt_count + $6,
    wait_reason = CASE n.state WHEN 'waiting' THEN $7 END,
    wait_until = CASE n.state WHEN 'waiting' THEN now() + $8::interval END,
    parse_job_id = coalesce($9::uuid, j.parse_job_id),
    degraded = CASE
        WHEN $10::text IS NOT NULL THEN j.degraded || $10::text
        WHEN n.state = 'waiting' AND (d.parsed_key IS NULL OR d.generation <> j.generation)
            THEN '{}'
        ELSE j.degraded
    END
FROM upload_pipeline.documents AS d, decided AS n
WHERE j.job_id = $1 AND j.lease_token = $2 AND j.state = 'working'
    AND d.document_id = j.document_id
RETURNING j.job_id;

-- name: lock_document_jobs
-- The unfinished jobs of a document, locked, after the document is against deletion.
WITH kept AS MATERIALIZED (
    SELECT document_id FROM upload_pipeline.documents WHERE document_id = $1 FOR KEY SHARE
)
SELECT j.job_id FROM upload_pipeline.upload_jobs AS j
INNER JOIN kept ON kept.document_id = j.document_id
WHERE j.finished_at IS NULL ORDER BY j.job_id FOR UPDATE OF j;

-- name: cancel_jobs
-- Jobs $1, stopped by request or superseded, with the reason $2.
UPDATE upload_pipeline.upload_jobs
SET state = 'cancelled', last_error = $2::jsonb
WHERE job_id = ANY($1::uuid[]) AND finished_at IS NULL
RETURNING job_id;

-- name: lock_run_jobs
-- Up to $4 jobs of tenant $1 that run $2 made no later than $3 and that have not ended, the newest of
-- them, locked in order. One that ends just then is among them.
WITH page AS MATERIALIZED (
    SELECT job_id FROM upload_pipeline.upload_jobs
    WHERE tenant_id = $1 AND correlation_id = $2 AND lane <> 'interactive' AND finished_at IS NULL
        AND ($3::timestamptz IS NULL OR created_at <= $3)
    ORDER BY created_at DESC, job_id LIMIT $4
)
SELECT j.job_id, j.created_at FROM upload_pipeline.upload_jobs AS j
INNER JOIN page AS p ON p.job_id = j.job_id
ORDER BY j.job_id FOR UPDATE OF j;

-- name: insert_job
-- A new job for generation $4 of document $2.
INSERT INTO upload_pipeline.upload_jobs
(
    job_id, document_id, tenant_id, generation, file_sha256, lane, priority,
    idempotency_key, correlation_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: insert_upgrades
-- Jobs that make up to $1 degraded documents again, as their next generations; the providers of
-- parts ($2) are back. As probes ($3), only when no other job would find out about a provider.
WITH
-- Documents whose missing parts can all be made now, the oldest first; none of which a newer generation
-- is under way already.
due AS MATERIALIZED (
    SELECT d.document_id FROM upload_pipeline.documents AS d
    WHERE d.degraded <> '{}' AND d.degraded <@ $2::text[] AND d.generation = d.live_generation
        AND NOT ($3 AND EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS w
            WHERE w.state = 'waiting' AND w.wait_reason = 'provider'
        ))
    ORDER BY d.published_at LIMIT $1
),
-- Those that nobody uploads anew at this moment: the same lock as lock_accepting takes. It is only tried,
-- because an upload makes the document again anyway.
unmoved AS MATERIALIZED (
    SELECT document_id FROM due
    WHERE pg_try_advisory_xact_lock(hashtextextended(document_id::text, 0))
),
-- The text is kept if only the vectors are to be made again. The generation is checked once more, under
-- the row's lock.
raised AS (
    UPDATE upload_pipeline.documents AS d
    SET generation = d.generation + 1,
        parsed_key = CASE WHEN 'parser' = ANY(d.degraded) THEN NULL ELSE d.parsed_key END,
        parse_warnings = CASE WHEN 'parser' = ANY(d.degraded) THEN '[]' ELSE d.parse_warnings END,
        retired_keys = CASE
            WHEN 'parser' = ANY(d.degraded) THEN d.retired_keys || d.parsed_key
            ELSE d.retired_keys
        END
    FROM unmoved AS u
    WHERE d.document_id = u.document_id AND d.generation = d.live_generation
    RETURNING d.document_id, d.tenant_id, d.generation, d.file_sha256
)
INSERT INTO upload_pipeline.upload_jobs
(job_id, document_id, tenant_id, generation, file_sha256, priority, cause, correlation_id)
SELECT gen_random_uuid(), document_id, tenant_id, generation, file_sha256, -1, 'upgrade', 'upgrade'
FROM raised
RETURNING job_id;

-- name: insert_renewals
-- Jobs of lane $10 for those of the next $9 documents of tenant $1, after page key ($6, $7), whose
-- published chunks are in another space than ($2, $3) or were cut by another chunker than $4, or whose
-- text was read by another version of parser $11; at most $8, with correlation id $5. Degraded ones are
-- made again anyway, once their provider is back.
WITH
-- What this call looks at, whatever it finds: the caller goes on after its end.
page AS MATERIALIZED (
    SELECT document_id, created_at FROM upload_pipeline.documents
    WHERE tenant_id = $1
        AND ($6::timestamptz IS NULL OR (created_at, document_id) > ($6, $7::uuid))
    ORDER BY created_at, document_id LIMIT $9
),
-- Of these, what is published whole and has a chunk that was made by other settings.
due AS MATERIALIZED (
    SELECT d.document_id, old.is_read AS reads_again FROM page AS p
    INNER JOIN upload_pipeline.documents AS d ON d.document_id = p.document_id
    CROSS JOIN LATERAL (
        SELECT coalesce(
            split_part(d.parser, '/', 1) = split_part($11, '/', 1) AND d.parser <> $11, false
        ) AS is_read
    ) AS old
    WHERE d.generation = d.live_generation AND d.degraded = '{}'
        AND (old.is_read OR EXISTS (
            SELECT 1 FROM upload_pipeline.document_chunks AS c
            WHERE c.document_id = d.document_id AND c.generation <= d.live_generation
                AND coalesce(c.embed_model = d.embed_model, true)
                AND coalesce(c.embed_version = d.embed_version, true)
                AND (c.embed_model, c.embed_version, c.chunker) IS DISTINCT FROM ($2, $3, $4)
        ))
    ORDER BY p.created_at, p.document_id LIMIT $8
),
-- Those that nobody uploads anew at this moment, as in insert_upgrades.
unmoved AS MATERIALIZED (
    SELECT document_id, reads_again FROM due
    WHERE pg_try_advisory_xact_lock(hashtextextended(document_id::text, 0))
),
-- Where the text stays, the jobs begin with it.
raised AS (
    UPDATE upload_pipeline.documents AS d
    SET generation = d.generation + 1,
        parsed_key = CASE WHEN u.reads_again THEN NULL ELSE d.parsed_key END,
        parse_warnings = CASE WHEN u.reads_again THEN '[]' ELSE d.parse_warnings END,
        retired_keys = CASE
            WHEN u.reads_again THEN d.retired_keys || d.parsed_key ELSE d.retired_keys
        END
    FROM unmoved AS u
    WHERE d.document_id = u.document_id AND d.generation = d.live_generation
    RETURNING d.document_id, d.tenant_id, d.generation, d.file_sha256
),
made AS (
    INSERT INTO upload_pipeline.upload_jobs (
        job_id, document_id, tenant_id, generation, file_sha256, lane, cause, correlation_id
    )
    SELECT
        gen_random_uuid(), document_id, tenant_id, generation, file_sha256, $10, 'upgrade', $5
    FROM raised
    RETURNING job_id
)
SELECT
    created_at, document_id,
    (SELECT count(*) FROM due) AS due, (SELECT count(*) FROM made) AS made
FROM page ORDER BY created_at DESC, document_id DESC LIMIT 1;

-- name: find_job_by_key
-- The job that this tenant made with this idempotency key, and the bytes it was made for.
SELECT job_id, document_id, generation, file_sha256
FROM upload_pipeline.upload_jobs WHERE tenant_id = $1 AND idempotency_key = $2;

-- name: newest_job
-- The newest job of a document.
SELECT job_id, generation, state FROM upload_pipeline.upload_jobs
WHERE document_id = $1 ORDER BY generation DESC, created_at DESC LIMIT 1;

-- name: get_job
-- One job of one tenant, with what its document says.
{include job_view}
WHERE j.job_id = $1 AND j.tenant_id = $2;

-- name: get_jobs
-- Several jobs of one tenant at once; unknown ids are left out.
{include job_view}
WHERE j.job_id = ANY($1::uuid[]) AND j.tenant_id = $2;

-- name: get_job_warnings
-- All warnings about the text of job $1 of tenant $2, unless its document is newer.
SELECT d.parse_warnings FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d
    ON d.document_id = j.document_id AND d.generation = j.generation
WHERE j.job_id = $1 AND j.tenant_id = $2;

-- name: list_jobs
-- Jobs of a tenant, newest first, after the page key ($3, $4); $2 narrows to one state.
{include job_view}
WHERE j.tenant_id = $1
    AND ($2::text IS NULL OR j.state = $2)
    AND ($3::timestamptz IS NULL OR (j.created_at, j.job_id) < ($3, $4::uuid))
ORDER BY j.created_at DESC, j.job_id DESC LIMIT $5;

-- name: queue_position
-- Claimable jobs of the same lane and tenant that come before job $1, counted up to $2.
SELECT count(*) FROM (
    SELECT FROM upload_pipeline.upload_jobs AS mine
    CROSS JOIN LATERAL (
        SELECT FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = mine.lane AND j.tenant_id = mine.tenant_id
            AND j.state IN ('queued', 'retryable') AND j.priority > mine.priority
        UNION ALL
        SELECT FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = mine.lane AND j.tenant_id = mine.tenant_id
            AND j.state IN ('queued', 'retryable')
            AND j.priority = mine.priority AND j.run_after < mine.run_after
    ) AS earlier
    WHERE mine.job_id = $1
    LIMIT $2
) AS ahead;

-- name: replay_job
-- A person sends a dead-lettered job of tenant $2 round again, with fresh attempts. The document
-- is locked against its next generation.
WITH current AS MATERIALIZED (
    SELECT d.document_id, d.generation, d.parsed_key FROM upload_pipeline.documents AS d
    WHERE d.document_id = (
        SELECT document_id FROM upload_pipeline.upload_jobs WHERE job_id = $1 AND tenant_id = $2
    )
    FOR SHARE
)
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'queued', attempt_count = 0, rescue_count = 0, run_after = now(),
    replay_count = j.replay_count + 1,
    stage = upload_pipeline.durable_stage(d.parsed_key, true)
FROM current AS d
WHERE j.job_id = $1 AND j.tenant_id = $2 AND j.state = 'deadletter'
    AND d.document_id = j.document_id AND d.generation = j.generation
RETURNING j.job_id;

-- name: oldest_due
-- Seconds since the oldest claimable job of each lane became due; null where none is.
SELECT
    l.lane,
    extract(EPOCH FROM now() - (
        SELECT j.run_after FROM upload_pipeline.upload_jobs AS j
        WHERE j.lane = l.lane AND j.state IN ('queued', 'retryable') AND j.run_after <= now()
        ORDER BY j.run_after LIMIT 1
    ))::float8 AS seconds
FROM unnest($1::text[]) AS l (lane);
