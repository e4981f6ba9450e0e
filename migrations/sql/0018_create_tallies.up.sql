-- Why: how many jobs and documents there are is shown all the time, and must not be counted anew
-- each time: that takes seconds with millions of them. Every statement that changes rows adds what
-- it changed to tallies; readers sum up, and the supervisors fold rows into few.
-- The tables are counted once and locked against writers until that is done: about a second for
-- each million rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

CREATE TABLE upload_pipeline.tallies (
    counted text NOT NULL
    CONSTRAINT tallies_counted_check CHECK (counted IN ('jobs', 'documents', 'chunks', 'degraded')),
    -- Of jobs; empty otherwise.
    lane text NOT NULL DEFAULT '',
    stage text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT '',
    -- A change: there are many rows for one thing, and their sum counts.
    amount bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.tallies TO ingest_worker;

-- They have the rights of their owner: who acts as a tenant changes jobs, and sees no totals.
CREATE FUNCTION upload_pipeline.tally_jobs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM upload_pipeline.tallies WHERE counted = 'jobs';
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO upload_pipeline.tallies (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, count(*) FROM arrived GROUP BY lane, stage, state;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO upload_pipeline.tallies (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, -count(*) FROM left_over GROUP BY lane, stage, state;
    ELSE
        INSERT INTO upload_pipeline.tallies (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, sum(change) FROM (
            SELECT lane, stage, state, 1 AS change FROM arrived
            UNION ALL SELECT lane, stage, state, -1 FROM left_over
        ) AS changes
        GROUP BY lane, stage, state HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- Only what readers see counts: published documents.
CREATE FUNCTION upload_pipeline.tally_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    documents bigint := 0;
    chunks bigint := 0;
    degraded bigint := 0;
    published record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM upload_pipeline.tallies WHERE counted <> 'jobs';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT count(*) AS d, coalesce(sum(a.chunk_count), 0) AS c,
            count(*) FILTER (WHERE a.degraded <> '{}') AS g
        INTO published FROM arrived AS a WHERE a.live_generation > 0;
        documents := published.d; chunks := published.c; degraded := published.g;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT count(*) AS d, coalesce(sum(l.chunk_count), 0) AS c,
            count(*) FILTER (WHERE l.degraded <> '{}') AS g
        INTO published FROM left_over AS l WHERE l.live_generation > 0;
        documents := documents - published.d; chunks := chunks - published.c; degraded := degraded - published.g;
    END IF;
    INSERT INTO upload_pipeline.tallies (counted, amount)
    SELECT counted, amount FROM (
        VALUES ('documents', documents), ('chunks', chunks), ('degraded', degraded)
    ) AS changes (counted, amount)
    WHERE amount <> 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER tally_new_jobs AFTER INSERT ON upload_pipeline.upload_jobs
REFERENCING NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_jobs();
CREATE TRIGGER tally_changed_jobs AFTER UPDATE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS left_over NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_jobs();
CREATE TRIGGER tally_removed_jobs AFTER DELETE ON upload_pipeline.upload_jobs
REFERENCING OLD TABLE AS left_over
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_jobs();
CREATE TRIGGER tally_no_jobs AFTER TRUNCATE ON upload_pipeline.upload_jobs
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_jobs();
CREATE TRIGGER tally_new_documents AFTER INSERT ON upload_pipeline.documents
REFERENCING NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_documents();
CREATE TRIGGER tally_changed_documents AFTER UPDATE ON upload_pipeline.documents
REFERENCING OLD TABLE AS left_over NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_documents();
CREATE TRIGGER tally_removed_documents AFTER DELETE ON upload_pipeline.documents
REFERENCING OLD TABLE AS left_over
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_documents();
CREATE TRIGGER tally_no_documents AFTER TRUNCATE ON upload_pipeline.documents
FOR EACH STATEMENT EXECUTE FUNCTION upload_pipeline.tally_documents();

-- The triggers above hold writers off until this transaction ends.
INSERT INTO upload_pipeline.tallies (counted, lane, stage, state, amount)
SELECT 'jobs', lane, stage, state, count(*)
FROM upload_pipeline.upload_jobs GROUP BY lane, stage, state;
INSERT INTO upload_pipeline.tallies (counted, amount)
SELECT t.counted, t.amount FROM (
    SELECT count(*) AS documents, coalesce(sum(chunk_count), 0) AS chunks,
        count(*) FILTER (WHERE degraded <> '{}') AS degraded
    FROM upload_pipeline.documents WHERE live_generation > 0
) AS d
CROSS JOIN LATERAL (
    VALUES ('documents', d.documents), ('chunks', d.chunks), ('degraded', d.degraded)
) AS t (counted, amount);
