-- name: insert_key
-- A new key of a tenant, by its digest.
INSERT INTO upload_pipeline.api_keys (key_id, user_id, label, key_sha256) VALUES ($1, $2, $3, $4);

-- name: find_key
-- The tenant of a valid key.
SELECT user_id FROM upload_pipeline.api_keys WHERE key_sha256 = $1 AND revoked_at IS NULL;

-- name: list_keys
-- Every key, newest first.
SELECT key_id, user_id, label, created_at, revoked_at
FROM upload_pipeline.api_keys ORDER BY created_at DESC;

-- name: revoke_key
-- From now on the key is refused.
UPDATE upload_pipeline.api_keys SET revoked_at = now()
WHERE key_id = $1 AND revoked_at IS NULL RETURNING key_id;
