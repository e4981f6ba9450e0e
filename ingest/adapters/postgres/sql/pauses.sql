-- name: put_pause
-- Stop $2 of kind $1, with the note $3; nothing when it is stopped already.
INSERT INTO upload_pipeline.pauses (kind, subject, note) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING kind;

-- name: lift_pause
-- Let $2 of kind $1 go on.
DELETE FROM upload_pipeline.pauses WHERE kind = $1 AND subject = $2 RETURNING kind;

-- name: list_pauses
-- Everything that is stopped, the oldest first.
SELECT kind, subject, note, paused_at FROM upload_pipeline.pauses
ORDER BY paused_at, kind, subject;
