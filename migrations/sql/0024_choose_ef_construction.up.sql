-- Why: how carefully an index is built is a choice between its recall and the pace at which rows are
-- inserted. A column with a constant default rewrites nothing.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Candidates for the neighbours of a row while it is inserted; pgvector's default, and twice m at least.
ALTER TABLE upload_pipeline.embedding_models
ADD COLUMN ef_construction integer NOT NULL DEFAULT 64
CONSTRAINT embedding_models_ef_construction_check CHECK (ef_construction BETWEEN 32 AND 1000);
