-- revision: 0001, works from: 0001
-- Why: the schema, its tenants and their documents. Locks nothing that exists; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE SCHEMA IF NOT EXISTS upload_pipeline;
CREATE EXTENSION IF NOT EXISTS vector;

-- What stands for all tenants where a table has a row for each: the sum of all in budgets and spending,
-- and each tenant without a row of its own in tenant_limits and serving_spaces. No tenant has this id.
CREATE FUNCTION upload_pipeline.all_tenants() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;

-- One row for each migration, written as a part of it: code that is older than the schema asks here
-- whether it still works with it.
CREATE TABLE upload_pipeline.schema_steps (
    revision text PRIMARY KEY,
    -- The newest revision of the oldest code that works with the schema after this step.
    works_from text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_steps_works_from_check CHECK (works_from <= revision)
);

-- Nothing refers to it, so uploads never wait for it.
CREATE TABLE upload_pipeline.tenants (
    tenant_id uuid PRIMARY KEY,
    -- NULL while only the id is known. The id follows from the name, never the other way round.
    name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_name_key UNIQUE (name),
    CONSTRAINT tenants_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT tenants_is_one_check CHECK (tenant_id <> upload_pipeline.all_tenants())
);

-- The tenant of every request when authentication is off.
INSERT INTO upload_pipeline.tenants (tenant_id, name)
VALUES ('68a135d3-fad9-5e19-b977-33bcb5e829de', 'local');

CREATE TABLE upload_pipeline.documents (
    document_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    filename text NOT NULL,
    -- Where the client had the newest generation's file, as it said; NULL when it did not say.
    source_path text,
    media_type text NOT NULL,
    bytes_len bigint NOT NULL CHECK (bytes_len > 0),
    -- Digest and blob key of the newest generation's bytes. NULL until they are stored; then its job
    -- has to fetch them first.
    file_sha256 text CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    raw_key text,
    -- Blob key of the newest generation's text; NULL until it is parsed.
    parsed_key text,
    -- Blob keys of older generations; they go when the document is deleted.
    retired_keys text [] NOT NULL DEFAULT '{}',
    parsed_sha256 text CHECK (parsed_sha256 ~ '^[0-9a-f]{64}$'),
    parser text,
    page_count integer,
    char_count bigint,
    -- The newest accepted generation; the columns above describe its bytes.
    generation integer NOT NULL DEFAULT 1 CHECK (generation >= 1),
    -- The published generation; 0 until the first is published.
    live_generation integer NOT NULL DEFAULT 0 CHECK (live_generation BETWEEN 0 AND generation),
    chunk_count integer NOT NULL DEFAULT 0 CHECK (chunk_count >= 0),
    -- The vector space that readers see; NULL until something is published.
    embed_model text,
    embed_version text,
    -- Which parts of the live generation were made by a fallback, because the provider was away.
    degraded text [] NOT NULL DEFAULT '{}'
    CONSTRAINT documents_degraded_check CHECK (degraded <@ ARRAY['parser', 'embedder']),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    CONSTRAINT documents_live_has_chunks CHECK (live_generation = 0 OR chunk_count > 0),
    CONSTRAINT documents_text_is_of_bytes CHECK (
        (raw_key IS NULL) = (file_sha256 IS NULL) AND (raw_key IS NOT NULL OR parsed_key IS NULL)
    ),
    CONSTRAINT documents_tenant_id_name_key UNIQUE (tenant_id, name)
);

-- Serves the list of a tenant's documents, newest first.
CREATE INDEX idx_documents_tenant_created
ON upload_pipeline.documents (tenant_id, created_at DESC, document_id);
-- Serve the check whether a blob is still in use before it is deleted.
CREATE INDEX idx_documents_raw_key ON upload_pipeline.documents (raw_key);
CREATE INDEX idx_documents_parsed_key ON upload_pipeline.documents (parsed_key);
-- Serves the documents that are to be made again when the provider is back.
CREATE INDEX idx_documents_degraded
ON upload_pipeline.documents (published_at) WHERE degraded <> '{}';

-- A document that a person deleted: it must not come back with the next backfill. Its id is a digest
-- of tenant and name, and says neither. Kept for ever.
CREATE TABLE upload_pipeline.tombstones (
    document_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The inventory: what backfills have listed and taken in, so that nothing is read again for it.
CREATE TABLE upload_pipeline.source_objects (
    tenant_id uuid NOT NULL,
    uri text NOT NULL,
    filename text NOT NULL,
    bytes_len bigint NOT NULL,
    -- What tells the bytes that were listed from others: an entity tag, or time and size of a file.
    -- Empty where the listing did not say.
    version text NOT NULL,
    -- The backfill that has to take it in: the one that listed it last.
    run text NOT NULL,
    listed_at timestamptz NOT NULL DEFAULT now(),
    -- The version that is a document, and which generation of which.
    taken_version text,
    document_id uuid REFERENCES upload_pipeline.documents ON DELETE SET NULL,
    generation integer,
    -- Why the run could not take it in.
    refused_code text,
    PRIMARY KEY (tenant_id, uri)
);
-- Serves a run that takes in what it has listed.
CREATE INDEX idx_source_objects_pending
ON upload_pipeline.source_objects (run, uri)
WHERE refused_code IS NULL AND taken_version IS DISTINCT FROM version;
-- Serves the deletion of a document.
CREATE INDEX idx_source_objects_document ON upload_pipeline.source_objects (document_id);
