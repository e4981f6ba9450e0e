-- name: log_delivery
-- A delivery $1 of provider $2, from $5, about parse $6, with digest $3 and verdict $4; nothing when
-- its id is known.
INSERT INTO upload_pipeline.webhook_log
(delivery_id, provider, body_sha256, verdict, source, parse_job_id)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING delivery_id;
