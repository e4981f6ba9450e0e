-- Why: texts can be embedded by files that a provider answers within a day, at a lower price, while
-- their jobs wait. New tables and a new column; the checks allow more than before and are validated
-- by the next revision, which blocks nobody.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.provider_batches (
    batch_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    vector_dim integer NOT NULL,
    status text NOT NULL DEFAULT 'filling'
    CONSTRAINT provider_batches_status_check
    CHECK (status IN ('filling', 'submitting', 'submitted', 'collected', 'ended')),
    -- Of its file.
    texts integer NOT NULL DEFAULT 0,
    bytes_len bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    added_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    -- Of whoever hands it over.
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    -- When it is handed over anew, or the provider is asked.
    look_after timestamptz NOT NULL DEFAULT now(),
    call_id uuid,
    key_fingerprint text,
    remote_id text UNIQUE,
    submitted_at timestamptz,
    deadline timestamptz,
    ended_at timestamptz,
    error_code text,
    error_message text,
    CONSTRAINT provider_batches_model_fkey
    FOREIGN KEY (embed_model, embed_version, vector_dim)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version, dimension),
    CONSTRAINT provider_batches_submitted_is_known CHECK (
        (status = 'submitted')
        <= (remote_id IS NOT NULL AND key_fingerprint IS NOT NULL AND deadline IS NOT NULL)
    ),
    CONSTRAINT provider_batches_over_has_end
    CHECK ((status IN ('collected', 'ended')) = (ended_at IS NOT NULL))
);
-- One of each tenant and space takes texts.
CREATE UNIQUE INDEX idx_provider_batches_filling
ON upload_pipeline.provider_batches (tenant_id, embed_model, embed_version)
WHERE status = 'filling';
-- Serves those that hand over and collect.
CREATE INDEX idx_provider_batches_open
ON upload_pipeline.provider_batches (status, look_after) WHERE status <> 'ended';
-- Serves the list, newest first.
CREATE INDEX idx_provider_batches_opened
ON upload_pipeline.provider_batches (opened_at DESC, batch_id);

-- A text that a job of the lane batch wants a vector of; once for each tenant and space.
CREATE TABLE upload_pipeline.provider_batch_texts (
    tenant_id uuid NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    text_sha256 bytea NOT NULL CHECK (octet_length(text_sha256) = 32),
    batch_id uuid NOT NULL
    REFERENCES upload_pipeline.provider_batches (batch_id) ON DELETE CASCADE,
    -- The one that wanted it last; with it goes the text.
    document_id uuid NOT NULL
    REFERENCES upload_pipeline.documents (document_id) ON DELETE CASCADE,
    token_count integer NOT NULL CHECK (token_count > 0),
    -- Until there is a result.
    text text,
    vector_dim integer NOT NULL,
    embedding vector,
    -- Whether the provider refused this very text.
    refused boolean NOT NULL DEFAULT false,
    error_code text,
    error_message text,
    -- Batches that ended without a result for it.
    tries integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, embed_model, embed_version, text_sha256),
    CONSTRAINT provider_batch_texts_dimension_check CHECK (vector_dims(embedding) = vector_dim),
    CONSTRAINT provider_batch_texts_norm_check CHECK (vector_norm(embedding) > 0),
    CONSTRAINT provider_batch_texts_refused_says_why CHECK (refused <= (error_code IS NOT NULL))
);
-- Serves a batch's file and its end.
CREATE INDEX idx_provider_batch_texts_batch
ON upload_pipeline.provider_batch_texts (batch_id, text_sha256);
-- Serves the deletion of a document.
CREATE INDEX idx_provider_batch_texts_document
ON upload_pipeline.provider_batch_texts (document_id);

DO $$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY['provider_batches', 'provider_batch_texts'] LOOP
        EXECUTE format('ALTER TABLE upload_pipeline.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE upload_pipeline.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.%I TO ingest_worker', secured
        );
        EXECUTE format(
            'CREATE POLICY every_tenant ON upload_pipeline.%I TO ingest_worker '
            'USING (true) WITH CHECK (true)', secured
        );
    END LOOP;
END
$$;

ALTER TABLE upload_pipeline.upload_jobs ADD COLUMN provider_batch_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.upload_jobs DROP CONSTRAINT upload_jobs_lane_check;
ALTER TABLE upload_pipeline.upload_jobs ADD CONSTRAINT upload_jobs_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.upload_jobs DROP CONSTRAINT upload_jobs_wait_reason_check;
ALTER TABLE upload_pipeline.upload_jobs ADD CONSTRAINT upload_jobs_wait_reason_check
CHECK (wait_reason IN ('provider', 'budget', 'paused', 'parse', 'batch')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.workers DROP CONSTRAINT workers_lane_check;
ALTER TABLE upload_pipeline.workers ADD CONSTRAINT workers_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE upload_pipeline.provider_calls DROP CONSTRAINT provider_calls_lane_check;
ALTER TABLE upload_pipeline.provider_calls ADD CONSTRAINT provider_calls_lane_check
CHECK (lane IN ('interactive', 'backfill', 'batch')) NOT VALID;
