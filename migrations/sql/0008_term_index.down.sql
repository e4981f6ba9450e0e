-- squawk-ignore-file require-concurrent-index-deletion, require-concurrent-index-creation
-- Why: back to the index on words as they are written.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '600s';

DROP INDEX upload_pipeline.idx_document_chunks_terms;
DROP INDEX upload_pipeline.idx_document_chunks_without_terms;
CREATE INDEX idx_document_chunks_words
ON upload_pipeline.document_chunks USING gin (upload_pipeline.chunk_words(tenant_id, text));
