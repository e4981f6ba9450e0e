-- Older code knows no scopes and no ends: keys that are not for reading and writing without an end
-- would allow more than they did, so they are revoked.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

UPDATE upload_pipeline.api_keys SET revoked_at = now()
WHERE revoked_at IS NULL AND (expires_at IS NOT NULL OR NOT scopes @> ARRAY['read', 'write']);
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.api_keys DROP COLUMN scopes, DROP COLUMN expires_at;
