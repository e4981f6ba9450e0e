"""Provider batches: who puts texts into them, hands them over, and takes in what they give."""

from datetime import timedelta
from functools import partial

from ingest.adapters.embedders.openai.terms import MAX_FILE_BYTES, MODELS
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore
from ingest.adapters.postgres.providers.vector_buffer_store import VectorBufferStore
from ingest.app.pipeline.chunk import Defer
from ingest.app.providers.batch_embedder import BatchEmbedder
from ingest.app.providers.batch_poller import BatchPoller
from ingest.app.providers.batch_submitter import BatchSubmitter, BatchTerms
from ingest.app.providers.calls import ProviderCalls
from ingest.domain.batch_api import BatchRoom
from ingest.domain.embedding import EmbeddingModel
from ingest.ports.providers import BatchService, RateLimiter
from ingest.settings import Settings
from ingest.wiring.providers import embedding_model, embedding_models, openai_keys, prices

_RESERVED = timedelta(hours=1)
"""While a batch is handed over; then its reservation lasts as long as the batch may."""
_WINDOW = timedelta(hours=25)
"""The provider's day, and an hour for its clock."""


def batchable_models(settings: Settings) -> dict[str, EmbeddingModel]:
    """Vector spaces whose texts may come by provider batches, by their labels."""
    return {
        label: model for label, model in embedding_models(settings).items() if model.name in MODELS
    }


def make_deferrals(settings: Settings, database: Database) -> dict[str | None, Defer]:
    """Who puts texts into batches, by the space that serves their tenant; None: the settings'."""
    texts = _text_store(settings, database)
    at_most = timedelta(days=settings.wait_days)
    own = embedding_model(settings).label
    deferrals: dict[str | None, Defer] = {}
    for label, model in batchable_models(settings).items():
        deferrals[label] = partial(texts.defer, model=model, at_most=at_most)
    if own in deferrals:
        deferrals[None] = deferrals[own]
    return deferrals


def make_batch_embedders(settings: Settings, database: Database) -> dict[str, BatchEmbedder]:
    """Who says why texts did not come by a batch, by the label of their space."""
    texts = _text_store(settings, database)
    return {
        label: BatchEmbedder(model, texts) for label, model in batchable_models(settings).items()
    }


def make_batch_submitter(
    settings: Settings, database: Database, rate_limiter: RateLimiter
) -> BatchSubmitter:
    """Who hands batches over."""
    service, ledger, keys = _service(settings), LedgerStore(database), openai_keys(settings)
    calls = ProviderCalls(
        service.provider, rate_limiter=rate_limiter, ledger=ledger, keys=keys, reserved=_RESERVED
    )
    batches = ProviderBatchStore(database)
    return BatchSubmitter(
        service,
        calls,
        keys=keys,
        ledger=ledger,
        batches=batches,
        collects=batches,
        prices=prices(settings),
        terms=BatchTerms(
            quiet=timedelta(seconds=settings.openai_batch_quiet_seconds),
            poll=timedelta(seconds=settings.openai_batch_poll_seconds),
            window=_WINDOW,
            queue_tokens=settings.openai_batch_queue_tokens,
        ),
    )


def make_batch_poller(settings: Settings, database: Database) -> BatchPoller:
    """Who takes in what batches gave."""
    return BatchPoller(
        _service(settings),
        keys=openai_keys(settings),
        batches=ProviderBatchStore(database),
        prices=prices(settings),
        poll=timedelta(seconds=settings.openai_batch_poll_seconds),
    )


def _service(settings: Settings) -> BatchService:
    from ingest.adapters.embedders.openai.batch_api import OpenAIBatches

    return OpenAIBatches(base_url=settings.openai_base_url)


def _text_store(settings: Settings, database: Database) -> VectorBufferStore:
    room = BatchRoom(
        settings.openai_batch_texts, MAX_FILE_BYTES, settings.openai_batch_queue_tokens
    )
    return VectorBufferStore(database, room)
