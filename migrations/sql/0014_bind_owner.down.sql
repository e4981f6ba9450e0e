-- Undoes 0014.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DO $$
DECLARE
    secured text;
BEGIN
    FOR secured IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'upload_pipeline'::regnamespace AND relrowsecurity
    LOOP
        EXECUTE format('ALTER TABLE upload_pipeline.%I NO FORCE ROW LEVEL SECURITY', secured);
    END LOOP;
END
$$;
