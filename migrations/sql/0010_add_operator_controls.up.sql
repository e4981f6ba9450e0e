-- Why: operators pause work, replayed jobs are counted and spread out, and pace, retention
-- and deletion find their rows by index. Runs outside a transaction and can be run again where it stopped; the
-- column has a constant default, so nothing is rewritten, and old rows were never replayed.
SET lock_timeout = '5s';
SET statement_timeout = '6h';

CREATE TABLE IF NOT EXISTS upload_pipeline.pauses (
    kind text NOT NULL
    CONSTRAINT pauses_kind_check CHECK (kind IN ('everything', 'tenant', 'lane', 'provider')),
    -- The tenant's id, the lane or the provider; empty for everything.
    subject text NOT NULL,
    note text NOT NULL DEFAULT '',
    paused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, subject),
    CONSTRAINT pauses_everything_has_no_subject CHECK ((kind = 'everything') = (subject = ''))
);

-- How often a person sent the job round again from the dead letter.
ALTER TABLE upload_pipeline.upload_jobs
ADD COLUMN IF NOT EXISTS replay_count integer NOT NULL DEFAULT 0;

-- Serves the spreading of replays: when the last one of a tenant may start.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_replayed
ON upload_pipeline.upload_jobs (tenant_id, run_after)
WHERE state IN ('queued', 'retryable') AND replay_count > 0;
-- Serves the pace of a lane: what was published of late.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_upload_jobs_published
ON upload_pipeline.upload_jobs (lane, finished_at) WHERE state = 'done';
-- Serve retention.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_webhook_log_received
ON upload_pipeline.webhook_log (received_at);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_parse_jobs_failed
ON upload_pipeline.parse_jobs (ended_at) WHERE status = 'failed';
-- Serve the check whether a text is still in use before it is deleted.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_documents_parsed_key
ON upload_pipeline.documents (parsed_key);
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_parse_jobs_parsed_key
ON upload_pipeline.parse_jobs (parsed_key);
