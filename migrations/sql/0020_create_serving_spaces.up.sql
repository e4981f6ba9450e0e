-- Why: a tenant's vectors can be made with another model while the old one serves, and then be
-- flipped together. New tables and functions; nothing that exists is locked for long.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

INSERT INTO upload_pipeline.embedding_models
(embed_model, embed_version, dimension, index_kind, index_name)
VALUES ('text-embedding-3-large', '1', 3072, 'halfvec', 'idx_hnsw_chunks_te3l_v1');

-- The tenant that is all zeros stands for each tenant that has no row of its own; without either,
-- the model of the settings serves.
CREATE TABLE upload_pipeline.serving_spaces (
    tenant_id uuid PRIMARY KEY,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    -- Whose vectors are made or kept beside, to flip to or to go back to.
    other_model text,
    other_version text,
    flipped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT serving_spaces_model_fkey FOREIGN KEY (embed_model, embed_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version),
    CONSTRAINT serving_spaces_other_fkey FOREIGN KEY (other_model, other_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version)
);

CREATE FUNCTION upload_pipeline.serving_space_of(tenant uuid)
RETURNS SETOF upload_pipeline.serving_spaces
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM upload_pipeline.serving_spaces AS s
    WHERE s.tenant_id IN (tenant, '00000000-0000-0000-0000-000000000000')
    ORDER BY s.tenant_id = tenant DESC LIMIT 1;
END;

-- Whether this space serves a tenant (it does where no row says otherwise), until the end of the
-- transaction: a flip waits for it. The second statement sees what was committed during the wait.
CREATE FUNCTION upload_pipeline.hold_serving_space(tenant uuid, model text, version text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(
        hashtextextended('00000000-0000-0000-0000-000000000000', 1)
    );
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1));
    RETURN coalesce((
        SELECT (s.embed_model, s.embed_version) = (model, version)
        FROM upload_pipeline.serving_space_of(tenant) AS s
    ), true);
END
$$;

ALTER TABLE upload_pipeline.serving_spaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.serving_spaces FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.serving_spaces TO ingest_worker;
GRANT SELECT ON upload_pipeline.serving_spaces TO ingest_api;
CREATE POLICY every_tenant ON upload_pipeline.serving_spaces TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY own_and_common ON upload_pipeline.serving_spaces FOR SELECT TO ingest_api
USING (tenant_id IN ((SELECT upload_pipeline.tenant()), '00000000-0000-0000-0000-000000000000'));
