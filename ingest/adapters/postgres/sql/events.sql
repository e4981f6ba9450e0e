-- name: list_events
-- History of a job of a tenant after event $3, in order.
SELECT
    event_id, at, from_stage, stage, from_state, state, attempt, worker_id, correlation_id, error
FROM upload_pipeline.events
WHERE job_id = $1 AND tenant_id = $2 AND event_id > $3
ORDER BY event_id LIMIT $4;
