-- name: count_vectors
-- How many chunks there are, as of the table's last ANALYZE; 0 before its first.
SELECT greatest(reltuples, 0)::bigint
FROM pg_class WHERE oid = 'upload_pipeline.document_chunks'::regclass;

-- name: create_sample
CREATE TEMPORARY TABLE index_sample (
    chunk_id uuid, tenant_id uuid, embedding vector({dimension})
) ON COMMIT DROP;

-- name: fill_sample
-- Up to $4 vectors of a model, from $3 per cent of the table's pages.
INSERT INTO index_sample
SELECT chunk_id, tenant_id, embedding FROM upload_pipeline.document_chunks TABLESAMPLE SYSTEM ($3)
WHERE embed_model = $1 AND embed_version = $2
LIMIT $4;

-- name: hold_out
-- Take $1 chunks of space ($2, $3) out of the sample, to make questions of; nothing else of them is
-- searched.
WITH held_out AS (
    DELETE FROM index_sample
    WHERE chunk_id IN (SELECT chunk_id FROM index_sample ORDER BY md5(chunk_id::text) LIMIT $1)
    RETURNING chunk_id, tenant_id, embedding
)
SELECT h.tenant_id, h.embedding, c.text
FROM held_out AS h
INNER JOIN upload_pipeline.document_chunks AS c
    ON c.chunk_id = h.chunk_id AND c.embed_model = $2 AND c.embed_version = $3;

-- name: count_sample
SELECT count(*) FROM index_sample;

-- name: create_halfvec_index
CREATE INDEX index_sample_halfvec ON index_sample
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)
WITH (ef_construction = {ef_construction});

-- name: create_bit_index
CREATE INDEX index_sample_bit ON index_sample
USING hnsw ((binary_quantize(embedding)::bit({dimension})) bit_hamming_ops)
WITH (ef_construction = {ef_construction});

-- name: drop_index
DROP INDEX index_sample_{kind};

-- name: size_index
SELECT pg_relation_size(to_regclass('index_sample_' || $1::text));

-- name: search_exactly
-- As document_chunks are searched: the vectors as they are stored, for which there is no index.
SELECT 1 - (embedding <=> $1) AS score FROM index_sample WHERE tenant_id = $2
ORDER BY embedding <=> $1 LIMIT $3;

-- name: search_halfvec
SELECT 1 - (embedding <=> $1::vector({dimension})) AS score FROM index_sample WHERE tenant_id = $2
ORDER BY embedding::halfvec({dimension}) <=> $1::halfvec({dimension}) LIMIT $3;

-- name: search_bit
-- As document_chunks are searched: $4 candidates by sign bits, re-ranked with the exact vectors.
WITH nearest AS MATERIALIZED (
    SELECT embedding FROM index_sample WHERE tenant_id = $2
    ORDER BY
        binary_quantize(embedding)::bit({dimension}) <~> binary_quantize($1::vector({dimension}))
    LIMIT $4
)
SELECT 1 - (embedding <=> $1::vector({dimension})) AS score
FROM nearest ORDER BY embedding <=> $1::vector({dimension}) LIMIT $3;
