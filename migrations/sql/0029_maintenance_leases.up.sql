-- Why: each periodic duty is done by one process at a time, whichever that is. A new table; nothing
-- refers to it, and code before this revision goes on as it did: all of its processes do every duty.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE upload_pipeline.maintenance_leases (
    duty text PRIMARY KEY,
    -- For people: host, process and lane of the one who does it, or did.
    holder text NOT NULL,
    -- Another one for each holder; a statement under an older one changes nothing.
    token uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    -- When it was last begun, whoever did; NULL before the first time.
    ran_at timestamptz
);

GRANT SELECT, INSERT, UPDATE, DELETE ON upload_pipeline.maintenance_leases TO ingest_worker;
