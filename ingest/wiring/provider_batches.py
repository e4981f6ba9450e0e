"""Provider batches: who puts texts into them, hands them over, and takes in what they give."""

from datetime import timedelta
from functools import partial

from ingest.adapters.openai.terms import MAX_FILE_BYTES, MODELS
from ingest.adapters.postgres.batch_text_store import BatchTextStore
from ingest.adapters.postgres.ledger_store import LedgerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.provider_batch_store import ProviderBatchStore
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.provider_batch import BatchRoom
from ingest.lifecycle.batch_collector import BatchCollector
from ingest.lifecycle.batch_submitter import BatchSubmitter, BatchTerms
from ingest.lifecycle.deferred_embedder import DeferredEmbedder
from ingest.lifecycle.provider_calls import ProviderCalls
from ingest.ports.provider_batches import BatchService
from ingest.ports.providers import Gate
from ingest.settings import Settings
from ingest.stages.chunk import Defer
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


def make_deferred_embedders(settings: Settings, database: Database) -> dict[str, DeferredEmbedder]:
    """Who says why texts did not come by a batch, by the label of their space."""
    texts = _text_store(settings, database)
    return {
        label: DeferredEmbedder(model, texts) for label, model in batchable_models(settings).items()
    }


def make_batch_submitter(settings: Settings, database: Database, gate: Gate) -> BatchSubmitter:
    """Who hands batches over."""
    service, ledger, keys = _service(settings), LedgerStore(database), openai_keys(settings)
    calls = ProviderCalls(service.provider, gate=gate, ledger=ledger, keys=keys, reserved=_RESERVED)
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


def make_batch_collector(settings: Settings, database: Database) -> BatchCollector:
    """Who takes in what batches gave."""
    return BatchCollector(
        _service(settings),
        keys=openai_keys(settings),
        batches=ProviderBatchStore(database),
        prices=prices(settings),
        poll=timedelta(seconds=settings.openai_batch_poll_seconds),
    )


def _service(settings: Settings) -> BatchService:
    from ingest.adapters.openai.batches import OpenAIBatches  # loads the SDK

    return OpenAIBatches(base_url=settings.openai_base_url)


def _text_store(settings: Settings, database: Database) -> BatchTextStore:
    room = BatchRoom(
        settings.openai_batch_texts, MAX_FILE_BYTES, settings.openai_batch_queue_tokens
    )
    return BatchTextStore(database, room)
