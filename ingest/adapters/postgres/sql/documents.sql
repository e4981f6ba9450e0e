-- name: lock_accepting
-- Until the end of the transaction nobody else accepts an upload of document $1 that exists.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0));

-- name: lock_document
-- A document of a tenant by id, locked for change; chunks may still be stored meanwhile.
SELECT file_sha256, generation, filename, source_path
FROM upload_pipeline.documents WHERE document_id = $1 AND tenant_id = $2 FOR NO KEY UPDATE;

-- name: lock_for_deletion
-- The name of a document of a tenant, locked against everything that is done to it or its jobs.
SELECT name
FROM upload_pipeline.documents WHERE document_id = $1 AND tenant_id = $2 FOR UPDATE;

-- name: insert_document
-- The first generation of a document; nothing when someone else was faster.
INSERT INTO upload_pipeline.documents
(document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, raw_key, source_path)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING document_id;

-- name: insert_documents
-- Documents of tenant $1 that are new, with ids ($2), names ($3), file names ($4), media types ($5) and
-- sizes ($6); and their jobs ($7) of lane $8, with correlation id $9. Digests ($10) and keys ($11) are null
-- where the bytes are still to be fetched. All do it in one order, so that none wait in a circle. Those
-- that were deleted, and not before $12, are not made; NULL makes all. $13 are source paths.
WITH
-- In the order of ids, in which every process inserts documents.
wanted AS MATERIALIZED (
    SELECT w.* FROM unnest(
        $2::uuid [], $3::text [], $4::text [], $5::text [], $6::bigint [], $7::uuid [], $10::text [],
        $11::text [], $13::text []
    ) AS w (document_id, name, filename, media_type, bytes_len, job_id, file_sha256, raw_key, source_path)
    WHERE NOT EXISTS (
        SELECT FROM upload_pipeline.tombstones AS t
        WHERE t.tenant_id = $1 AND t.document_id = w.document_id AND t.deleted_at >= $12
    )
    ORDER BY w.document_id
),
-- Only what was not there gets a job.
inserted AS (
    INSERT INTO upload_pipeline.documents
    (document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, raw_key, source_path)
    SELECT document_id, $1, name, filename, media_type, bytes_len, file_sha256, raw_key, source_path
    FROM wanted
    ON CONFLICT DO NOTHING
    RETURNING document_id
)
INSERT INTO upload_pipeline.upload_jobs
(job_id, document_id, tenant_id, generation, file_sha256, lane, correlation_id)
SELECT w.job_id, w.document_id, $1, 1, w.file_sha256, $8, $9
FROM inserted AS i INNER JOIN wanted AS w ON w.document_id = i.document_id
RETURNING document_id;

-- name: find_accepted
-- Of documents ($2) of tenant $1, those whose newest bytes have these digests ($3), with the newest job of
-- each; not those whose job failed for good or was cancelled.
SELECT d.document_id, j.job_id, j.generation
FROM unnest($2::uuid [], $3::text []) AS w (document_id, file_sha256)
INNER JOIN upload_pipeline.documents AS d
    ON d.document_id = w.document_id AND d.file_sha256 = w.file_sha256
CROSS JOIN LATERAL (
    SELECT job_id, generation, state FROM upload_pipeline.upload_jobs
    WHERE document_id = d.document_id ORDER BY generation DESC, created_at DESC LIMIT 1
) AS j
WHERE d.tenant_id = $1 AND j.state NOT IN ('deadletter', 'cancelled');

-- name: record_fetched
-- The bytes of documents ($1) at generations ($2): digests ($3), keys ($4), sizes ($5), types ($6).
UPDATE upload_pipeline.documents AS d
SET file_sha256 = b.file_sha256, raw_key = b.raw_key, bytes_len = b.bytes_len,
    media_type = b.media_type, updated_at = now()
FROM unnest($1::uuid [], $2::int [], $3::text [], $4::text [], $5::bigint [], $6::text [])
    AS b (document_id, generation, file_sha256, raw_key, bytes_len, media_type)
WHERE d.document_id = b.document_id AND d.generation = b.generation AND d.raw_key IS NULL;

-- name: next_generation
-- New bytes under a name that exists; what is published stays until the new one is complete.
UPDATE upload_pipeline.documents
SET generation = generation + 1, filename = $2, media_type = $3, bytes_len = $4,
    file_sha256 = $5, raw_key = $6, source_path = $7,
    parsed_key = NULL, parsed_sha256 = NULL, parser = NULL,
    page_count = NULL, char_count = NULL, parse_warnings = '[]', updated_at = now(),
    retired_keys = retired_keys || array_remove(ARRAY[raw_key, parsed_key], NULL)
WHERE document_id = $1
RETURNING generation;

-- name: record_parsed
-- Where the text of these documents is, and what it lacks; only for the generation that was parsed.
UPDATE upload_pipeline.documents AS d
SET parsed_key = b.parsed_key, parsed_sha256 = b.parsed_sha256, parser = b.parser,
    page_count = b.page_count, char_count = b.char_count,
    parse_warnings = b.parse_warnings::jsonb, updated_at = now()
FROM unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bigint[], $8::text[]
)
    AS b (
        document_id, generation, parsed_key, parsed_sha256, parser, page_count, char_count,
        parse_warnings
    )
WHERE d.document_id = b.document_id AND d.generation = b.generation;

-- name: live_generations
-- The published generation of each of documents ($1), locked in order for publishing; and whether the
-- space ($3, $4) serves all of tenants ($2), which it does then until the transaction ends. Tenants
-- are held before the first document is locked, as by everybody.
WITH tenants AS MATERIALIZED (
    SELECT coalesce(bool_and(upload_pipeline.hold_serving_space(t.tenant_id, $3, $4)), true) AS held
    FROM (SELECT unnest($2::uuid[]) AS tenant_id ORDER BY 1) AS t
)
SELECT d.document_id, d.live_generation, tenants.held
FROM upload_pipeline.documents AS d CROSS JOIN tenants
WHERE d.document_id = ANY($1::uuid[]) ORDER BY d.document_id FOR NO KEY UPDATE OF d;

-- name: publish
-- From here on readers see what jobs ($1) made of their documents: ($2) chunks of each, in the
-- vector space ($3, $4). The jobs are done.
WITH done AS (
    UPDATE upload_pipeline.upload_jobs SET state = 'done', stage = 'embedded'
    WHERE job_id = ANY($1::uuid[])
)
UPDATE upload_pipeline.documents AS d
SET live_generation = j.generation, chunk_count = b.chunk_count,
    embed_model = $3, embed_version = $4, degraded = j.degraded,
    published_at = now(), updated_at = now()
FROM unnest($1::uuid[], $2::int[]) AS b (job_id, chunk_count)
INNER JOIN upload_pipeline.upload_jobs AS j ON j.job_id = b.job_id
WHERE d.document_id = j.document_id;

-- name: get_document
-- One document of one tenant, with all its warnings.
SELECT
    document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, parser,
    page_count, char_count, generation, live_generation, chunk_count, parsed_key, degraded,
    jsonb_array_length(parse_warnings) AS warning_count, parse_warnings AS warnings,
    created_at, updated_at, published_at
FROM upload_pipeline.documents WHERE document_id = $1 AND tenant_id = $2;

-- name: list_documents
-- Documents of a tenant, newest first, after the page key ($2, $3), with their first warnings.
{include document_page}
ORDER BY created_at DESC, document_id DESC LIMIT $4;

-- name: list_warned_documents
-- The same, of documents that have a warning; $5 narrows to those with one of this code.
{include document_page}
    AND parse_warnings <> '[]'
    AND (
        $5::text IS NULL
        OR parse_warnings @> jsonb_build_array(jsonb_build_object('code', $5::text))
    )
ORDER BY created_at DESC, document_id DESC LIMIT $4;

-- name: count_warned
-- Documents of tenant $1 that were published since $2, with a warning about what is published.
SELECT count(*) FROM upload_pipeline.documents
WHERE tenant_id = $1 AND parse_warnings <> '[]'
    AND generation = live_generation AND published_at >= $2;

-- name: delete_document
-- Remove a document with its jobs and chunks; the blobs of all its generations are named, so that
-- they can follow.
DELETE FROM upload_pipeline.documents WHERE document_id = $1 AND tenant_id = $2
RETURNING retired_keys || array_remove(ARRAY[raw_key, parsed_key], NULL);

-- name: lock_blobs
-- Until the end of the transaction nobody else begins or ceases to refer to blobs $1, in order.
SELECT pg_advisory_xact_lock(hashtextextended(b.key, 0))
FROM (SELECT key FROM unnest($1::text []) AS b (key) ORDER BY key OFFSET 0) AS b;

-- name: blob_in_use
-- Whether a blob of this tenant still belongs to a document, or to a parse that documents wait for.
SELECT EXISTS (
    SELECT 1 FROM upload_pipeline.documents
    WHERE tenant_id = $1 AND (raw_key = $2 OR parsed_key = $2)
) OR EXISTS (
    SELECT 1 FROM upload_pipeline.parse_jobs WHERE tenant_id = $1 AND parsed_key = $2
);

-- name: generation_exists
-- Whether document $1 of tenant $2 is at generation $3.
SELECT EXISTS (
    SELECT 1 FROM upload_pipeline.documents
    WHERE document_id = $1 AND tenant_id = $2 AND generation = $3
);
