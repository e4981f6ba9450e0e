-- squawk-ignore-file ban-drop-table, ban-drop-function
-- Why: back to documents and jobs. Every chunk and vector is lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP FUNCTION upload_pipeline.hold_serving_space(uuid, text, text);
DROP FUNCTION upload_pipeline.serving_space_of(uuid);
DROP TABLE upload_pipeline.serving_spaces;
DROP TABLE upload_pipeline.document_chunks;
DROP TABLE upload_pipeline.embedding_models;
DROP FUNCTION upload_pipeline.chunk_words(uuid, text);
