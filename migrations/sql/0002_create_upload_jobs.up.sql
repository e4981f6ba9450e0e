-- Why: the queue, its audit trail, and the guard that refuses illegal changes of state.
-- Locks documents briefly for the foreign key; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.upload_jobs (
    job_id uuid PRIMARY KEY,
    document_id uuid NOT NULL
    REFERENCES upload_pipeline.documents (document_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL CHECK (generation >= 1),
    -- The bytes this job was made for; what an idempotency key is compared with.
    file_sha256 text NOT NULL,
    lane text NOT NULL DEFAULT 'interactive'
    CONSTRAINT upload_jobs_lane_check CHECK (lane IN ('interactive', 'backfill')),
    priority smallint NOT NULL DEFAULT 0,
    stage text NOT NULL DEFAULT 'queued'
    CONSTRAINT upload_jobs_stage_check CHECK (
        stage IN (
            'queued', 'job_validated', 'parsing', 'parsed', 'parse_validated',
            'chunking', 'chunks_buffered', 'embedding', 'embedded'
        )
    ),
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
    run_after timestamptz NOT NULL DEFAULT now(),
    leased_by uuid,
    leased_until timestamptz,
    lease_token uuid,
    progressed_at timestamptz,
    wait_reason text
    CONSTRAINT upload_jobs_wait_reason_check
    CHECK (wait_reason IN ('provider', 'budget', 'paused')),
    wait_until timestamptz,
    chunks_total integer,
    chunks_stored integer NOT NULL DEFAULT 0,
    -- Rows that were there before: [{chunk_id, char_start, char_end, page, heading_path}, …]
    retained_chunks jsonb,
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
CREATE INDEX idx_upload_jobs_claim
ON upload_pipeline.upload_jobs (lane, tenant_id, priority DESC, run_after, job_id)
WHERE state IN ('queued', 'retryable');
-- Serves heartbeat, rescue and the count of what a stream holds.
CREATE INDEX idx_upload_jobs_working
ON upload_pipeline.upload_jobs (leased_by) WHERE state = 'working';
-- Serves the deadlines of waiting jobs.
CREATE INDEX idx_upload_jobs_waiting
ON upload_pipeline.upload_jobs (wait_until) WHERE state = 'waiting';
-- Serves the jobs of a document, and allows one unfinished or published job a generation.
CREATE UNIQUE INDEX idx_upload_jobs_generation
ON upload_pipeline.upload_jobs (document_id, generation)
WHERE state NOT IN ('deadletter', 'cancelled');
CREATE INDEX idx_upload_jobs_document
ON upload_pipeline.upload_jobs (document_id, created_at DESC);
-- Serves the list of a tenant's jobs, newest first.
CREATE INDEX idx_upload_jobs_tenant_created
ON upload_pipeline.upload_jobs (tenant_id, created_at DESC, job_id);
-- Serves the dead letter.
CREATE INDEX idx_upload_jobs_deadletter
ON upload_pipeline.upload_jobs (tenant_id, finished_at DESC) WHERE state = 'deadletter';
-- Same key, same tenant: same answer.
CREATE UNIQUE INDEX idx_upload_jobs_idempotency
ON upload_pipeline.upload_jobs (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

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
-- Serves a job's history and its live event stream.
CREATE INDEX idx_events_job ON upload_pipeline.events (job_id, event_id);

CREATE FUNCTION upload_pipeline.stage_ordinal(stage text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(
    ARRAY[
        'queued', 'job_validated', 'parsing', 'parsed', 'parse_validated',
        'chunking', 'chunks_buffered', 'embedding', 'embedded'
    ],
    stage
);

CREATE FUNCTION upload_pipeline.stage_at(ordinal integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY[
    'queued', 'job_validated', 'parsing', 'parsed', 'parse_validated',
    'chunking', 'chunks_buffered', 'embedding', 'embedded'
])[ordinal];

-- The only judge of changes: refuses what the transition table does not allow, and keeps the
-- columns that follow from the state.
CREATE FUNCTION upload_pipeline.guard_job_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    backward boolean := upload_pipeline.stage_ordinal(NEW.stage)
        < upload_pipeline.stage_ordinal(OLD.stage);
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) <> ALL (ARRAY[
        'queued>working', 'queued>waiting', 'queued>cancelled',
        'working>queued', 'working>waiting', 'working>retryable', 'working>done',
        'working>deadletter', 'working>cancelled',
        'waiting>queued', 'waiting>deadletter', 'waiting>cancelled',
        'retryable>working', 'retryable>queued', 'retryable>cancelled',
        'deadletter>queued', 'deadletter>cancelled'
    ]) THEN
        RAISE EXCEPTION 'a job cannot go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'upload_jobs_transition';
    END IF;
    IF NEW.state = OLD.state AND OLD.state <> 'working' AND NEW.stage <> OLD.stage THEN
        RAISE EXCEPTION 'the stage of a % job cannot change', OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'upload_jobs_transition';
    END IF;
    IF backward AND (NEW.state = OLD.state OR NEW.stage NOT IN ('queued', 'parsed')) THEN
        RAISE EXCEPTION 'a job cannot go back from stage % to %', OLD.stage, NEW.stage
            USING ERRCODE = 'check_violation', CONSTRAINT = 'upload_jobs_transition';
    END IF;
    IF NEW.state <> 'working' THEN
        NEW.leased_by := NULL;
        NEW.leased_until := NULL;
        NEW.lease_token := NULL;
    END IF;
    IF NEW.state <> 'waiting' THEN
        NEW.wait_reason := NULL;
        NEW.wait_until := NULL;
    END IF;
    IF NEW.state IN ('done', 'deadletter', 'cancelled') THEN
        NEW.finished_at := coalesce(OLD.finished_at, now());
        NEW.retained_chunks := NULL;
    ELSE
        NEW.finished_at := NULL;
    END IF;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER guard_job_change BEFORE UPDATE OF state, stage ON upload_pipeline.upload_jobs
FOR EACH ROW EXECUTE FUNCTION upload_pipeline.guard_job_change();

-- Writes one event for each stage passed and for each change of state, and wakes the streams.
CREATE FUNCTION upload_pipeline.record_job_changes() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO upload_pipeline.events
            (job_id, document_id, tenant_id, stage, state, attempt, correlation_id)
        SELECT job_id, document_id, tenant_id, stage, state, attempt_count + 1, correlation_id
        FROM changed;
        PERFORM pg_notify('ingest_jobs', lane)
        FROM (SELECT DISTINCT lane FROM changed WHERE state = 'queued') AS lanes;
        RETURN NULL;
    END IF;
    INSERT INTO upload_pipeline.events (
        job_id, document_id, tenant_id, from_stage, stage, from_state, state,
        attempt, worker_id, correlation_id, error
    )
    SELECT
        c.job_id, c.document_id, c.tenant_id,
        CASE WHEN passed.ordinal = last.ordinal AND last.ordinal <= was.ordinal THEN b.stage
             ELSE upload_pipeline.stage_at(passed.ordinal - 1) END,
        upload_pipeline.stage_at(passed.ordinal),
        b.state,
        CASE WHEN passed.ordinal = last.ordinal THEN c.state ELSE b.state END,
        b.attempt_count + 1,
        coalesce(c.leased_by, b.leased_by),
        c.correlation_id,
        CASE WHEN passed.ordinal = last.ordinal
            AND c.last_error IS DISTINCT FROM b.last_error THEN c.last_error END
    FROM changed AS c
    INNER JOIN before AS b ON b.job_id = c.job_id
    CROSS JOIN LATERAL (SELECT upload_pipeline.stage_ordinal(b.stage) AS ordinal) AS was
    CROSS JOIN LATERAL (SELECT upload_pipeline.stage_ordinal(c.stage) AS ordinal) AS last
    CROSS JOIN LATERAL generate_series(least(was.ordinal + 1, last.ordinal), last.ordinal)
        AS passed (ordinal)
    WHERE c.state <> b.state OR c.stage <> b.stage
    ORDER BY c.job_id, passed.ordinal;
    PERFORM pg_notify('ingest_jobs', lane)
    FROM (
        SELECT DISTINCT c.lane FROM changed AS c
        INNER JOIN before AS b ON b.job_id = c.job_id
        WHERE c.state = 'queued' AND b.state <> 'queued'
    ) AS lanes;
    RETURN NULL;
END
$$;

CREATE TRIGGER record_new_jobs AFTER INSERT ON upload_pipeline.upload_jobs
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.record_job_changes();

CREATE TRIGGER record_job_changes AFTER UPDATE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS before NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.record_job_changes();
