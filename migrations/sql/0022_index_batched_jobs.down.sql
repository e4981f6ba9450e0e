-- Undoes 0022; the checks are as 0021 left them once it is undone, too.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_upload_jobs_batched;
ALTER TABLE upload_pipeline.upload_jobs
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT upload_jobs_lane_check,
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT upload_jobs_wait_reason_check,
ADD CONSTRAINT upload_jobs_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID,
ADD CONSTRAINT upload_jobs_wait_reason_check
CHECK (wait_reason IN ('provider', 'budget', 'paused', 'parse', 'batch')) NOT VALID;
ALTER TABLE upload_pipeline.workers
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT workers_lane_check,
ADD CONSTRAINT workers_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID;
ALTER TABLE upload_pipeline.provider_calls
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT provider_calls_lane_check,
ADD CONSTRAINT provider_calls_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID;
