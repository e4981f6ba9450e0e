-- Why: one tenant's uploads and searches must not use up what all share.
-- New tables and functions; nothing that exists is locked for long, there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The tenant that is all zeros stands for each tenant that has no row of its own.
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

CREATE FUNCTION upload_pipeline.limits_of(tenant uuid)
RETURNS SETOF upload_pipeline.tenant_limits
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM upload_pipeline.tenant_limits AS l
    WHERE l.tenant_id IN (tenant, '00000000-0000-0000-0000-000000000000')
    ORDER BY l.tenant_id = tenant DESC LIMIT 1;
END;

-- Counts one more job of so many bytes, or says which limit that breaks; then the caller rolls back.
-- The row stays locked until the transaction ends, so uploads that race cannot overrun a limit.
CREATE FUNCTION upload_pipeline.admit_upload(tenant uuid, size bigint, moment timestamptz)
RETURNS TABLE (kind text, allowed bigint, used bigint, retry_seconds double precision)
LANGUAGE plpgsql
AS $$
DECLARE
    most upload_pipeline.tenant_limits;
    present upload_pipeline.tenant_uploads;
    today date := (moment AT TIME ZONE 'UTC')::date;
    until_tomorrow double precision :=
        extract(EPOCH FROM (today + 1)::timestamp AT TIME ZONE 'UTC' - moment);
    active bigint;
BEGIN
    SELECT * INTO most FROM upload_pipeline.limits_of(tenant);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO upload_pipeline.tenant_uploads AS t (tenant_id, day, uploads, bytes)
    VALUES (tenant, today, 1, size)
    ON CONFLICT (tenant_id) DO UPDATE SET
        uploads = CASE WHEN t.day = today THEN t.uploads ELSE 0 END + 1,
        bytes = CASE WHEN t.day = today THEN t.bytes ELSE 0 END + size,
        day = today
    RETURNING * INTO present;
    IF present.uploads > most.uploads_per_day THEN
        RETURN QUERY SELECT
            'uploads_per_day', most.uploads_per_day, present.uploads - 1, until_tomorrow;
        RETURN;
    END IF;
    IF present.bytes > most.bytes_per_day THEN
        RETURN QUERY SELECT
            'bytes_per_day', most.bytes_per_day, present.bytes - size, until_tomorrow;
        RETURN;
    END IF;
    IF most.active_jobs IS NOT NULL THEN
        SELECT count(*) INTO active FROM (
            SELECT FROM upload_pipeline.upload_jobs AS j
            WHERE j.tenant_id = tenant AND j.finished_at IS NULL LIMIT most.active_jobs
        ) AS unfinished;
        IF active >= most.active_jobs THEN
            RETURN QUERY SELECT 'active_jobs', most.active_jobs, active, 5::double precision;
        END IF;
    END IF;
END
$$;

-- Counts one more search, or says what is allowed and in how many seconds to ask again.
CREATE FUNCTION upload_pipeline.admit_search(tenant uuid, moment timestamptz)
RETURNS TABLE (allowed bigint, retry_seconds double precision)
LANGUAGE plpgsql
AS $$
DECLARE
    most bigint;
    left_over double precision;
BEGIN
    SELECT searches_per_minute INTO most FROM upload_pipeline.limits_of(tenant);
    IF most IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO upload_pipeline.tenant_searches AS s (tenant_id, available, at)
    VALUES (tenant, most - 1, moment)
    ON CONFLICT (tenant_id) DO UPDATE SET
        available = least(
            most, s.available + greatest(0, extract(EPOCH FROM moment - s.at)) * most / 60
        ) - 1,
        at = greatest(s.at, moment)
    RETURNING available INTO left_over;
    IF left_over < 0 THEN
        UPDATE upload_pipeline.tenant_searches AS s SET available = s.available + 1
        WHERE s.tenant_id = tenant;
        RETURN QUERY SELECT most, least(60, -left_over * 60 / greatest(most, 1));
    END IF;
END
$$;

ALTER TABLE upload_pipeline.tenant_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenant_limits FORCE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenant_uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenant_uploads FORCE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenant_searches ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenant_searches FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.tenant_limits,
upload_pipeline.tenant_uploads, upload_pipeline.tenant_searches TO ingest_worker;
GRANT SELECT ON upload_pipeline.tenant_limits TO ingest_api;
GRANT SELECT, INSERT, UPDATE ON upload_pipeline.tenant_uploads,
upload_pipeline.tenant_searches TO ingest_api;
CREATE POLICY every_tenant ON upload_pipeline.tenant_limits TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY every_tenant ON upload_pipeline.tenant_uploads TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY every_tenant ON upload_pipeline.tenant_searches TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY own_and_common ON upload_pipeline.tenant_limits FOR SELECT TO ingest_api
USING (tenant_id IN ((SELECT upload_pipeline.tenant()), '00000000-0000-0000-0000-000000000000'));
CREATE POLICY own_tenant ON upload_pipeline.tenant_uploads TO ingest_api
USING (tenant_id = (SELECT upload_pipeline.tenant()))
WITH CHECK (tenant_id = (SELECT upload_pipeline.tenant()));
CREATE POLICY own_tenant ON upload_pipeline.tenant_searches TO ingest_api
USING (tenant_id = (SELECT upload_pipeline.tenant()))
WITH CHECK (tenant_id = (SELECT upload_pipeline.tenant()));
