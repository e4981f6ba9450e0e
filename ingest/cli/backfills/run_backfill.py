"""Runs a backfill: registers its objects, watches the lane, and stops cleanly."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from uuid import uuid4

from ingest import logs
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.documents.source_store import SourceStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.serving_store import ServingStore
from ingest.adapters.sources import Objects
from ingest.app.backfill.bulk_index import BulkIndex
from ingest.app.backfill.register import Registered, Registrar
from ingest.app.backfill.reprocess import Reprocessor
from ingest.cli.backfills.progress import Backfill, BackfillProgress, BackfillRequest, Ended
from ingest.cli.output import say
from ingest.cli.process import end_at_once, run_async
from ingest.cli.render.index_progress import show_while
from ingest.cli.system.tenants import existing_or_local
from ingest.domain.arrival import NEVER
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.index_timing import IndexTime
from ingest.domain.reprocess import Reprocessing
from ingest.domain.source_object import SourceObject
from ingest.domain.tenant import Tenant
from ingest.ports.sources import Source
from ingest.settings import Settings
from ingest.wiring.chunking import splitter_label
from ingest.wiring.indexes import open_indexes
from ingest.wiring.parsing import local_parser_label
from ingest.wiring.providers import embedding_model, embedding_models
from ingest.wiring.sources import make_intake
from ingest.wiring.storage import blob_url, open_database

_Register = Callable[[], Coroutine[None, None, None]]
_POLL_SECONDS = 1.0


def matching(where: str | None) -> Callable[[SourceObject], bool]:
    """Make a filter that selects objects by URI; without a pattern it selects all."""
    return lambda found: where is None or fnmatchcase(found.uri, where)


def not_restored(deleted: int) -> str:
    """The note about objects whose documents were deleted."""
    return f"{deleted:,} not taken: deleted (use --restore-deleted)"


def whose(settings: Settings, tenant: str | None, *, create: bool) -> Tenant:
    """Find the tenant that owns the documents.

    Raises:
        UnknownTenant: there is no such tenant.
    """

    async def find() -> Tenant:
        database = open_database(settings)
        try:
            return await existing_or_local(database, tenant, create=create)
        finally:
            await database.close()

    return run_async(find())


def run(
    settings: Settings, objects: Objects, sources: Sequence[Source], request: BackfillRequest
) -> Backfill:
    """Register all objects while a stream processes them; return when all jobs have ended.

    SIGINT and SIGTERM stop it cleanly.
    """
    from ingest.cluster.backfill import backfill_stream

    named = f"backfill-{uuid4().hex[:12]}"
    here = settings.model_copy(
        update={
            "state_dir": Path(settings.state_dir).resolve(),
            "blob_url": blob_url(settings),
        }
    )
    os.environ.update(here.environment())
    logs.configure(here.log_level, for_people=sys.stderr.isatty())
    stop, spent = threading.Event(), threading.Event()
    stream = backfill_stream(here, request.lane, run=named, stop=stop, leave_now=spent, report=say)
    with _stopped_by_signals(stop), stream:
        done = run_async(_work(here, objects, sources, request, stop, run=named))
        if done.ended is Ended.MONEY_SPENT:
            spent.set()
        return done


async def _work(
    settings: Settings,
    objects: Objects,
    sources: Sequence[Source],
    request: BackfillRequest,
    stop: threading.Event,
    *,
    run: str,
) -> Backfill:
    database = open_database(settings)
    queue = QueueMeasures(database)
    since = await queue.now()
    registered, register = (
        await _renewing(settings, database, request, run=run)
        if request.outdated
        else _taking_in(settings, database, objects, sources, request, run=run, since=since)
    )
    try:
        watch = BackfillProgress(
            queue,
            LedgerStore(database),
            ProviderBatchStore(database),
            request,
            registered,
            since=since,
        )
        indexed = IndexTime.INLINE if request.submit_only else request.index
        indexes = open_indexes(settings, database)
        index = BulkIndex(indexes, await _model(settings, database, request), indexed)
        await index.decide(0)
        # Count the existing jobs first: jobs of an interrupted run belong to this one.
        await watch.refresh(all_registered=False)
        registering = asyncio.create_task(register())
        while (ended := watch.over(stop, registering)) is None:
            await asyncio.sleep(_POLL_SECONDS)
            await watch.refresh(all_registered=registering.done())
            await index.decide(registered.listed)
        if not registering.done():
            registering.cancel()
        await asyncio.gather(registering, return_exceptions=True)
        await watch.refresh(all_registered=True)
        await _index(index, indexes, ended)
        when = IndexTime.AFTER if index.is_after else IndexTime.INLINE
        warned = await DocumentStore(database).count_warned(request.tenant_id, since=since)
        return Backfill(
            run, registered, watch.counts, watch.spent, ended, when, watch.batched, warned
        )
    finally:
        await database.close()


def _taking_in(
    settings: Settings,
    database: Database,
    objects: Objects,
    sources: Sequence[Source],
    request: BackfillRequest,
    *,
    run: str,
    since: datetime,
) -> tuple[Registered, _Register]:
    registrar = Registrar(
        make_intake(settings, database),
        SourceStore(database),
        ReferenceStore(database),
        objects,
        tenant_id=request.tenant_id,
        run=run,
        lane=request.lane,
        at_once=request.at_once,
        wanted=matching(request.where),
        limit=request.limit,
        restores_before=since if request.restore_deleted else NEVER,
    )
    return registrar.registered, partial(registrar.register, sources)


async def _renewing(
    settings: Settings, database: Database, request: BackfillRequest, *, run: str
) -> tuple[Registered, _Register]:
    model, chunker = await _model(settings, database, request), splitter_label(settings)
    wanted = Reprocessing(
        request.tenant_id, model, chunker, run, local_parser_label(), request.lane
    )
    renewer = Reprocessor(JobStore(database), wanted, limit=request.limit)
    return renewer.registered, renewer.register


async def _model(
    settings: Settings, database: Database, request: BackfillRequest
) -> EmbeddingModel:
    """The vector space that serves the tenant."""
    served_in = await ServingStore(database).served_in(request.tenant_id)
    if served_in is None:
        return embedding_model(settings)
    return embedding_models(settings)[served_in]


async def _index(index: BulkIndex, indexes: IndexStore, ended: Ended) -> None:
    """Build the index after a load without one, unless the backfill was interrupted."""
    if not await index.is_missing():
        return
    if ended is Ended.INTERRUPTED:
        say("the vectors have no index yet: the next run builds it, or 'ingest index build'")
        return
    say("building the index of the vectors")
    await show_while(indexes, index.build())


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """The first signal asks for a clean stop, the second ends the process at once."""

    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():
            end_at_once()
        say("stopping; press Ctrl-C again to end at once")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
