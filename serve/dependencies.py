"""The open resources of a gateway process, and how requests get them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from ingest.adapters.auth.jwt import TokenVerifier
from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.key_store import PREFIX, KeyStore
from ingest.adapters.postgres.admin.tenant_store import TenantStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.dead_letter_store import DeadLetterStore
from ingest.adapters.postgres.jobs.event_store import EventStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database, TenantDatabase
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.webhook_store import WebhookStore
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.postgres.search.serving_store import ServingStore
from ingest.adapters.storage.blob_store import ObjectBlobStore
from ingest.app.intake.upload import Intake
from ingest.domain.errors import ConfigurationError, Unauthenticated
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.pause import Pause
from ingest.domain.scopes import ALL_SCOPES, Caller
from ingest.ports import EmbedsForPayer
from ingest.ports.providers import RateLimiter
from ingest.settings import Auth, Settings
from ingest.wiring.embedding import make_embedders, make_fallback_embedder
from ingest.wiring.parsing import parser_label
from ingest.wiring.storage import blob_url, open_blobs, open_database
from serve.authentication import KeyRing, make_token_verifier
from serve.loaded_models import LoadedModels
from serve.provider_health import Providers
from serve.tenant_registration import TenantRegister


@dataclass(frozen=True, slots=True)
class Backends:
    """Names of the parts that this process uses, without secrets."""

    parser: str
    embedder: str
    blobs: str
    schema: str
    """Schema revision that this code needs."""


@dataclass(frozen=True, slots=True)
class Space:
    """A vector space: the embedder of its questions, and the store that answers them."""

    embedder: EmbedsForPayer
    store: SearchStore


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The resources that requests need; one object for each process."""

    settings: Settings
    backends: Backends
    models: LoadedModels
    database: Database
    blobs: ObjectBlobStore
    rate_limiter: RateLimiter
    ledger: LedgerStore
    limits: LimitStore
    tenants: TenantStore
    register: TenantRegister
    providers: Providers
    intake: Intake
    documents: DocumentStore
    jobs: JobStore
    dead_letter: DeadLetterStore
    queue: QueueMeasures
    pauses: PauseStore
    events: EventStore
    chunks: SearchStore
    """Reads chunks by position, in any vector space."""
    serving: ServingStore
    spaces: dict[str, Space]
    """Spaces that may serve a tenant, by label; the space of the settings comes first."""
    fallback: Space | None
    """The space of documents that the local fallback embedded; None without a fallback."""
    workers: WorkerStore
    webhooks: WebhookStore
    key_ring: KeyRing | None
    """None when API keys are not accepted."""
    tokens: TokenVerifier | None
    """None when tokens are not accepted."""

    async def caller(self, credentials: str | None) -> Caller:
        """Find the caller of these credentials; without authentication the local tenant.

        Raises:
            Unauthenticated: the credentials are missing or not valid.
            StoreUnavailable: the database did not answer.
            ProviderUnavailable: the login service did not answer.
        """
        if self.settings.auth is Auth.OFF:
            return Caller(LOCAL_TENANT, ALL_SCOPES)
        if credentials is None:
            wanted = "an API key" if self.key_ring else "a token"
            raise Unauthenticated(f"{wanted} is required: 'Authorization: Bearer …'")
        if self.tokens and not (self.key_ring and credentials.startswith(PREFIX)):
            return await self.tokens.caller(credentials)
        if self.key_ring is None:
            raise Unauthenticated("this gateway accepts neither keys nor tokens; set INGEST_AUTH")
        return await self.key_ring.caller(credentials)

    async def spaces_of(self, tenant: UUID) -> list[Space]:
        """The vector spaces of a tenant's documents: the serving space, then the fallback if any.

        Raises:
            ConfigurationError: the settings do not name the model that serves the tenant.
        """
        label = await self.serving.served_in(tenant)
        if label is not None and label not in self.spaces:
            raise ConfigurationError(
                f"the tenant is served by {label}; INGEST_EMBEDDER, INGEST_LOCAL_MODEL and "
                f"INGEST_NEXT_MODEL name {', '.join(self.spaces)}"
            )
        space = self.spaces[label] if label is not None else next(iter(self.spaces.values()))
        if self.fallback is None or self.fallback.embedder.model == space.embedder.model:
            return [space]
        return [space, self.fallback]

    async def paused(self) -> list[Pause]:
        """Read all pauses of operators."""
        return [view.pause for view in await self.pauses.list_all()]


@asynccontextmanager
async def open_dependencies(
    settings: Settings, rate_limiter: RateLimiter
) -> AsyncIterator[Dependencies]:
    """Open the resources of a process; each request tries an unavailable database again.

    Args:
        settings: The settings of the process.
        rate_limiter: Limits calls to providers.

    Raises:
        ConfigurationError: the settings do not lead to a database, blobs or an embedder.
    """
    database = open_database(settings)
    blobs = open_blobs(settings)
    embedders = make_embedders(settings, database, rate_limiter)
    fallback = make_fallback_embedder(settings)
    all_embedders = [*embedders.values(), *([fallback] if fallback else [])]
    models = LoadedModels(all_embedders)
    loading = asyncio.create_task(models.load())
    try:
        tenants = TenantDatabase(database)
        documents, known = DocumentStore(tenants), TenantStore(tenants)
        yield Dependencies(
            settings=settings,
            backends=await asyncio.to_thread(_backends, settings, all_embedders[0]),
            models=models,
            database=database,
            blobs=blobs,
            rate_limiter=rate_limiter,
            ledger=LedgerStore(tenants),
            limits=LimitStore(tenants),
            tenants=known,
            register=TenantRegister(known),
            providers=Providers(rate_limiter, LedgerStore(database)),
            intake=Intake(blobs, documents, max_bytes=settings.max_upload_bytes),
            documents=documents,
            jobs=JobStore(tenants),
            dead_letter=DeadLetterStore(tenants),
            queue=QueueMeasures(database),
            pauses=PauseStore(database),
            events=EventStore(tenants),
            chunks=SearchStore(tenants, all_embedders[0].model),
            serving=ServingStore(tenants),
            spaces={label: _space(settings, tenants, by) for label, by in embedders.items()},
            fallback=_space(settings, tenants, fallback) if fallback else None,
            workers=WorkerStore(database),
            webhooks=WebhookStore(database),
            key_ring=KeyRing(KeyStore(database)) if settings.takes_keys else None,
            tokens=make_token_verifier(settings),
        )
    finally:
        await loading
        for embedder in all_embedders:
            await embedder.close()
        await database.close()


def _space(settings: Settings, database: TenantDatabase, embedder: EmbedsForPayer) -> Space:
    store = SearchStore(database, embedder.model, exact_ms=settings.exact_search_ms)
    return Space(embedder, store)


def _backends(settings: Settings, embedder: EmbedsForPayer) -> Backends:
    return Backends(
        parser=parser_label(settings),
        embedder=embedder.model.label,
        blobs=blob_url(settings).partition(":")[0],
        schema=migrate.head(),
    )


def _gateway(request: Request) -> Dependencies:
    gateway: Dependencies = request.app.state.gateway
    return gateway


CurrentDependencies = Annotated[Dependencies, Depends(_gateway)]
