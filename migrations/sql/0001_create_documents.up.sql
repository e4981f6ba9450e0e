-- Why: the schema and its first table. Locks nothing that exists; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE SCHEMA IF NOT EXISTS upload_pipeline;
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE upload_pipeline.documents (
    document_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    filename text NOT NULL,
    media_type text NOT NULL,
    bytes_len bigint NOT NULL CHECK (bytes_len > 0),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    raw_key text NOT NULL,
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
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    CONSTRAINT documents_live_has_chunks CHECK (live_generation = 0 OR chunk_count > 0),
    CONSTRAINT documents_tenant_id_name_key UNIQUE (tenant_id, name)
);

-- Serves the list of a tenant's documents, newest first.
CREATE INDEX idx_documents_tenant_created
ON upload_pipeline.documents (tenant_id, created_at DESC, document_id);
-- Serves the check whether a blob is still in use before it is deleted.
CREATE INDEX idx_documents_raw_key ON upload_pipeline.documents (raw_key);
