-- Why: while a provider is away, documents may be made searchable without it, are marked as such,
-- and made again later. Adds columns without rewriting; the checks are validated without blocking.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE upload_pipeline.documents
-- The vector space that readers see; NULL where there never was more than one.
ADD COLUMN embed_model text,
ADD COLUMN embed_version text,
-- What of the live generation was made here because its provider was away.
ADD COLUMN degraded text [] NOT NULL DEFAULT '{}';
ALTER TABLE upload_pipeline.documents
ADD CONSTRAINT documents_degraded_check
CHECK (degraded <@ ARRAY['parser', 'embedder']) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.documents VALIDATE CONSTRAINT documents_degraded_check;
-- Serves the documents that are to be made again; there are none yet.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_documents_degraded
ON upload_pipeline.documents (published_at) WHERE degraded <> '{}';

ALTER TABLE upload_pipeline.upload_jobs
ADD COLUMN cause text NOT NULL DEFAULT 'upload',
-- What the job makes here because its provider is away.
ADD COLUMN degraded text [] NOT NULL DEFAULT '{}';
ALTER TABLE upload_pipeline.upload_jobs
ADD CONSTRAINT upload_jobs_cause_check CHECK (cause IN ('upload', 'upgrade')) NOT VALID,
ADD CONSTRAINT upload_jobs_degraded_check
CHECK (degraded <@ ARRAY['parser', 'embedder']) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_cause_check;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE upload_pipeline.upload_jobs VALIDATE CONSTRAINT upload_jobs_degraded_check;
