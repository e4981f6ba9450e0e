-- Why: whoever acts as a tenant must not meet another tenant's rows, whatever the statement says.
-- Two roles of the server are made where they are missing: ingest_worker sees every tenant,
-- ingest_api only the one that its transaction names in the setting ingest.tenant. The owner of
-- the tables is not bound yet, so code before this revision goes on as it did. Nothing is rewritten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Roles belong to the whole server: another database's migration may make them at this moment.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ingest_worker', 'ingest_api'] LOOP
        IF to_regrole(wanted) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION USING
                        ERRCODE = 'insufficient_privilege',
                        MESSAGE = format('%I may not create the role %I', current_user, wanted),
                        HINT = 'Let an administrator CREATE ROLE ingest_worker and ingest_api, and '
                        'GRANT both to the one who migrates.';
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, 'MEMBER') OR (
            NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
            AND NOT pg_has_role(current_user, wanted, 'USAGE')
        ) THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION upload_pipeline.tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('ingest.tenant', true), '')::uuid;

GRANT USAGE ON SCHEMA upload_pipeline TO ingest_worker, ingest_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA upload_pipeline TO ingest_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA upload_pipeline TO ingest_worker;
GRANT SELECT ON alembic_version TO ingest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.documents, upload_pipeline.upload_jobs
TO ingest_api;
GRANT SELECT, INSERT ON upload_pipeline.events TO ingest_api;
GRANT SELECT, DELETE ON upload_pipeline.parse_jobs TO ingest_api;
GRANT SELECT ON upload_pipeline.document_chunks, upload_pipeline.embedding_models,
upload_pipeline.provider_calls, upload_pipeline.spending, upload_pipeline.budgets TO ingest_api;

DO $$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY[
        'documents', 'upload_jobs', 'events', 'document_chunks', 'document_vector_buffer',
        'parse_jobs', 'provider_calls', 'spending', 'budgets', 'api_keys'
    ] LOOP
        EXECUTE format('ALTER TABLE upload_pipeline.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format(
            'CREATE POLICY every_tenant ON upload_pipeline.%I TO ingest_worker '
            'USING (true) WITH CHECK (true)', secured
        );
    END LOOP;
    -- Every statement names its tenant, too, and is planned by that: coalesce keeps the planner from
    -- taking the same condition twice for two that each leave few rows.
    FOREACH secured IN ARRAY ARRAY[
        'documents', 'upload_jobs', 'events', 'document_chunks', 'parse_jobs', 'provider_calls'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY own_tenant ON upload_pipeline.%I TO ingest_api '
            'USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false)) '
            'WITH CHECK (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false))', secured
        );
    END LOOP;
    -- The tenant that is all zeros stands for everybody, whose budget concerns each.
    FOREACH secured IN ARRAY ARRAY['spending', 'budgets'] LOOP
        EXECUTE format(
            'CREATE POLICY own_and_common ON upload_pipeline.%I FOR SELECT TO ingest_api '
            'USING (tenant_id IN ((SELECT upload_pipeline.tenant()), '
            '''00000000-0000-0000-0000-000000000000''))', secured
        );
    END LOOP;
END
$$;

-- Of very many, the 200 published chunks of the tenant to look at that hold every word.
-- It has the rights of its owner: PostgreSQL does not let an operator that may leak, such as @@,
-- choose rows by index before row security has. The tenant is one of the words that are looked for,
-- and compared once more.
CREATE FUNCTION upload_pipeline.chunks_with_words(
    wanted text, model text, version text, only_documents uuid []
) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.chunk_id
    FROM upload_pipeline.document_chunks AS c
    CROSS JOIN LATERAL (
        SELECT FROM upload_pipeline.documents AS d
        WHERE d.document_id = c.document_id AND c.generation <= d.live_generation
            AND coalesce(d.embed_model = model AND d.embed_version = version, true)
        OFFSET 0
    ) AS published
    WHERE upload_pipeline.chunk_words(c.tenant_id, c.text) @@ (
        plainto_tsquery('simple', wanted)
        && quote_literal(upload_pipeline.tenant()::text)::tsquery
    )
        AND numnode(plainto_tsquery('simple', wanted)) > 0
        AND c.tenant_id = upload_pipeline.tenant()
        AND c.embed_model = model AND c.embed_version = version
        AND (only_documents IS NULL OR c.document_id = ANY(only_documents))
    LIMIT 200
$$;
REVOKE ALL ON FUNCTION upload_pipeline.chunks_with_words FROM public;
GRANT EXECUTE ON FUNCTION upload_pipeline.chunks_with_words TO ingest_api, ingest_worker;
