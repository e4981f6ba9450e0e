-- name: insert_key
-- A new key of tenant $2, by its digest $4, that allows $5 and ends at $6.
INSERT INTO upload_pipeline.api_keys (key_id, tenant_id, label, key_sha256, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: find_key
-- The tenant of a valid key, and what the key allows.
SELECT tenant_id, scopes FROM upload_pipeline.api_keys
WHERE key_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: list_keys
-- Every key, newest first.
SELECT
    key_id, tenant_id, label, scopes, created_at, expires_at, revoked_at,
    revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS valid
FROM upload_pipeline.api_keys ORDER BY created_at DESC;

-- name: revoke_key
-- From now on the key is refused; whose it was.
UPDATE upload_pipeline.api_keys SET revoked_at = now()
WHERE key_id = $1 AND revoked_at IS NULL RETURNING tenant_id;
