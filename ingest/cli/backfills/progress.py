"""The request of a backfill, its result, and its progress."""

import asyncio
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from ingest.adapters.postgres.jobs.queue_measures import MOST_UNFINISHED, LaneCounts, QueueMeasures
from ingest.adapters.postgres.providers.ledger_store import LedgerStore, Spent
from ingest.adapters.postgres.providers.provider_batch_store import BatchCount, ProviderBatchStore
from ingest.app.backfill.register import Registered
from ingest.cli.output import duration, money, say
from ingest.domain.batch_api import BatchStatus
from ingest.domain.identity import tenant_or_local
from ingest.domain.index_timing import IndexTime
from ingest.domain.job import Lane

_SAY_SECONDS = 5.0
_SETTLED = timedelta(minutes=1)
"""Longest transaction that ends jobs. Jobs that ended earlier than this are visible, so each is
counted once and never read again."""


class Ended(StrEnum):
    """The reason why a backfill ended."""

    ALL_DONE = "all_done"
    INTERRUPTED = "interrupted"
    """A signal stopped it."""
    TIME_OVER = "time_over"
    MONEY_SPENT = "money_spent"
    SUBMITTED_ALL = "submitted_all"
    """All remaining texts are in provider batches."""


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """The objects that a backfill takes, and when it stops."""

    where: str | None = None
    """Only URIs that match this pattern."""
    limit: int | None = None
    """Most objects to take."""
    tenant: str | None = None
    """Name or UUID of the tenant; None is the default tenant."""
    at_once: int = 16
    """Objects that are read at the same time."""
    max_usd: Decimal | None = None
    """Stop when providers have charged this amount."""
    until: datetime | None = None
    """Stop cleanly at this time, which has a time zone."""
    restore_deleted: bool = False
    """Also take objects whose documents were deleted."""
    outdated: bool = False
    """Process existing documents that other settings made, instead of taking objects."""
    index: IndexTime = IndexTime.AUTO
    """When the vectors get their index."""
    lane: Lane = Lane.BACKFILL
    submit_only: bool = False
    """Stop when all remaining texts are in provider batches; leave the index as it is."""

    @property
    def tenant_id(self) -> UUID:
        """The tenant that owns the documents."""
        return tenant_or_local(self.tenant)


@dataclass(frozen=True, slots=True)
class Backfill:
    """The result of a backfill."""

    run: str
    registered: Registered
    counts: LaneCounts
    spent: Spent
    ended: Ended
    index: IndexTime
    """When the vectors got their index."""
    batched: int
    """Texts in provider batches that are not over."""
    warned: int = 0
    """Documents with warnings among those that were published since it began."""


class BackfillProgress:
    """Reads the progress of the lane, and prints it from time to time."""

    def __init__(
        self,
        queue: QueueMeasures,
        ledger: LedgerStore,
        batches: ProviderBatchStore,
        request: BackfillRequest,
        registered: Registered,
        *,
        since: datetime,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._batches = batches
        self._request = request
        self._registered = registered
        self._since = self._settled_until = since
        self._settled = (0, 0)
        self._unfinished_before: int | None = None
        self._began = self._said = time.monotonic()
        self._all_registered = False
        self.counts = LaneCounts(0, 0, 0)
        self.spent = Spent()
        self.in_batches: dict[BatchStatus, BatchCount] = {}
        self._all_submitted = False

    def over(self, stop: threading.Event, registering: "asyncio.Task[None]") -> Ended | None:
        """The reason to stop now; None while there is none.

        Raises:
            IngestError: the registration failed.
        """
        if registering.done():
            registering.result()
        if stop.is_set():
            return Ended.INTERRUPTED
        if self._request.max_usd is not None and self.spent.usd >= self._request.max_usd:
            return Ended.MONEY_SPENT
        if (
            self._request.until is not None
            and datetime.now(self._request.until.tzinfo) >= self._request.until
        ):
            return Ended.TIME_OVER
        if self._all_registered and self.counts.unfinished == 0:
            return Ended.ALL_DONE
        if self._all_registered and self._all_submitted:
            return Ended.SUBMITTED_ALL
        return None

    async def refresh(self, *, all_registered: bool) -> None:
        """Count the jobs, and print a line when it is due."""
        tenant_id = self._request.tenant_id
        self.counts = await self._count()
        lane = self._request.lane
        self.spent = await self._ledger.spent(lane, tenant_id, since=self._since)
        if lane is Lane.BATCH:
            counts = await self._batches.count(tenant_id)
            self.in_batches = {count.status: count for count in counts}
        if self._request.submit_only:
            self._all_submitted = await self._queue.all_submitted(lane, tenant_id)
        self._all_registered = all_registered
        if time.monotonic() - self._said >= _SAY_SECONDS:
            self._said = time.monotonic()
            say(
                progress(
                    self._registered,
                    self.counts,
                    self.spent,
                    self.in_batches.values(),
                    seconds=time.monotonic() - self._began,
                )
            )

    async def _count(self) -> LaneCounts:
        """Count the jobs that ended; each is read once, so old jobs do not slow later counts."""
        lane, tenant_id = self._request.lane, self._request.tenant_id
        if self._unfinished_before is None:
            before = await self._queue.lane(lane, tenant_id, since=self._since, most=None)
            self._unfinished_before = before.unfinished + before.done + before.dead
        recent = await self._queue.lane(lane, tenant_id, since=self._settled_until)
        done, dead = self._settled
        counts = LaneCounts(recent.unfinished, done + recent.done, dead + recent.dead)
        # The database's clock, because the times of the jobs are its own.
        long_ago = await self._queue.now() - _SETTLED
        if long_ago > self._settled_until + _SETTLED:
            old = await self._queue.lane(
                lane, tenant_id, since=self._settled_until, until=long_ago, most=1
            )
            self._settled = (done + old.done, dead + old.dead)
            self._settled_until = long_ago
        if counts.unfinished < MOST_UNFINISHED:
            return counts
        there_were = self._unfinished_before + self._registered.created
        about = max(counts.unfinished, there_were - counts.done - counts.dead)
        return LaneCounts(about, counts.done, counts.dead)

    @property
    def batched(self) -> int:
        """Texts in provider batches that are not over."""
        return sum(count.texts for count in self.in_batches.values())


def progress(
    registered: Registered,
    counts: LaneCounts,
    spent: Spent,
    batches: Iterable[BatchCount],
    *,
    seconds: float,
) -> str:
    """Describe the progress of a backfill in one line.

    Args:
        registered: Its objects, by result.
        counts: Its jobs, by state.
        spent: The amount paid to providers.
        batches: Provider batches that are not over.
        seconds: Seconds since its start.
    """
    known, refused = registered.there_already, registered.refused.total()
    rate = (counts.done + counts.dead) / seconds
    to_do = counts.unfinished + registered.left_over
    parts = [
        f"{registered.listed:,} found",
        f"{registered.created:,} new",
        f"{known:,} already there" if known else "",
        f"{refused:,} not taken" if refused else "",
        f"{counts.done:,} searchable",
        f"{counts.dead:,} failed",
        f"{counts.unfinished:,} to do",
        f"{rate:.1f}/s",
        f"{duration(to_do / rate)} left" if rate and to_do else "",
        f"{spent.tokens:,} tokens, {money(spent.usd)}" if spent.usd else "",
    ]
    line = f"{duration(seconds)}: {', '.join(filter(None, parts))}"
    held = [f"{one.batches:,} {one.status} ({one.texts:,} texts)" for one in batches]
    return f"{line}; batches: {', '.join(held)}" if held else line
