-- Why: an upload that becomes the next generation of a document of another file tells so. A column
-- without a default rewrites nothing; old rows do not know where they came from.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Where the client had the newest generation's file, as it said; NULL when it did not say.
ALTER TABLE upload_pipeline.documents ADD COLUMN source_path text;
