-- Documents of tenant $1 after the page key ($2, $3); the fields of DocumentView.
SELECT
    document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, parser,
    page_count, char_count, generation, live_generation, chunk_count, parsed_key, degraded,
    jsonb_array_length(parse_warnings) AS warning_count,
    jsonb_path_query_array(parse_warnings, '$[0 to 9]') AS warnings,
    created_at, updated_at, published_at
FROM upload_pipeline.documents
WHERE tenant_id = $1
    AND ($2::timestamptz IS NULL OR (created_at, document_id) < ($2, $3::uuid))
