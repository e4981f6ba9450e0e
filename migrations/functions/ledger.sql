-- Money: set aside before a call, settled after it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION upload_pipeline.set_aside_for_ingestion(payer uuid, new_usd numeric) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    full_one text;
BEGIN
    INSERT INTO upload_pipeline.spending AS s (tenant_id, period, starts_on)
    SELECT wanted.tenant_id, wanted.period, wanted.starts_on
    FROM (
        SELECT u.tenant_id, p.period,
            CASE p.period WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
        FROM unnest(ARRAY['00000000-0000-0000-0000-000000000000'::uuid, payer]) AS u (tenant_id)
        CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    ) AS wanted (tenant_id, period, starts_on)
    WHERE NOT EXISTS (
        SELECT 1 FROM upload_pipeline.spending AS old
        WHERE old.tenant_id = wanted.tenant_id AND old.period = wanted.period
            AND old.starts_on = wanted.starts_on
    )
    ON CONFLICT DO NOTHING;

    PERFORM 1 FROM upload_pipeline.spending AS s
    WHERE s.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
    ORDER BY s.tenant_id, s.period FOR NO KEY UPDATE;

    SELECT format(
        'the %s budget of %s USD a %s',
        CASE WHEN b.tenant_id = payer THEN 'tenant''s' ELSE 'common' END,
        trim_scale(b.hard_usd), b.period
    ) INTO full_one
    FROM upload_pipeline.budgets AS b
    INNER JOIN upload_pipeline.spending AS s ON s.tenant_id = b.tenant_id AND s.period = b.period
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
    WHERE b.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.reserved_usd + s.spent_usd + new_usd > b.hard_usd
    ORDER BY b.hard_usd LIMIT 1;
    IF full_one IS NOT NULL THEN
        RETURN full_one;
    END IF;

    UPDATE upload_pipeline.spending AS s SET reserved_usd = s.reserved_usd + new_usd
    WHERE s.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION upload_pipeline.set_aside_for_search(payer uuid, new_usd numeric) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    full_one text;
BEGIN
    INSERT INTO upload_pipeline.search_spending AS s (tenant_id, period, starts_on)
    SELECT wanted.tenant_id, wanted.period, wanted.starts_on
    FROM (
        SELECT u.tenant_id, p.period,
            CASE p.period WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
        FROM unnest(ARRAY['00000000-0000-0000-0000-000000000000'::uuid, payer]) AS u (tenant_id)
        CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    ) AS wanted (tenant_id, period, starts_on)
    WHERE NOT EXISTS (
        SELECT 1 FROM upload_pipeline.search_spending AS old
        WHERE old.tenant_id = wanted.tenant_id AND old.period = wanted.period
            AND old.starts_on = wanted.starts_on
    )
    ON CONFLICT DO NOTHING;

    PERFORM 1 FROM upload_pipeline.search_spending AS s
    WHERE s.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
    ORDER BY s.tenant_id, s.period FOR NO KEY UPDATE;

    SELECT format(
        'the %s search budget of %s USD a %s',
        CASE WHEN b.tenant_id = payer THEN 'tenant''s' ELSE 'common' END,
        trim_scale(b.hard_usd), b.period
    ) INTO full_one
    FROM upload_pipeline.search_budgets AS b
    INNER JOIN upload_pipeline.search_spending AS s ON s.tenant_id = b.tenant_id AND s.period = b.period
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END
    WHERE b.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.reserved_usd + s.spent_usd + new_usd > b.hard_usd
    ORDER BY b.hard_usd LIMIT 1;
    IF full_one IS NOT NULL THEN
        RETURN full_one;
    END IF;

    UPDATE upload_pipeline.search_spending AS s SET reserved_usd = s.reserved_usd + new_usd
    WHERE s.tenant_id IN ('00000000-0000-0000-0000-000000000000'::uuid, payer)
        AND s.starts_on = CASE s.period
            WHEN 'day' THEN today ELSE date_trunc('month', today)::date END;
    RETURN NULL;
END
$$;

-- Set money aside for a call among the sums of its purpose, or say which hard limit has no room for it.
CREATE OR REPLACE FUNCTION upload_pipeline.reserve_call(
    new_call uuid, payer uuid, provider text, model text, operation text, lane text,
    key_fingerprint text, lasts interval, new_units bigint, new_usd numeric
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    is_question boolean := operation = 'search';
    full_one text;
BEGIN
    IF is_question THEN
        full_one := upload_pipeline.set_aside_for_search(payer, new_usd);
    ELSE
        full_one := upload_pipeline.set_aside_for_ingestion(payer, new_usd);
    END IF;
    IF full_one IS NOT NULL THEN
        RETURN full_one;
    END IF;
    INSERT INTO upload_pipeline.provider_calls (
        call_id, tenant_id, provider, model, operation, lane, purpose, key_fingerprint,
        expires_at, reserved_units, reserved_usd
    ) VALUES (
        new_call, payer, provider, model, operation, lane,
        CASE WHEN is_question THEN 'search' ELSE 'ingestion' END, key_fingerprint,
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
), moved AS (
    SELECT e.purpose, u.tenant_id, p.period,
        CASE p.period WHEN 'day' THEN e.day ELSE date_trunc('month', e.day)::date END AS starts_on,
        sum(e.reserved_usd) AS reserved_usd, sum(e.usd) AS usd
    FROM ended AS e
    CROSS JOIN LATERAL unnest(
        ARRAY['00000000-0000-0000-0000-000000000000'::uuid, e.tenant_id]
    ) AS u (tenant_id)
    CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    GROUP BY 1, 2, 3, 4
), locked AS (
    SELECT s.tenant_id, s.period, s.starts_on, m.reserved_usd, m.usd
    FROM upload_pipeline.spending AS s
    INNER JOIN moved AS m ON m.tenant_id = s.tenant_id AND m.period = s.period
        AND m.starts_on = s.starts_on
    WHERE m.purpose = 'ingestion'
    ORDER BY s.tenant_id, s.period, s.starts_on FOR NO KEY UPDATE OF s
), settled AS (
    UPDATE upload_pipeline.spending AS s
    SET reserved_usd = s.reserved_usd - l.reserved_usd, spent_usd = s.spent_usd + l.usd
    FROM locked AS l
    WHERE s.tenant_id = l.tenant_id AND s.period = l.period AND s.starts_on = l.starts_on
), search_locked AS (
    SELECT s.tenant_id, s.period, s.starts_on, m.reserved_usd, m.usd
    FROM upload_pipeline.search_spending AS s
    INNER JOIN moved AS m ON m.tenant_id = s.tenant_id AND m.period = s.period
        AND m.starts_on = s.starts_on
    WHERE m.purpose = 'search'
    ORDER BY s.tenant_id, s.period, s.starts_on FOR NO KEY UPDATE OF s
), search_settled AS (
    UPDATE upload_pipeline.search_spending AS s
    SET reserved_usd = s.reserved_usd - l.reserved_usd, spent_usd = s.spent_usd + l.usd
    FROM search_locked AS l
    WHERE s.tenant_id = l.tenant_id AND s.period = l.period AND s.starts_on = l.starts_on
)
SELECT count(*) FROM ended
$$;
