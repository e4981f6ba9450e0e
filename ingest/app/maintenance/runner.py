"""Does those periodic duties of which this process holds the lease, and tries to get the others."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from ingest.app.maintenance.duty import Duty
from ingest.domain.duty_lease import LeasedDuty
from ingest.domain.errors import LeaseLost, StoreUnavailable

log = structlog.get_logger(module=__name__)
LEASE = timedelta(seconds=5)
"""Of a duty. When its holder dies, nobody does it for this long, and for one ``INTERVAL``.

A holder may miss four renewals, as on a busy machine; losing a lease costs a run that is given up.
"""
INTERVAL = 1.0
"""Seconds between two renewals, and between two tries to get a duty that somebody else has.

One statement for all duties together, which for those who hold none writes nothing.
"""


class Leases(Protocol):
    """Who does which duty, by one clock for all."""

    async def take(
        self, duties: Collection[str], *, holder: str, lease: timedelta
    ) -> Mapping[LeasedDuty, timedelta | None]:
        """Lease those that nobody holds; returns how long ago each was begun, None for never."""
        ...

    async def renew(self, held: Mapping[str, UUID], *, lease: timedelta) -> set[str]:
        """Extend leases; returns the duties that are still held."""
        ...

    def begin(self, duty: LeasedDuty) -> AbstractAsyncContextManager[None]:
        """Do it once; inside, every step checks the lease.

        Raises:
            LeaseLost: it is somebody else's.
            StoreUnavailable: it was not begun.
        """
        ...

    async def give_up(self, held: Mapping[str, UUID]) -> None:
        """Let others take these duties at once."""
        ...


@dataclass(slots=True)
class _Post:
    """A duty, and whether it is ours."""

    duty: Duty
    held: LeasedDuty | None = None
    due_at: float = 0.0
    """By this process's clock."""
    is_held: asyncio.Event = field(default_factory=asyncio.Event)

    def get(self, held: LeasedDuty, idle: timedelta | None) -> None:
        """It is ours; whoever had it began it last so long ago."""
        wait = 0.0 if idle is None else self.duty.interval - idle.total_seconds()
        self.held, self.due_at = held, time.monotonic() + wait
        self.is_held.set()

    def lose(self) -> None:
        """It is not ours any more."""
        self.held = None
        self.is_held.clear()


class MaintenanceRunner:
    """Of one process; those of all processes share the duties out among themselves."""

    def __init__(self, leases: Leases, *, holder: str) -> None:
        """Do nothing yet; ``holder`` says to people which process this is."""
        self._leases = leases
        self._holder = holder
        self._posts: dict[str, _Post] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, duties: Iterable[Duty]) -> None:
        """Do these whenever their leases can be had, until ``stop``; may be called again."""
        if not self._tasks:
            self._tasks.add(asyncio.create_task(self._keep_leases()))
        for duty in duties:
            post = self._posts[duty.name] = _Post(duty)
            self._tasks.add(asyncio.create_task(self._work(post)))

    async def stop(self) -> None:
        """End what is under way, and let others do it at once.

        Raises:
            StoreUnavailable: others wait until the leases end.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        held = self._held()
        for post in self._posts.values():
            post.lose()
        if held:
            await self._leases.give_up(held)

    async def _keep_leases(self) -> None:
        """Renew and take leases for ever."""
        while True:
            try:
                await self._renew()
                await self._take()
            except StoreUnavailable as exc:
                # Nothing is lost yet: each step asks the database whether the lease is still ours.
                log.warning("maintenance leases not renewed", code=exc.code)
            except Exception:
                log.exception("maintenance leases not renewed")
            await asyncio.sleep(INTERVAL)

    def _held(self) -> dict[str, UUID]:
        return {name: post.held.token for name, post in self._posts.items() if post.held}

    async def _renew(self) -> None:
        held = self._held()
        if not held:
            return
        kept = await self._leases.renew(held, lease=LEASE)
        for name in held.keys() - kept:
            self._lose(self._posts[name], held[name])

    async def _take(self) -> None:
        wanted = [name for name, post in self._posts.items() if post.held is None]
        if not wanted:
            return
        taken = await self._leases.take(wanted, holder=self._holder, lease=LEASE)
        for held, idle in taken.items():
            self._posts[held.name].get(held, idle)
        if taken:
            log.info("maintenance duties taken", duties=sorted(held.name for held in taken))

    def _lose(self, post: _Post, token: UUID) -> None:
        if post.held is not None and post.held.token == token:
            post.lose()
            log.info("maintenance duty lost", duty=post.duty.name)

    async def _work(self, post: _Post) -> None:
        """Do a duty for ever, whenever it is ours and due."""
        while True:
            await post.is_held.wait()
            if (wait := post.due_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            elif post.held is not None:  # asked after the sleep: somebody else may have done it
                await self._run_once(post, post.held)

    async def _run_once(self, post: _Post, held: LeasedDuty) -> None:
        duty = post.duty
        try:
            async with self._leases.begin(held):
                await duty.run_once()
        except LeaseLost:
            self._lose(post, held.token)
        except StoreUnavailable as exc:
            log.warning(duty.failed, code=exc.code)
        except Exception:
            log.exception(duty.failed)
        if post.held == held:
            post.due_at = time.monotonic() + duty.interval
