-- Why: a document that a person deleted must not come back with the next backfill, and nothing readable
-- of it may stay. A new table, grants, and rows that name deleted documents go; nothing is locked for long.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A document that was deleted. Its id is a digest of tenant and name: it says neither. Kept for ever.
CREATE TABLE upload_pipeline.tombstones (
    document_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE upload_pipeline.tombstones ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tombstones FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.tombstones TO ingest_worker, ingest_api;
CREATE POLICY every_tenant ON upload_pipeline.tombstones TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY own_tenant ON upload_pipeline.tombstones TO ingest_api
USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false))
WITH CHECK (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false));

-- Whoever deletes a document removes its URI from the inventory, and texts of errors from its history.
GRANT SELECT, DELETE ON upload_pipeline.source_objects TO ingest_api;
CREATE POLICY own_tenant ON upload_pipeline.source_objects TO ingest_api
USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false));
GRANT UPDATE (error) ON upload_pipeline.events TO ingest_api;

-- URIs of documents that were deleted before; the next backfill that lists them takes them in, as before.
DELETE FROM upload_pipeline.source_objects WHERE document_id IS NULL AND taken_version IS NOT NULL;
