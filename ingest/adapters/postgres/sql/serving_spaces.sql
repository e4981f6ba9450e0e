-- name: served_in
-- The label of the vector space that serves tenant $1; NULL: the settings'.
SELECT s.embed_model || '@' || s.embed_version
FROM upload_pipeline.serving_space_of($1::uuid) AS s;

-- name: serving_labels
-- Spaces that serve any tenant by a row.
SELECT DISTINCT embed_model || '@' || embed_version AS label FROM upload_pipeline.serving_spaces;

-- name: list_serving
-- Every tenant with documents, and those without that have a row: what serves them, what is beside it,
-- and how many published documents are in which space.
SELECT
    t.tenant_id, s.embed_model || '@' || s.embed_version AS serving,
    s.other_model || '@' || s.other_version AS other,
    coalesce((
        SELECT jsonb_object_agg(coalesce(n.space, ''), n.documents) FROM (
            SELECT d.embed_model || '@' || d.embed_version AS space, count(*) AS documents
            FROM upload_pipeline.documents AS d
            WHERE d.tenant_id = t.tenant_id AND d.live_generation > 0 GROUP BY 1
        ) AS n
    ), '{}') AS documents
FROM (
    SELECT tenant_id FROM upload_pipeline.documents
    UNION
    SELECT tenant_id FROM upload_pipeline.serving_spaces
) AS t
LEFT JOIN upload_pipeline.serving_spaces AS s ON s.tenant_id = t.tenant_id
ORDER BY t.tenant_id;

-- name: tenants_to_move
-- Tenants with a published document that ($1, $2) serves, or with a row that says so; without a row it
-- is as the common one says, or the settings ($3).
SELECT u.tenant_id FROM (
    SELECT DISTINCT tenant_id FROM upload_pipeline.documents WHERE live_generation > 0
    UNION
    SELECT tenant_id FROM upload_pipeline.serving_spaces
    WHERE tenant_id <> upload_pipeline.all_tenants()
) AS u
LEFT JOIN LATERAL upload_pipeline.serving_space_of(u.tenant_id) AS s ON true
WHERE coalesce((s.embed_model, s.embed_version) = ($1, $2), $3)
ORDER BY u.tenant_id;

-- name: begin_move
-- Rows of space ($4, $5) are kept from here on, beside those of ($2, $3), which serves tenant $1.
INSERT INTO upload_pipeline.serving_spaces
(tenant_id, embed_model, embed_version, other_model, other_version)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id) DO UPDATE SET other_model = $4, other_version = $5;

-- name: next_documents
-- The next $4 published documents of tenant $1 after page key ($2, $3).
SELECT document_id, created_at FROM upload_pipeline.documents
WHERE tenant_id = $1 AND live_generation > 0
    AND ($2::timestamptz IS NULL OR (created_at, document_id) > ($2, $3::uuid))
ORDER BY created_at, document_id LIMIT $4;

-- name: missing_vectors
-- Published chunks of documents ($1), in space ($2, $3), that have no vector in space ($4, $5) yet.
SELECT a.chunk_id, a.context, a.text, a.token_count, a.chunk_sha
FROM upload_pipeline.document_chunks AS a
INNER JOIN upload_pipeline.documents AS d ON d.document_id = a.document_id
WHERE a.document_id = ANY($1::uuid[]) AND a.embed_model = $2 AND a.embed_version = $3
    AND a.generation <= d.live_generation
    AND coalesce(d.embed_model = $2 AND d.embed_version = $3, true)
    AND NOT EXISTS (
        SELECT 1 FROM upload_pipeline.document_chunks AS b
        WHERE b.chunk_id = a.chunk_id AND b.embed_model = $4 AND b.embed_version = $5
    )
ORDER BY a.document_id, a.chunk_ord;

-- name: missing_of_tenant
-- Up to $6 of them, of all documents of tenant $1; without chunks $7.
SELECT a.chunk_id, a.context, a.text, a.token_count, a.chunk_sha
FROM upload_pipeline.document_chunks AS a
INNER JOIN upload_pipeline.documents AS d ON d.document_id = a.document_id
WHERE a.tenant_id = $1 AND a.embed_model = $2 AND a.embed_version = $3
    AND a.generation <= d.live_generation
    AND coalesce(d.embed_model = $2 AND d.embed_version = $3, true)
    AND a.chunk_id <> ALL($7::uuid[])
    AND NOT EXISTS (
        SELECT 1 FROM upload_pipeline.document_chunks AS b
        WHERE b.chunk_id = a.chunk_id AND b.embed_model = $4 AND b.embed_version = $5
    )
LIMIT $6;

-- name: count_missing
-- How many of them there are with tenants ($1), and their tokens.
SELECT count(*) AS chunks, coalesce(sum(a.token_count), 0)::bigint AS tokens
FROM upload_pipeline.document_chunks AS a
INNER JOIN upload_pipeline.documents AS d ON d.document_id = a.document_id
WHERE a.tenant_id = ANY($1::uuid[]) AND a.embed_model = $2 AND a.embed_version = $3
    AND a.generation <= d.live_generation
    AND coalesce(d.embed_model = $2 AND d.embed_version = $3, true)
    AND NOT EXISTS (
        SELECT 1 FROM upload_pipeline.document_chunks AS b
        WHERE b.chunk_id = a.chunk_id AND b.embed_model = $4 AND b.embed_version = $5
    );

-- name: insert_beside
-- Vectors ($2) of chunks ($1) in space ($5, $6) of dimension $7, beside their rows in ($3, $4); nobody
-- sees them while that space serves. Chunks that are gone meanwhile are left out.
INSERT INTO upload_pipeline.document_chunks (
    chunk_id, tenant_id, document_id, generation, chunk_ord, char_start, char_end, page, heading_path,
    token_count, context, text, chunk_sha, chunker, terms, embed_model, embed_version, vector_dim,
    embedding
)
SELECT
    a.chunk_id, a.tenant_id, a.document_id, a.generation, a.chunk_ord, a.char_start, a.char_end, a.page,
    a.heading_path, a.token_count, a.context, a.text, a.chunk_sha, a.chunker, a.terms, $5, $6, $7,
    v.embedding
FROM unnest($1::uuid[], $2::vector[]) AS v (chunk_id, embedding)
INNER JOIN upload_pipeline.document_chunks AS a
    ON a.chunk_id = v.chunk_id AND a.embed_model = $3 AND a.embed_version = $4
ON CONFLICT DO NOTHING;

-- name: lock_serving_space
-- Waits until nothing of tenant $1 is being published, and keeps it so until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 1));

-- name: delete_left_behind
-- Rows of tenant $1 in space ($4, $5) whose chunk has since gone from the published document, which
-- ($2, $3) serves.
DELETE FROM upload_pipeline.document_chunks AS b
USING upload_pipeline.documents AS d
WHERE b.tenant_id = $1 AND b.embed_model = $4 AND b.embed_version = $5
    AND d.document_id = b.document_id
    AND coalesce(d.embed_model = $2 AND d.embed_version = $3, true)
    AND NOT EXISTS (
        SELECT 1 FROM upload_pipeline.document_chunks AS a
        WHERE a.chunk_id = b.chunk_id AND a.embed_model = $2 AND a.embed_version = $3
            AND a.generation <= d.live_generation
    );

-- name: move_beside
-- Places of tenant $1's chunks in space ($4, $5), as they are now in ($2, $3).
UPDATE upload_pipeline.document_chunks AS b
SET generation = a.generation, char_start = a.char_start, char_end = a.char_end, page = a.page,
    heading_path = a.heading_path
FROM upload_pipeline.document_chunks AS a
WHERE b.tenant_id = $1 AND b.embed_model = $4 AND b.embed_version = $5
    AND a.chunk_id = b.chunk_id AND a.embed_model = $2 AND a.embed_version = $3
    AND (a.generation, a.char_start, a.char_end, a.page, a.heading_path)
    IS DISTINCT FROM (b.generation, b.char_start, b.char_end, b.page, b.heading_path);

-- name: flip_documents
-- From here on space ($4, $5) is what readers of tenant $1 see, where it was ($2, $3).
UPDATE upload_pipeline.documents SET embed_model = $4, embed_version = $5, updated_at = now()
WHERE tenant_id = $1 AND live_generation > 0
    AND coalesce(embed_model = $2 AND embed_version = $3, true);

-- name: set_serving
-- Space ($4, $5) serves tenant $1, or each without a row of its own; ($2, $3) is kept.
INSERT INTO upload_pipeline.serving_spaces
(tenant_id, other_model, other_version, embed_model, embed_version)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id) DO UPDATE SET
    other_model = $2, other_version = $3, embed_model = $4, embed_version = $5, flipped_at = now();

-- name: pin_tenants
-- What serves tenants with documents by default, ($1, $2), goes on to do so when the default changes.
INSERT INTO upload_pipeline.serving_spaces (tenant_id, embed_model, embed_version)
SELECT DISTINCT tenant_id, $1, $2 FROM upload_pipeline.documents
ON CONFLICT DO NOTHING;

-- name: users_of_space
-- How many tenants, or documents, need space ($1, $2); old versions did not note it with documents.
SELECT
    (SELECT count(*) FROM upload_pipeline.serving_spaces AS s
    WHERE s.embed_model = $1 AND s.embed_version = $2) AS tenants,
    (SELECT count(*) FROM upload_pipeline.documents AS d
    WHERE d.live_generation > 0 AND CASE
        WHEN d.embed_model IS NOT NULL THEN d.embed_model = $1 AND d.embed_version = $2
        ELSE EXISTS (
            SELECT 1 FROM upload_pipeline.document_chunks AS c
            WHERE c.document_id = d.document_id AND c.embed_model = $1 AND c.embed_version = $2
        )
    END) AS documents;

-- name: forget_other
-- Nobody can go back to space ($1, $2) any more.
UPDATE upload_pipeline.serving_spaces SET other_model = NULL, other_version = NULL
WHERE other_model = $1 AND other_version = $2;

-- name: delete_space
-- Up to $3 rows of space ($1, $2), which nobody reads.
WITH gone AS (
    SELECT c.ctid FROM upload_pipeline.document_chunks AS c
    WHERE c.embed_model = $1 AND c.embed_version = $2 LIMIT $3
)
DELETE FROM upload_pipeline.document_chunks WHERE ctid = ANY(ARRAY(SELECT ctid FROM gone));
