-- name: get_model
-- One vector space and how it is indexed.
SELECT embed_model, embed_version, dimension, index_kind, ef_construction, index_name
FROM upload_pipeline.embedding_models WHERE embed_model = $1 AND embed_version = $2;

-- name: list_models
-- Every vector space that chunks may be stored in.
SELECT embed_model, embed_version FROM upload_pipeline.embedding_models;

-- name: add_model
-- A vector space ($1, $2) of dimension $3, and the name that its index will have.
INSERT INTO upload_pipeline.embedding_models (embed_model, embed_version, dimension, index_name)
VALUES ($1, $2, $3, $4) ON CONFLICT (embed_model, embed_version) DO NOTHING;

-- name: set_index_kind
-- Search follows this from the next query on.
UPDATE upload_pipeline.embedding_models SET index_kind = $3, ef_construction = $4
WHERE embed_model = $1 AND embed_version = $2;

-- name: measure_again
-- An index of space ($1, $2) was built: what was measured holds until it is measured again, at once.
UPDATE upload_pipeline.search_recall SET measured_at = NULL
WHERE embed_model = $1 AND embed_version = $2;

-- name: raise_build_memory
-- From here on this session builds indexes with $1 kB of memory, or what the server gives, if it is more.
SELECT set_config(
    'maintenance_work_mem',
    greatest($1::bigint, pg_size_bytes(current_setting('maintenance_work_mem')) / 1024) || 'kB',
    false
);

-- name: reset_build_memory
-- As the server has it.
RESET maintenance_work_mem;

-- name: create_halfvec_index
CREATE INDEX CONCURRENTLY {index} ON upload_pipeline.document_chunks
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)
WITH (ef_construction = {ef_construction})
WHERE embed_model = {model} AND embed_version = {version};

-- name: create_bit_index
CREATE INDEX CONCURRENTLY {index} ON upload_pipeline.document_chunks
USING hnsw ((binary_quantize(embedding)::bit({dimension})) bit_hamming_ops)
WITH (ef_construction = {ef_construction})
WHERE embed_model = {model} AND embed_version = {version};

-- name: drop_index
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.{index};

-- name: rename_index
ALTER INDEX upload_pipeline.{index} RENAME TO {name};

-- name: list_spaces
-- Every vector space, its index if there is one, and whether that can be used.
SELECT
    m.embed_model, m.embed_version, m.dimension, m.index_kind, m.ef_construction,
    pg_relation_size(i.indexrelid) AS bytes, coalesce(i.indisvalid, false) AS usable,
    greatest(c.reltuples, 0)::bigint AS vectors,
    m.ef_search, r.measured, r.exact, r.mean_recall, r.worst_recall
FROM upload_pipeline.embedding_models AS m
LEFT JOIN pg_index AS i
    ON i.indexrelid = to_regclass(format('upload_pipeline.%I', m.index_name))
LEFT JOIN pg_class AS c ON c.oid = i.indexrelid
CROSS JOIN LATERAL (
    SELECT
        count(*) AS measured, count(*) FILTER (WHERE is_exact) AS exact,
        avg(CASE WHEN is_exact THEN 1 ELSE recall END) AS mean_recall,
        min(CASE WHEN is_exact THEN 1 ELSE recall END) AS worst_recall
    FROM upload_pipeline.search_recall
    WHERE embed_model = m.embed_model AND embed_version = m.embed_version
) AS r
ORDER BY m.embed_model, m.embed_version;

-- name: count_stored
-- Chunks in space ($1, $2), counted up to $3.
SELECT count(*) FROM (
    SELECT FROM upload_pipeline.document_chunks
    WHERE embed_model = $1 AND embed_version = $2 LIMIT $3
) AS counted;

-- name: watch_build
-- How far the index builds on the chunks have come.
SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total
FROM pg_stat_progress_create_index
WHERE relid = 'upload_pipeline.document_chunks'::regclass AND datname = current_database();
