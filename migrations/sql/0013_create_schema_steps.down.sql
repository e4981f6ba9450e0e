-- Undoes 0013: newer schemas are refused again, whatever their steps.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE upload_pipeline.schema_steps;
