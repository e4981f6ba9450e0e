-- Runs outside a transaction and blocks nobody.
SET lock_timeout = '5s';
SET statement_timeout = '6h';
DROP INDEX CONCURRENTLY IF EXISTS upload_pipeline.idx_upload_jobs_unfinished;
