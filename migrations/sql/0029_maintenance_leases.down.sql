-- Undoes 0029. Nothing is lost: whoever does a duty next takes its lease anew.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.maintenance_leases;
