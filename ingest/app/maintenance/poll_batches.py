"""Provider batches that are over are taken in, and their jobs woken."""

from collections.abc import Awaitable, Callable

from ingest.domain.duty_lease import scoped

INTERVAL = 0.5
"""Seconds. Each batch says itself when it is due (INGEST_OPENAI_BATCH_POLL_SECONDS); this adds
little to that. A run in which nothing is due costs three small statements."""


class PollBatches:
    """Asks for batches at their provider, keeps what they gave, and wakes the jobs that wait.

    A batch is asked for with the key that submitted it, so processes with other keys have a
    holder of their own. If it never ran, vectors that were paid for would never be fetched, and the
    provider forgets them. Survives a database and a provider that are away.
    """

    failed = "batches not collected"

    def __init__(self, collect: Callable[[], Awaitable[object]], *, keys: tuple[str, ...]) -> None:
        """Let ``collect`` poll once; ``keys`` are the fingerprints of its keys."""
        self.name = scoped("poll_batches", *keys)
        self.interval = INTERVAL
        self._collect = collect

    async def run_once(self) -> None:
        """Poll those that are due; see ``Duty``."""
        await self._collect()
