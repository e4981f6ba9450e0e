-- Lexical search: by the terms of chunks. Both functions have the rights of their owner: PostgreSQL does not let
-- an operator that may leak, such as @@, choose rows by index before row security has. The tenant is
-- one of the terms that are looked for, and compared once more.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Both are planned once for each session: planning them takes longer than most searches, and no query
-- needs another plan than the others.

-- How many chunks of the tenant each of the queries finds, counted up to "most". Superseded rows that
-- are not removed yet are counted, too.
CREATE OR REPLACE FUNCTION upload_pipeline.count_terms(
    queries text [], model text, version text, most integer
) RETURNS integer []
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
DECLARE
    own uuid := upload_pipeline.tenant();
    own_term tsquery := quote_literal(own::text)::tsquery;
    wanted tsquery;
    counts integer [] := '{}';
BEGIN
    FOREACH wanted IN ARRAY queries::tsquery[] LOOP
        counts := counts || (
            SELECT count(*)::integer FROM (
                SELECT FROM upload_pipeline.document_chunks AS c
                WHERE c.terms @@ (wanted && own_term) AND c.tenant_id = own
                    AND c.embed_model = model AND c.embed_version = version
                LIMIT most
            ) AS found
        );
    END LOOP;
    RETURN counts;
END
$$;

-- The best published chunks of the tenant by BM25, up to "keep" of them, and all of "also".
--
-- candidates: what is looked up in the index, up to "most" rows; NULL: every chunk of only_documents.
-- in_order: the candidates are so common that to read the newest documents until there are enough is
-- faster than to ask the index, which collects all rows that match before it gives the first.
-- excluded: what no chunk that is returned matches. Term n has a query (wanted), a weight (its
-- inverse document frequency), a number of forms, and a sign that its presence alone counts (terms
-- side by side). exact: queries of which one makes a chunk an exact match (3); other_forms and
-- every_word: those that make it nearly so (2 and 1).
--
-- ts_rank of one term with all weights 1 is sum(1/j^2, j = 1..n) / (pi^2/6) for n occurrences, which is
-- n / (n + 0.65) within 2 %; so n comes back as 0.65 r / (1 - r). A term with several forms has that
-- divided by their number; a word as written stands for two of them, itself and its stem, and a word
-- that shares the stem alone counts half. k1 is 1.5 and b is 0.75: measured with benchmarks.retrieval.
-- Without average_tokens, the chunks that are scored are taken for usual ones.
CREATE OR REPLACE FUNCTION upload_pipeline.score_terms(
    candidates text, in_order boolean, excluded text, also uuid [], only_documents uuid [],
    model text, version text, wanted text [], weights real [], forms integer [], present boolean [],
    exact text [], other_forms text, every_word text,
    average_tokens real, most integer, keep integer
) RETURNS TABLE (chunk_id uuid, score real, exactness integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    own uuid := upload_pipeline.tenant();
    looked_up tsquery := candidates::tsquery && quote_literal(own::text)::tsquery;
    unwanted tsquery := excluded;
    nearly tsquery := other_forms;
    together tsquery := every_word;
BEGIN
    RETURN QUERY
    WITH term AS MATERIALIZED (
        SELECT
            t.query::tsquery AS query, t.weight, t.present,
            CASE WHEN t.forms > 1 THEN t.forms / 2.0 ELSE 1.0 END AS share
        FROM unnest(wanted, weights, forms, present) AS t (query, weight, forms, present)
    ),

    exact_query AS MATERIALIZED (
        SELECT e.query::tsquery AS query FROM unnest(exact) AS e (query)
    ),

    -- By the index of terms, by the index of documents, or by key: each is one plan.
    indexed AS MATERIALIZED (
        SELECT c.chunk_id, c.document_id, c.generation, c.token_count, c.terms
        FROM upload_pipeline.document_chunks AS c
        WHERE candidates IS NOT NULL AND NOT in_order
            AND c.terms @@ looked_up AND c.tenant_id = own
            AND c.embed_model = model AND c.embed_version = version
            AND (only_documents IS NULL OR c.document_id = ANY(only_documents))
        LIMIT most
    ),

    in_turn AS MATERIALIZED (
        SELECT c.chunk_id, c.document_id, c.generation, c.token_count, c.terms
        FROM (
            SELECT d.document_id FROM upload_pipeline.documents AS d
            WHERE in_order AND d.tenant_id = own AND d.live_generation > 0
            ORDER BY d.created_at DESC, d.document_id
        ) AS newest
        CROSS JOIN LATERAL (
            SELECT one.* FROM upload_pipeline.document_chunks AS one
            WHERE one.document_id = newest.document_id
                AND coalesce(
                    one.tenant_id = own AND one.embed_model = model
                    AND one.embed_version = version AND one.terms @@ looked_up, false
                )
            OFFSET 0
        ) AS c
        LIMIT most
    ),

    by_terms AS MATERIALIZED (
        SELECT i.* FROM indexed AS i
        UNION ALL
        SELECT t.* FROM in_turn AS t
    ),

    found AS (
        SELECT b.* FROM by_terms AS b
        UNION ALL
        SELECT c.chunk_id, c.document_id, c.generation, c.token_count, c.terms
        FROM upload_pipeline.document_chunks AS c
        WHERE candidates IS NULL AND c.document_id = ANY(only_documents)
            AND c.terms IS NOT NULL AND c.tenant_id = own
            AND c.embed_model = model AND c.embed_version = version
        UNION ALL
        SELECT c.chunk_id, c.document_id, c.generation, c.token_count, c.terms
        FROM upload_pipeline.document_chunks AS c
        WHERE c.chunk_id = ANY(also) AND c.tenant_id = own
            AND c.embed_model = model AND c.embed_version = version
            AND NOT EXISTS (SELECT FROM by_terms AS b WHERE b.chunk_id = c.chunk_id)
    ),

    usual AS (
        SELECT coalesce(average_tokens, avg(f.token_count)) AS tokens FROM found AS f
    ),

    scored AS (
        SELECT f.chunk_id, s.score, s.exactness
        FROM found AS f
        CROSS JOIN usual
        CROSS JOIN LATERAL (
            SELECT FROM upload_pipeline.documents AS d
            WHERE d.document_id = f.document_id AND f.generation <= d.live_generation
                AND coalesce(d.embed_model = model AND d.embed_version = version, true)
            OFFSET 0
        ) AS published
        -- Read once from where long values are kept, not once for each term: to delete what no vector
        -- holds gives a vector back as it was read, without another copy.
        CROSS JOIN LATERAL (
            SELECT coalesce(ts_delete(f.terms, ''), '') AS terms OFFSET 0
        ) AS whole
        CROSS JOIN LATERAL (
            SELECT
                coalesce(sum(
                    term.weight * 2.5 * counted.times / (
                        counted.times + 1.5 * (0.25 + 0.75 * f.token_count / usual.tokens)
                    )
                ), 0)::real AS score,
                CASE
                    WHEN EXISTS (
                        SELECT FROM exact_query AS e WHERE whole.terms @@ e.query
                    ) THEN 3
                    WHEN whole.terms @@ nearly THEN 2
                    WHEN whole.terms @@ together THEN 1
                    ELSE 0
                END AS exactness
            FROM term
            CROSS JOIN LATERAL (
                SELECT least(
                    ts_rank('{1,1,1,1}', whole.terms, term.query) * term.share, 0.97
                ) AS rank
                OFFSET 0
            ) AS ranked
            CROSS JOIN LATERAL (
                SELECT
                    CASE WHEN term.present THEN (whole.terms @@ term.query)::integer
                        ELSE 0.65 * ranked.rank / (1 - ranked.rank)
                    END AS times
            ) AS counted
        ) AS s
        WHERE unwanted IS NULL OR NOT whole.terms @@ unwanted
    )

    (SELECT scored.chunk_id, scored.score, scored.exactness FROM scored
    WHERE scored.score > 0 ORDER BY scored.exactness DESC, scored.score DESC LIMIT keep)
    UNION
    SELECT scored.chunk_id, scored.score, scored.exactness FROM scored
    WHERE scored.chunk_id = ANY(also);
END
$$;

REVOKE ALL ON FUNCTION upload_pipeline.count_terms FROM public;
REVOKE ALL ON FUNCTION upload_pipeline.score_terms FROM public;
GRANT EXECUTE ON FUNCTION upload_pipeline.count_terms TO ingest_api, ingest_worker;
GRANT EXECUTE ON FUNCTION upload_pipeline.score_terms TO ingest_api, ingest_worker;
