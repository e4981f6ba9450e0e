-- name: get_model
-- One vector space and how it is indexed.
SELECT embed_model, embed_version, dimension, index_kind, index_name
FROM upload_pipeline.embedding_models WHERE embed_model = $1 AND embed_version = $2;

-- name: set_index_kind
-- Search follows this from the next query on.
UPDATE upload_pipeline.embedding_models SET index_kind = $3
WHERE embed_model = $1 AND embed_version = $2;

-- name: create_halfvec_index
CREATE INDEX CONCURRENTLY {index} ON upload_pipeline.document_chunks
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)
WHERE embed_model = {model} AND embed_version = {version};

-- name: create_bit_index
CREATE INDEX CONCURRENTLY {index} ON upload_pipeline.document_chunks
USING hnsw ((binary_quantize(embedding)::bit({dimension})) bit_hamming_ops)
WHERE embed_model = {model} AND embed_version = {version};

-- name: drop_index
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.{index};

-- name: rename_index
ALTER INDEX upload_pipeline.{index} RENAME TO {name};
