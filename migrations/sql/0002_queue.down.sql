-- squawk-ignore-file ban-drop-table, ban-drop-function
-- Why: back to documents alone. Every job and its history is lost, and so are pauses and limits.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP FUNCTION upload_pipeline.admit_search(uuid, timestamptz);
DROP FUNCTION upload_pipeline.admit_upload(uuid, bigint, timestamptz);
DROP FUNCTION upload_pipeline.limits_of(uuid);
DROP TABLE upload_pipeline.tenant_searches;
DROP TABLE upload_pipeline.tenant_uploads;
DROP TABLE upload_pipeline.tenant_limits;
DROP TABLE upload_pipeline.pauses;
DROP TABLE upload_pipeline.maintenance_leases;
DROP TABLE upload_pipeline.workers;
DROP TRIGGER count_no_documents ON upload_pipeline.documents;
DROP TRIGGER count_removed_documents ON upload_pipeline.documents;
DROP TRIGGER count_changed_documents ON upload_pipeline.documents;
DROP TRIGGER count_new_documents ON upload_pipeline.documents;
DROP TABLE upload_pipeline.events;
DROP TABLE upload_pipeline.upload_jobs;
DROP FUNCTION upload_pipeline.count_documents();
DROP FUNCTION upload_pipeline.count_jobs();
DROP TABLE upload_pipeline.counters;
DROP FUNCTION upload_pipeline.record_job_changes();
DROP FUNCTION upload_pipeline.guard_job_change();
DROP FUNCTION upload_pipeline.durable_stage(text, boolean);
DROP FUNCTION upload_pipeline.further_stage(text, text);
DROP FUNCTION upload_pipeline.stage_at(integer);
DROP FUNCTION upload_pipeline.stage_ordinal(text);
DROP FUNCTION upload_pipeline.stages();
