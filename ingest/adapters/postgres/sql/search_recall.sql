-- name: keep_question
-- A vector ($5) that was asked for by tenant $1 in space ($2, $3), of dimension $4.
INSERT INTO upload_pipeline.asked_vectors
(tenant_id, embed_model, embed_version, vector_dim, embedding) VALUES ($1, $2, $3, $4, $5);

-- name: newest_questions
-- The $4 newest questions of tenant $1 in space ($2, $3).
SELECT embedding FROM upload_pipeline.asked_vectors
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3
ORDER BY asked_id DESC LIMIT $4;

-- name: sampled_questions
-- Up to $3 questions of all tenants in space ($1, $2), the newest of each first.
SELECT tenant_id, embedding
FROM (
    SELECT
        tenant_id, embedding,
        row_number() OVER (PARTITION BY tenant_id ORDER BY asked_id DESC) AS place
    FROM upload_pipeline.asked_vectors WHERE embed_model = $1 AND embed_version = $2
) AS asked
ORDER BY place, tenant_id LIMIT $3;

-- name: prune_questions
-- Remove all but the $1 newest questions of each tenant and space, and those asked $2 ago.
DELETE FROM upload_pipeline.asked_vectors AS a
USING (
    SELECT
        asked_id, asked_at,
        row_number() OVER (
            PARTITION BY tenant_id, embed_model, embed_version ORDER BY asked_id DESC
        ) AS place
    FROM upload_pipeline.asked_vectors
) AS ranked
WHERE ranked.asked_id = a.asked_id AND (ranked.place > $1 OR ranked.asked_at < now() - $2::interval)
RETURNING a.asked_id;

-- name: due_measurements
-- Tenants that asked $1 questions in a space since, and were not measured there within $2; $3 of them.
SELECT a.tenant_id, a.embed_model, a.embed_version, m.dimension
FROM (
    SELECT tenant_id, embed_model, embed_version FROM upload_pipeline.asked_vectors
    GROUP BY tenant_id, embed_model, embed_version HAVING count(*) >= $1
) AS a
INNER JOIN upload_pipeline.embedding_models AS m
    ON m.embed_model = a.embed_model AND m.embed_version = a.embed_version
LEFT JOIN upload_pipeline.search_recall AS r
    ON r.tenant_id = a.tenant_id AND r.embed_model = a.embed_model
        AND r.embed_version = a.embed_version
WHERE coalesce(r.measured_at < now() - $2::interval, true)
ORDER BY r.measured_at NULLS FIRST, a.tenant_id LIMIT $3;

-- name: save_measurement
-- What was measured for tenant $1 in space ($2, $3), and how it is searched from now on.
INSERT INTO upload_pipeline.search_recall
(tenant_id, embed_model, embed_version, recall, questions, ef_search, is_exact, exact_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, embed_model, embed_version) DO UPDATE SET
    recall = excluded.recall, questions = excluded.questions, ef_search = excluded.ef_search,
    is_exact = excluded.is_exact, exact_ms = excluded.exact_ms, measured_at = excluded.measured_at;

-- name: follow_measurements
-- Tenants of space ($1, $2) that were not measured are searched as carefully as the one that needs it
-- most; while none was measured, with $3 candidates.
UPDATE upload_pipeline.embedding_models AS m SET ef_search = most.ef_search
FROM (
    SELECT coalesce(max(r.ef_search), $3::integer) AS ef_search
    FROM upload_pipeline.search_recall AS r WHERE r.embed_model = $1 AND r.embed_version = $2
) AS most
WHERE m.embed_model = $1 AND m.embed_version = $2 AND m.ef_search <> most.ef_search;

-- name: forget_questions
-- Of tenant $1 in space ($2, $3), which needs no index any more.
DELETE FROM upload_pipeline.asked_vectors
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3;

-- name: forget_measurement
DELETE FROM upload_pipeline.search_recall
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3;
