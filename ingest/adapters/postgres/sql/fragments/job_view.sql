-- A job as people see it, with what its document says; the fields of JobView.
SELECT
    j.job_id, j.document_id, j.tenant_id, j.generation, j.lane, j.stage, j.state,
    j.attempt_count, j.rescue_count, j.replay_count, j.run_after, j.leased_by, j.leased_until,
    j.progressed_at, j.wait_reason, j.wait_until, j.chunks_total, j.chunks_stored,
    j.skipped_chunks, j.last_error, j.correlation_id, j.cause, j.degraded,
    j.created_at, j.updated_at, j.finished_at,
    d.filename, d.media_type, d.bytes_len,
    w.warning_count, w.warnings
FROM upload_pipeline.upload_jobs AS j
INNER JOIN upload_pipeline.documents AS d ON d.document_id = j.document_id
-- The document has the warnings of its newest generation; ten are enough for a list.
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN d.generation = j.generation THEN jsonb_array_length(d.parse_warnings) ELSE 0 END
        AS warning_count,
        CASE
            WHEN d.generation = j.generation
                THEN jsonb_path_query_array(d.parse_warnings, '$[0 to 9]')
            ELSE '[]'
        END AS warnings
) AS w
