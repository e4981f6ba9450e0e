-- name: refers_to
-- Every blob that is needed. Those of older generations are not: they are named only so that they
-- go with their document, and may be gone already.
SELECT raw_key AS key FROM upload_pipeline.documents WHERE raw_key IS NOT NULL
UNION
SELECT parsed_key FROM upload_pipeline.documents WHERE parsed_key IS NOT NULL
UNION
SELECT parsed_key FROM upload_pipeline.parse_jobs WHERE parsed_key IS NOT NULL
ORDER BY 1;

-- name: identify_database
-- Which database this is, at which moment.
SELECT
    current_database() AS database,
    (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
    now() AS taken_at;

-- name: list_tables
-- Tables of the schema.
SELECT table_name::text FROM information_schema.tables
WHERE table_schema = 'upload_pipeline' AND table_type = 'BASE TABLE'
ORDER BY table_name;

-- name: stop_all_workers
-- No stream of another life runs on a restored database.
UPDATE upload_pipeline.workers SET stopped_at = now() WHERE stopped_at IS NULL RETURNING worker_id;

-- name: has_tombstones
-- Whether the schema that was restored knows deletions; older ones do not.
SELECT to_regclass('upload_pipeline.tombstones') IS NOT NULL;

-- name: find_gone
-- Documents that refer to blobs $1.
SELECT document_id, tenant_id, name FROM upload_pipeline.documents
WHERE raw_key = ANY($1::text []) OR parsed_key = ANY($1::text []);

-- name: forget_gone
-- Documents that refer to blobs $1, which were deleted while the backup was taken.
DELETE FROM upload_pipeline.documents
WHERE raw_key = ANY($1::text []) OR parsed_key = ANY($1::text []);

-- name: forget_gone_parses
-- Parses of which the text is one of the blobs $1.
DELETE FROM upload_pipeline.parse_jobs WHERE parsed_key = ANY($1::text []);

-- name: holders
-- Who holds a job.
SELECT DISTINCT leased_by FROM upload_pipeline.upload_jobs WHERE state = 'working';

-- name: drop_schema
-- Everything goes.
DROP SCHEMA IF EXISTS upload_pipeline CASCADE;

-- name: other_functions
-- Functions of the schema besides $1, as DROP takes them.
SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
WHERE p.pronamespace = 'upload_pipeline'::regnamespace
    AND format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)) <> ALL($1::text []);

-- name: drop_function
-- With the triggers that call it.
DROP FUNCTION {function} CASCADE;

-- name: drop_ledger_of_revisions
-- The migrations begin anew.
DROP TABLE IF EXISTS alembic_version;
