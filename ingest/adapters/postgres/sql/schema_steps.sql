-- name: oldest_code
-- The oldest code that works with every step after $1, named by its newest revision.
SELECT max(works_from) FROM upload_pipeline.schema_steps WHERE revision > $1;
