"""From settings to working parts: the only place that picks adapters."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ingest.adapters.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.llamaparse import READS, LlamaParse
from ingest.adapters.local_parser import LocalParser
from ingest.adapters.openai.embedding import MAX_TEXT_TOKENS as OPENAI_TEXT_TOKENS
from ingest.adapters.openai.embedding import MODELS as OPENAI_MODELS
from ingest.adapters.openai.embedding import OpenAIEmbedding
from ingest.adapters.postgres.chunk_store import ChunkStore
from ingest.adapters.postgres.ledger_store import LedgerStore
from ingest.adapters.postgres.parse_store import ParseStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.provider_keys import Keys
from ingest.adapters.structure_splitter import StructureSplitter
from ingest.adapters.wordllama_embedder import MODEL as LOCAL_MODEL
from ingest.adapters.wordllama_embedder import WordllamaEmbedder
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.identity import sha256_hex
from ingest.domain.money import CREDITS_PER_PAGE, PRICES, Price, unit_price
from ingest.domain.retry import RetryPolicy
from ingest.lifecycle.claim import Pace
from ingest.lifecycle.estimate import Estimator, Tariff
from ingest.lifecycle.gatehouse import Quota
from ingest.lifecycle.look import Lookout
from ingest.lifecycle.metered_embedder import MeteredEmbedder
from ingest.lifecycle.parse_collector import ParseCollector
from ingest.lifecycle.provider_calls import ProviderCalls
from ingest.lifecycle.remote_parser import RemoteParser, Terms
from ingest.ports.providers import Gate
from ingest.settings import Settings
from ingest.settings.providers import EmbedderKind, ParserKind, Tier
from ingest.stages.chunk import BatchLimits

WEBHOOK_PATH = "/v1/webhooks/llamaparse"
"""Where LlamaParse tells of parses; a word that only it knows follows."""
_BATCH_SHARE = 0.03


def database_url(settings: Settings) -> str:
    """The URL of the database.

    Raises:
        ConfigurationError: none is set; the embedded one is known only once it runs.
    """
    if settings.database_url is None:
        raise ConfigurationError("INGEST_DATABASE_URL is not set ('ingest up' sets it itself)")
    return settings.database_url.get_secret_value()


def open_database(settings: Settings) -> Database:
    """The database; connections open on first use."""
    return Database(
        database_url(settings),
        pool_size=settings.database_pool_size,
        pooler=settings.database_pooler,
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


def make_parser(settings: Settings, database: Database, gate: Gate) -> LocalParser | RemoteParser:
    """The parser; a provider's is called through the gate and recorded in the database.

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
        ProviderCalls(service.provider, gate=gate, ledger=ledger, keys=keys),
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


def make_collector(settings: Settings, database: Database) -> ParseCollector:
    """Who finds the parses that are over at the provider."""
    return ParseCollector(
        make_llamaparse(settings),
        keys=llamaparse_keys(settings),
        parses=ParseStore(database),
        blobs=open_blobs(settings),
        prices=prices(settings),
        poll=timedelta(seconds=settings.llamaparse_poll_seconds),
    )


def make_llamaparse(settings: Settings) -> LlamaParse:
    """LlamaParse's service, without quota and ledger."""
    secret = settings.llamaparse_webhook_secret
    return LlamaParse(
        version=settings.llamaparse_version,
        options=settings.llamaparse_options,
        base_url=settings.llamaparse_base_url,
        timeout_seconds=settings.llamaparse_timeout_seconds,
        webhook_secret=secret.get_secret_value() if secret else None,
        max_pages=settings.max_pages,
        max_text_chars=settings.max_text_chars,
    )


def make_estimator(settings: Settings) -> tuple[Estimator, LocalParser]:
    """Who says what documents would cost, and the parser to be closed after.

    Raises:
        ConfigurationError: a price is not known.
    """
    local, today, known = make_local_parser(settings), datetime.now(UTC).date(), prices(settings)
    remote = settings.parser is not ParserKind.LOCAL
    paid = settings.embedder is EmbedderKind.OPENAI
    tariff = Tariff(
        unit_price(known, "openai", settings.openai_model, today) if paid else Decimal(),
        CREDITS_PER_PAGE[settings.llamaparse_tier],
        unit_price(known, "llamaparse", "credit", today),
    )
    only_scanned = settings.parser is ParserKind.AUTO
    lookout = Lookout(local, READS if remote else frozenset(), only_scanned=only_scanned)
    return Estimator(lookout, make_splitter(settings), tariff), local


def parse_terms(settings: Settings) -> Terms:
    """On which terms documents are handed over to LlamaParse."""
    tiers = list(Tier)
    wanted = tiers.index(settings.llamaparse_tier)
    url = settings.llamaparse_webhook_url
    version = settings.llamaparse_version
    if settings.llamaparse_options:
        options = json.dumps(settings.llamaparse_options, sort_keys=True)
        version += f"+{sha256_hex(options.encode())[:8]}"
    return Terms(
        tiers=tiers[wanted : wanted + 1 + settings.llamaparse_escalate],
        version=version,
        only_scanned=settings.parser is ParserKind.AUTO,
        deadline=timedelta(seconds=settings.llamaparse_deadline_seconds),
        poll=timedelta(seconds=settings.llamaparse_poll_seconds),
        webhook_url=f"{url.rstrip('/')}{WEBHOOK_PATH}" if url else None,
    )


def make_splitter(settings: Settings) -> StructureSplitter:
    """The splitter."""
    return StructureSplitter(
        max_tokens=settings.chunk_tokens, overlap_tokens=settings.chunk_overlap_tokens
    )


def embedding_model(settings: Settings) -> EmbeddingModel:
    """The vector space of new chunks.

    Raises:
        ConfigurationError: the database has no index for the model.
    """
    if settings.embedder is EmbedderKind.LOCAL:
        return LOCAL_MODEL
    if settings.openai_model not in OPENAI_MODELS:
        known = ", ".join(OPENAI_MODELS)
        raise ConfigurationError(f"INGEST_OPENAI_MODEL is {settings.openai_model!r}, not {known}")
    return OPENAI_MODELS[settings.openai_model]


def make_embedder(
    settings: Settings, database: Database, gate: Gate
) -> WordllamaEmbedder | MeteredEmbedder:
    """The embedder; a provider's is called through the gate and recorded in the database.

    Raises:
        ConfigurationError: model or price are not known.
    """
    if settings.embedder is EmbedderKind.LOCAL:
        return WordllamaEmbedder()
    service = make_openai(settings)
    calls = ProviderCalls(
        service.provider, gate=gate, ledger=LedgerStore(database), keys=openai_keys(settings)
    )
    return MeteredEmbedder(service, calls, prices=prices(settings))


def make_openai(settings: Settings) -> OpenAIEmbedding:
    """OpenAI's endpoint, without quota and ledger."""
    return OpenAIEmbedding(
        embedding_model(settings),
        base_url=settings.openai_base_url,
        timeout_seconds=settings.openai_timeout_seconds,
        connections=settings.embed_concurrency,
    )


def openai_keys(settings: Settings) -> Keys:
    """OpenAI's keys."""
    given = settings.openai_api_keys
    return Keys(given.get_secret_value() if given else "", settings.openai_api_key_file)


def llamaparse_keys(settings: Settings) -> Keys:
    """LlamaParse's keys."""
    given = settings.llamaparse_api_keys
    return Keys(given.get_secret_value() if given else "", settings.llamaparse_api_key_file)


def prices(settings: Settings) -> tuple[Price, ...]:
    """All known prices; those that are set come last, and of equal dates they count."""
    own = tuple(Price(p.provider, p.model, p.since, p.usd) for p in settings.prices)
    replaced = {(price.provider, price.model, price.since) for price in own}
    kept = (p for p in PRICES if (p.provider, p.model, p.since) not in replaced)
    return (*kept, *own)


def quotas(settings: Settings) -> dict[str, Quota]:
    """What each key of each provider allows, less what is kept in hand."""
    share = settings.quota_share
    return {
        "openai": Quota(
            share * settings.openai_requests_per_minute, share * settings.openai_tokens_per_minute
        ),
        "llamaparse": Quota(share * settings.llamaparse_requests_per_minute, None),
    }


def batch_limits(settings: Settings) -> BatchLimits:
    """How chunks are packed: a paid batch is a small part of a minute's quota.

    A request spends its whole share at once, so small ones keep the pace even and the order fair.
    """
    tokens = settings.batch_tokens
    if settings.embedder is EmbedderKind.OPENAI:
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


def pace(settings: Settings) -> Pace:
    """How much a stream claims, and for how long."""
    return Pace(
        wave_jobs=settings.wave_jobs,
        claim_ahead_jobs=settings.claim_ahead_jobs,
        lease=settings.lease,
        stage_timeout=timedelta(seconds=settings.stage_timeout_seconds),
    )


def retry_policy(settings: Settings) -> RetryPolicy:
    """When failed attempts are tried again."""
    return RetryPolicy(
        max_attempts=settings.max_attempts, wait_at_most=timedelta(days=settings.wait_days)
    )
