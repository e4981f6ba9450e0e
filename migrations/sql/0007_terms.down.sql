-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-column
-- Why: back to search by the words as they are written. All terms are lost; they are made again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP FUNCTION upload_pipeline.count_terms(text [], text, text, integer);
DROP FUNCTION upload_pipeline.score_terms(
    text, boolean, text, uuid [], uuid [], text, text, text [], real [], integer [], boolean [],
    text [], text, text, real, integer, integer
);
DROP TABLE upload_pipeline.term_statistics;
ALTER TABLE upload_pipeline.document_chunks DROP COLUMN terms;
