"""Removes what nothing needs any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from ingest.domain.retention import Retention

if TYPE_CHECKING:
    from ingest.adapters.postgres.jobs.retention_store import RetentionStore
    from ingest.adapters.storage.blob_store import ObjectBlobStore


log = structlog.get_logger(module=__name__)
INTERVAL = 3600.0
"""Seconds. What is removed was kept for days, so an hour is nothing; a table that is pruned once an
hour has few rows to remove each time."""
BATCH = 1000
"""Rows of one statement; so nobody waits for it."""
PAUSE_SECONDS = 0.1
"""Between two statements."""


class Pruner:
    """One sweep after the other over everything that has a time to be kept."""

    def __init__(
        self, rows: "RetentionStore", blobs: "ObjectBlobStore", retention: Retention
    ) -> None:
        self._rows = rows
        self._blobs = blobs
        self._retention = retention

    async def sweep(self) -> dict[str, int]:
        """Remove all that is too old now; returns how much of what.

        Raises:
            StoreUnavailable: the rest is removed by the next sweep.
        """
        keep = self._retention
        removed = {
            "events": await self._events(),
            "webhooks": await _until_none(
                lambda: self._rows.prune_webhooks(limit=BATCH, keep=keep.webhooks)
            ),
            "parses": await _until_none(
                lambda: self._rows.prune_parses(limit=BATCH, keep=keep.failed_parses)
            ),
            "incoming": await self._blobs.expire_incoming(keep=keep.incoming),
        }
        if any(removed.values()):
            log.info("pruned", **removed)
        return removed

    async def _events(self) -> int:
        pruned, after = 0, 0
        while True:
            seen = await self._rows.prune_events(
                after=after,
                limit=BATCH,
                keep=self._retention.events,
                keep_failed=self._retention.failed_events,
            )
            pruned += seen.pruned
            if seen.reached is None or not seen.goes_on:
                return pruned
            after = seen.reached
            await asyncio.sleep(PAUSE_SECONDS)


class Prune:
    """Removes what is too old, and duties that nobody does any more.

    If it never ran, nothing would fail: the history of jobs, webhooks, failed parses and the bytes
    of uploads that were cut off would fill the disk, slowly. Survives a database and a blob storage
    that are away.
    """

    name = "prune"
    failed = "not pruned"

    def __init__(self, pruner: Pruner, forget_duties: Callable[[], Awaitable[object]]) -> None:
        """Sweep with this pruner; ``forget_duties`` removes rows of the duties' own table."""
        self.interval = INTERVAL
        self._pruner = pruner
        self._forget_duties = forget_duties

    async def run_once(self) -> None:
        """Remove all that is too old now; see ``Duty``."""
        await self._pruner.sweep()
        await self._forget_duties()


async def _until_none(prune: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while removed := await prune():
        total += removed
        await asyncio.sleep(PAUSE_SECONDS)
    return total
