-- Why: the jobs of a provider batch that is over are found without looking at all, and the checks of
-- 0021 hold for every row. Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_batched
ON upload_pipeline.upload_jobs (provider_batch_id)
WHERE state = 'waiting' AND wait_reason = 'batch';
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_lane_check;
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_wait_reason_check;
ALTER TABLE upload_pipeline.workers VALIDATE CONSTRAINT workers_lane_check;
ALTER TABLE upload_pipeline.provider_calls VALIDATE CONSTRAINT provider_calls_lane_check;
