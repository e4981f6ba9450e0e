"""From settings to working parts: the only place that picks adapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.adapters.embedders.wordllama import MODEL as LOCAL_MODEL
from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.parsers.local import LocalParser
from ingest.adapters.parsers.local.draft import LABEL as LOCAL_LABEL
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.adapters.splitters.labels import structure_label
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.pipeline.chunk import BatchLimits
from ingest.app.pipeline.vectors import BatchVectors, LocalVectors, PaidVectors
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.cost_estimate import Estimator, Tariff
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.parse_poller import ParsePoller
from ingest.app.providers.preflight import Preflight
from ingest.app.providers.remote_parser import FallbackParser, RemoteParser
from ingest.app.providers.unpaid import UnpaidEmbedder, UnpaidParser
from ingest.app.queue.claim import ClaimPace
from ingest.domain.document import MediaType
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.job import Degraded, Lane
from ingest.domain.pricing import CREDIT, batched
from ingest.domain.provider_specs import EmbedderSpec, ParserSpec
from ingest.domain.retry import RetryPolicy
from ingest.ports import ParsesForPayer
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring.providers import (
    WEBHOOK_PATH,
    embedding_model,
    embedding_models,
    make_embedding_service,
    make_parse_service,
    may_fall_back,
    parse_terms,
    price_today,
    prices,
    provided,
    provider_keys,
    provider_of,
    quotas,
)

if TYPE_CHECKING:
    from ingest.adapters.splitters.structure import StructureSplitter

__all__ = [
    "WEBHOOK_PATH",
    "batch_limits",
    "blob_url",
    "database_url",
    "embedding_model",
    "embedding_models",
    "make_chunk_store",
    "make_chunk_stores",
    "make_embedder",
    "make_embedders",
    "make_embedding_service",
    "make_estimator",
    "make_fallback_chunk_store",
    "make_fallback_embedder",
    "make_local_parser",
    "make_parse_poller",
    "make_parse_service",
    "make_parsers",
    "make_splitter",
    "make_vectors",
    "may_fall_back",
    "open_blobs",
    "open_database",
    "pace",
    "parse_terms",
    "parser_label",
    "price_today",
    "prices",
    "provided",
    "provider_keys",
    "provider_of",
    "quotas",
    "retry_policy",
    "splitter_label",
]

_BATCH_SHARE = 0.03


def database_url(settings: Settings) -> str:
    """The URL of the database.

    Raises:
        ConfigurationError: none is set; the embedded one is known only once it runs.
    """
    if settings.database_url is None:
        raise ConfigurationError("INGEST_DATABASE_URL is not set ('ingest up' sets it itself)")
    return settings.database_url.get_secret_value()


def open_database(settings: Settings, *, plans_once: bool = False) -> Database:
    """The database; connections open on first use, and plan as ``Database`` says."""
    return Database(
        database_url(settings),
        pool_size=settings.database_pool_size,
        pooler=settings.database_pooler,
        plans_once=plans_once,
    )


def blob_url(settings: Settings) -> str:
    """Where blobs are: the URL that is set, or a folder in the state folder."""
    if settings.blob_url is not None:
        return settings.blob_url
    return Path(settings.state_dir, "blobs").resolve().as_uri()


def open_blobs(settings: Settings) -> ObjectBlobStore:
    """The blob storage."""
    return open_blob_store(blob_url(settings), endpoint=settings.blob_endpoint)


def make_local_parser(settings: Settings) -> LocalParser:
    """The local parser, with its limits."""
    return LocalParser(
        max_pages=settings.max_pages,
        max_text_chars=settings.max_text_chars,
        timeout=timedelta(seconds=settings.parse_timeout_seconds),
        memory_bytes=settings.parse_memory_bytes,
        processes=settings.parse_processes,
    )


@dataclass(frozen=True, slots=True)
class Parsers:
    """Who reads documents."""

    usual: ParsesForPayer
    fallback: ParsesForPayer
    """While the provider is away."""
    local: LocalParser
    """What both of them start with; may be started ahead of the first document."""


def make_parsers(settings: Settings, database: Database, rate_limiter: RateLimiter) -> Parsers:
    """The parsers; a provider is called through the rate limiter and recorded in the database.

    Raises:
        ConfigurationError: the price is not known.
    """
    local = make_local_parser(settings)
    spec = settings.parsing_provider
    if spec is None:
        unpaid = UnpaidParser(local)
        return Parsers(unpaid, unpaid, local)
    service = make_parse_service(settings, spec)
    ledger, keys = LedgerStore(database), provider_keys(settings, spec)
    remote = RemoteParser(
        local,
        service,
        ProviderCalls(service.provider, rate_limiter=rate_limiter, ledger=ledger, keys=keys),
        keys=keys,
        ledger=ledger,
        parses=ParseStore(database),
        blobs=open_blobs(settings),
        prices=prices(settings),
        terms=parse_terms(settings, spec),
    )
    return Parsers(remote, FallbackParser(remote), local)


def parser_label(settings: Settings) -> str:
    """What the parser is called, without making one."""
    if settings.parsing_provider is None:
        return LOCAL_LABEL
    return parse_terms(settings, settings.parsing_provider).describe(LOCAL_LABEL)


def make_parse_poller(settings: Settings, spec: ParserSpec, parses: ParseStore) -> ParsePoller:
    """Who finds the parses that are over at a provider."""
    return ParsePoller(
        make_parse_service(settings, spec),
        keys=provider_keys(settings, spec),
        parses=parses,
        blobs=open_blobs(settings),
        prices=prices(settings),
        poll=parse_terms(settings, spec).poll,
    )


def make_estimator(settings: Settings, lane: Lane = Lane.BACKFILL) -> tuple[Estimator, LocalParser]:
    """Who says what documents would cost in a lane, and the parser to be closed after.

    Raises:
        ConfigurationError: a price is not known.
    """
    local, reads = make_local_parser(settings), frozenset[MediaType]()
    per_million, credits_per_page, per_credit = Decimal(), 0, Decimal()
    if (embedder := settings.embedding_provider) is not None:
        name = embedding_model(settings).name
        model = batched(name) if lane is Lane.BATCH else name
        per_million = price_today(settings, embedder, model)
    if (parser := settings.parsing_provider) is not None:
        reads = parser.reads
        credits_per_page = parser.credits_per_page[parse_terms(settings, parser).tiers[0]]
        per_credit = price_today(settings, parser, CREDIT)
    preflight = Preflight(local, reads, only_scanned=settings.parses_only_scanned)
    tariff = Tariff(per_million, credits_per_page, per_credit)
    return Estimator(preflight, make_splitter(settings), tariff), local


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


def make_embedder(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    *,
    model: EmbeddingModel | None = None,
) -> UnpaidEmbedder | PaidEmbedder:
    """The embedder; a provider's is called through the rate limiter and recorded in the database.

    Args:
        settings: Keys and quotas.
        database: Of the ledger.
        rate_limiter: Calls to providers go through it.
        model: Another vector space than the settings' own.

    Raises:
        ConfigurationError: model or price are not known.
    """
    wanted = model or embedding_model(settings)
    spec = provider_of(wanted)
    if spec is None:
        return UnpaidEmbedder(WordllamaEmbedder())
    return _make_paid_embedder(settings, database, rate_limiter, wanted, spec)


def _make_paid_embedder(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    model: EmbeddingModel,
    spec: EmbedderSpec,
) -> PaidEmbedder:
    service = make_embedding_service(settings, model)
    calls = ProviderCalls(
        service.provider,
        rate_limiter=rate_limiter,
        ledger=LedgerStore(database),
        keys=provider_keys(settings, spec),
    )
    return PaidEmbedder(service, calls, prices=prices(settings))


def make_embedders(
    settings: Settings, database: Database, rate_limiter: RateLimiter
) -> dict[str, UnpaidEmbedder | PaidEmbedder]:
    """An embedder of each vector space that may serve a tenant, by its label.

    Raises:
        ConfigurationError: model or price are not known.
    """
    return {
        label: make_embedder(settings, database, rate_limiter, model=model)
        for label, model in embedding_models(settings).items()
    }


def make_vectors(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    stores: Mapping[str, ChunkStore],
) -> dict[str, BatchVectors]:
    """Where the vectors of each space come from, by its label; loads what takes long to load.

    Args:
        settings: Keys and quotas.
        database: Of the ledger.
        rate_limiter: Calls to providers go through it.
        stores: The chunks of each space, by its label.

    Raises:
        ConfigurationError: model or price are not known.
    """
    made: dict[str, BatchVectors] = {}
    for label, model in embedding_models(settings).items():
        spec = provider_of(model)
        if spec is None:
            local = WordllamaEmbedder()
            local.warm()
            made[label] = LocalVectors(local)
        else:
            paid = _make_paid_embedder(settings, database, rate_limiter, model, spec)
            paid.warm()
            made[label] = PaidVectors(paid, stores[label])
    return made


def make_fallback_embedder(settings: Settings) -> UnpaidEmbedder | None:
    """Who embeds while the provider is away, if anybody does."""
    has_fallback = may_fall_back(settings) and Degraded.EMBEDDER in provided(settings)
    return UnpaidEmbedder(WordllamaEmbedder()) if has_fallback else None


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


def pace(settings: Settings) -> ClaimPace:
    """How much a stream claims, and for how long."""
    return ClaimPace(
        wave_jobs=settings.wave_jobs,
        small_waves_per_second=settings.small_waves_per_second,
        claim_ahead_jobs=settings.claim_ahead_jobs,
        lease=settings.lease,
        stage_timeout=timedelta(seconds=settings.stage_timeout_seconds),
    )


def retry_policy(settings: Settings) -> RetryPolicy:
    """When failed attempts are tried again."""
    return RetryPolicy(
        max_attempts=settings.max_attempts, wait_at_most=timedelta(days=settings.wait_days)
    )
