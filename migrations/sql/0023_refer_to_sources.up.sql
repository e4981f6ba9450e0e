-- Why: a document can be registered by where its bytes are, before they are here. The constraint is
-- not checked for rows that are there: they have bytes. Nothing is locked for long.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- NULL until the bytes of the newest generation are stored; its job has to fetch them.
ALTER TABLE upload_pipeline.documents
-- squawk-ignore ban-drop-not-null
ALTER COLUMN file_sha256 DROP NOT NULL,
-- squawk-ignore ban-drop-not-null
ALTER COLUMN raw_key DROP NOT NULL,
ADD CONSTRAINT documents_text_is_of_bytes CHECK (
    (raw_key IS NULL) = (file_sha256 IS NULL) AND (raw_key IS NOT NULL OR parsed_key IS NULL)
) NOT VALID;
-- squawk-ignore ban-drop-not-null
ALTER TABLE upload_pipeline.upload_jobs ALTER COLUMN file_sha256 DROP NOT NULL;
