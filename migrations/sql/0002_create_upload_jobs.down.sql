-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-schema
-- Why: back to documents alone. Every job and its history is lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
DROP TABLE upload_pipeline.events;
DROP TABLE upload_pipeline.upload_jobs;
DROP FUNCTION upload_pipeline.record_job_changes();
DROP FUNCTION upload_pipeline.guard_job_change();
DROP FUNCTION upload_pipeline.stage_at(integer);
DROP FUNCTION upload_pipeline.stage_ordinal(text);
