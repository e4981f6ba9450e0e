-- revision: 0011, after: 0010, works from: 0001, outside a transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- squawk-ignore-file require-statement-timeout, prefer-robust-stmts, ban-drop-constraint
-- squawk-ignore-file constraint-missing-not-valid
-- Why: what a parser left out, or could not read for sure, is kept with the text of a document. Locks
-- documents twice for a moment; no row is rewritten, and rows are checked and indexed while others write.
-- Code from before goes on writing. A document that it parses again keeps the warnings of the text
-- before, until newer code parses it.
SET lock_timeout = '5s';
ALTER TABLE upload_pipeline.documents
ADD COLUMN IF NOT EXISTS parse_warnings jsonb NOT NULL DEFAULT '[]';
-- What a run that was cut short left behind goes first.
ALTER TABLE upload_pipeline.documents DROP CONSTRAINT IF EXISTS documents_parse_warnings_check;
-- [{code, message}, …] of the text at parsed_key.
ALTER TABLE upload_pipeline.documents
ADD CONSTRAINT documents_parse_warnings_check CHECK (jsonb_typeof(parse_warnings) = 'array') NOT VALID;
ALTER TABLE upload_pipeline.documents VALIDATE CONSTRAINT documents_parse_warnings_check;
RESET lock_timeout;
-- Serves the list of a tenant's documents that have warnings.
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_documents_warned;
CREATE INDEX CONCURRENTLY idx_documents_warned
ON upload_pipeline.documents (tenant_id, created_at DESC, document_id) WHERE parse_warnings <> '[]';
