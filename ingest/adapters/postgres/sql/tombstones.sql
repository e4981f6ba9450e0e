-- name: leave_tombstone
-- Document $1 of tenant $2 was deleted; nothing else is kept of it.
INSERT INTO upload_pipeline.tombstones AS t (document_id, tenant_id) VALUES ($1, $2)
ON CONFLICT (document_id) DO UPDATE SET deleted_at = excluded.deleted_at;

-- name: forget_listed
-- The inventory does not name document $1 of tenant $2 any more, whose URI may be $3.
DELETE FROM upload_pipeline.source_objects
WHERE tenant_id = $2 AND (document_id = $1 OR uri = $3);

-- name: forget_errors
-- Texts of errors in the history of document $1, which may quote it; the codes stay.
UPDATE upload_pipeline.events
SET error = error || jsonb_build_object('message', 'removed with the document')
WHERE error ? 'message' AND job_id IN (
    SELECT job_id FROM upload_pipeline.upload_jobs WHERE document_id = $1
);

-- name: forget_deleted
-- The inventory of tenant $1 does not name URIs ($2) any more, if their documents ($3) were deleted.
DELETE FROM upload_pipeline.source_objects AS s
USING unnest($2::text [], $3::uuid []) AS f (uri, document_id)
INNER JOIN upload_pipeline.tombstones AS t ON t.document_id = f.document_id
WHERE s.tenant_id = $1 AND s.uri = f.uri;

-- name: revive
-- Documents ($2) of tenant $1 were just made, whatever was deleted before $3 (NULL: ever). Those that were
-- deleted later.
WITH revived AS (
    DELETE FROM upload_pipeline.tombstones
    WHERE tenant_id = $1 AND document_id = ANY($2::uuid [])
        AND ($3::timestamptz IS NULL OR deleted_at < $3)
)
SELECT document_id FROM upload_pipeline.tombstones
WHERE tenant_id = $1 AND document_id = ANY($2::uuid []) AND deleted_at >= $3;

-- name: find_deleted
-- Which of documents ($2) of tenant $1 were deleted.
SELECT document_id FROM upload_pipeline.tombstones
WHERE tenant_id = $1 AND document_id = ANY($2::uuid []);
