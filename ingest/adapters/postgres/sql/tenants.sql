-- name: put_tenant
-- Tenant $1 is there from now on; it takes the name $2 if it has none yet.
INSERT INTO upload_pipeline.tenants AS t (tenant_id, name) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name
WHERE t.name IS NULL AND excluded.name IS NOT NULL;

-- name: find_tenant
-- Tenant $1, if it is registered or anything is stored for it; nobody is all zeros.
SELECT $1::uuid AS tenant_id, t.name
FROM (VALUES ($1::uuid)) AS wanted (tenant_id)
LEFT JOIN upload_pipeline.tenants AS t USING (tenant_id)
WHERE wanted.tenant_id <> upload_pipeline.all_tenants() AND (
    t.tenant_id IS NOT NULL
    OR EXISTS (SELECT FROM upload_pipeline.documents AS d WHERE d.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.api_keys AS k WHERE k.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.budgets AS b WHERE b.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.tenant_limits AS l WHERE l.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.serving_spaces AS s WHERE s.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.provider_calls AS c WHERE c.tenant_id = $1)
    OR EXISTS (SELECT FROM upload_pipeline.provider_batches AS p WHERE p.tenant_id = $1)
    OR EXISTS (
        SELECT FROM upload_pipeline.pauses AS z
        WHERE z.kind = 'tenant' AND z.subject = $1::uuid::text
    )
);

-- name: names_of_tenants
-- The names of tenants $1, of those that have one.
SELECT tenant_id, name FROM upload_pipeline.tenants
WHERE tenant_id = ANY($1) AND name IS NOT NULL;

-- name: list_names
-- The newest $1 names.
SELECT name FROM upload_pipeline.tenants WHERE name IS NOT NULL
ORDER BY created_at DESC, tenant_id LIMIT $1;
