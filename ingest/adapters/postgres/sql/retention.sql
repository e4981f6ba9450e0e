-- name: prune_events
-- Of the $2 events after $1, remove those of jobs that are gone or were published $3 ago, or that
-- failed or were cancelled $4 ago; how far that went, whether there are older ones, how many went.
WITH
-- By event_id, which is the order of time: no index on time is needed.
batch AS MATERIALIZED (
    SELECT event_id, job_id, at FROM upload_pipeline.events
    WHERE event_id > $1 ORDER BY event_id LIMIT $2
),
gone AS (
    DELETE FROM upload_pipeline.events AS e
    USING batch AS b
    LEFT JOIN upload_pipeline.upload_jobs AS j ON j.job_id = b.job_id
    WHERE e.event_id = b.event_id
        AND CASE
            WHEN j.job_id IS NULL THEN b.at < now() - $3::interval
            WHEN j.state = 'done' THEN j.finished_at < now() - $3::interval
            ELSE coalesce(j.finished_at < now() - $4::interval, false)
        END
    RETURNING e.event_id
)
SELECT
    (SELECT max(event_id) FROM batch) AS reached,
    coalesce(
        (SELECT max(at) < now() - least($3::interval, $4::interval) FROM batch), false
    ) AS goes_on,
    (SELECT count(*) FROM gone) AS pruned;

-- name: prune_webhooks
-- Remove up to $1 deliveries that came $2 ago, about parses that are over.
DELETE FROM upload_pipeline.webhook_log AS w
WHERE (w.provider, w.delivery_id) IN (
    SELECT old.provider, old.delivery_id FROM upload_pipeline.webhook_log AS old
    WHERE old.received_at < now() - $2::interval
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.parse_jobs AS p
            WHERE p.parse_job_id = old.parse_job_id AND p.status IN ('submitting', 'submitted')
        )
    ORDER BY old.received_at LIMIT $1
)
RETURNING w.delivery_id;

-- name: prune_parses
-- Remove up to $1 parses that failed $2 ago and that no job waits for. Those that gave a text stay as
-- long as the content they are of: it is not paid for again.
DELETE FROM upload_pipeline.parse_jobs AS p
WHERE p.parse_job_id IN (
    SELECT old.parse_job_id FROM upload_pipeline.parse_jobs AS old
    WHERE old.status = 'failed' AND old.ended_at < now() - $2::interval
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS j
            WHERE j.parse_job_id = old.parse_job_id AND j.state = 'waiting'
        )
    ORDER BY old.ended_at LIMIT $1
)
RETURNING p.parse_job_id;
