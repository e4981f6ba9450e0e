-- Undoes 0020; which model serves which tenant is lost, and so are vectors of text-embedding-3-large:
-- go back to the settings' model ('ingest model move') before.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.hold_serving_space;
-- squawk-ignore ban-drop-function
DROP FUNCTION upload_pipeline.serving_space_of;
-- squawk-ignore ban-drop-table
DROP TABLE upload_pipeline.serving_spaces;
DELETE FROM upload_pipeline.document_chunks WHERE embed_model = 'text-embedding-3-large';
DELETE FROM upload_pipeline.document_vector_buffer WHERE embed_model = 'text-embedding-3-large';
DELETE FROM upload_pipeline.embedding_models WHERE embed_model = 'text-embedding-3-large';
