-- Undoes 0024; indexes stay as they were built.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.embedding_models DROP COLUMN ef_construction;
