-- name: count_jobs
-- Jobs by lane, stage and state, over all tenants.
SELECT lane, stage, state, sum(amount)::bigint AS jobs
FROM upload_pipeline.counters WHERE counted = 'jobs'
GROUP BY lane, stage, state HAVING sum(amount) <> 0;

-- name: count_documents
-- Published documents, their chunks, and how many are degraded, over all tenants.
SELECT
    coalesce(sum(amount) FILTER (WHERE counted = 'documents'), 0)::bigint AS documents,
    coalesce(sum(amount) FILTER (WHERE counted = 'chunks'), 0)::bigint AS chunks,
    coalesce(sum(amount) FILTER (WHERE counted = 'degraded'), 0)::bigint AS degraded
FROM upload_pipeline.counters;

-- name: fold_counters
-- Put up to $1 rows together into one for each thing that is counted.
WITH batch AS (
    SELECT ctid FROM upload_pipeline.counters LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM upload_pipeline.counters AS t USING batch WHERE t.ctid = batch.ctid
    RETURNING t.counted, t.lane, t.stage, t.state, t.amount
)
INSERT INTO upload_pipeline.counters (counted, lane, stage, state, amount)
SELECT counted, lane, stage, state, sum(amount) FROM taken
GROUP BY counted, lane, stage, state HAVING sum(amount) <> 0;
