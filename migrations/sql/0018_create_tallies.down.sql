-- Undoes 0018; jobs and documents are counted anew each time.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER tally_new_jobs ON upload_pipeline.upload_jobs;
DROP TRIGGER tally_changed_jobs ON upload_pipeline.upload_jobs;
DROP TRIGGER tally_removed_jobs ON upload_pipeline.upload_jobs;
DROP TRIGGER tally_no_jobs ON upload_pipeline.upload_jobs;
DROP TRIGGER tally_new_documents ON upload_pipeline.documents;
DROP TRIGGER tally_changed_documents ON upload_pipeline.documents;
DROP TRIGGER tally_removed_documents ON upload_pipeline.documents;
DROP TRIGGER tally_no_documents ON upload_pipeline.documents;
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.tally_jobs();
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.tally_documents();
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tallies;
