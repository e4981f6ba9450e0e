"""Rows of the counters are put together, so that adding them up stays cheap."""

from collections.abc import Awaitable, Callable

INTERVAL = 5.0
"""Seconds. A run folds at most 20,000 rows, four thousand a second: more than a system writes.
Readers of the counters add up what was written since."""


class FoldCounters:
    """Puts many small rows together into few; changes no sum.

    If it never ran, every change of a job would leave a row for ever, and each refresh of the
    metrics would add up all of them. Survives a database that is away.
    """

    name = "fold_counters"
    failed = "counters not folded"

    def __init__(
        self, fold: Callable[[], Awaitable[object]], *, interval: float = INTERVAL
    ) -> None:
        """Let ``fold`` put rows together."""
        self.interval = interval
        self._fold = fold

    async def run_once(self) -> None:
        """Fold once; see ``Duty``."""
        await self._fold()
