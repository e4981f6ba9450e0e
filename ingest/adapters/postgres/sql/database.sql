-- name: name_database
-- Which database this is.
SELECT format('%s@%s', current_database(), system_identifier) FROM pg_control_system();

-- name: create_pgvector
-- As the first migration does; in a transaction that is undone, to see whether this login may.
CREATE EXTENSION IF NOT EXISTS vector;
