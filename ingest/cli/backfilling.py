"""A backfill as it runs: registering, watching, and ending in good order."""

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

from ingest import logs, wiring
from ingest.adapters.postgres.index_store import IndexStore
from ingest.adapters.postgres.job_store import JobStore
from ingest.adapters.postgres.ledger_store import LedgerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.provider_batch_store import ProviderBatchStore
from ingest.adapters.postgres.queue_store import QueueStore
from ingest.adapters.postgres.reference_store import ReferenceStore
from ingest.adapters.postgres.serving_store import ServingStore
from ingest.adapters.postgres.source_store import SourceStore
from ingest.adapters.sources import Objects
from ingest.cli.backfill_watch import Backfill, Ended, Watch, Wish
from ingest.cli.index_progress import told
from ingest.cli.output import say
from ingest.cli.process import end_at_once, run_async
from ingest.cli.tenants import existing
from ingest.domain.arrival import NEVER
from ingest.domain.bulk import IndexTime
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.identity import LOCAL_NAME
from ingest.domain.renewal import Renewal
from ingest.domain.source import SourceObject
from ingest.domain.tenant import Tenant
from ingest.lifecycle.bulk_index import BulkIndex
from ingest.lifecycle.register import Registered, Registrar
from ingest.lifecycle.renew import Renewer
from ingest.ports.sources import Source
from ingest.settings import Settings
from ingest.wiring.indexes import open_indexes
from ingest.wiring.sources import make_intake

_Register = Callable[[], Coroutine[None, None, None]]
_LOOK_SECONDS = 1.0


def matching(where: str | None) -> Callable[[SourceObject], bool]:
    """Whether an object is meant: its URI matches the pattern, or there is none."""
    return lambda found: where is None or fnmatchcase(found.uri, where)


def not_restored(deleted: int) -> str:
    """What is said of objects whose documents were deleted."""
    return f"{deleted:,} not taken: deleted (use --restore-deleted)"


def whose(settings: Settings, tenant: str | None, *, create: bool) -> Tenant:
    """The tenant whose documents it takes in.

    Raises:
        UnknownTenant: there is no such tenant.
    """

    async def find() -> Tenant:
        database = wiring.open_database(settings)
        try:
            return await existing(database, LOCAL_NAME if tenant is None else tenant, create=create)
        finally:
            await database.close()

    return run_async(find())


def run(settings: Settings, objects: Objects, sources: Sequence[Source], wish: Wish) -> Backfill:
    """Register all objects while a stream works on them; returns when the lane has ended them.

    SIGINT and SIGTERM end it in good order.
    """
    from ingest.cluster.backfill import backfill_stream

    named = f"backfill-{uuid4().hex[:12]}"
    here = settings.model_copy(
        update={
            "state_dir": Path(settings.state_dir).resolve(),
            "blob_url": wiring.blob_url(settings),
        }
    )
    os.environ.update(here.environment())
    logs.configure(here.log_level, for_people=sys.stderr.isatty())
    stop, spent = threading.Event(), threading.Event()
    with _stopped_by_signals(stop), backfill_stream(here, wish.lane, run=named, at_once=spent):
        done = run_async(_work(here, objects, sources, wish, stop, run=named))
        if done.ended is Ended.MONEY_SPENT:
            spent.set()
        return done


async def _work(
    settings: Settings,
    objects: Objects,
    sources: Sequence[Source],
    wish: Wish,
    stop: threading.Event,
    *,
    run: str,
) -> Backfill:
    database = wiring.open_database(settings)
    queue = QueueStore(database)
    since = await queue.now()
    registered, register = (
        await _renewing(settings, database, wish, run=run)
        if wish.outdated
        else _taking_in(settings, database, objects, sources, wish, run=run, since=since)
    )
    try:
        watch = Watch(
            queue,
            LedgerStore(database),
            ProviderBatchStore(database),
            wish,
            registered,
            since=since,
        )
        indexed = IndexTime.INLINE if wish.hand_over else wish.index
        indexes = open_indexes(settings, database)
        index = BulkIndex(indexes, await _model(settings, database, wish), indexed)
        await index.look(0)
        await watch.look(all_registered=False)  # what is there before anything is registered
        registering = asyncio.create_task(register())
        while (ended := watch.over(stop, registering)) is None:
            await asyncio.sleep(_LOOK_SECONDS)
            await watch.look(all_registered=registering.done())
            await index.look(registered.listed)
        if not registering.done():
            registering.cancel()
        await asyncio.gather(registering, return_exceptions=True)
        await watch.look(all_registered=True)
        await _index(index, indexes, ended)
        when = IndexTime.AFTER if index.is_after else IndexTime.INLINE
        return Backfill(run, registered, watch.counts, watch.spent, ended, when, watch.batched)
    finally:
        await database.close()


def _taking_in(
    settings: Settings,
    database: Database,
    objects: Objects,
    sources: Sequence[Source],
    wish: Wish,
    *,
    run: str,
    since: datetime,
) -> tuple[Registered, _Register]:
    registrar = Registrar(
        make_intake(settings, database),
        SourceStore(database),
        ReferenceStore(database),
        objects,
        user_id=wish.user_id,
        run=run,
        lane=wish.lane,
        at_once=wish.at_once,
        wanted=matching(wish.where),
        limit=wish.limit,
        restores_before=since if wish.restore_deleted else NEVER,
    )
    return registrar.registered, partial(registrar.register, sources)


async def _renewing(
    settings: Settings, database: Database, wish: Wish, *, run: str
) -> tuple[Registered, _Register]:
    model, chunker = await _model(settings, database, wish), wiring.make_splitter(settings).label
    wanted = Renewal(wish.user_id, model, chunker, run, wish.lane)
    renewer = Renewer(JobStore(database), wanted, limit=wish.limit)
    return renewer.registered, renewer.register


async def _model(settings: Settings, database: Database, wish: Wish) -> EmbeddingModel:
    """The vector space that serves the tenant."""
    served_in = await ServingStore(database).served_in(wish.user_id)
    if served_in is None:
        return wiring.embedding_model(settings)
    return wiring.embedding_models(settings)[served_in]


async def _index(index: BulkIndex, indexes: IndexStore, ended: Ended) -> None:
    """Build the index that the load did without, unless somebody wants an end now."""
    if not await index.is_missing():
        return
    if ended is Ended.INTERRUPTED:
        say("the vectors have no index yet: the next run builds it, or 'ingest index build'")
        return
    say("building the index of the vectors")
    await told(indexes, index.build())


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """The first signal asks for a good end, the second ends the process at once."""

    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():
            end_at_once()
        say("stopping; once more gives up at once")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
