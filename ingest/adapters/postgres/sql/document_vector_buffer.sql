-- name: known_texts
-- What is known of the texts of tenant $1 with digests ($4), in space ($2, $3): whether they have a
-- result; else which batch they are in, while it is not over, and what was wrong with the last ones.
SELECT
    t.text_sha256, t.batch_id, t.embedding IS NOT NULL OR t.refused AS has_result,
    b.status IN ('filling', 'submitting', 'submitted') AS is_open, t.tries, t.error_message
FROM upload_pipeline.document_vector_buffer AS t
INNER JOIN upload_pipeline.provider_batches AS b ON b.batch_id = t.batch_id
WHERE t.tenant_id = $1 AND t.embed_model = $2 AND t.embed_version = $3
    AND t.text_sha256 = ANY($4::bytea[])
UNION ALL
SELECT c.chunk_sha, NULL, true, false, 0, NULL FROM upload_pipeline.document_chunks AS c
WHERE c.tenant_id = $1 AND c.embed_model = $2 AND c.embed_version = $3
    AND c.chunk_sha = ANY($4::bytea[]);

-- name: forget_texts
-- Texts of tenant $1 with digests ($4), in space ($2, $3), are given up: whoever wants them again
-- begins anew.
DELETE FROM upload_pipeline.document_vector_buffer
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3 AND text_sha256 = ANY($4::bytea[]);

-- name: put_texts
-- Texts of tenant $1 in space ($2, $3, $4) for batch $5: digests ($6), documents ($7), tokens ($8),
-- texts ($9).
INSERT INTO upload_pipeline.document_vector_buffer (
    tenant_id, embed_model, embed_version, vector_dim, batch_id, text_sha256, document_id,
    token_count, text
)
SELECT $1, $2, $3, $4, $5, n.text_sha256, n.document_id, n.token_count, n.text
FROM unnest($6::bytea[], $7::uuid[], $8::int[], $9::text[])
    AS n (text_sha256, document_id, token_count, text)
ON CONFLICT (tenant_id, embed_model, embed_version, text_sha256) DO UPDATE
SET batch_id = excluded.batch_id, document_id = excluded.document_id, text = excluded.text,
    error_code = NULL, error_message = NULL;

-- name: want_texts
-- Texts of tenant $1 in space ($2, $3) with digests ($4), which others put in, are wanted by documents
-- ($5) now: they go with these.
UPDATE upload_pipeline.document_vector_buffer AS t SET document_id = n.document_id
FROM unnest($4::bytea[], $5::uuid[]) AS n (text_sha256, document_id)
WHERE t.tenant_id = $1 AND t.embed_model = $2 AND t.embed_version = $3
    AND t.text_sha256 = n.text_sha256 AND t.embedding IS NULL
    AND t.document_id <> n.document_id;

-- name: page_of_texts
-- The next $3 texts of batch $1, after digest $2.
SELECT text_sha256, text FROM upload_pipeline.document_vector_buffer
WHERE batch_id = $1 AND text_sha256 > $2 AND text IS NOT NULL
ORDER BY text_sha256 LIMIT $3;

-- name: save_results
-- What became of texts of batch $1, by digest ($2): vectors ($3), whether they are refused ($4), and
-- with what code and message ($5, $6).
UPDATE upload_pipeline.document_vector_buffer AS t
SET embedding = r.embedding, refused = r.refused, error_code = r.code, error_message = r.message,
    text = CASE WHEN r.embedding IS NULL AND NOT r.refused THEN t.text END
FROM unnest($2::bytea[], $3::vector[], $4::boolean[], $5::text[], $6::text[])
    AS r (text_sha256, embedding, refused, code, message)
WHERE t.batch_id = $1 AND t.text_sha256 = r.text_sha256 AND t.embedding IS NULL;

-- name: fail_texts
-- Batch $1 is over: of what has no result, that was one try; unless it is known better, because of
-- $2, $3. The text is put in again by whoever still wants it.
UPDATE upload_pipeline.document_vector_buffer
SET tries = tries + 1, text = NULL, error_code = coalesce(error_code, $2),
    error_message = coalesce(error_message, $3)
WHERE batch_id = $1 AND embedding IS NULL AND NOT refused;

-- name: refused_texts
-- Of the texts of tenant $1 with digests ($4), in space ($2, $3): why the provider refused them.
SELECT text_sha256, error_code, error_message FROM upload_pipeline.document_vector_buffer
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3 AND text_sha256 = ANY($4::bytea[])
    AND refused;

-- name: sweep_texts
-- Remove up to $1 texts of batches that ended $2 ago, whose documents no job works on any more.
DELETE FROM upload_pipeline.document_vector_buffer AS t
WHERE (t.tenant_id, t.embed_model, t.embed_version, t.text_sha256) IN (
    SELECT old.tenant_id, old.embed_model, old.embed_version, old.text_sha256
    FROM upload_pipeline.document_vector_buffer AS old
    INNER JOIN upload_pipeline.provider_batches AS b ON b.batch_id = old.batch_id
    WHERE b.status = 'ended' AND b.ended_at < now() - $2::interval
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS j
            WHERE j.document_id = old.document_id AND j.finished_at IS NULL
        )
    LIMIT $1 FOR UPDATE OF old SKIP LOCKED
)
RETURNING t.text_sha256;
