-- name: register_worker
-- A stream begins.
INSERT INTO upload_pipeline.workers (worker_id, lane, host, pid, version)
VALUES ($1, $2, $3, $4, $5);

-- name: beat_worker
-- A stream is alive, whoever took it for dead; says whether it is asked to drain.
UPDATE upload_pipeline.workers SET heartbeat_at = now(), stopped_at = NULL
WHERE worker_id = $1
RETURNING draining;

-- name: drain_worker
-- Ask a stream to stop claiming and finish what it holds.
UPDATE upload_pipeline.workers SET draining = true WHERE worker_id = $1;

-- name: stop_worker
-- A stream ended.
UPDATE upload_pipeline.workers SET stopped_at = now() WHERE worker_id = $1;

-- name: list_workers
-- Streams that are running, and when each was last heard of.
SELECT
    worker_id, lane, host, pid, version, started_at, draining,
    extract(EPOCH FROM now() - heartbeat_at)::float8 AS silent_seconds
FROM upload_pipeline.workers
WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '1 hour'
ORDER BY started_at;
