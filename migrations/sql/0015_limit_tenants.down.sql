-- Undoes 0015; limits and what counted against them are lost.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.admit_search;
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.admit_upload;
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.limits_of;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tenant_searches;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tenant_uploads;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tenant_limits;
