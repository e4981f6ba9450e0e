-- Why: what providers were asked for, what it cost, and how much may be spent.
-- Locks nothing that exists.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.budgets (
    -- The tenant; 00000000-0000-0000-0000-000000000000 bounds all of them together.
    tenant_id uuid NOT NULL,
    period text NOT NULL CONSTRAINT budgets_period_check CHECK (period IN ('day', 'month')),
    -- Over the soft limit a warning is given, over the hard one nothing is bought.
    soft_usd numeric(16, 9) CHECK (soft_usd >= 0),
    hard_usd numeric(16, 9) CHECK (hard_usd >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, period)
);

-- One row a tenant (and one for all) and period: what is set aside and what is spent.
CREATE TABLE upload_pipeline.spending (
    tenant_id uuid NOT NULL,
    period text NOT NULL CONSTRAINT spending_period_check CHECK (period IN ('day', 'month')),
    starts_on date NOT NULL,
    reserved_usd numeric(16, 9) NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
    spent_usd numeric(16, 9) NOT NULL DEFAULT 0 CHECK (spent_usd >= 0),
    PRIMARY KEY (tenant_id, period, starts_on)
) WITH (fillfactor = 50);

CREATE TABLE upload_pipeline.provider_calls (
    call_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    operation text NOT NULL
    CONSTRAINT provider_calls_operation_check CHECK (operation IN ('embed', 'search', 'parse')),
    lane text NOT NULL
    CONSTRAINT provider_calls_lane_check CHECK (lane IN ('interactive', 'backfill')),
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

-- Set money aside for a call, in the tenant's and everybody's day and month at once, or say which
-- hard limit has no room for it; the rows are locked in one order, so nobody overruns a limit.
CREATE FUNCTION upload_pipeline.reserve_call(
    new_call uuid, payer uuid, provider text, model text, operation text, lane text,
    key_fingerprint text, lasts interval, new_units bigint, new_usd numeric
) RETURNS text
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
    INSERT INTO upload_pipeline.provider_calls (
        call_id, tenant_id, provider, model, operation, lane, key_fingerprint,
        expires_at, reserved_units, reserved_usd
    ) VALUES (
        new_call, payer, provider, model, operation, lane, key_fingerprint,
        now() + lasts, new_units, new_usd
    );
    RETURN NULL;
END
$$;

-- End reserved calls: what was set aside becomes what was charged, in the periods it was set aside
-- in. Calls that have ended already stay as they are. Returns how many ended now.
CREATE FUNCTION upload_pipeline.end_calls(
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
    RETURNING c.tenant_id, c.reserved_usd, c.usd, (c.reserved_at AT TIME ZONE 'UTC')::date AS day
), moved AS (
    SELECT u.tenant_id, p.period,
        CASE p.period WHEN 'day' THEN e.day ELSE date_trunc('month', e.day)::date END AS starts_on,
        sum(e.reserved_usd) AS reserved_usd, sum(e.usd) AS usd
    FROM ended AS e
    CROSS JOIN LATERAL unnest(
        ARRAY['00000000-0000-0000-0000-000000000000'::uuid, e.tenant_id]
    ) AS u (tenant_id)
    CROSS JOIN unnest(ARRAY['day', 'month']) AS p (period)
    GROUP BY 1, 2, 3
), locked AS (
    SELECT s.tenant_id, s.period, s.starts_on, m.reserved_usd, m.usd
    FROM upload_pipeline.spending AS s
    INNER JOIN moved AS m ON m.tenant_id = s.tenant_id AND m.period = s.period
        AND m.starts_on = s.starts_on
    ORDER BY s.tenant_id, s.period, s.starts_on FOR NO KEY UPDATE OF s
), settled AS (
    UPDATE upload_pipeline.spending AS s
    SET reserved_usd = s.reserved_usd - l.reserved_usd, spent_usd = s.spent_usd + l.usd
    FROM locked AS l
    WHERE s.tenant_id = l.tenant_id AND s.period = l.period AND s.starts_on = l.starts_on
)
SELECT count(*) FROM ended
$$;
