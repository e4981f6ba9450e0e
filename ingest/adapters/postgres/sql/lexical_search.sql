-- name: statistics
-- How many chunks tenant $1 has in space ($2, $3), how long they are, and how often each of the terms
-- ($4) occurs, 0 for one that is not common; no row without a sample.
SELECT
    s.chunks, s.average_tokens,
    ARRAY(
        SELECT coalesce(s.fractions[array_position(s.terms, w.term)], 0)
        FROM unnest($4::text[]) WITH ORDINALITY AS w (term, place) ORDER BY w.place
    ) AS fractions
FROM upload_pipeline.term_statistics AS s
WHERE s.tenant_id = $1 AND s.embed_model = $2 AND s.embed_version = $3;

-- name: count_chunks
-- The chunks of tenant $1, of up to $2 documents.
SELECT coalesce(sum(d.chunk_count), 0)::bigint FROM (
    SELECT chunk_count FROM upload_pipeline.documents
    WHERE tenant_id = $1 AND live_generation > 0 LIMIT $2
) AS d;

-- name: count_terms
SELECT upload_pipeline.count_terms($1, $2, $3, $4);

-- name: score_terms
-- See the function; $18 is the vector of the query, or NULL.
SELECT
    found.chunk_id, found.score, found.exactness,
    CASE WHEN $18::vector IS NULL THEN NULL
        ELSE 1 - (c.embedding <=> $18::vector)
    END AS similarity
FROM upload_pipeline.score_terms(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
) AS found
INNER JOIN upload_pipeline.document_chunks AS c
    ON c.chunk_id = found.chunk_id AND c.embed_model = $6 AND c.embed_version = $7;

-- name: hits
-- Published chunks ($1) of tenant $2 in space ($3, $4), to be shown.
SELECT
    c.chunk_id, c.document_id, c.chunk_ord, c.char_start, c.char_end, c.page, c.heading_path,
    c.context, c.text, d.filename, d.degraded
FROM upload_pipeline.document_chunks AS c
INNER JOIN upload_pipeline.documents AS d ON d.document_id = c.document_id
WHERE c.chunk_id = ANY($1::uuid[]) AND c.tenant_id = $2
    AND c.embed_model = $3 AND c.embed_version = $4;
