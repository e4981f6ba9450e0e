-- Undoes 0023. Documents whose bytes were never fetched go, or back to the bytes that they had; the
-- next backfill takes them in again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '6h';

UPDATE upload_pipeline.upload_jobs AS j SET state = 'cancelled'
FROM upload_pipeline.documents AS d
WHERE d.document_id = j.document_id AND d.raw_key IS NULL AND j.finished_at IS NULL;
DELETE FROM upload_pipeline.documents WHERE raw_key IS NULL AND live_generation = 0;
UPDATE upload_pipeline.documents AS d
SET raw_key = had.key, file_sha256 = split_part(had.key, '/', 4)
FROM upload_pipeline.documents AS same
CROSS JOIN LATERAL (
    SELECT k.key FROM unnest(same.retired_keys) WITH ORDINALITY AS k (key, place)
    WHERE k.key LIKE '%/raw/%' ORDER BY k.place DESC LIMIT 1
) AS had
WHERE same.document_id = d.document_id AND d.raw_key IS NULL;
UPDATE upload_pipeline.upload_jobs AS j SET file_sha256 = d.file_sha256
FROM upload_pipeline.documents AS d
WHERE d.document_id = j.document_id AND j.file_sha256 IS NULL;

ALTER TABLE upload_pipeline.documents
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT documents_text_is_of_bytes,
-- squawk-ignore adding-not-nullable-field
ALTER COLUMN file_sha256 SET NOT NULL,
-- squawk-ignore adding-not-nullable-field
ALTER COLUMN raw_key SET NOT NULL;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE upload_pipeline.upload_jobs ALTER COLUMN file_sha256 SET NOT NULL;
