"""Parses that are over at their provider are fetched."""

from collections.abc import Awaitable, Callable

from ingest.domain.duty_lease import scoped

INTERVAL = 0.5
"""Seconds. A person waits for the document, and the webhook that says that a parse is over only
makes it due: this fetches it. A run in which nothing is due costs two small statements.

It says how often this looks for parses that are due in the database. How often LlamaParse is asked
for a parse that nobody reported is the setting INGEST_LLAMAPARSE_POLL_SECONDS."""


class PollParses:
    """Asks for parses that were reported, and for those that nobody reported in time.

    A parse is asked for with the key that began it, so processes with other keys have a holder of
    their own. If it never ran, no document that a provider parses would ever be finished.
    Survives a database, a blob storage and a provider that are away.
    """

    failed = "parses not collected"

    def __init__(self, collect: Callable[[], Awaitable[object]], *, keys: tuple[str, ...]) -> None:
        """Let ``collect`` poll once; ``keys`` are the fingerprints of its keys."""
        self.name = scoped("poll_parses", *keys)
        self.interval = INTERVAL
        self._collect = collect

    async def run_once(self) -> None:
        """Poll once; see ``Duty``."""
        await self._collect()
