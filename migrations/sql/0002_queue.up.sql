-- revision: 0002, after: 0001, works from: 0001
-- Why: the queue, its audit trail, who works on it, what holds it back, and how much is in it.
-- Locks documents briefly for a foreign key and triggers; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The stages of a job, in order. This is the only list of them in the database.
CREATE FUNCTION upload_pipeline.stages() RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
    'queued', 'job_validated', 'parsing', 'parsed', 'parse_validated',
    'chunking', 'chunks_buffered', 'embedding', 'embedded'
];

CREATE TABLE upload_pipeline.upload_jobs (
    job_id uuid PRIMARY KEY,
    document_id uuid NOT NULL
    REFERENCES upload_pipeline.documents (document_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL CHECK (generation >= 1),
    -- The bytes this job was made for; what an idempotency key is compared with. NULL until they are
    -- fetched.
    file_sha256 text,
    lane text NOT NULL DEFAULT 'interactive'
    CONSTRAINT upload_jobs_lane_check CHECK (lane IN ('interactive', 'backfill', 'batch')),
    priority smallint NOT NULL DEFAULT 0,
    -- Why the job was made: somebody's upload, or what is there made again by better means.
    cause text NOT NULL DEFAULT 'upload'
    CONSTRAINT upload_jobs_cause_check CHECK (cause IN ('upload', 'upgrade')),
    stage text NOT NULL DEFAULT 'queued'
    CONSTRAINT upload_jobs_stage_check CHECK (stage = ANY(upload_pipeline.stages())),
    state text NOT NULL DEFAULT 'queued'
    CONSTRAINT upload_jobs_state_check CHECK (
        state IN (
            'queued', 'working', 'waiting', 'retryable', 'done', 'deadletter', 'cancelled'
        )
    ),
    -- Failed attempts so far; interruptions do not count.
    attempt_count integer NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    -- Leases that ran out; bounded, so that a document that kills its worker ends somewhere.
    rescue_count integer NOT NULL DEFAULT 0 CHECK (rescue_count >= 0),
    -- How often a person sent the job back to the queue from the dead letter.
    replay_count integer NOT NULL DEFAULT 0,
    run_after timestamptz NOT NULL DEFAULT now(),
    leased_by uuid,
    leased_until timestamptz,
    -- Fencing token: who holds the lease writes only while the row still has it.
    lease_token uuid,
    progressed_at timestamptz,
    wait_reason text
    CONSTRAINT upload_jobs_wait_reason_check
    CHECK (wait_reason IN ('provider', 'budget', 'paused', 'parse', 'batch')),
    wait_until timestamptz,
    -- What the job waits for: a row of parse_jobs or of provider_batches.
    parse_job_id uuid,
    provider_batch_id uuid,
    chunks_total integer,
    chunks_stored integer NOT NULL DEFAULT 0,
    -- Rows that were there before: [{chunk_id, char_start, char_end, page, heading_path}, …]
    retained_chunks jsonb,
    -- Chunks that the job goes on without, and why.
    skipped_chunks jsonb,
    -- Which parts the job makes by a fallback, because the provider is away.
    degraded text [] NOT NULL DEFAULT '{}'
    CONSTRAINT upload_jobs_degraded_check CHECK (degraded <@ ARRAY['parser', 'embedder']),
    last_error jsonb,
    idempotency_key text,
    correlation_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT upload_jobs_working_has_lease CHECK (
        (state = 'working') = (
            leased_by IS NOT NULL AND leased_until IS NOT NULL AND lease_token IS NOT NULL
        )
    ),
    CONSTRAINT upload_jobs_waiting_has_deadline CHECK (
        (state = 'waiting') = (wait_reason IS NOT NULL AND wait_until IS NOT NULL)
    ),
    CONSTRAINT upload_jobs_final_has_finished CHECK (
        (state IN ('done', 'deadletter', 'cancelled')) = (finished_at IS NOT NULL)
    ),
    CONSTRAINT upload_jobs_done_is_complete CHECK (
        state <> 'done'
        OR (stage = 'embedded' AND chunks_total > 0 AND chunks_stored = chunks_total)
    )
) WITH (fillfactor = 70);

-- Serves claim: the tenants of a lane with claimable jobs, and each one's next jobs.
CREATE INDEX ix_jobs_state
ON upload_pipeline.upload_jobs (lane, tenant_id, priority DESC, run_after, job_id)
WHERE state IN ('queued', 'retryable');
-- Serves the age of the oldest due job, and jobs that are never due.
CREATE INDEX idx_upload_jobs_due
ON upload_pipeline.upload_jobs (lane, run_after) WHERE state IN ('queued', 'retryable');
-- Serves the spreading of replays: when the last one of a tenant may start.
CREATE INDEX idx_upload_jobs_replayed
ON upload_pipeline.upload_jobs (tenant_id, run_after)
WHERE state IN ('queued', 'retryable') AND replay_count > 0;
-- Serves heartbeat, rescue and the count of what a stream holds.
CREATE INDEX idx_upload_jobs_working
ON upload_pipeline.upload_jobs (leased_by) WHERE state = 'working';
-- Serves the deadlines of waiting jobs.
CREATE INDEX idx_upload_jobs_waiting
ON upload_pipeline.upload_jobs (wait_until) WHERE state = 'waiting';
-- Serves jobs that wait for a provider, a budget or a parse, when they are due.
CREATE INDEX idx_upload_jobs_wake
ON upload_pipeline.upload_jobs (wait_reason, run_after) WHERE state = 'waiting';
-- Serves the jobs of a parse that is over.
CREATE INDEX idx_upload_jobs_parse
ON upload_pipeline.upload_jobs (parse_job_id)
WHERE state = 'waiting' AND parse_job_id IS NOT NULL;
-- Serves the jobs of a provider batch that is over.
CREATE INDEX idx_upload_jobs_batched
ON upload_pipeline.upload_jobs (provider_batch_id)
WHERE state = 'waiting' AND wait_reason = 'batch';
-- Serves the jobs of a document, and allows one unfinished or published job a generation.
CREATE UNIQUE INDEX idx_upload_jobs_generation
ON upload_pipeline.upload_jobs (document_id, generation)
WHERE state NOT IN ('deadletter', 'cancelled');
CREATE INDEX idx_upload_jobs_document
ON upload_pipeline.upload_jobs (document_id, created_at DESC);
-- Serves the list of a tenant's jobs, newest first.
CREATE INDEX idx_upload_jobs_tenant_created
ON upload_pipeline.upload_jobs (tenant_id, created_at DESC, job_id);
-- Serves what is left of a tenant's lane, and the limit on a tenant's unfinished jobs.
CREATE INDEX idx_upload_jobs_open
ON upload_pipeline.upload_jobs (tenant_id, lane) WHERE finished_at IS NULL;
-- Serves the dead letter.
CREATE INDEX idx_upload_jobs_deadletter
ON upload_pipeline.upload_jobs (tenant_id, finished_at DESC) WHERE state = 'deadletter';
-- Serves the throughput of a lane: what was published recently.
CREATE INDEX idx_upload_jobs_published
ON upload_pipeline.upload_jobs (lane, finished_at) WHERE state = 'done';
-- Same key, same tenant: same answer.
CREATE UNIQUE INDEX idx_upload_jobs_idempotency
ON upload_pipeline.upload_jobs (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- The audit trail, written by a trigger. It outlives the jobs it is about.
CREATE TABLE upload_pipeline.events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid NOT NULL,
    document_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_stage text,
    stage text NOT NULL,
    from_state text,
    state text NOT NULL,
    attempt integer NOT NULL,
    worker_id uuid,
    correlation_id text NOT NULL,
    error jsonb
);
-- Serves the history of a document's jobs in the order of time, and their live event streams.
CREATE INDEX ix_events_doc_ts ON upload_pipeline.events (job_id, event_id);

-- include: functions/jobs.sql

CREATE TRIGGER guard_job_change BEFORE UPDATE OF state, stage ON upload_pipeline.upload_jobs
FOR EACH ROW EXECUTE FUNCTION upload_pipeline.guard_job_change();
CREATE TRIGGER record_new_jobs AFTER INSERT ON upload_pipeline.upload_jobs
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.record_job_changes();
CREATE TRIGGER record_job_changes AFTER UPDATE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.record_job_changes();

-- How many jobs and documents there are is shown all the time, and counting them takes seconds with
-- millions of them. Every statement that changes rows adds what it changed to counters; readers sum
-- up, and the supervisors fold rows into few.
CREATE TABLE upload_pipeline.counters (
    counted text NOT NULL
    CONSTRAINT counters_counted_check CHECK (counted IN ('jobs', 'documents', 'chunks', 'degraded')),
    -- Of jobs; empty otherwise.
    lane text NOT NULL DEFAULT '',
    stage text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT '',
    -- A change: there are many rows for one thing, and their sum counts.
    amount bigint NOT NULL
);

-- include: functions/counters.sql

CREATE TRIGGER count_new_jobs AFTER INSERT ON upload_pipeline.upload_jobs
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_jobs();
CREATE TRIGGER count_changed_jobs AFTER UPDATE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_jobs();
CREATE TRIGGER count_removed_jobs AFTER DELETE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_jobs();
CREATE TRIGGER count_no_jobs AFTER TRUNCATE ON upload_pipeline.upload_jobs
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_jobs();
CREATE TRIGGER count_new_documents AFTER INSERT ON upload_pipeline.documents
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_documents();
CREATE TRIGGER count_changed_documents AFTER UPDATE ON upload_pipeline.documents
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_documents();
CREATE TRIGGER count_removed_documents AFTER DELETE ON upload_pipeline.documents
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_documents();
CREATE TRIGGER count_no_documents AFTER TRUNCATE ON upload_pipeline.documents
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.count_documents();

-- The streams that claim jobs.
CREATE TABLE upload_pipeline.workers (
    worker_id uuid PRIMARY KEY,
    lane text NOT NULL
    CONSTRAINT workers_lane_check CHECK (lane IN ('interactive', 'backfill', 'batch')),
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    -- Whether it is asked to claim nothing more and to finish what it holds.
    draining boolean NOT NULL DEFAULT false,
    stopped_at timestamptz
);
-- Serves readiness and status: which streams are alive.
CREATE INDEX idx_workers_running ON upload_pipeline.workers (heartbeat_at)
WHERE stopped_at IS NULL;

-- Each periodic duty is done by one process of the whole system at a time.
CREATE TABLE upload_pipeline.maintenance_leases (
    duty text PRIMARY KEY,
    -- For people: host, process and lane of the one who does it, or did.
    holder text NOT NULL,
    -- The fencing token: another one for each holder; a statement under an older one changes nothing.
    token uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    -- When it was last begun, whoever did; NULL before the first time.
    ran_at timestamptz
);

-- What an operator has stopped.
CREATE TABLE upload_pipeline.pauses (
    kind text NOT NULL
    CONSTRAINT pauses_kind_check CHECK (kind IN ('everything', 'tenant', 'lane', 'provider')),
    -- The tenant's id, the lane or the provider; empty for everything.
    subject text NOT NULL,
    note text NOT NULL DEFAULT '',
    paused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, subject),
    CONSTRAINT pauses_everything_has_no_subject CHECK ((kind = 'everything') = (subject = ''))
);

-- What a tenant may use of what all share. all_tenants() stands for each tenant that has no row of its
-- own.
CREATE TABLE upload_pipeline.tenant_limits (
    tenant_id uuid PRIMARY KEY,
    -- Of each: no limit when it is NULL.
    active_jobs bigint CHECK (active_jobs >= 0),
    uploads_per_day bigint CHECK (uploads_per_day >= 0),
    bytes_per_day bigint CHECK (bytes_per_day >= 0),
    searches_per_minute bigint CHECK (searches_per_minute >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What a tenant with limits has uploaded on its latest day (UTC).
CREATE TABLE upload_pipeline.tenant_uploads (
    tenant_id uuid PRIMARY KEY,
    day date NOT NULL,
    uploads bigint NOT NULL,
    bytes bigint NOT NULL
);

-- Searches that are left to a tenant with a limit, and when that was so; they grow back steadily.
CREATE TABLE upload_pipeline.tenant_searches (
    tenant_id uuid PRIMARY KEY,
    available double precision NOT NULL,
    at timestamptz NOT NULL
);

-- include: functions/tenant_limits.sql
