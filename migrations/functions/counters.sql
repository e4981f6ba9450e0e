-- How many jobs and documents there are.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- They have the rights of their owner: who acts as a tenant changes jobs, and sees no totals.
CREATE OR REPLACE FUNCTION upload_pipeline.count_jobs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM upload_pipeline.counters WHERE counted = 'jobs';
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO upload_pipeline.counters (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, count(*) FROM new_rows GROUP BY lane, stage, state;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO upload_pipeline.counters (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, -count(*) FROM old_rows GROUP BY lane, stage, state;
    ELSE
        INSERT INTO upload_pipeline.counters (counted, lane, stage, state, amount)
        SELECT 'jobs', lane, stage, state, sum(change) FROM (
            SELECT lane, stage, state, 1 AS change FROM new_rows
            UNION ALL SELECT lane, stage, state, -1 FROM old_rows
        ) AS changes
        GROUP BY lane, stage, state HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- Only what readers see counts: published documents.
CREATE OR REPLACE FUNCTION upload_pipeline.count_documents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    documents bigint := 0;
    chunks bigint := 0;
    degraded bigint := 0;
    published record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM upload_pipeline.counters WHERE counted <> 'jobs';
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT count(*) AS d, coalesce(sum(a.chunk_count), 0) AS c,
            count(*) FILTER (WHERE a.degraded <> '{}') AS g
        INTO published FROM new_rows AS a WHERE a.live_generation > 0;
        documents := published.d; chunks := published.c; degraded := published.g;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT count(*) AS d, coalesce(sum(l.chunk_count), 0) AS c,
            count(*) FILTER (WHERE l.degraded <> '{}') AS g
        INTO published FROM old_rows AS l WHERE l.live_generation > 0;
        documents := documents - published.d; chunks := chunks - published.c; degraded := degraded - published.g;
    END IF;
    INSERT INTO upload_pipeline.counters (counted, amount)
    SELECT counted, amount FROM (
        VALUES ('documents', documents), ('chunks', chunks), ('degraded', degraded)
    ) AS changes (counted, amount)
    WHERE amount <> 0;
    RETURN NULL;
END
$$;
