-- name: stored_chunks
-- Chunk rows that these documents have already, of one model, published or not.
SELECT c.chunk_id, c.document_id
FROM upload_pipeline.document_chunks AS c
WHERE c.document_id = ANY($1::uuid[]) AND c.embed_model = $2 AND c.embed_version = $3;

-- name: embedded_before
-- A vector for each of the texts with digests ($2) that tenant $1 has one of, in the space ($3, $4): in
-- a chunk, or come in a provider batch and not in a chunk yet.
SELECT DISTINCT ON (e.digest) e.digest, e.embedding
FROM (
    SELECT c.chunk_sha AS digest, c.embedding FROM upload_pipeline.document_chunks AS c
    WHERE c.tenant_id = $1 AND c.chunk_sha = ANY($2::bytea[])
        AND c.embed_model = $3 AND c.embed_version = $4
    UNION ALL
    SELECT t.text_sha256, t.embedding FROM upload_pipeline.document_vector_buffer AS t
    WHERE t.tenant_id = $1 AND t.text_sha256 = ANY($2::bytea[])
        AND t.embed_model = $3 AND t.embed_version = $4 AND t.embedding IS NOT NULL
) AS e;

-- name: delete_unpublished
-- Rows of documents ($1) that were never visible and that the present attempts do not want; they
-- want ($2), in the vector space ($3, $4). With $5, other spaces keep their rows: for later.
DELETE FROM upload_pipeline.document_chunks AS c
USING upload_pipeline.documents AS d
WHERE c.document_id = ANY($1::uuid[]) AND d.document_id = c.document_id
    AND c.generation > d.live_generation
    AND (NOT $5 OR (c.embed_model = $3 AND c.embed_version = $4))
    AND NOT (
        c.embed_model = $3 AND c.embed_version = $4
        AND EXISTS (SELECT 1 FROM unnest($2::uuid[]) AS keep (chunk_id)
            WHERE keep.chunk_id = c.chunk_id)
    );

-- name: delete_superseded
-- Rows of a document's generations up to $2 that the new generation does not have; it has ($3), in
-- the vector space ($4, $5). With $6, other spaces keep their rows: for later. The space beside the one
-- that serves keeps what the new generation has.
DELETE FROM upload_pipeline.document_chunks AS c
WHERE c.document_id = $1 AND c.generation <= $2
    AND (NOT $6 OR (c.embed_model = $4 AND c.embed_version = $5))
    AND NOT (
        EXISTS (SELECT 1 FROM unnest($3::uuid[]) AS keep (chunk_id)
            WHERE keep.chunk_id = c.chunk_id)
        AND ((c.embed_model = $4 AND c.embed_version = $5) OR EXISTS (
            SELECT 1 FROM upload_pipeline.serving_spaces AS s
            WHERE s.tenant_id = c.tenant_id
                AND s.other_model = c.embed_model AND s.other_version = c.embed_version
        ))
    );

-- name: retained_chunks
-- What job $1 keeps of the rows that were there before it.
SELECT retained_chunks FROM upload_pipeline.upload_jobs WHERE job_id = $1;

-- name: move_retained
-- New places of rows whose text did not change; rows that did not move are not touched.
UPDATE upload_pipeline.document_chunks AS c
SET char_start = k.char_start, char_end = k.char_end, page = k.page,
    heading_path = k.heading_path
FROM jsonb_to_recordset($2::jsonb) AS k (
    chunk_id uuid, char_start integer, char_end integer, page integer, heading_path text []
)
WHERE c.document_id = $1 AND c.chunk_id = k.chunk_id
    AND c.embed_model = $3 AND c.embed_version = $4
    AND (c.char_start, c.char_end, c.page, c.heading_path)
    IS DISTINCT FROM (k.char_start, k.char_end, k.page, k.heading_path);

-- name: delete_stale
-- Rows that this transaction wrote for jobs whose lease is gone.
DELETE FROM upload_pipeline.document_chunks
WHERE document_id = ANY($1::uuid[]) AND chunk_id = ANY($2::uuid[])
    AND embed_model = $3 AND embed_version = $4;

-- name: create_arrivals
-- A private table for a batch that may meet rows which are there already.
CREATE TEMPORARY TABLE chunk_arrivals
(LIKE upload_pipeline.document_chunks INCLUDING DEFAULTS) ON COMMIT DROP;

-- name: insert_arrivals
-- What is new of the arrivals, for the documents ($1) that are still there; they stay until the end of
-- the transaction.
WITH present AS MATERIALIZED (
    SELECT document_id FROM upload_pipeline.documents
    WHERE document_id = ANY($1::uuid[]) ORDER BY document_id FOR KEY SHARE
)
INSERT INTO upload_pipeline.document_chunks
SELECT a.* FROM chunk_arrivals AS a INNER JOIN present AS p ON p.document_id = a.document_id
ON CONFLICT DO NOTHING
RETURNING document_id, chunk_id;

-- name: list_chunks
-- Published chunks of a document of a tenant, in order, from position $3.
SELECT
    c.chunk_id, c.chunk_ord, c.char_start, c.char_end, c.page, c.heading_path,
    c.token_count, c.context, c.text, c.embed_model, c.embed_version
FROM upload_pipeline.document_chunks AS c
INNER JOIN upload_pipeline.documents AS d
    ON d.document_id = c.document_id AND c.generation <= d.live_generation
    AND coalesce(c.embed_model = d.embed_model AND c.embed_version = d.embed_version, true)
WHERE c.document_id = $1 AND d.tenant_id = $2 AND c.chunk_ord >= $3
ORDER BY c.chunk_ord LIMIT $4;

-- name: set_up_search
-- The present transaction searches for tenant $1, unless it acts for one.
SELECT
    set_config('ingest.tenant', coalesce(
        nullif(current_setting('ingest.tenant', true), ''), $1::uuid::text
    ), true);
