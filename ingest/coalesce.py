"""What several callers want at about the same time, done for all of them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Coalescer(Generic[T, R]):
    """An act on one item that is carried out on many: what comes while it runs goes together next.

    A caller that is cancelled leaves its item with the others.
    """

    def __init__(
        self, act: Callable[[list[T]], Awaitable[Sequence[R | Exception]]], *, linger: float = 0.0
    ) -> None:
        """Do nothing yet.

        Args:
            act: Carries out all of its items; gives the result or the error of each, in their
                order. An error that it raises is everybody's.
            linger: Seconds that the first item waits for others.
        """
        self._act = act
        self._linger = linger
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """The result of one; raises its error."""
        ended: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, ended))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await ended

    async def stop(self) -> None:
        """Break off what runs, once nobody waits for it any more."""
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
            except Exception as exc:  # noqa: BLE001 - each of them ends with it
                results = [exc] * len(group)
            for (_, ended), result in zip(group, results, strict=True):
                if ended.done():
                    continue  # nobody waits for it any more
                if isinstance(result, Exception):
                    ended.set_exception(result)
                else:
                    ended.set_result(result)
