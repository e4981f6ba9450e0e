"""Provider batches that are due are submitted."""

from collections.abc import Awaitable, Callable

from ingest.domain.duty_lease import scoped

INTERVAL = 0.5
"""Seconds. A batch is due once it is full or took no text for a while; this adds little to that
while. A run in which nothing is due costs one small statement."""


class SubmitBatches:
    """Hands batches of texts over to their provider.

    A batch that another process began is found again with the key that began it, so processes with
    other keys have a holder of their own. If it never ran, no job of the lane batch would ever be
    finished. Survives a database and a provider that are away; a batch that was sent is recorded
    under its own token, even when another holds this duty.
    """

    failed = "batches not submitted"

    def __init__(self, submit: Callable[[], Awaitable[object]], *, keys: tuple[str, ...]) -> None:
        """Let ``submit`` submit all that is due; ``keys`` are the fingerprints of its keys."""
        self.name = scoped("submit_batches", *keys)
        self.interval = INTERVAL
        self._submit = submit

    async def run_once(self) -> None:
        """Submit all that is due; see ``Duty``."""
        await self._submit()
