-- name: how_to_search
-- How tenant $3 is searched in space ($1, $2), and whether an index can be used. While an index is
-- rebuilt there are two, and for a moment the new one still has a name of its own.
SELECT
    m.dimension, m.index_kind, coalesce(r.ef_search, m.ef_search) AS ef_search,
    coalesce(r.is_exact, false) AS is_exact, r.tenant_id IS NOT NULL AS is_measured,
    EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indisvalid AND i.indexrelid IN (
            to_regclass(format('upload_pipeline.%I', m.index_name)),
            to_regclass(format('upload_pipeline.%I', m.index_name || '_' || m.index_kind))
        )
    ) AS has_index
FROM upload_pipeline.embedding_models AS m
LEFT JOIN upload_pipeline.search_recall AS r
    ON r.tenant_id = $3 AND r.embed_model = m.embed_model AND r.embed_version = m.embed_version
WHERE m.embed_model = $1 AND m.embed_version = $2;

-- name: count_of_tenant
-- Documents that search of tenant $1 compares with in space ($2, $3), and their chunks: of more than
-- $4 documents, $4. Each has a chunk.
SELECT count(*) AS documents, coalesce(sum(chunk_count), 0)::bigint AS chunks
FROM (
    SELECT chunk_count FROM upload_pipeline.documents
    WHERE tenant_id = $1 AND live_generation > 0
        AND coalesce(embed_model = $2 AND embed_version = $3, true)
    LIMIT $4
) AS counted;

-- name: count_of_documents
-- The same of documents ($5) alone.
SELECT count(*) AS documents, coalesce(sum(chunk_count), 0)::bigint AS chunks
FROM (
    SELECT chunk_count FROM upload_pipeline.documents
    WHERE tenant_id = $1 AND live_generation > 0
        AND coalesce(embed_model = $2 AND embed_version = $3, true)
        AND document_id = ANY($5::uuid[])
    LIMIT $4
) AS counted;

-- name: search_exactly
-- The $5 published chunks of tenant $2 in space ($3, $4) nearest to vector $1, compared one by one.
-- OFFSET 0 keeps the order: a tenant's documents, then the chunks of each by their index; coalesce
-- hides other conditions from other indexes. No index of vectors fits, because the vectors are compared
-- as they are stored.
WITH nearest AS MATERIALIZED (
    SELECT near.chunk_id, near.distance
    FROM upload_pipeline.documents AS d
    CROSS JOIN LATERAL (
        SELECT c.chunk_id, c.embedding <=> $1::vector AS distance
        FROM upload_pipeline.document_chunks AS c
        WHERE c.document_id = d.document_id AND c.generation <= d.live_generation
            AND coalesce(c.tenant_id = $2 AND c.embed_model = $3 AND c.embed_version = $4, false)
        OFFSET 0
    ) AS near
    WHERE d.tenant_id = $2 AND d.live_generation > 0
        AND coalesce(d.embed_model = $3 AND d.embed_version = $4, true)
    ORDER BY near.distance LIMIT $5
)
SELECT chunk_id, 1 - distance AS score FROM nearest ORDER BY distance;

-- name: search_documents_exactly
-- The same within documents ($6).
WITH nearest AS MATERIALIZED (
    SELECT near.chunk_id, near.distance
    FROM upload_pipeline.documents AS d
    CROSS JOIN LATERAL (
        SELECT c.chunk_id, c.embedding <=> $1::vector AS distance
        FROM upload_pipeline.document_chunks AS c
        WHERE c.document_id = d.document_id AND c.generation <= d.live_generation
            AND coalesce(c.tenant_id = $2 AND c.embed_model = $3 AND c.embed_version = $4, false)
        OFFSET 0
    ) AS near
    WHERE d.document_id = ANY($6::uuid[]) AND d.tenant_id = $2 AND d.live_generation > 0
        AND coalesce(d.embed_model = $3 AND d.embed_version = $4, true)
    ORDER BY near.distance LIMIT $5
)
SELECT chunk_id, 1 - distance AS score FROM nearest ORDER BY distance;

-- name: search_halfvec
-- The $5 published chunks of tenant $2 nearest to vector $1, by the HNSW index of the model. Whether
-- a chunk is published is asked for one after the other (OFFSET 0): otherwise the planner may begin
-- with the tenant's documents, and sort all their chunks.
SELECT
    c.chunk_id,
    1 - (c.embedding <=> $1::vector({dimension})) AS score
FROM upload_pipeline.document_chunks AS c
CROSS JOIN LATERAL (
    SELECT FROM upload_pipeline.documents
    WHERE document_id = c.document_id AND c.generation <= live_generation
        AND coalesce(embed_model = $3 AND embed_version = $4, true)
    OFFSET 0
) AS d
WHERE c.tenant_id = $2 AND c.embed_model = $3 AND c.embed_version = $4
    AND ($6::uuid[] IS NULL OR c.document_id = ANY($6))
ORDER BY c.embedding::halfvec({dimension}) <=> $1::halfvec({dimension}) LIMIT $5;

-- name: search_bit
-- The same by sign bits: $7 candidates from the index, re-ranked with the exact vectors.
WITH nearest AS MATERIALIZED (
    SELECT c.chunk_id, c.embedding
    FROM upload_pipeline.document_chunks AS c
    CROSS JOIN LATERAL (
        SELECT FROM upload_pipeline.documents
        WHERE document_id = c.document_id AND c.generation <= live_generation
            AND coalesce(embed_model = $3 AND embed_version = $4, true)
        OFFSET 0
    ) AS d
    WHERE c.tenant_id = $2 AND c.embed_model = $3 AND c.embed_version = $4
        AND ($6::uuid[] IS NULL OR c.document_id = ANY($6))
    ORDER BY
        binary_quantize(c.embedding)::bit({dimension})
        <~> binary_quantize($1::vector({dimension}))
    LIMIT $7
)
SELECT
    chunk_id,
    1 - (embedding <=> $1::vector({dimension})) AS score
FROM nearest ORDER BY embedding <=> $1::vector({dimension}) LIMIT $5;

-- name: set_up_index_search
-- How the present transaction searches an index: $1 candidates, and at most $2 rows for a filter.
SELECT
    set_config('hnsw.ef_search', $1::text, true),
    set_config('hnsw.iterative_scan', 'strict_order', true),
    set_config('hnsw.max_scan_tuples', $2::text, true);

-- name: set_time_limit
-- Statements of the present transaction end after $1 milliseconds; 0: never.
SELECT set_config('statement_timeout', $1::text, true);
