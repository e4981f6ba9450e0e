-- Why: code that is older than the schema can ask whether it still works with it.
-- Locks nothing that exists; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- One row for each migration since this one, written as a part of it.
CREATE TABLE upload_pipeline.schema_steps (
    revision text PRIMARY KEY,
    -- The newest revision of the oldest code that works with the schema after this step.
    works_from text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_steps_works_from_check CHECK (works_from <= revision)
);
