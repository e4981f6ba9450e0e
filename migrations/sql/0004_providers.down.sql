-- squawk-ignore-file ban-drop-table, ban-drop-function
-- Why: back to documents, jobs and chunks. What was spent and what providers work on is forgotten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE upload_pipeline.document_vector_buffer;
DROP TABLE upload_pipeline.provider_batches;
DROP TABLE upload_pipeline.webhook_log;
DROP TABLE upload_pipeline.parse_jobs;
DROP FUNCTION upload_pipeline.end_calls(uuid [], text, bigint, integer, numeric, text, text);
DROP FUNCTION upload_pipeline.reserve_call(
    uuid, uuid, text, text, text, text, text, interval, bigint, numeric
);
DROP FUNCTION upload_pipeline.period_start(text, date);
DROP TABLE upload_pipeline.provider_calls;
DROP TABLE upload_pipeline.spending;
DROP TABLE upload_pipeline.budgets;
