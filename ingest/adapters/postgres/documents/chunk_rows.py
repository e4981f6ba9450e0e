"""Chunks as rows of ``document_chunks``, for COPY."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ingest.adapters.text_analysis.term_vector import term_vector, to_binary
from ingest.domain.attempt import DocumentChunks
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors

COLUMNS = (
    "chunk_id",
    "tenant_id",
    "document_id",
    "generation",
    "chunk_ord",
    "char_start",
    "char_end",
    "page",
    "heading_path",
    "token_count",
    "context",
    "text",
    "chunk_sha",
    "chunker",
    "embed_model",
    "embed_version",
    "vector_dim",
    "embedding",
    "terms",
)


def chunk_rows(
    documents: Sequence[DocumentChunks], vectors: Vectors, *, model: EmbeddingModel, chunker: str
) -> list[tuple[Any, ...]]:
    """A row for each chunk, with the columns in the order of COLUMNS.

    Args:
        documents: Chunks by document.
        vectors: float32[n, dimension], in the order of the documents' chunks.
        model: The vector space they are in.
        chunker: Label of what cut them.
    """
    place = ((d.target, chunk) for d in documents for chunk in d.chunks)
    return [
        (
            chunk.chunk_id,
            target.tenant_id,
            target.document_id,
            target.generation,
            chunk.chunk_ord,
            chunk.char_start,
            chunk.char_end,
            chunk.page,
            chunk.heading_path,
            chunk.token_count,
            chunk.context,
            chunk.text,
            chunk.text_sha256,
            chunker,
            model.name,
            model.version,
            model.dimension,
            vector,
            terms_of(target.tenant_id, chunk),
        )
        for (target, chunk), vector in zip(place, vectors, strict=True)
    ]


def terms_of(tenant_id: UUID, chunk: Chunk) -> bytes:
    """What lexical search compares: PostgreSQL's type tsvector in its binary format."""
    return to_binary(
        term_vector(
            tenant_id,
            filename=chunk.filename,
            headings=chunk.heading_path,
            context=chunk.context,
            text=chunk.text,
        )
    )
