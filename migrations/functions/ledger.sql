-- Money: set aside before a call, settled after it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The first day of the period that a day (UTC) is in.
CREATE OR REPLACE FUNCTION upload_pipeline.period_start(period text, day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE period WHEN 'day' THEN day ELSE date_trunc('month', day::timestamp)::date END
$$;

-- Set money aside for a call, in the sums of its purpose: the payer's and everybody's, of the day and
-- of the month, all at once; or say which hard limit has no room for it. Every process locks the rows
-- of spending in the order of tenant, purpose and period, so nobody overruns a limit, and none wait
-- in a circle. A question locks rows of questions alone, so it never waits for ingestion.
CREATE OR REPLACE FUNCTION upload_pipeline.reserve_call(
    new_call uuid, payer uuid, provider text, model text, operation text, lane text,
    key_fingerprint text, lasts interval, new_units bigint, new_usd numeric
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    new_purpose text := CASE operation WHEN 'search' THEN 'search' ELSE 'ingestion' END;
    payers uuid[] := ARRAY[upload_pipeline.all_tenants(), payer];
    today date := (now() AT TIME ZONE 'UTC')::date;
    full_one text;
BEGIN
    -- The four rows are there almost always: INSERT is tried only where one is not.
    INSERT INTO upload_pipeline.spending (tenant_id, purpose, period, starts_on)
    SELECT u.tenant_id, new_purpose, p.period, upload_pipeline.period_start(p.period, today)
    FROM unnest(payers) AS u (tenant_id)
    CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    WHERE NOT EXISTS (
        SELECT 1 FROM upload_pipeline.spending AS old
        WHERE old.tenant_id = u.tenant_id AND old.purpose = new_purpose
            AND old.period = p.period
            AND old.starts_on = upload_pipeline.period_start(p.period, today)
    )
    ON CONFLICT DO NOTHING;

    PERFORM 1 FROM upload_pipeline.spending AS s
    WHERE s.tenant_id = ANY(payers) AND s.purpose = new_purpose
        AND s.starts_on = upload_pipeline.period_start(s.period, today)
    ORDER BY s.tenant_id, s.purpose, s.period FOR NO KEY UPDATE;

    SELECT format(
        'the %s %s of %s USD a %s',
        CASE WHEN b.tenant_id = payer THEN 'tenant''s' ELSE 'common' END,
        CASE new_purpose WHEN 'search' THEN 'search budget' ELSE 'budget' END,
        trim_scale(b.hard_usd), b.period
    ) INTO full_one
    FROM upload_pipeline.budgets AS b
    INNER JOIN upload_pipeline.spending AS s
        ON s.tenant_id = b.tenant_id AND s.purpose = b.purpose AND s.period = b.period
        AND s.starts_on = upload_pipeline.period_start(s.period, today)
    WHERE b.tenant_id = ANY(payers) AND b.purpose = new_purpose
        AND s.reserved_usd + s.spent_usd + new_usd > b.hard_usd
    ORDER BY b.hard_usd LIMIT 1;
    IF full_one IS NOT NULL THEN
        RETURN full_one;
    END IF;

    UPDATE upload_pipeline.spending AS s SET reserved_usd = s.reserved_usd + new_usd
    WHERE s.tenant_id = ANY(payers) AND s.purpose = new_purpose
        AND s.starts_on = upload_pipeline.period_start(s.period, today);
    INSERT INTO upload_pipeline.provider_calls (
        call_id, tenant_id, provider, model, operation, lane, purpose, key_fingerprint,
        expires_at, reserved_units, reserved_usd
    ) VALUES (
        new_call, payer, provider, model, operation, lane, new_purpose, key_fingerprint,
        now() + lasts, new_units, new_usd
    );
    RETURN NULL;
END
$$;

-- End reserved calls: what was set aside becomes what was charged, in the sums and periods it was set
-- aside in. Calls that have ended already stay as they are. Returns how many ended now.
CREATE OR REPLACE FUNCTION upload_pipeline.end_calls(
    calls uuid [], new_state text, new_units bigint, new_pages integer, charged_usd numeric,
    new_request_id text, new_error_code text
) RETURNS bigint
LANGUAGE sql AS $$
-- Only calls that are still reserved: a second report of the same call changes nothing.
WITH ended AS (
    UPDATE upload_pipeline.provider_calls AS c
    SET state = new_state, ended_at = now(), pages = new_pages,
        units = CASE new_state
            WHEN 'released' THEN 0 ELSE coalesce(new_units, c.reserved_units) END,
        usd = CASE new_state
            WHEN 'released' THEN 0 ELSE coalesce(charged_usd, c.reserved_usd) END,
        request_id = new_request_id, error_code = new_error_code
    WHERE c.call_id = ANY(calls) AND c.state = 'reserved'
    RETURNING c.tenant_id, c.purpose, c.reserved_usd, c.usd,
        (c.reserved_at AT TIME ZONE 'UTC')::date AS day
-- By row of spending: UPDATE changes a row once, whatever number of calls is in it.
), moved AS (
    SELECT u.tenant_id, e.purpose, p.period,
        upload_pipeline.period_start(p.period, e.day) AS starts_on,
        sum(e.reserved_usd) AS reserved_usd, sum(e.usd) AS usd
    FROM ended AS e
    CROSS JOIN LATERAL unnest(ARRAY[upload_pipeline.all_tenants(), e.tenant_id])
        AS u (tenant_id)
    CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    GROUP BY 1, 2, 3, 4
-- In the order in which reserve_call locks them.
), locked AS (
    SELECT s.tenant_id, s.purpose, s.period, s.starts_on, m.reserved_usd, m.usd
    FROM upload_pipeline.spending AS s
    INNER JOIN moved AS m ON m.tenant_id = s.tenant_id AND m.purpose = s.purpose
        AND m.period = s.period AND m.starts_on = s.starts_on
    ORDER BY s.tenant_id, s.purpose, s.period, s.starts_on FOR NO KEY UPDATE OF s
), settled AS (
    UPDATE upload_pipeline.spending AS s
    SET reserved_usd = s.reserved_usd - l.reserved_usd, spent_usd = s.spent_usd + l.usd
    FROM locked AS l
    WHERE s.tenant_id = l.tenant_id AND s.purpose = l.purpose AND s.period = l.period
        AND s.starts_on = l.starts_on
)
SELECT count(*) FROM ended
$$;
