-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-schema
-- Why: back to documents and jobs. Every chunk and vector is lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
DROP TABLE upload_pipeline.document_vector_buffer;
DROP TABLE upload_pipeline.document_chunks;
DROP TABLE upload_pipeline.embedding_models;
DROP FUNCTION upload_pipeline.chunk_words(uuid, text);
