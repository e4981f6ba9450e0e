-- revision: 0004, after: 0003, works from: 0001
-- Why: what providers were asked for, what it cost and how much may be spent; and what they work on
-- while nobody waits for it. Locks documents briefly for a foreign key; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.budgets (
    -- The tenant; all_tenants() bounds all of them together.
    tenant_id uuid NOT NULL,
    -- Whose money: a used-up budget of ingestion must not silence search.
    purpose text NOT NULL DEFAULT 'ingestion'
    CONSTRAINT budgets_purpose_check CHECK (purpose IN ('ingestion', 'search')),
    period text NOT NULL CONSTRAINT budgets_period_check CHECK (period IN ('day', 'month')),
    -- Over the soft limit a warning is given, over the hard one nothing is bought.
    soft_usd numeric(16, 9) CHECK (soft_usd >= 0),
    hard_usd numeric(16, 9) CHECK (hard_usd >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, purpose, period)
);

-- One row a tenant (and one for all_tenants()), purpose and period: what is set aside and what is
-- spent. Questions lock rows of their purpose alone, so that none waits for a lock of ingestion's.
CREATE TABLE upload_pipeline.spending (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL
    CONSTRAINT spending_purpose_check CHECK (purpose IN ('ingestion', 'search')),
    period text NOT NULL CONSTRAINT spending_period_check CHECK (period IN ('day', 'month')),
    starts_on date NOT NULL,
    reserved_usd numeric(16, 9) NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
    spent_usd numeric(16, 9) NOT NULL DEFAULT 0 CHECK (spent_usd >= 0),
    PRIMARY KEY (tenant_id, purpose, period, starts_on)
) WITH (fillfactor = 50);

CREATE TABLE upload_pipeline.provider_calls (
    call_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    operation text NOT NULL
    CONSTRAINT provider_calls_operation_check CHECK (operation IN ('embed', 'search', 'parse')),
    lane text NOT NULL
    CONSTRAINT provider_calls_lane_check CHECK (lane IN ('interactive', 'backfill', 'batch')),
    -- Whose sums the call is in.
    purpose text NOT NULL DEFAULT 'ingestion'
    CONSTRAINT provider_calls_purpose_check CHECK (purpose IN ('ingestion', 'search')),
    key_fingerprint text NOT NULL,
    state text NOT NULL DEFAULT 'reserved'
    CONSTRAINT provider_calls_state_check
    CHECK (state IN ('reserved', 'settled', 'released', 'unknown')),
    reserved_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- What was expected, and what the provider charged: tokens for embedding, credits for parsing.
    reserved_units bigint NOT NULL CHECK (reserved_units >= 0),
    units bigint CHECK (units >= 0),
    pages integer CHECK (pages >= 0),
    reserved_usd numeric(16, 9) NOT NULL CHECK (reserved_usd >= 0),
    usd numeric(16, 9) NOT NULL DEFAULT 0 CHECK (usd >= 0),
    -- The provider's own name for the request.
    request_id text,
    error_code text,
    CONSTRAINT provider_calls_ended CHECK ((state = 'reserved') = (ended_at IS NULL))
);
-- Serves the end of reservations whose process died.
CREATE INDEX idx_provider_calls_reserved
ON upload_pipeline.provider_calls (expires_at) WHERE state = 'reserved';
-- Serves usage by tenant and day.
CREATE INDEX idx_provider_calls_tenant ON upload_pipeline.provider_calls (tenant_id, reserved_at);

-- include: functions/ledger.sql

-- Parses that a provider works on while nobody waits.
CREATE TABLE upload_pipeline.parse_jobs (
    parse_job_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    -- One parse for each content of a tenant and each way of parsing it.
    file_sha256 text NOT NULL,
    parser text NOT NULL,
    -- Digest of the unguessable word in the webhook's address.
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    status text NOT NULL DEFAULT 'submitting'
    CONSTRAINT parse_jobs_status_check
    CHECK (status IN ('submitting', 'submitted', 'completed', 'failed')),
    call_id uuid,
    key_fingerprint text,
    provider_job_id text UNIQUE,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    deadline timestamptz NOT NULL,
    -- When the provider is asked, should it not call before.
    poll_after timestamptz NOT NULL,
    -- When the provider called.
    reported_at timestamptz,
    ended_at timestamptz,
    -- What the parse is measured by: the document's own pages and text layer.
    source_pages integer,
    source_chars bigint NOT NULL,
    -- The provider is asked for no more pages than were paid for in advance.
    most_pages integer NOT NULL,
    pages integer,
    -- Numbers of the pages that failed, and why.
    failed_pages jsonb NOT NULL DEFAULT '{}',
    credits integer,
    error_code text,
    error_message text,
    parsed_key text,
    parsed_sha256 text,
    UNIQUE (tenant_id, file_sha256, parser),
    CONSTRAINT parse_jobs_submitted_is_known CHECK (
        (status = 'submitted') <= (provider_job_id IS NOT NULL AND key_fingerprint IS NOT NULL)
    ),
    CONSTRAINT parse_jobs_completed_has_text CHECK (
        (status = 'completed') = (parsed_key IS NOT NULL AND parsed_sha256 IS NOT NULL)
    ),
    CONSTRAINT parse_jobs_failed_says_why CHECK ((status = 'failed') = (error_code IS NOT NULL))
);
-- Serves the poller.
CREATE INDEX idx_parse_jobs_open
ON upload_pipeline.parse_jobs (poll_after) WHERE status IN ('submitting', 'submitted');
-- Serves retention.
CREATE INDEX idx_parse_jobs_failed ON upload_pipeline.parse_jobs (ended_at) WHERE status = 'failed';
-- Serves the check whether a text is still in use before it is deleted.
CREATE INDEX idx_parse_jobs_parsed_key ON upload_pipeline.parse_jobs (parsed_key);

-- Deliveries of webhooks. They are about parses.
CREATE TABLE upload_pipeline.webhook_log (
    -- What makes a delivery count once is in its id.
    delivery_id text NOT NULL,
    provider text NOT NULL,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    verdict text NOT NULL
    CONSTRAINT webhook_log_verdict_check
    CHECK (verdict IN ('accepted', 'duplicate', 'forged', 'late', 'malformed')),
    source text NOT NULL,
    parse_job_id uuid,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Replay protection: a delivery counts once.
    PRIMARY KEY (provider, delivery_id)
);
-- Serves retention.
CREATE INDEX idx_webhook_log_received ON upload_pipeline.webhook_log (received_at);

-- Files of texts that a provider embeds within a day, at a lower price, while their jobs wait.
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
    -- Fencing token of the process that submits it: each one that takes the batch sets a new one, and
    -- who holds an older one changes nothing any more.
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    -- When it is submitted again, or the provider is asked.
    poll_after timestamptz NOT NULL DEFAULT now(),
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
-- Serves those that submit and poll.
CREATE INDEX idx_provider_batches_open
ON upload_pipeline.provider_batches (status, poll_after) WHERE status <> 'ended';
-- Serves the list, newest first.
CREATE INDEX idx_provider_batches_opened
ON upload_pipeline.provider_batches (opened_at DESC, batch_id);

-- The buffer of asynchronous embedding: texts of jobs of the lane batch on their way to the provider,
-- and their vectors on their way into document_chunks. A text is there once for each tenant and space.
CREATE TABLE upload_pipeline.document_vector_buffer (
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
    CONSTRAINT document_vector_buffer_dimension_check CHECK (vector_dims(embedding) = vector_dim),
    CONSTRAINT document_vector_buffer_norm_check CHECK (vector_norm(embedding) > 0),
    CONSTRAINT document_vector_buffer_refused_says_why CHECK (refused <= (error_code IS NOT NULL))
);
-- Serves a batch's file and its end.
CREATE INDEX idx_vector_buffer_batch
ON upload_pipeline.document_vector_buffer (batch_id, text_sha256);
-- Serves the deletion of a document.
CREATE INDEX idx_vector_buffer_document
ON upload_pipeline.document_vector_buffer (document_id);
