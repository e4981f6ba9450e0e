-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-schema
-- Why: back to the pipeline's tables. Every API key is lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
DROP TABLE upload_pipeline.webhook_log;
DROP TABLE upload_pipeline.workers;
DROP TABLE upload_pipeline.api_keys;
