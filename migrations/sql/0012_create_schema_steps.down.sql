-- Undoes 0012: newer schemas are refused again, whatever their steps.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.schema_steps;
