-- squawk-ignore-file ban-drop-table, ban-drop-column
-- Why: back to an index that is searched with one setting for all. The measurements and the vectors
-- of questions are lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE upload_pipeline.search_recall;
DROP TABLE upload_pipeline.asked_vectors;
ALTER TABLE upload_pipeline.embedding_models DROP COLUMN ef_search;
ALTER TABLE upload_pipeline.document_chunks ALTER COLUMN embedding SET STORAGE EXTERNAL;
