-- Which vector space serves a tenant.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION upload_pipeline.serving_space_of(tenant uuid)
RETURNS SETOF upload_pipeline.serving_spaces
LANGUAGE sql STABLE AS $$
    SELECT * FROM upload_pipeline.serving_spaces AS s
    WHERE s.tenant_id IN (tenant, upload_pipeline.all_tenants())
    ORDER BY s.tenant_id = tenant DESC LIMIT 1;
$$;

-- Whether this space serves a tenant (it does where no row says otherwise), until the end of the
-- transaction: a flip waits for it. The second statement sees what was committed during the wait.
CREATE OR REPLACE FUNCTION upload_pipeline.hold_serving_space(tenant uuid, model text, version text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(
        hashtextextended(upload_pipeline.all_tenants()::text, 1)
    );
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1));
    RETURN coalesce((
        SELECT (s.embed_model, s.embed_version) = (model, version)
        FROM upload_pipeline.serving_space_of(tenant) AS s
    ), true);
END
$$;
