-- squawk-ignore-file ban-drop-table, ban-drop-function
-- Why: back to tables that everybody who may log in sees. The roles stay, because other databases of
-- the server may use them. Every API key is lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP FUNCTION upload_pipeline.chunks_with_words(text, text, text, uuid []);

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
        EXECUTE format(
            'ALTER TABLE upload_pipeline.%I NO FORCE ROW LEVEL SECURITY', secured.tablename
        );
    END LOOP;
END
$$;

DROP FUNCTION upload_pipeline.tenant();
DROP TABLE upload_pipeline.api_keys;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
REVOKE ALL ON ALL TABLES IN SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
REVOKE ALL (error) ON upload_pipeline.events FROM ingest_api;
REVOKE ALL (name) ON upload_pipeline.tenants FROM ingest_api;
REVOKE ALL ON alembic_version FROM ingest_worker;
REVOKE ALL ON SCHEMA upload_pipeline FROM ingest_worker, ingest_api;
