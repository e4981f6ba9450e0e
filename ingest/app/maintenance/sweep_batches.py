"""Texts and vectors of provider batches that no job needs any more are removed."""

from collections.abc import Awaitable, Callable

INTERVAL = 60.0
"""Seconds. They are kept for ten minutes, so one more is nothing; a minute keeps each run small."""


class SweepBatches:
    """Removes what provider batches left behind.

    If it never ran, the text and the vector of every passage that went through a batch would stay
    in the database a second time. Survives a database that is away.
    """

    name = "sweep_batches"
    failed = "texts not swept"

    def __init__(self, sweep: Callable[[], Awaitable[object]]) -> None:
        """Let ``sweep`` remove them."""
        self.interval = INTERVAL
        self._sweep = sweep

    async def run_once(self) -> None:
        """Remove all that is not needed; see ``Duty``."""
        await self._sweep()
