"""The splitter, how its chunks are packed, and where they are stored in each vector space."""

from typing import TYPE_CHECKING

from ingest.adapters.embedders.wordllama import MODEL as LOCAL_MODEL
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.splitters.labels import structure_label
from ingest.app.pipeline.chunk import BatchLimits
from ingest.settings import Settings
from ingest.wiring.providers import embedding_model, embedding_models

if TYPE_CHECKING:
    from ingest.adapters.splitters.structure import StructureSplitter

_BATCH_SHARE = 0.03
"""Part of a minute's quota of tokens that one batch may take."""


def splitter_label(settings: Settings) -> str:
    """What the splitter is called, without making one; part of a chunk's id."""
    return structure_label(
        max_tokens=settings.chunk_tokens, overlap_tokens=settings.chunk_overlap_tokens
    )


def make_splitter(settings: Settings) -> "StructureSplitter":
    """The splitter."""
    from ingest.adapters.splitters.structure import StructureSplitter

    return StructureSplitter(
        max_tokens=settings.chunk_tokens, overlap_tokens=settings.chunk_overlap_tokens
    )


def batch_limits(settings: Settings) -> BatchLimits:
    """How chunks are packed: a paid batch is a small part of a minute's quota.

    A request spends its whole share at once, so small ones keep the pace even and the order fair.
    """
    tokens = settings.batch_tokens
    for spec in settings.embedding_providers:
        share = int(_BATCH_SHARE * (settings.of(spec).tokens_per_minute or 0))
        tokens = min(tokens, max(spec.max_text_tokens, share))
    return BatchLimits(
        items=settings.batch_items,
        tokens=tokens,
        ways=settings.embed_pool_max * settings.embed_concurrency,
    )


def make_chunk_store(settings: Settings, database: Database) -> ChunkStore:
    """The chunks, in the embedder's vector space and cut by the splitter."""
    return ChunkStore(database, embedding_model(settings), chunker=splitter_label(settings))


def make_chunk_stores(settings: Settings, database: Database) -> dict[str, ChunkStore]:
    """The chunks in each vector space that may serve a tenant, by its label."""
    chunker = splitter_label(settings)
    return {
        label: ChunkStore(database, model, chunker=chunker)
        for label, model in embedding_models(settings).items()
    }


def make_fallback_chunk_store(settings: Settings, database: Database) -> ChunkStore:
    """The chunks that are embedded here because the provider is away."""
    return ChunkStore(database, LOCAL_MODEL, chunker=splitter_label(settings), is_fallback=True)
