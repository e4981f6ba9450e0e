-- Search by words.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Of very many, the 200 published chunks of the tenant to look at that hold every word.
-- It has the rights of its owner: PostgreSQL does not let an operator that may leak, such as @@,
-- choose rows by index before row security has. The tenant is one of the words that are looked for,
-- and compared once more.
CREATE OR REPLACE FUNCTION upload_pipeline.chunks_with_words(
    wanted text, model text, version text, only_documents uuid []
) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.chunk_id
    FROM upload_pipeline.document_chunks AS c
    CROSS JOIN LATERAL (
        SELECT FROM upload_pipeline.documents AS d
        WHERE d.document_id = c.document_id AND c.generation <= d.live_generation
            AND coalesce(d.embed_model = model AND d.embed_version = version, true)
        OFFSET 0
    ) AS published
    WHERE upload_pipeline.chunk_words(c.tenant_id, c.text) @@ (
        plainto_tsquery('simple', wanted)
        && quote_literal(upload_pipeline.tenant()::text)::tsquery
    )
        AND numnode(plainto_tsquery('simple', wanted)) > 0
        AND c.tenant_id = upload_pipeline.tenant()
        AND c.embed_model = model AND c.embed_version = version
        AND (only_documents IS NULL OR c.document_id = ANY(only_documents))
    LIMIT 200
$$;
REVOKE ALL ON FUNCTION upload_pipeline.chunks_with_words FROM public;
GRANT EXECUTE ON FUNCTION upload_pipeline.chunks_with_words TO ingest_api, ingest_worker;
