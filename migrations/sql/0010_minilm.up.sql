-- revision: 0010, after: 0009, works from: 0001
-- Why: the vector space of the local model minilm. Its index is made here only while there are no
-- chunks, because that locks them; otherwise 'ingest model move' builds it, which locks nothing.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

INSERT INTO upload_pipeline.embedding_models
(embed_model, embed_version, dimension, index_kind, index_name)
VALUES
('all-minilm-l6-v2', '1', 384, 'halfvec', 'idx_hnsw_chunks_aml6_v1');

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM upload_pipeline.document_chunks) THEN
        CREATE INDEX idx_hnsw_chunks_aml6_v1 ON upload_pipeline.document_chunks
        USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)
        WHERE embed_model = 'all-minilm-l6-v2' AND embed_version = '1';
    END IF;
END
$$;
