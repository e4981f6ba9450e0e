-- Why: a backfill knows what it has listed and taken in, without reading everything again.
-- A new table and a foreign key to documents, which is not scanned; nothing is locked for long.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

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

ALTER TABLE upload_pipeline.source_objects ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.source_objects FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.source_objects TO ingest_worker;
CREATE POLICY every_tenant ON upload_pipeline.source_objects TO ingest_worker
USING (true) WITH CHECK (true);
