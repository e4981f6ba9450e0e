-- Undoes 0028; the names of tenants are lost, their ids stay in every other table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.tenants;
