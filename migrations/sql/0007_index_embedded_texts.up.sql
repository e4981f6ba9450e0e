-- Why: a text that a paid model has embedded for a tenant is not paid for again.
-- Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_document_chunks_texts_te3s_v1
ON upload_pipeline.document_chunks (tenant_id, chunk_sha)
WHERE embed_model = 'text-embedding-3-small' AND embed_version = '1';
