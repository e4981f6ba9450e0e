"""Provider batches: who puts texts into them, submits them, and takes in what they give."""

from datetime import timedelta
from functools import partial

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
from ingest.domain.errors import ConfigurationError
from ingest.domain.provider_specs import BatchApi, EmbedderSpec
from ingest.ports.providers import BatchService, RateLimiter
from ingest.settings import Settings
from ingest.wiring import provider_services
from ingest.wiring.providers import embedding_model, embedding_models, prices, provider_keys

_RESERVED = timedelta(hours=1)
"""While a batch is submitted; then its reservation lasts as long as the batch may."""
_WINDOW = timedelta(hours=25)
"""The provider's day, and an hour for its clock."""


def batch_provider(settings: Settings) -> EmbedderSpec | None:
    """The provider whose batch API is used: of those that embed, the first one that has one.

    One at a time, because a batch that waits in the database names its model, and no provider.
    """
    return next((spec for spec in settings.embedding_providers if spec.batch_api), None)


def batchable_models(settings: Settings) -> dict[str, EmbeddingModel]:
    """Vector spaces whose texts may come by provider batches, by their labels."""
    spec = batch_provider(settings)
    return {
        label: model
        for label, model in embedding_models(settings).items()
        if spec is not None and model.name in spec.models
    }


def make_deferrals(settings: Settings, database: Database) -> dict[str | None, Defer]:
    """Who puts texts into batches, by the space that serves their tenant; None: the settings'."""
    if batch_provider(settings) is None:
        return {}
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
    if batch_provider(settings) is None:
        return {}
    texts = _text_store(settings, database)
    return {
        label: BatchEmbedder(model, texts) for label, model in batchable_models(settings).items()
    }


def make_batch_submitter(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    batches: ProviderBatchStore,
) -> BatchSubmitter:
    """Who submits batches."""
    spec, _ = _batch_api(settings)
    service, ledger = _service(settings), LedgerStore(database)
    keys, access = provider_keys(settings, spec), settings.batches_of(spec)
    calls = ProviderCalls(
        service.provider, rate_limiter=rate_limiter, ledger=ledger, keys=keys, reserved=_RESERVED
    )
    return BatchSubmitter(
        service,
        calls,
        batches=ProviderBatchStore(database),
        prices=prices(settings),
        terms=BatchTerms(
            quiet=access.quiet,
            poll=access.poll,
            window=_WINDOW,
            queue_tokens=access.queue_tokens,
        ),
    )


def make_batch_poller(settings: Settings, batches: ProviderBatchStore) -> BatchPoller:
    """Who takes in what batches gave."""
    spec, _ = _batch_api(settings)
    return BatchPoller(
        _service(settings),
        keys=provider_keys(settings, spec),
        batches=batches,
        prices=prices(settings),
        poll=settings.batches_of(spec).poll,
    )


def _batch_api(settings: Settings) -> tuple[EmbedderSpec, BatchApi]:
    spec = batch_provider(settings)
    if spec is None or spec.batch_api is None:
        raise ConfigurationError("no provider that embeds has a batch API")
    return spec, spec.batch_api


def _service(settings: Settings) -> BatchService:
    spec, _ = _batch_api(settings)
    make = provider_services.EMBEDDERS[spec.name].make_batches
    if make is None:
        raise ConfigurationError(f"nothing is wired to the batch API of {spec.title}")
    return make(settings)


def _text_store(settings: Settings, database: Database) -> VectorBufferStore:
    spec, api = _batch_api(settings)
    access = settings.batches_of(spec)
    room = BatchRoom(access.texts, api.max_file_bytes, access.queue_tokens)
    return VectorBufferStore(database, room)
