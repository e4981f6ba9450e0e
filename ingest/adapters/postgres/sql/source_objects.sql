-- name: note_objects
-- Objects ($3) with file names ($4), sizes ($5), versions ($6) and documents ($7) were listed for tenant
-- $1. Those that are documents in this version, and not ones that failed, stay as they are. Those whose
-- documents were deleted, and not before $8, are not written down. Run $2 takes in the others, each
-- once, however often it lists them. How many there are, how many were such documents, how many the run
-- had listed before, and how many were deleted. Whether a deleted one is there again, made by code that
-- knows no tombstones, is asked one after the other (OFFSET 0): otherwise the planner may begin with it.
WITH
-- A listing may name an object twice.
listed AS MATERIALIZED (
    SELECT DISTINCT ON (l.uri) l.uri, l.filename, l.bytes_len, l.version, l.document_id
    FROM unnest($3::text [], $4::text [], $5::bigint [], $6::text [], $7::uuid [])
        AS l (uri, filename, bytes_len, version, document_id)
    ORDER BY l.uri
),
-- Those that a person deleted since $8: they stay away.
deleted AS MATERIALIZED (
    SELECT l.uri FROM listed AS l
    INNER JOIN upload_pipeline.tombstones AS t ON t.document_id = l.document_id
    WHERE t.tenant_id = $1 AND t.deleted_at >= $8 AND NOT EXISTS (
        SELECT FROM upload_pipeline.documents AS d WHERE d.document_id = l.document_id OFFSET 0
    )
),
forgotten AS (
    DELETE FROM upload_pipeline.source_objects AS s
    USING deleted AS g WHERE s.tenant_id = $1 AND s.uri = g.uri
),
-- pending: this run has noted it before. unchanged: it is a document in this very version, whose newest
-- job did not fail for good.
known AS MATERIALIZED (
    SELECT
        s.uri,
        s.run = $2 AND s.taken_version IS DISTINCT FROM s.version AS pending,
        coalesce(
            l.version <> '' AND s.taken_version = l.version AND d.generation = s.generation
            AND (
                SELECT j.state FROM upload_pipeline.upload_jobs AS j
                WHERE j.document_id = s.document_id
                ORDER BY j.generation DESC, j.created_at DESC LIMIT 1
            ) NOT IN ('deadletter', 'cancelled'),
            false
        ) AS unchanged
    FROM listed AS l
    INNER JOIN upload_pipeline.source_objects AS s ON s.tenant_id = $1 AND s.uri = l.uri
    LEFT JOIN upload_pipeline.documents AS d ON d.document_id = s.document_id
),
-- The order of URIs is the order in which every run locks these rows. An object that is pending in the
-- same version keeps what is known of it.
noted AS (
    INSERT INTO upload_pipeline.source_objects AS s
    (tenant_id, run, uri, filename, bytes_len, version)
    SELECT $1, $2, l.uri, l.filename, l.bytes_len, l.version FROM listed AS l
    WHERE NOT EXISTS (SELECT 1 FROM known AS k WHERE k.uri = l.uri AND k.unchanged)
        AND NOT EXISTS (SELECT 1 FROM deleted AS g WHERE g.uri = l.uri)
    ORDER BY l.uri
    ON CONFLICT (tenant_id, uri) DO UPDATE SET
        run = excluded.run, filename = excluded.filename, bytes_len = excluded.bytes_len,
        version = excluded.version, listed_at = now(),
        taken_version = CASE
            WHEN s.version = excluded.version AND s.uri IN (SELECT uri FROM known WHERE pending)
                THEN s.taken_version
        END,
        refused_code = CASE
            WHEN s.version = excluded.version AND s.uri IN (SELECT uri FROM known WHERE pending)
                THEN s.refused_code
        END
)
SELECT
    (SELECT count(*) FROM listed) AS objects,
    (SELECT count(*) FROM known WHERE unchanged) AS unchanged,
    (
        SELECT count(*) FROM known AS k WHERE k.pending AND NOT k.unchanged
            AND NOT EXISTS (SELECT 1 FROM deleted AS g WHERE g.uri = k.uri)
    ) AS repeated,
    (SELECT count(*) FROM deleted) AS deleted;

-- name: pending_objects
-- Up to $3 objects of tenant $1 that run $2 has to take in, besides those with the URIs ($4).
SELECT uri, filename, bytes_len, version FROM upload_pipeline.source_objects
WHERE run = $2 AND tenant_id = $1 AND refused_code IS NULL
    AND taken_version IS DISTINCT FROM version AND uri <> ALL($4::text [])
ORDER BY uri LIMIT $3;

-- name: mark_objects
-- Objects ($2) of tenant $1, which were listed as versions ($3), are generations ($5) of documents
-- ($4), or were refused with codes ($6). Nothing of a document that is gone again.
WITH
ended AS MATERIALIZED (
    SELECT e.* FROM unnest(
        $2::text [], $3::text [], $4::uuid [], $5::integer [], $6::text []
    ) AS e (uri, version, document_id, generation, refused_code)
),
-- Locked against deletion first, in the order of ids, as everybody locks documents before other rows.
present AS MATERIALIZED (
    SELECT document_id FROM upload_pipeline.documents
    WHERE document_id = ANY($4::uuid []) ORDER BY document_id FOR KEY SHARE
),
-- Then the objects, in the order of URIs.
held AS MATERIALIZED (
    SELECT uri FROM upload_pipeline.source_objects
    WHERE tenant_id = $1 AND uri = ANY($2::text []) ORDER BY uri FOR NO KEY UPDATE
)
UPDATE upload_pipeline.source_objects AS s SET
    taken_version = CASE WHEN e.refused_code IS NULL THEN e.version END,
    document_id = e.document_id, generation = e.generation, refused_code = e.refused_code
FROM ended AS e
INNER JOIN held AS h ON h.uri = e.uri
WHERE s.tenant_id = $1 AND s.uri = e.uri
    AND (e.document_id IS NULL OR e.document_id IN (SELECT document_id FROM present));
