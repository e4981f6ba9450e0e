-- Parses under way are forgotten; jobs that wait for them go back to the queue.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

UPDATE upload_pipeline.upload_jobs SET state = 'queued', stage = 'queued'
WHERE state = 'waiting' AND wait_reason = 'parse';
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.upload_jobs DROP CONSTRAINT upload_jobs_wait_reason_check;
ALTER TABLE upload_pipeline.upload_jobs
ADD CONSTRAINT upload_jobs_wait_reason_check
CHECK (wait_reason IN ('provider', 'budget', 'paused')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_wait_reason_check;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN skipped_chunks;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN parse_job_id;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.parse_jobs;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.webhook_log DROP COLUMN parse_job_id;
ALTER TABLE upload_pipeline.webhook_log ADD COLUMN job_id uuid;
