-- Undoes 0025; where documents came from is forgotten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.documents DROP COLUMN source_path;
