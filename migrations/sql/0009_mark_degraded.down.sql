-- Degraded documents stay as they are; nothing says so any more.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
-- Rows of vector spaces that readers do not see would be seen again.
DELETE FROM upload_pipeline.document_chunks AS c
USING upload_pipeline.documents AS d
WHERE d.document_id = c.document_id
    AND (c.embed_model, c.embed_version) <> (d.embed_model, d.embed_version);
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN cause;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN degraded;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.documents DROP COLUMN embed_model;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.documents DROP COLUMN embed_version;
-- squawk-ignore ban-drop-column
ALTER TABLE upload_pipeline.documents DROP COLUMN degraded;
