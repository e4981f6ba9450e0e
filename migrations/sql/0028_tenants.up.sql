-- Why: people know tenants by names, and a wrong name must be noticed. A new table; nothing refers
-- to it, so uploads never wait for it, and code before this revision goes on as it did.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.tenants (
    tenant_id uuid PRIMARY KEY,
    -- NULL while only the id is known. The id follows from the name, never the other way round.
    name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_name_key UNIQUE (name),
    CONSTRAINT tenants_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT tenants_is_one_check CHECK (tenant_id <> '00000000-0000-0000-0000-000000000000')
);

ALTER TABLE upload_pipeline.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_pipeline.tenants FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.tenants TO ingest_worker;
GRANT SELECT, INSERT, UPDATE (name) ON upload_pipeline.tenants TO ingest_api;
CREATE POLICY every_tenant ON upload_pipeline.tenants TO ingest_worker
USING (true) WITH CHECK (true);
CREATE POLICY own_tenant ON upload_pipeline.tenants TO ingest_api
USING (tenant_id = (SELECT upload_pipeline.tenant()))
WITH CHECK (tenant_id = (SELECT upload_pipeline.tenant()));

-- The tenant of every request when authentication is off.
INSERT INTO upload_pipeline.tenants (tenant_id, name)
VALUES ('68a135d3-fad9-5e19-b977-33bcb5e829de', 'local');

-- Whoever is there already has an id, of which the name cannot be told: it is learned when somebody
-- writes it. Documents may be very many: each step looks up the next tenant in an index.
WITH RECURSIVE owners AS (
    (SELECT d.tenant_id FROM upload_pipeline.documents AS d ORDER BY d.tenant_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT d.tenant_id FROM upload_pipeline.documents AS d
        WHERE d.tenant_id > o.tenant_id ORDER BY d.tenant_id LIMIT 1
    )
    FROM owners AS o
    WHERE o.tenant_id IS NOT NULL
)

INSERT INTO upload_pipeline.tenants (tenant_id)
SELECT o.tenant_id FROM owners AS o WHERE o.tenant_id IS NOT NULL
UNION
SELECT k.tenant_id FROM upload_pipeline.api_keys AS k
UNION
SELECT b.tenant_id FROM upload_pipeline.budgets AS b
UNION
SELECT q.tenant_id FROM upload_pipeline.search_budgets AS q
UNION
SELECT l.tenant_id FROM upload_pipeline.tenant_limits AS l
UNION
SELECT s.tenant_id FROM upload_pipeline.serving_spaces AS s
UNION
SELECT z.subject::uuid FROM upload_pipeline.pauses AS z WHERE z.kind = 'tenant'
EXCEPT
SELECT '00000000-0000-0000-0000-000000000000'::uuid
ON CONFLICT DO NOTHING;
