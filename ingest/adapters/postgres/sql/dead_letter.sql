-- name: list_dead
-- Dead-lettered jobs of tenant $1, the latest first, after the page key ($7, $8); narrowed by code
-- $2, classes $3, dead for at least $4 and at most $5, and text $6 in message or filename.
SELECT
    j.job_id, j.document_id, j.tenant_id, j.generation, j.lane, j.stage, j.state,
    j.attempt_count, j.rescue_count, j.replay_count, j.run_after, j.leased_by, j.leased_until,
    j.progressed_at, j.wait_reason, j.wait_until, j.chunks_total, j.chunks_stored,
    j.skipped_chunks, j.last_error, j.correlation_id, j.cause, j.degraded,
    j.created_at, j.updated_at, j.finished_at,
    d.filename, d.media_type, d.bytes_len
FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
WHERE j.tenant_id = $1 AND j.state = 'deadletter'
    AND ($2::text IS NULL OR j.last_error ->> 'code' = $2)
    AND ($3::text[] IS NULL OR j.last_error ->> 'class' = ANY($3))
    AND ($4::interval IS NULL OR j.finished_at <= now() - $4)
    AND ($5::interval IS NULL OR j.finished_at >= now() - $5)
    AND (
        $6::text IS NULL
        OR strpos(lower(j.last_error ->> 'message'), lower($6)) > 0
        OR strpos(lower(d.filename), lower($6)) > 0
    )
    AND ($7::timestamptz IS NULL OR (j.finished_at, j.job_id) < ($7, $8::uuid))
ORDER BY j.finished_at DESC, j.job_id DESC LIMIT $9;

-- name: choose_dead
-- Of the dead-lettered jobs of tenant $1, narrowed as in list_dead: how many there are, how many can
-- be replayed, and the ids of the first $7 of those, or of all if $8; the longest dead first. One
-- cannot when a newer generation, or another job of the same one, has taken its place.
WITH dead AS MATERIALIZED (
    SELECT
        j.job_id, j.finished_at,
        d.generation = j.generation
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS other
            WHERE other.document_id = j.document_id AND other.generation = j.generation
                AND (
                    other.state NOT IN ('deadletter', 'cancelled')
                    OR (
                        other.state = 'deadletter'
                        AND (other.created_at, other.job_id) > (j.created_at, j.job_id)
                    )
                )
        ) AS replayable
    FROM upload_pipeline.upload_jobs AS j
    INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
    WHERE j.tenant_id = $1 AND j.state = 'deadletter'
        AND ($2::text IS NULL OR j.last_error ->> 'code' = $2)
        AND ($3::text[] IS NULL OR j.last_error ->> 'class' = ANY($3))
        AND ($4::interval IS NULL OR j.finished_at <= now() - $4)
        AND ($5::interval IS NULL OR j.finished_at >= now() - $5)
        AND (
            $6::text IS NULL
            OR strpos(lower(j.last_error ->> 'message'), lower($6)) > 0
            OR strpos(lower(d.filename), lower($6)) > 0
        )
)
SELECT
    (SELECT count(*) FROM dead) AS matching,
    (SELECT count(*) FROM dead WHERE replayable) AS replayable,
    array(
        SELECT job_id FROM dead WHERE replayable OR $8 ORDER BY finished_at, job_id LIMIT $7
    ) AS job_ids;

-- name: lock_documents_of
-- The documents of jobs $1, locked in order against deletion and their next generations.
SELECT d.document_id FROM upload_pipeline.documents AS d
WHERE d.document_id IN (
    SELECT j.document_id FROM upload_pipeline.upload_jobs AS j WHERE j.job_id = ANY($1::uuid[])
)
ORDER BY d.document_id FOR NO KEY UPDATE;

-- name: replay_dead
-- Those of jobs $1 of tenant $2 that are still dead and whose place nobody took go round again with
-- fresh attempts, one by one: $3 between two, and the first after the tenant's earlier replays.
WITH start AS MATERIALIZED (
    SELECT greatest(now(), max(run_after) + $3::interval) AS at
    FROM upload_pipeline.upload_jobs
    WHERE tenant_id = $2 AND state IN ('queued', 'retryable') AND replay_count > 0
), chosen AS MATERIALIZED (
    SELECT
        j.job_id, d.parsed_key,
        row_number() OVER (ORDER BY wanted.place) - 1 AS turn
    FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (job_id, place)
    INNER JOIN upload_pipeline.upload_jobs AS j ON j.job_id = wanted.job_id
    INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
    WHERE j.tenant_id = $2 AND j.state = 'deadletter' AND j.generation = d.generation
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS other
            WHERE other.document_id = j.document_id AND other.generation = j.generation
                AND other.state NOT IN ('deadletter', 'cancelled')
        )
)
UPDATE upload_pipeline.upload_jobs AS j
SET state = 'queued', attempt_count = 0, rescue_count = 0, replay_count = j.replay_count + 1,
    stage = upload_pipeline.durable_stage(c.parsed_key, true),
    run_after = start.at + c.turn * $3::interval
FROM chosen AS c, start
WHERE j.job_id = c.job_id AND j.state = 'deadletter'
RETURNING j.job_id, j.run_after;

-- name: discard_dead
-- Those of jobs $1 of tenant $2 that are still dead are given up; what they failed of stays.
UPDATE upload_pipeline.upload_jobs SET state = 'cancelled'
WHERE job_id = ANY($1::uuid[]) AND tenant_id = $2 AND state = 'deadletter'
RETURNING job_id;
