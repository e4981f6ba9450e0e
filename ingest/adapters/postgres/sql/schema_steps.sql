-- name: oldest_code
-- The oldest code that works with every step after $1, named by its newest revision.
SELECT max(works_from) FROM upload_pipeline.schema_steps WHERE revision > $1;

-- name: missing_roles
-- What the login lacks to work for every tenant and to act for one; NULL when it lacks nothing.
SELECT format(
    'the login %I lacks the role %s', current_user, string_agg(needed.role, ' and ')
)
FROM (VALUES ('ingest_worker', 'USAGE'), ('ingest_api', 'MEMBER')) AS needed (role, privilege)
WHERE to_regrole(needed.role) IS NULL
    OR NOT pg_has_role(to_regrole(needed.role), needed.privilege)
HAVING count(*) > 0;
