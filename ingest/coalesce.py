"""Combines the requests of several callers at about the same time into one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Coalescer(Generic[T, R]):
    """Runs an action for many items at once; items that arrive during a run wait for the next run.

    The item of a cancelled caller stays in its run.
    """

    def __init__(
        self, act: Callable[[list[T]], Awaitable[Sequence[R | Exception]]], *, linger: float = 0.0
    ) -> None:
        """Keep the action; run nothing yet.

        Args:
            act: Processes all given items; returns the result or the error of each, in their
                order. An error that it raises goes to all callers.
            linger: Seconds that the first item waits for others.
        """
        self._act = act
        self._linger = linger
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Process one item; returns its result or raises its error."""
        # No lock: between two awaits, only one task of an event loop runs.
        ended: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, ended))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await ended

    async def stop(self) -> None:
        """Cancel the present run, when no caller waits for it."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._linger)
            group, self._waiting = self._waiting, []
            results: Sequence[R | Exception]
            try:
                results = await self._act([item for item, _ in group])
            except Exception as exc:  # noqa: BLE001 - the error goes to each caller
                results = [exc] * len(group)
            for (_, ended), result in zip(group, results, strict=True):
                if ended.done():
                    continue  # its caller was cancelled
                if isinstance(result, Exception):
                    ended.set_exception(result)
                else:
                    ended.set_result(result)
