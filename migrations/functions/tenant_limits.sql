-- What a tenant may use of what all share.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION upload_pipeline.limits_of(tenant uuid)
RETURNS SETOF upload_pipeline.tenant_limits
LANGUAGE sql STABLE AS $$
    SELECT * FROM upload_pipeline.tenant_limits AS l
    WHERE l.tenant_id IN (tenant, upload_pipeline.all_tenants())
    ORDER BY l.tenant_id = tenant DESC LIMIT 1;
$$;

-- Counts one more job of so many bytes, or says which limit that breaks; then the caller rolls back.
-- The row stays locked until the transaction ends, so uploads that race cannot overrun a limit.
CREATE OR REPLACE FUNCTION upload_pipeline.admit_upload(tenant uuid, size bigint, moment timestamptz)
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
CREATE OR REPLACE FUNCTION upload_pipeline.admit_search(tenant uuid, moment timestamptz)
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
