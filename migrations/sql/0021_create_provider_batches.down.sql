-- Undoes 0021. Batches at their provider are forgotten, and what they cost is lost; their jobs go on
-- in the lane backfill.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

UPDATE upload_pipeline.upload_jobs SET state = 'queued', run_after = now()
WHERE state = 'waiting' AND wait_reason = 'batch';
UPDATE upload_pipeline.upload_jobs SET lane = 'backfill' WHERE lane = 'batch';
UPDATE upload_pipeline.workers SET lane = 'backfill' WHERE lane = 'batch';
UPDATE upload_pipeline.provider_calls SET lane = 'backfill' WHERE lane = 'batch';
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.upload_jobs DROP CONSTRAINT upload_jobs_lane_check;
ALTER TABLE upload_pipeline.upload_jobs ADD CONSTRAINT upload_jobs_lane_check
CHECK (lane IN ('interactive', 'backfill')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_lane_check;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.upload_jobs DROP CONSTRAINT upload_jobs_wait_reason_check;
ALTER TABLE upload_pipeline.upload_jobs ADD CONSTRAINT upload_jobs_wait_reason_check
CHECK (wait_reason IN ('provider', 'budget', 'paused', 'parse')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_wait_reason_check;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.workers DROP CONSTRAINT workers_lane_check;
ALTER TABLE upload_pipeline.workers ADD CONSTRAINT workers_lane_check
CHECK (lane IN ('interactive', 'backfill')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.workers VALIDATE CONSTRAINT workers_lane_check;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.provider_calls DROP CONSTRAINT provider_calls_lane_check;
ALTER TABLE upload_pipeline.provider_calls ADD CONSTRAINT provider_calls_lane_check
CHECK (lane IN ('interactive', 'backfill')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.provider_calls VALIDATE CONSTRAINT provider_calls_lane_check;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN provider_batch_id;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.provider_batch_texts;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.provider_batches;
