-- Why: the age of the oldest due job, jobs that are never due, and what is left of a tenant's lane are
-- found without looking at all. The index of 0016 is a part of the last one.
-- Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_due
ON upload_pipeline.upload_jobs (lane, run_after) WHERE state IN ('queued', 'retryable');
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_open
ON upload_pipeline.upload_jobs (tenant_id, lane) WHERE finished_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_upload_jobs_unfinished;
