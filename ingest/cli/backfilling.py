"""A backfill as it runs: registering, watching, and ending in good order."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from ingest import logs, wiring
from ingest.adapters.postgres.document_store import DocumentStore
from ingest.adapters.postgres.job_store import JobStore
from ingest.adapters.postgres.ledger_store import LedgerStore, Spent
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.queue_store import MOST_UNFINISHED, LaneCounts, QueueStore
from ingest.adapters.postgres.serving_store import ServingStore
from ingest.adapters.postgres.source_store import SourceStore
from ingest.adapters.sources import Objects
from ingest.cli.output import duration, money, say
from ingest.domain.identity import LOCAL_TENANT, tenant_id
from ingest.domain.job import Lane
from ingest.domain.renewal import Renewal
from ingest.domain.source import SourceObject
from ingest.lifecycle.accept import Intake
from ingest.lifecycle.register import Registered, Registrar
from ingest.lifecycle.renew import Renewer
from ingest.ports.sources import Source
from ingest.settings import Settings

_Register = Callable[[], Coroutine[None, None, None]]
_LOOK_SECONDS = 1.0
_SAY_SECONDS = 5.0
_SETTLED = timedelta(minutes=1)
"""Longest that a transaction which ends jobs takes; what ended before it is known to all."""


class Ended(StrEnum):
    """Why a backfill ended."""

    ALL_DONE = "all_done"
    INTERRUPTED = "interrupted"
    """By a signal."""
    TIME_OVER = "time_over"
    MONEY_SPENT = "money_spent"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a backfill is to take in, and when it is to end."""

    where: str | None = None
    """Pattern that URIs match."""
    limit: int | None = None
    """Most objects."""
    tenant: str | None = None
    """Name or UUID."""
    at_once: int = 16
    """Objects that are read at the same time."""
    max_usd: Decimal | None = None
    """End when providers have charged so much."""
    until: datetime | None = None
    """End in good order at this time; with its zone."""
    outdated: bool = False
    """Make documents again that other settings made, instead of taking in objects."""

    @property
    def user_id(self) -> UUID:
        """The tenant."""
        return LOCAL_TENANT if self.tenant is None else tenant_id(self.tenant)


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill came to."""

    run: str
    registered: Registered
    counts: LaneCounts
    spent: Spent
    ended: Ended


def matching(where: str | None) -> Callable[[SourceObject], bool]:
    """Whether an object is meant: its URI matches the pattern, or there is none."""
    return lambda found: where is None or fnmatchcase(found.uri, where)


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
    logs.configure(here.log_level)
    stop, spent = threading.Event(), threading.Event()
    with _stopped_by_signals(stop), backfill_stream(here, run=named, at_once=spent):
        done = asyncio.run(_work(here, objects, sources, wish, stop, run=named))
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
    registered, register = (
        await _renewing(settings, database, wish, run=run)
        if wish.outdated
        else _taking_in(settings, database, objects, sources, wish, run=run)
    )
    try:
        queue = QueueStore(database)
        watch = _Watch(queue, LedgerStore(database), wish, registered, since=await queue.now())
        registering = asyncio.create_task(register())
        while (ended := watch.over(stop, registering)) is None:
            await asyncio.sleep(_LOOK_SECONDS)
            await watch.look()
        if not registering.done():
            registering.cancel()
        await asyncio.gather(registering, return_exceptions=True)
        await watch.look()
        return Backfill(run, registered, watch.counts, watch.spent, ended)
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
) -> tuple[Registered, _Register]:
    intake = Intake(
        wiring.open_blobs(settings),
        DocumentStore(database),
        max_bytes=settings.max_upload_bytes,
    )
    registrar = Registrar(
        intake,
        SourceStore(database),
        objects,
        user_id=wish.user_id,
        run=run,
        at_once=wish.at_once,
        wanted=matching(wish.where),
        limit=wish.limit,
    )
    return registrar.registered, partial(registrar.register, sources)


async def _renewing(
    settings: Settings, database: Database, wish: Wish, *, run: str
) -> tuple[Registered, _Register]:
    models, chunker = wiring.embedding_models(settings), wiring.make_splitter(settings).label
    served_in = await ServingStore(database).served_in(wish.user_id)
    model = wiring.embedding_model(settings) if served_in is None else models[served_in]
    wanted = Renewal(wish.user_id, model, chunker, run)
    renewer = Renewer(JobStore(database), wanted, limit=wish.limit)
    return renewer.registered, renewer.register


class _Watch:
    """Looks how the lane gets on, and says so now and then."""

    def __init__(
        self,
        queue: QueueStore,
        ledger: LedgerStore,
        wish: Wish,
        registered: Registered,
        *,
        since: datetime,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._wish = wish
        self._registered = registered
        self._since = self._settled_until = since
        self._settled = (0, 0)
        self._unfinished_before: int | None = None
        self._began = self._said = time.monotonic()
        self._looked = False
        self.counts = LaneCounts(0, 0, 0)
        self.spent = Spent()

    def over(self, stop: threading.Event, registering: "asyncio.Task[None]") -> Ended | None:
        """Why it is time to end; None while it is not.

        Raises:
            IngestError: the registering ended with it.
        """
        if registering.done():
            registering.result()
        if stop.is_set():
            return Ended.INTERRUPTED
        if self._wish.max_usd is not None and self.spent.usd >= self._wish.max_usd:
            return Ended.MONEY_SPENT
        if (
            self._wish.until is not None
            and datetime.now(self._wish.until.tzinfo) >= self._wish.until
        ):
            return Ended.TIME_OVER
        if registering.done() and self._looked and self.counts.unfinished == 0:
            return Ended.ALL_DONE
        return None

    async def look(self) -> None:
        """Count, and say it when it is time."""
        user_id = self._wish.user_id
        self.counts = await self._count()
        self.spent = await self._ledger.spent(Lane.BACKFILL, user_id, since=self._since)
        self._looked = True
        if time.monotonic() - self._said >= _SAY_SECONDS:
            self._said = time.monotonic()
            say(self._line())

    async def _count(self) -> LaneCounts:
        """Count what ended, each job once: no look costs more for what ended long ago."""
        lane, user_id = Lane.BACKFILL, self._wish.user_id
        if self._unfinished_before is None:
            before = await self._queue.lane(lane, user_id, since=self._since, most=None)
            self._unfinished_before = before.unfinished + before.done + before.dead
        recent = await self._queue.lane(lane, user_id, since=self._settled_until)
        done, dead = self._settled
        counts = LaneCounts(recent.unfinished, done + recent.done, dead + recent.dead)
        long_ago = await self._queue.now() - _SETTLED
        if long_ago > self._settled_until + _SETTLED:
            old = await self._queue.lane(
                lane, user_id, since=self._settled_until, until=long_ago, most=1
            )
            self._settled = (done + old.done, dead + old.dead)
            self._settled_until = long_ago
        if counts.unfinished < MOST_UNFINISHED:
            return counts
        there_were = self._unfinished_before + self._registered.created
        about = max(counts.unfinished, there_were - counts.done - counts.dead)
        return LaneCounts(about, counts.done, counts.dead)

    def _line(self) -> str:
        taken, counts = self._registered, self.counts
        seconds = time.monotonic() - self._began
        rate = (counts.done + counts.dead) / seconds
        to_do = counts.unfinished + taken.left_over
        left = f", {duration(to_do / rate)} left" if rate and to_do else ""
        paid = f", {self.spent.tokens:,} tokens, {money(self.spent.usd)}" if self.spent.usd else ""
        return (
            f"{duration(seconds)}: {taken.listed:,} objects listed, {taken.done:,} taken, "
            f"{counts.done:,} searchable, {counts.dead:,} failed, "
            f"{counts.unfinished:,} to do, {rate:.1f}/s{left}{paid}"
        )


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """The first signal asks for a good end, the second breaks it off."""

    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        say("stopping; once more gives up at once")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
