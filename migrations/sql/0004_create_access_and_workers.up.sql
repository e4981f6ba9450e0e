-- Why: API keys, the register of streams, and the log of webhook deliveries.
-- Locks nothing that exists; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.api_keys (
    key_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    label text NOT NULL,
    -- Digest of a 256-bit random key; the key itself is shown once and kept nowhere.
    key_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE upload_pipeline.workers (
    worker_id uuid PRIMARY KEY,
    lane text NOT NULL
    CONSTRAINT workers_lane_check CHECK (lane IN ('interactive', 'backfill')),
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    draining boolean NOT NULL DEFAULT false,
    stopped_at timestamptz
);
-- Serves readiness and status: which streams are alive.
CREATE INDEX idx_workers_running ON upload_pipeline.workers (heartbeat_at)
WHERE stopped_at IS NULL;

CREATE TABLE upload_pipeline.webhook_log (
    delivery_id text NOT NULL,
    provider text NOT NULL,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    verdict text NOT NULL
    CONSTRAINT webhook_log_verdict_check
    CHECK (verdict IN ('accepted', 'duplicate', 'forged', 'late', 'malformed')),
    source text NOT NULL,
    job_id uuid,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Replay protection: a delivery counts once.
    PRIMARY KEY (provider, delivery_id)
);
