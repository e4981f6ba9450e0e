-- Undoes 0017; the next backfill reads everything again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.source_objects;
