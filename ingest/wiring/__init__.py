"""From settings to working parts: the only place that picks adapters."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ingest.adapters.embedders.openai.terms import MAX_TEXT_TOKENS as OPENAI_TEXT_TOKENS
from ingest.adapters.embedders.wordllama import MODEL as LOCAL_MODEL
from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.parsers.llamaparse.terms import READS
from ingest.adapters.parsers.local import LocalParser
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.pipeline.chunk import BatchLimits
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.cost_estimate import Estimator, Tariff
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.parse_poller import ParsePoller
from ingest.app.providers.preflight import Preflight
from ingest.app.providers.remote_parser import RemoteParser
from ingest.app.queue.claim import ClaimPace
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.job import Degraded, Lane
from ingest.domain.pricing import CREDITS_PER_PAGE, batched, unit_price
from ingest.domain.retry import RetryPolicy
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.settings.providers import EmbedderKind, ParserKind
from ingest.wiring.providers import (
    WEBHOOK_PATH,
    embedding_model,
    embedding_models,
    llamaparse_keys,
    make_llamaparse,
    make_openai,
    may_fall_back,
    openai_keys,
    parse_terms,
    prices,
    provided,
    quotas,
)

__all__ = [
    "WEBHOOK_PATH",
    "batch_limits",
    "blob_url",
    "database_url",
    "embedding_model",
    "embedding_models",
    "llamaparse_keys",
    "make_chunk_store",
    "make_chunk_stores",
    "make_embedder",
    "make_embedders",
    "make_estimator",
    "make_fallback_chunk_store",
    "make_fallback_parser",
    "make_llamaparse",
    "make_local_parser",
    "make_openai",
    "make_parse_poller",
    "make_parser",
    "make_splitter",
    "may_fall_back",
    "open_blobs",
    "open_database",
    "openai_keys",
    "pace",
    "parse_terms",
    "parser_label",
    "prices",
    "provided",
    "quotas",
    "retry_policy",
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


def make_parser(
    settings: Settings, database: Database, rate_limiter: RateLimiter
) -> LocalParser | RemoteParser:
    """The parser; a provider's is called through the rate limiter and recorded in the database.

    Raises:
        ConfigurationError: the price is not known.
    """
    local = make_local_parser(settings)
    if settings.parser is ParserKind.LOCAL:
        return local
    service = make_llamaparse(settings)
    ledger, keys = LedgerStore(database), llamaparse_keys(settings)
    return RemoteParser(
        local,
        service,
        ProviderCalls(service.provider, rate_limiter=rate_limiter, ledger=ledger, keys=keys),
        keys=keys,
        ledger=ledger,
        parses=ParseStore(database),
        blobs=open_blobs(settings),
        prices=prices(settings),
        terms=parse_terms(settings),
    )


def parser_label(settings: Settings) -> str:
    """What the parser is called, without making one."""
    local = make_local_parser(settings).label
    if settings.parser is ParserKind.LOCAL:
        return local
    return parse_terms(settings).describe(local)


def make_parse_poller(settings: Settings, database: Database) -> ParsePoller:
    """Who finds the parses that are over at the provider."""
    return ParsePoller(
        make_llamaparse(settings),
        keys=llamaparse_keys(settings),
        parses=ParseStore(database),
        blobs=open_blobs(settings),
        prices=prices(settings),
        poll=timedelta(seconds=settings.llamaparse_poll_seconds),
    )


def make_estimator(settings: Settings, lane: Lane = Lane.BACKFILL) -> tuple[Estimator, LocalParser]:
    """Who says what documents would cost in a lane, and the parser to be closed after.

    Raises:
        ConfigurationError: a price is not known.
    """
    local, today, known = make_local_parser(settings), datetime.now(UTC).date(), prices(settings)
    remote = settings.parser is not ParserKind.LOCAL
    paid = settings.embedder is EmbedderKind.OPENAI
    model = batched(settings.openai_model) if lane is Lane.BATCH else settings.openai_model
    tariff = Tariff(
        unit_price(known, "openai", model, today) if paid else Decimal(),
        CREDITS_PER_PAGE[settings.llamaparse_tier],
        unit_price(known, "llamaparse", "credit", today),
    )
    only_scanned = settings.parser is ParserKind.AUTO
    preflight = Preflight(local, READS if remote else frozenset(), only_scanned=only_scanned)
    return Estimator(preflight, make_splitter(settings), tariff), local


def make_splitter(settings: Settings) -> StructureSplitter:
    """The splitter."""
    return StructureSplitter(
        max_tokens=settings.chunk_tokens, overlap_tokens=settings.chunk_overlap_tokens
    )


def make_embedder(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    *,
    model: EmbeddingModel | None = None,
) -> WordllamaEmbedder | PaidEmbedder:
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
    if wanted == LOCAL_MODEL:
        return WordllamaEmbedder()
    service = make_openai(settings, wanted)
    calls = ProviderCalls(
        service.provider,
        rate_limiter=rate_limiter,
        ledger=LedgerStore(database),
        keys=openai_keys(settings),
    )
    return PaidEmbedder(service, calls, prices=prices(settings))


def make_embedders(
    settings: Settings, database: Database, rate_limiter: RateLimiter
) -> dict[str, WordllamaEmbedder | PaidEmbedder]:
    """An embedder of each vector space that may serve a tenant, by its label.

    Raises:
        ConfigurationError: model or price are not known.
    """
    return {
        label: make_embedder(settings, database, rate_limiter, model=model)
        for label, model in embedding_models(settings).items()
    }


def make_fallback_parser(settings: Settings) -> WordllamaEmbedder | None:
    """Who embeds while the provider is away, if anybody does."""
    has_fallback = may_fall_back(settings) and Degraded.EMBEDDER in provided(settings)
    return WordllamaEmbedder() if has_fallback else None


def batch_limits(settings: Settings) -> BatchLimits:
    """How chunks are packed: a paid batch is a small part of a minute's quota.

    A request spends its whole share at once, so small ones keep the pace even and the order fair.
    """
    tokens = settings.batch_tokens
    if settings.calls_openai:
        share = int(_BATCH_SHARE * settings.openai_tokens_per_minute)
        tokens = min(tokens, max(OPENAI_TEXT_TOKENS, share))
    return BatchLimits(
        items=settings.batch_items,
        tokens=tokens,
        ways=settings.embed_pool_max * settings.embed_concurrency,
    )


def make_chunk_store(settings: Settings, database: Database) -> ChunkStore:
    """The chunks, in the embedder's vector space and cut by the splitter."""
    return ChunkStore(database, embedding_model(settings), chunker=make_splitter(settings).label)


def make_chunk_stores(settings: Settings, database: Database) -> dict[str, ChunkStore]:
    """The chunks in each vector space that may serve a tenant, by its label."""
    chunker = make_splitter(settings).label
    return {
        label: ChunkStore(database, model, chunker=chunker)
        for label, model in embedding_models(settings).items()
    }


def make_fallback_chunk_store(settings: Settings, database: Database) -> ChunkStore:
    """The chunks that are embedded here because the provider is away."""
    return ChunkStore(
        database, LOCAL_MODEL, chunker=make_splitter(settings).label, is_fallback=True
    )


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
