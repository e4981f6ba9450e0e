"""Stores whose steps begin under the lease of a duty.

What ends a step is not bound by that lease: the parse or the batch has a token or a state of its
own, and what a provider was sent, or has charged, must be recorded, even when another worker holds
the duty.
"""

from datetime import timedelta
from uuid import UUID

from ingest.adapters.postgres.jobs.maintenance_store import LeasedDatabase
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore
from ingest.domain.batch_api import ProviderBatch
from ingest.domain.remote_parse import ParseJob


class LeasedParseStore(ParseStore):
    """Whoever lost the duty finds no parse to ask for: LeaseLost."""

    def __init__(self, database: Database, leased: LeasedDatabase) -> None:
        super().__init__(database)
        self._begins = ParseStore(leased)

    async def due(self, *, limit: int, poll: timedelta) -> list[ParseJob]:
        """Parses to ask for now."""
        return await self._begins.due(limit=limit, poll=poll)

    async def abandoned(self) -> list[UUID]:
        """Parses that somebody began to submit and did not."""
        return await self._begins.abandoned()


class LeasedBatchStore(ProviderBatchStore):
    """Whoever lost the duty finds no batch to submit, to ask for or to sweep: LeaseLost."""

    def __init__(self, database: Database, leased: LeasedDatabase) -> None:
        super().__init__(database)
        self._begins = ProviderBatchStore(leased)

    async def take(
        self, *, quiet: timedelta, submission: timedelta, queue_tokens: int
    ) -> ProviderBatch | None:
        """One to submit, if there is one."""
        return await self._begins.take(
            quiet=quiet, submission=submission, queue_tokens=queue_tokens
        )

    async def due(self, *, limit: int, poll: timedelta) -> list[ProviderBatch]:
        """Batches to ask for now."""
        return await self._begins.due(limit=limit, poll=poll)

    async def wake(self, *, limit: int) -> int:
        """Return to the queue jobs whose batch is over."""
        return await self._begins.wake(limit=limit)

    async def sweep(self, *, limit: int) -> int:
        """Remove texts and vectors that no job needs any more."""
        return await self._begins.sweep(limit=limit)
