-- revision: 0009, after: 0008, works from: 0001
-- Why: how much of what exact search finds the index finds, is measured with questions that were
-- asked, and decides how carefully the index is searched. Vectors that are written from now on stay in
-- their row where they fit: exact search reads them three to four times as fast as out of line.
-- Locks document_chunks and embedding_models for a moment; no row is rewritten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE upload_pipeline.document_chunks ALTER COLUMN embedding SET STORAGE MAIN;

-- Candidates that HNSW keeps while it searches, where nothing was measured for the tenant. The most
-- that pgvector allows, until a measurement says that fewer find enough.
ALTER TABLE upload_pipeline.embedding_models
ADD COLUMN ef_search integer NOT NULL DEFAULT 1000
CONSTRAINT embedding_models_ef_search_check CHECK (ef_search BETWEEN 40 AND 1000);

-- Some of the questions that were asked of tenants whose search uses an index: the vectors alone.
-- The newest few hundred of each are kept.
CREATE TABLE upload_pipeline.asked_vectors (
    asked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    vector_dim integer NOT NULL,
    embedding vector NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT asked_vectors_model_fkey
    FOREIGN KEY (embed_model, embed_version, vector_dim)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version, dimension),
    CONSTRAINT asked_vectors_dimension_check CHECK (vector_dims(embedding) = vector_dim),
    CONSTRAINT asked_vectors_norm_check CHECK (vector_norm(embedding) > 0)
);
-- Serves the newest questions of a tenant.
CREATE INDEX idx_asked_vectors_tenant
ON upload_pipeline.asked_vectors (tenant_id, embed_model, embed_version, asked_id);

-- What came of the last measurement for a tenant in a vector space.
CREATE TABLE upload_pipeline.search_recall (
    tenant_id uuid NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    -- Of the ten nearest chunks by exact search, the share that the index finds; the mean.
    recall double precision NOT NULL CHECK (recall BETWEEN 0 AND 1),
    questions integer NOT NULL CHECK (questions > 0),
    -- How the tenant is searched since: candidates of HNSW, or without the index.
    ef_search integer NOT NULL CHECK (ef_search BETWEEN 40 AND 1000),
    is_exact boolean NOT NULL DEFAULT false,
    -- Of one exact search, the median.
    exact_ms double precision NOT NULL CHECK (exact_ms >= 0),
    -- NULL after the index was built again: then it is measured from the beginning.
    measured_at timestamptz DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, embed_model, embed_version),
    CONSTRAINT search_recall_model_fkey FOREIGN KEY (embed_model, embed_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version) ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE
ON upload_pipeline.asked_vectors, upload_pipeline.search_recall TO ingest_worker;
GRANT USAGE, SELECT ON SEQUENCE upload_pipeline.asked_vectors_asked_id_seq TO ingest_worker;
-- The gateway keeps questions, and reads how a tenant is searched.
GRANT SELECT, INSERT ON upload_pipeline.asked_vectors TO ingest_api;
GRANT USAGE ON SEQUENCE upload_pipeline.asked_vectors_asked_id_seq TO ingest_api;
GRANT SELECT ON upload_pipeline.search_recall TO ingest_api;

DO $$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY['asked_vectors', 'search_recall'] LOOP
        EXECUTE format('ALTER TABLE upload_pipeline.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE upload_pipeline.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format(
            'CREATE POLICY every_tenant ON upload_pipeline.%I TO ingest_worker '
            'USING (true) WITH CHECK (true)', secured
        );
        EXECUTE format(
            'CREATE POLICY own_tenant ON upload_pipeline.%I TO ingest_api '
            'USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false)) '
            'WITH CHECK (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false))', secured
        );
    END LOOP;
END
$$;
