-- Why: a limit on a tenant's unfinished jobs counts them with each upload.
-- Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_unfinished
ON upload_pipeline.upload_jobs (tenant_id) WHERE finished_at IS NULL;
