"""The splitter, how its chunks are packed, and where they are stored in each vector space."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.splitters.labels import CL100K, structure_label
from ingest.app.pipeline.chunk import BatchLimits
from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.local_models import local_model_of
from ingest.settings import Settings
from ingest.wiring.local_embedders import local_model, make_token_counter
from ingest.wiring.providers import embedding_model, embedding_models

if TYPE_CHECKING:
    from ingest.adapters.splitters.structure import StructureSplitter
    from ingest.adapters.splitters.vocabularies import Vocabulary

_BATCH_SHARE = 0.01
"""Part of a minute's quota of tokens that one batch may take: 0.6 seconds of the rate. The smallest
bucket that a provider is known to have holds one second; a larger batch is never admitted there."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How passages for a model are measured."""

    vocabulary: str
    """Name of the vocabulary; part of the splitter's label."""
    limit_tokens: int
    """Most tokens of one text that the model reads, without those it adds at both ends."""
    make: Callable[[], "Vocabulary"]


def _cl100k() -> "Vocabulary":
    from ingest.adapters.splitters.vocabularies import Cl100k

    return Cl100k()


_USUAL = _Measure(CL100K, 8191, _cl100k)
_CONTEXT_TOKENS = 128
"""What is kept free for the context; a quarter of the limit where that is less."""


def splitter_label(settings: Settings) -> str:
    """What the splitter is called, without making one; part of a chunk's id."""
    measure, most, overlap = _sizes(settings)
    return structure_label(max_tokens=most, overlap_tokens=overlap, vocabulary=measure.vocabulary)


def make_splitter(settings: Settings) -> "StructureSplitter":
    """The splitter, which counts as the settings' model does."""
    from ingest.adapters.splitters.structure import StructureSplitter

    measure, most, overlap = _sizes(settings)
    return StructureSplitter(
        max_tokens=most,
        overlap_tokens=overlap,
        limit_tokens=measure.limit_tokens,
        max_document_tokens=settings.max_document_tokens,
        vocabulary=measure.make(),
    )


def _measure(model: EmbeddingModel) -> _Measure:
    """A local model that reads a limited number of tokens is measured by its own tokenizer.

    OpenAI's models use cl100k_base. So does a local model without a limit: its own tokenizer is
    slower and brings nothing (ADR 34).
    """
    local = local_model_of(model)
    if local is None or local.max_text_tokens is None:
        return _USUAL

    def make() -> "Vocabulary":
        from ingest.adapters.splitters.vocabularies import HuggingFace

        return HuggingFace(local.name, make_token_counter(local).tokenizer)

    return _Measure(local.name, local.max_text_tokens, make)


def _sizes(settings: Settings) -> tuple[_Measure, int, int]:
    """How passages are measured, their most tokens, and the most that two of them share."""
    measure = _measure(embedding_model(settings))
    room = min(_CONTEXT_TOKENS, measure.limit_tokens // 4)
    most = min(settings.chunk_tokens, measure.limit_tokens - room)
    return measure, most, min(settings.chunk_overlap_tokens, most // 2)


def batch_limits(settings: Settings) -> BatchLimits:
    """How chunks are packed: a paid batch is a small part of a minute's quota.

    A request spends its whole share at once, so small ones keep the pace even and the order fair.
    A batch of a slow local model is small for the same reasons.
    """
    tokens = settings.batch_tokens
    for spec in settings.embedding_providers:
        share = int(_BATCH_SHARE * (settings.of(spec).tokens_per_minute or 0))
        tokens = min(tokens, max(spec.max_text_tokens, share))
    for local in filter(None, map(local_model_of, embedding_models(settings).values())):
        tokens = min(tokens, local.batch_tokens or tokens)
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
    model = local_model(settings).model
    return ChunkStore(database, model, chunker=splitter_label(settings), is_fallback=True)
