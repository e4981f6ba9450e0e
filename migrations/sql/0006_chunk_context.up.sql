-- revision: 0006, after: 0005, works from: 0001
-- Why: what stands before a chunk's text when it is embedded, so that the same text can be sent again
-- at any time. Locks document_chunks for a moment; old rows keep NULL: their text was embedded as it is.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE upload_pipeline.document_chunks ADD COLUMN context text;
