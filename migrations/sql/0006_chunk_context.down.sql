-- squawk-ignore-file ban-drop-column
-- Why: back to chunks whose text alone is known. What was embedded with a context cannot be sent again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE upload_pipeline.document_chunks DROP COLUMN context;
