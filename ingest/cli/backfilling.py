"""A backfill as it runs: registering, watching, and ending in good order."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import UUID, uuid4

from ingest import logs, wiring
from ingest.adapters.object_source import ObjectSource
from ingest.adapters.postgres.document_store import DocumentStore
from ingest.adapters.postgres.queue_store import MOST_UNFINISHED, LaneCounts, QueueStore
from ingest.cli.output import duration, say
from ingest.domain.identity import LOCAL_TENANT, tenant_id
from ingest.domain.job import Lane
from ingest.domain.source import SourceObject
from ingest.lifecycle.accept import Intake
from ingest.lifecycle.register import Registered, Registrar
from ingest.settings import Settings

_LOOK_SECONDS = 1.0
_SAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill came to."""

    run: str
    registered: Registered
    counts: LaneCounts
    interrupted: bool


def matching(where: str | None) -> Callable[[SourceObject], bool]:
    """Whether an object is meant: its URI matches the pattern, or there is none."""
    return lambda found: where is None or fnmatchcase(found.uri, where)


def run(
    settings: Settings,
    sources: Sequence[ObjectSource],
    *,
    where: str | None,
    limit: int | None,
    tenant: str | None,
    at_once: int,
) -> Backfill:
    """Register all objects while a stream works on them; returns when the lane has ended them.

    SIGINT and SIGTERM end it in good order.
    """
    from ingest.cluster.backfill import backfill_stream

    named = f"backfill-{uuid4().hex[:12]}"
    user_id = LOCAL_TENANT if tenant is None else tenant_id(tenant)
    here = settings.model_copy(
        update={
            "state_dir": Path(settings.state_dir).resolve(),
            "blob_url": wiring.blob_url(settings),
        }
    )
    os.environ.update(here.environment())
    logs.configure(here.log_level)
    stop = threading.Event()
    with _stopped_by_signals(stop), backfill_stream(here, run=named):
        return asyncio.run(
            _work(
                here,
                sources,
                stop,
                run=named,
                user_id=user_id,
                at_once=at_once,
                wanted=matching(where),
                limit=limit,
            )
        )


async def _work(
    settings: Settings,
    sources: Sequence[ObjectSource],
    stop: threading.Event,
    *,
    run: str,
    user_id: UUID,
    at_once: int,
    wanted: Callable[[SourceObject], bool],
    limit: int | None,
) -> Backfill:
    database, blobs = wiring.open_database(settings), wiring.open_blobs(settings)
    registrar = Registrar(
        Intake(blobs, DocumentStore(database), max_bytes=settings.max_upload_bytes),
        user_id=user_id,
        run=run,
        at_once=at_once,
        wanted=wanted,
        limit=limit,
    )
    try:
        queue = QueueStore(database)
        watch = _Watch(queue, user_id, registrar.registered, since=await queue.now())
        registering = asyncio.create_task(_register_all(registrar, sources))
        while not stop.is_set() and not (registering.done() and watch.ended):
            if registering.done():
                registering.result()  # its error, if it had one
            await asyncio.sleep(_LOOK_SECONDS)
            await watch.look()
        if not registering.done():
            registering.cancel()
        await asyncio.gather(registering, return_exceptions=True)
        counts = await watch.look()
        return Backfill(run, registrar.registered, counts, interrupted=stop.is_set())
    finally:
        await database.close()


async def _register_all(registrar: Registrar, sources: Sequence[ObjectSource]) -> None:
    for source in sources:
        await registrar.register(source)


class _Watch:
    """Looks how the lane gets on, and says so now and then."""

    def __init__(
        self, queue: QueueStore, user_id: UUID, registered: Registered, *, since: datetime
    ) -> None:
        self._queue = queue
        self._user_id = user_id
        self._registered = registered
        self._since = since
        self._began = self._said = time.monotonic()
        self._counts: LaneCounts | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing of the lane is left, as of the last look."""
        return self._counts is not None and self._counts.unfinished == 0

    async def look(self) -> LaneCounts:
        """Count, and say it when it is time."""
        self._counts = await self._queue.lane(Lane.BACKFILL, self._user_id, since=self._since)
        if time.monotonic() - self._said >= _SAY_SECONDS:
            self._said = time.monotonic()
            say(self._line(self._counts))
        return self._counts

    def _line(self, counts: LaneCounts) -> str:
        taken, ended = self._registered, counts.done + counts.dead
        seconds = time.monotonic() - self._began
        rate = ended / seconds
        many = "or more " if counts.unfinished >= MOST_UNFINISHED else ""
        left = f", {duration(counts.unfinished / rate)} left" if rate and counts.unfinished else ""
        return (
            f"{duration(seconds)}: {taken.done:,} objects taken, {counts.done:,} searchable, "
            f"{counts.dead:,} failed, {counts.unfinished:,} {many}to do, {rate:.1f}/s{left}"
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
