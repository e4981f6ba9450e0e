-- What a job may become, and what is noted of it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The place of a stage in their order, from 1.
CREATE OR REPLACE FUNCTION upload_pipeline.stage_ordinal(stage text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(upload_pipeline.stages(), stage)
$$;

CREATE OR REPLACE FUNCTION upload_pipeline.stage_at(ordinal integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (upload_pipeline.stages())[ordinal]
$$;

-- A stage that is reached, unless the job is further already.
CREATE OR REPLACE FUNCTION upload_pipeline.further_stage(present text, reached text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT upload_pipeline.stage_at(greatest(
        upload_pipeline.stage_ordinal(present), upload_pipeline.stage_ordinal(reached)
    ))
$$;

-- The last durable point: where an attempt that ends leaves its job, and where the next one begins. It
-- is the text, if it is stored and of the generation that the job is for.
CREATE OR REPLACE FUNCTION upload_pipeline.durable_stage(parsed_key text, is_of_job boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN parsed_key IS NOT NULL AND is_of_job THEN 'parsed' ELSE 'queued' END
$$;

-- The only judge of changes: refuses what the transition table does not allow, and keeps the
-- columns that follow from the state.
CREATE OR REPLACE FUNCTION upload_pipeline.guard_job_change() RETURNS trigger
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

-- Writes one event for each stage passed and for each change of state, and wakes the streams. An
-- UPDATE may pass several stages at once: there is a row for each of them, from the one after the old
-- stage to the new one, and only the last row carries the new state and its error. When a job goes
-- back, or keeps its stage, the only row is that of the new stage.
CREATE OR REPLACE FUNCTION upload_pipeline.record_job_changes() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO upload_pipeline.events
            (job_id, document_id, tenant_id, stage, state, attempt, correlation_id)
        SELECT job_id, document_id, tenant_id, stage, state, attempt_count + 1, correlation_id
        FROM new_rows;
        PERFORM pg_notify('ingest_jobs', lane)
        FROM (SELECT DISTINCT lane FROM new_rows WHERE state = 'queued') AS lanes;
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
    FROM new_rows AS c
    INNER JOIN old_rows AS b ON b.job_id = c.job_id
    CROSS JOIN LATERAL (SELECT upload_pipeline.stage_ordinal(b.stage) AS ordinal) AS was
    CROSS JOIN LATERAL (SELECT upload_pipeline.stage_ordinal(c.stage) AS ordinal) AS last
    CROSS JOIN LATERAL generate_series(least(was.ordinal + 1, last.ordinal), last.ordinal)
        AS passed (ordinal)
    WHERE c.state <> b.state OR c.stage <> b.stage
    ORDER BY c.job_id, passed.ordinal;
    PERFORM pg_notify('ingest_jobs', lane)
    FROM (
        SELECT DISTINCT c.lane FROM new_rows AS c
        INNER JOIN old_rows AS b ON b.job_id = c.job_id
        WHERE c.state = 'queued' AND b.state <> 'queued'
    ) AS lanes;
    RETURN NULL;
END
$$;
