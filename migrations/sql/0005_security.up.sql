-- revision: 0005, after: 0004, works from: 0001
-- Why: who may do what. Keys open one tenant's documents, and whoever acts as a tenant does not meet
-- another tenant's rows, whatever the statement says. Two roles of the server are made where they are
-- missing: ingest_worker sees every tenant, ingest_api only the one that its transaction names in
-- the setting ingest.tenant. Locks every table for a moment; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.api_keys (
    key_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    label text NOT NULL,
    -- Digest of a 256-bit random key; the key itself is shown once and kept nowhere.
    key_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
    scopes text [] NOT NULL DEFAULT '{read,write}'
    CONSTRAINT api_keys_scopes_check
    CHECK (scopes <@ ARRAY['read', 'write', 'admin'] AND cardinality(scopes) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

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

-- The tenant that the transaction acts for; policies are made of it.
CREATE FUNCTION upload_pipeline.tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('ingest.tenant', true), '')::uuid;

-- Workers do everything, with every tenant.
GRANT USAGE ON SCHEMA upload_pipeline TO ingest_worker, ingest_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA upload_pipeline TO ingest_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA upload_pipeline TO ingest_worker;
GRANT SELECT ON alembic_version TO ingest_worker;

-- The gateway does what requests need, and nothing else.
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.documents, upload_pipeline.upload_jobs,
upload_pipeline.tombstones TO ingest_api;
GRANT SELECT, INSERT, UPDATE (name) ON upload_pipeline.tenants TO ingest_api;
-- Who deletes a document removes texts of errors from its history, and its URI from the inventory.
GRANT SELECT, INSERT, UPDATE (error) ON upload_pipeline.events TO ingest_api;
GRANT SELECT, DELETE ON upload_pipeline.source_objects, upload_pipeline.parse_jobs TO ingest_api;
GRANT SELECT, INSERT, UPDATE ON upload_pipeline.tenant_uploads, upload_pipeline.tenant_searches
TO ingest_api;
GRANT SELECT ON upload_pipeline.document_chunks, upload_pipeline.embedding_models,
upload_pipeline.serving_spaces, upload_pipeline.tenant_limits, upload_pipeline.provider_calls,
upload_pipeline.spending, upload_pipeline.budgets TO ingest_api;

DO $$
DECLARE
    secured text;
BEGIN
    -- Every table that says whose a row is. FORCE binds the owner, too; a superuser sees everything.
    FOR secured IN
        SELECT c.relname FROM pg_class AS c
        INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relnamespace = 'upload_pipeline'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE upload_pipeline.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE upload_pipeline.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format(
            'CREATE POLICY every_tenant ON upload_pipeline.%I TO ingest_worker '
            'USING (true) WITH CHECK (true)', secured
        );
    END LOOP;
    -- Every statement names its tenant, too, and is planned by that: coalesce keeps the planner from
    -- taking the same condition twice for two that each leave few rows.
    FOREACH secured IN ARRAY ARRAY[
        'tenants', 'documents', 'tombstones', 'source_objects', 'upload_jobs', 'events',
        'tenant_uploads', 'tenant_searches', 'document_chunks', 'parse_jobs', 'provider_calls'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY own_tenant ON upload_pipeline.%I TO ingest_api '
            'USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false)) '
            'WITH CHECK (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false))', secured
        );
    END LOOP;
    -- The rows of all_tenants() concern each.
    FOREACH secured IN ARRAY ARRAY[
        'tenant_limits', 'serving_spaces', 'budgets', 'spending'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY own_and_common ON upload_pipeline.%I FOR SELECT TO ingest_api '
            'USING (tenant_id IN ((SELECT upload_pipeline.tenant()), '
            'upload_pipeline.all_tenants()))', secured
        );
    END LOOP;
END
$$;

-- include: functions/search.sql
