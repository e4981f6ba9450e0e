-- Data in the dropped tables is lost: what was spent is forgotten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.end_calls(uuid [], text, bigint, integer, numeric, text, text);
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.reserve_call(
    uuid, uuid, text, text, text, text, text, interval, bigint, numeric
);
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.provider_calls;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.spending;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.budgets;
