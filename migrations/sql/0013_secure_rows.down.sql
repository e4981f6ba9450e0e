-- Undoes 0013; the roles stay, because other databases of the server may use them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.chunks_with_words;

DO $$
DECLARE
    secured record;
BEGIN
    FOR secured IN
        SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'upload_pipeline'
    LOOP
        EXECUTE format(
            'DROP POLICY %I ON upload_pipeline.%I', secured.policyname, secured.tablename
        );
        EXECUTE format(
            'ALTER TABLE upload_pipeline.%I DISABLE ROW LEVEL SECURITY', secured.tablename
        );
    END LOOP;
END
$$;

-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.tenant;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
REVOKE ALL ON ALL TABLES IN SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
REVOKE ALL ON alembic_version FROM ingest_worker;
REVOKE ALL ON SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
