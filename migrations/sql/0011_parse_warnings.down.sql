-- squawk-ignore-file ban-drop-column, require-concurrent-index-deletion
-- Why: back to documents of which nobody knows what was left out. All warnings are lost.
SET lock_timeout = '5s';
SET statement_timeout = '60s';
DROP INDEX IF EXISTS upload_pipeline.idx_documents_warned;
ALTER TABLE upload_pipeline.documents DROP COLUMN IF EXISTS parse_warnings;
RESET statement_timeout;
RESET lock_timeout;
