-- revision: 0003, after: 0002, works from: 0001
-- Why: the searchable chunks, the vector spaces they live in, one index for each space, and which
-- space serves whom. Locks documents briefly for a foreign key; there are no old rows.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A vector space, and how it is indexed.
CREATE TABLE upload_pipeline.embedding_models (
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    dimension integer NOT NULL CHECK (dimension BETWEEN 1 AND 16000),
    distance text NOT NULL DEFAULT 'cosine' CHECK (distance = 'cosine'),
    index_kind text NOT NULL DEFAULT 'halfvec'
    CONSTRAINT embedding_models_index_kind_check CHECK (index_kind IN ('halfvec', 'bit')),
    -- Candidates for the neighbours of a row while it is inserted: more give recall, fewer give pace.
    -- pgvector's default is 64, and it wants twice m at least.
    ef_construction integer NOT NULL DEFAULT 64
    CONSTRAINT embedding_models_ef_construction_check CHECK (ef_construction BETWEEN 32 AND 1000),
    index_name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (embed_model, embed_version),
    UNIQUE (embed_model, embed_version, dimension)
);

INSERT INTO upload_pipeline.embedding_models
(embed_model, embed_version, dimension, index_kind, index_name)
VALUES
('text-embedding-3-small', '1', 1536, 'halfvec', 'idx_hnsw_chunks_te3s_v1'),
('text-embedding-3-large', '1', 3072, 'halfvec', 'idx_hnsw_chunks_te3l_v1'),
('wordllama-l2-supercat', '1', 256, 'halfvec', 'idx_hnsw_chunks_wll2s_v1');

CREATE TABLE upload_pipeline.document_chunks (
    chunk_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL
    REFERENCES upload_pipeline.documents (document_id) ON DELETE CASCADE,
    -- The generation that brought this row; it is visible while it is not over the document's
    -- live_generation. Publishing deletes the rows that the new generation does not have, so a
    -- chunk that did not change keeps its row and its place in the index.
    generation integer NOT NULL CHECK (generation >= 1),
    chunk_ord integer NOT NULL CHECK (chunk_ord >= 0),
    char_start integer NOT NULL CHECK (char_start >= 0),
    char_end integer NOT NULL,
    page integer CHECK (page >= 1),
    heading_path text [] NOT NULL DEFAULT '{}',
    token_count integer NOT NULL CHECK (token_count > 0),
    text text NOT NULL CHECK (text <> ''),
    chunk_sha bytea NOT NULL CHECK (octet_length(chunk_sha) = 32),
    chunker text NOT NULL,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    vector_dim integer NOT NULL,
    embedding vector NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chunk_id, embed_model, embed_version),
    CONSTRAINT document_chunks_model_fkey
    FOREIGN KEY (embed_model, embed_version, vector_dim)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version, dimension),
    CONSTRAINT document_chunks_span_check CHECK (char_end > char_start),
    CONSTRAINT document_chunks_dimension_check CHECK (vector_dims(embedding) = vector_dim),
    -- A zero vector has a NaN distance, and NaN passes every threshold. vector refuses NaN itself.
    CONSTRAINT document_chunks_norm_check CHECK (vector_norm(embedding) > 0)
);

-- Serves publishing, deleting and reading a document's chunks in order.
CREATE INDEX idx_document_chunks_document
ON upload_pipeline.document_chunks (document_id, chunk_ord);
-- Serves the vectors that a tenant has paid for already.
CREATE INDEX idx_document_chunks_texts_te3s_v1
ON upload_pipeline.document_chunks (tenant_id, chunk_sha)
WHERE embed_model = 'text-embedding-3-small' AND embed_version = '1';

-- Serve search, one for each vector space; the predicate keeps the spaces apart. The index of
-- text-embedding-3-large is built when a tenant moves to it.
CREATE INDEX idx_hnsw_chunks_te3s_v1 ON upload_pipeline.document_chunks
USING hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops)
WHERE embed_model = 'text-embedding-3-small' AND embed_version = '1';
CREATE INDEX idx_hnsw_chunks_wll2s_v1 ON upload_pipeline.document_chunks
USING hnsw ((embedding::halfvec(256)) halfvec_cosine_ops)
WHERE embed_model = 'wordllama-l2-supercat' AND embed_version = '1';

-- What search by words looks at. The tenant is one of the words, so that a search never walks
-- through another tenant's chunks. An index is made of it, so it changes only with that index.
CREATE FUNCTION upload_pipeline.chunk_words(tenant_id uuid, text text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, text) || array_to_tsvector(ARRAY[tenant_id::text]);

CREATE INDEX idx_document_chunks_words
ON upload_pipeline.document_chunks USING gin (upload_pipeline.chunk_words(tenant_id, text));

-- A tenant's vectors can be made with another model while the old one serves, and then be flipped
-- together. all_tenants() stands for each tenant that has no row of its own; without either, the model
-- of the settings serves.
CREATE TABLE upload_pipeline.serving_spaces (
    tenant_id uuid PRIMARY KEY,
    embed_model text NOT NULL,
    embed_version text NOT NULL,
    -- Whose vectors are made or kept beside, to flip to or to go back to.
    other_model text,
    other_version text,
    flipped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT serving_spaces_model_fkey FOREIGN KEY (embed_model, embed_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version),
    CONSTRAINT serving_spaces_other_fkey FOREIGN KEY (other_model, other_version)
    REFERENCES upload_pipeline.embedding_models (embed_model, embed_version)
);

-- include: functions/serving_spaces.sql
