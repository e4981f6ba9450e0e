"""Registering documents that are to be made again, as ``register`` does objects of sources."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from ingest.app.backfill.register import Registered, while_away
from ingest.domain.reprocess import Reprocessing

if TYPE_CHECKING:
    from ingest.adapters.postgres.jobs.job_store import JobStore


_PAGE = 1_000
"""Documents that are looked at together."""


class Reprocessor:
    """Brings a tenant's outdated documents into the queue, a page at a time."""

    def __init__(
        self, renewals: "JobStore", wanted: Reprocessing, *, limit: int | None = None
    ) -> None:
        """Begin.

        Args:
            renewals: The documents.
            wanted: How they are to be.
            limit: Most documents.
        """
        self._renewals = renewals
        self._wanted = wanted
        self._limit = limit
        self.registered = Registered()

    async def register(self) -> None:
        """Go through all documents; what is served stays served until the new one is ready.

        Raises:
            StoreUnavailable: the database stays away; doing it again goes on.
        """
        after: tuple[datetime, UUID] | None = None
        registered = self.registered
        while (most := self._most()) > 0:
            renew = partial(self._renewals.renew, self._wanted, after=after, most=most, page=_PAGE)
            found = await while_away(renew)
            if found is None:
                return
            after = found.last
            registered.listed += found.due
            registered.created += found.made
            registered.there_already += found.due - found.made

    def _most(self) -> int:
        return _PAGE if self._limit is None else min(_PAGE, self._limit - self.registered.listed)
