"""Embedders of each vector space, and where the vectors of batches come from."""

from collections.abc import Mapping

from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.pipeline.batch_vectors import BatchVectors, LocalVectors, PaidVectors
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.unpaid import UnpaidEmbedder
from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.job import Degraded
from ingest.domain.local_models import local_model_of
from ingest.domain.provider_specs import EmbedderSpec
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring.local_embedders import make_local_embedder
from ingest.wiring.providers import (
    embedding_model,
    embedding_models,
    make_embedding_service,
    may_fall_back,
    prices,
    provided,
    provider_keys,
    provider_of,
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
        return UnpaidEmbedder(make_local_embedder(settings, local_model_of(wanted)))
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
            local = make_local_embedder(settings, local_model_of(model))
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
    return UnpaidEmbedder(make_local_embedder(settings)) if has_fallback else None
