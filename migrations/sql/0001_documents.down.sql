-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-schema
-- Why: back to an empty database. The extension stays, others may use it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE upload_pipeline.source_objects;
DROP TABLE upload_pipeline.tombstones;
DROP TABLE upload_pipeline.documents;
DROP TABLE upload_pipeline.tenants;
DROP TABLE upload_pipeline.schema_steps;
DROP FUNCTION upload_pipeline.all_tenants();
DROP SCHEMA upload_pipeline;
