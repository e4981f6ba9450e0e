-- revision: 0008, after: 0007, works from: 0001, outside a transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- squawk-ignore-file require-lock-timeout, require-statement-timeout, prefer-robust-stmts
-- Why: the index of lexical search, on the terms that the application makes, instead of the one on
-- words as they are written. Neither locks the table. Code from before searches by words without an
-- index from here on.
-- What a run that was cut short left behind goes first: such an index is not valid.
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_document_chunks_terms;
CREATE INDEX CONCURRENTLY idx_document_chunks_terms
ON upload_pipeline.document_chunks USING gin (terms);
-- Serves the duty that adds terms to rows from before.
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_document_chunks_without_terms;
CREATE INDEX CONCURRENTLY idx_document_chunks_without_terms
ON upload_pipeline.document_chunks (document_id) WHERE terms IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_document_chunks_words;
