-- name: list_dead
-- Dead-lettered jobs, the latest first, after the page key ($7, $8).
{include job_view}
WHERE {include dead_filter}
    AND ($7::timestamptz IS NULL OR (j.finished_at, j.job_id) < ($7, $8::uuid))
ORDER BY j.finished_at DESC, j.job_id DESC LIMIT $9;

-- name: choose_dead
-- Of the dead-lettered jobs of tenant $1, narrowed as in list_dead: how many there are, how many can
-- be replayed, and the ids of the first $7 of those, or of all if $8; the longest dead first. One
-- cannot when a newer generation, or another job of the same one, has taken its place.
WITH
-- Read once for the three answers below. replayable: the place of the job in its document is free.
dead AS MATERIALIZED (
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
    WHERE {include dead_filter}
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
WITH
-- Replays that are queued already go first, so that two replays in a row do not double the pace.
start AS MATERIALIZED (
    SELECT greatest(now(), max(run_after) + $3::interval) AS at
    FROM upload_pipeline.upload_jobs
    WHERE tenant_id = $2 AND state IN ('queued', 'retryable') AND replay_count > 0
),
-- In the order in which they were asked for. The caller holds the documents (lock_documents_of), so
-- no next generation takes a place after this.
chosen AS MATERIALIZED (
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
