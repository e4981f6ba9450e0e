-- Why: jobs that wait for a provider, a budget or a parse are woken when they are due.
-- Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_wake
ON upload_pipeline.upload_jobs (wait_reason, run_after) WHERE state = 'waiting';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_parse
ON upload_pipeline.upload_jobs (parse_job_id)
WHERE state = 'waiting' AND parse_job_id IS NOT NULL;
