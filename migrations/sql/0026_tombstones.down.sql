-- Undoes 0026; deletions are forgotten, and the next backfill takes in again what was deleted.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

REVOKE UPDATE (error) ON upload_pipeline.events FROM ingest_api;
DROP POLICY own_tenant ON upload_pipeline.source_objects;
REVOKE SELECT, DELETE ON upload_pipeline.source_objects FROM ingest_api;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tombstones;
