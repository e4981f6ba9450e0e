-- Pauses are lifted, and how often jobs were replayed is forgotten.
-- Runs outside a transaction and can be run again where it stopped.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_parse_jobs_parsed_key;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_documents_parsed_key;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_parse_jobs_failed;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_webhook_log_received;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_upload_jobs_published;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_upload_jobs_replayed;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN IF EXISTS replay_count;
-- squawk-ignore ban-drop-table
DROP TABLE IF EXISTS upload_pipeline.pauses;
