-- revision: 0007, after: 0006, works from: 0001
-- Why: lexical search compares terms that the application makes (folded, stemmed, identifiers taken
-- apart), with their fields, and ranks by BM25. The rows that are there have no terms yet; a duty of
-- the maintenance adds them. Code from before this revision goes on writing rows without terms; its
-- own lexical search finds its function, but no index.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The terms of a chunk and, as one of them, its tenant; weight A: the title, B: the headings.
-- NULL: not made yet.
ALTER TABLE upload_pipeline.document_chunks ADD COLUMN terms tsvector;
-- Not compressed: a search reads the terms of thousands of rows.
ALTER TABLE upload_pipeline.document_chunks ALTER COLUMN terms SET STORAGE EXTERNAL;

-- How often the common terms of a tenant occur, in one vector space; taken from a sample. Rare terms
-- are counted when they are asked for.
CREATE TABLE upload_pipeline.term_statistics (
    tenant_id uuid NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    chunks bigint NOT NULL CHECK (chunks >= 0),
    -- Of a chunk.
    average_tokens real NOT NULL CHECK (average_tokens > 0),
    terms text [] NOT NULL,
    -- Of all chunks, those that hold the term; in the order of the terms.
    fractions real [] NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, embed_model, embed_version),
    CONSTRAINT term_statistics_model_fkey FOREIGN KEY (embed_model, embed_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version) ON DELETE CASCADE,
    CONSTRAINT term_statistics_fractions_check CHECK (cardinality(terms) = cardinality(fractions))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.term_statistics TO ingest_worker;
GRANT SELECT ON upload_pipeline.term_statistics TO ingest_api;
ALTER TABLE upload_pipeline.term_statistics ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.term_statistics FORCE ROW LEVEL SECURITY;
CREATE POLICY every_tenant ON upload_pipeline.term_statistics TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY own_tenant ON upload_pipeline.term_statistics FOR SELECT TO ingest_api
USING (coalesce(tenant_id = (SELECT upload_pipeline.tenant()), false));

-- include: functions/lexical_search.sql
