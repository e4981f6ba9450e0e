-- squawk-ignore-file require-concurrent-index-deletion
-- Why: back to the spaces before. Every vector of minilm is lost, and who it serves is served by the
-- model of the settings.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP INDEX IF EXISTS upload_pipeline.idx_hnsw_chunks_aml6_v1;
DELETE FROM upload_pipeline.serving_spaces
WHERE embed_model = 'all-minilm-l6-v2' AND embed_version = '1';
UPDATE upload_pipeline.serving_spaces SET other_model = NULL, other_version = NULL
WHERE other_model = 'all-minilm-l6-v2' AND other_version = '1';
DELETE FROM upload_pipeline.document_chunks
WHERE embed_model = 'all-minilm-l6-v2' AND embed_version = '1';
DELETE FROM upload_pipeline.embedding_models
WHERE embed_model = 'all-minilm-l6-v2' AND embed_version = '1';
