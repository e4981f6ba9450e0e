-- name: chunks_without_terms
-- Up to $1 chunks whose terms are not made yet, and what they are made of.
SELECT
    c.chunk_id, c.embed_model, c.embed_version, c.tenant_id, c.heading_path, c.context,
    c.text, d.filename
FROM upload_pipeline.document_chunks AS c
INNER JOIN upload_pipeline.documents AS d ON d.document_id = c.document_id
WHERE c.terms IS NULL
ORDER BY c.document_id LIMIT $1;

-- name: set_terms
-- The terms ($4) of chunks ($1, $2, $3) that still have none.
UPDATE upload_pipeline.document_chunks AS c SET terms = made.terms
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::tsvector[])
    AS made (chunk_id, embed_model, embed_version, terms)
WHERE c.chunk_id = made.chunk_id AND c.embed_model = made.embed_model
    AND c.embed_version = made.embed_version AND c.terms IS NULL
RETURNING c.chunk_id;

-- name: spaces_to_measure
-- Tenants and spaces with at least $1 chunks whose statistics are missing, differ from the chunks
-- there are by a share of $2, or are older than $3; and how many chunks they have.
SELECT own.tenant_id, own.embed_model, own.embed_version, own.chunks
FROM (
    SELECT
        d.tenant_id, coalesce(d.embed_model, c.embed_model) AS embed_model,
        coalesce(d.embed_version, c.embed_version) AS embed_version,
        sum(d.chunk_count)::bigint AS chunks
    FROM upload_pipeline.documents AS d
    LEFT JOIN LATERAL (
        SELECT one.embed_model, one.embed_version FROM upload_pipeline.document_chunks AS one
        WHERE d.embed_model IS NULL AND one.document_id = d.document_id LIMIT 1
    ) AS c ON true
    WHERE d.live_generation > 0 AND coalesce(d.embed_model, c.embed_model) IS NOT NULL
    GROUP BY 1, 2, 3
    HAVING sum(d.chunk_count) >= $1
) AS own
LEFT JOIN upload_pipeline.term_statistics AS s
    ON s.tenant_id = own.tenant_id AND s.embed_model = own.embed_model
    AND s.embed_version = own.embed_version
WHERE s.tenant_id IS NULL OR abs(own.chunks - s.chunks) > $2::real * s.chunks
    OR s.measured_at < now() - $3::interval;

-- name: measure_terms
-- Count the terms in up to $5 chunks of tenant $1 in space ($2, $3), which has $4 chunks, and keep
-- those that are in a share of $6 of them or more. Ids of documents are digests, so that the first
-- documents by id are a sample by chance.
WITH sample AS MATERIALIZED (
    SELECT c.terms, c.token_count
    FROM (
        SELECT document_id FROM upload_pipeline.documents
        WHERE tenant_id = $1 AND live_generation > 0 ORDER BY document_id LIMIT $5
    ) AS d
    CROSS JOIN LATERAL (
        SELECT one.terms, one.token_count FROM upload_pipeline.document_chunks AS one
        WHERE one.document_id = d.document_id AND one.embed_model = $2 AND one.embed_version = $3
            AND one.terms IS NOT NULL
        ORDER BY one.chunk_id LIMIT $7
    ) AS c
    LIMIT $5
),

total AS (
    SELECT count(*) AS chunks, avg(token_count) AS tokens FROM sample
),

common AS (
    SELECT t.term, count(*)::real / total.chunks AS fraction
    FROM sample CROSS JOIN total CROSS JOIN LATERAL unnest(tsvector_to_array(sample.terms)) AS t (term)
    WHERE t.term <> $1::uuid::text
    GROUP BY t.term, total.chunks
    HAVING count(*) >= $6::real * total.chunks
)

INSERT INTO upload_pipeline.term_statistics
(tenant_id, embed_model, embed_version, chunks, average_tokens, terms, fractions)
SELECT
    $1, $2, $3, $4, total.tokens,
    coalesce((SELECT array_agg(common.term ORDER BY common.term) FROM common), '{}'),
    coalesce((SELECT array_agg(common.fraction ORDER BY common.term) FROM common), '{}')
FROM total WHERE total.chunks > 0
ON CONFLICT (tenant_id, embed_model, embed_version) DO UPDATE
    SET chunks = excluded.chunks, average_tokens = excluded.average_tokens,
        terms = excluded.terms, fractions = excluded.fractions, measured_at = now();

-- name: forget_statistics
-- Of tenants and spaces that have fewer than $1 chunks now: everything is counted there.
DELETE FROM upload_pipeline.term_statistics AS s
WHERE (
    SELECT coalesce(sum(d.chunk_count), 0) FROM upload_pipeline.documents AS d
    WHERE d.tenant_id = s.tenant_id AND d.live_generation > 0
) < $1;
