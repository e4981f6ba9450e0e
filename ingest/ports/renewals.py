"""Where outdated documents are found, and brought into the queue."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from ingest.domain.reprocess import Reprocessed, Reprocessing


class Reprocessings(Protocol):
    """The documents of all tenants."""

    async def renew(
        self, wanted: Reprocessing, *, after: tuple[datetime, UUID] | None, most: int, page: int
    ) -> Reprocessed | None:
        """Make jobs for what is outdated in the next page of documents; None: there is no more.

        Args:
            wanted: How they are to be.
            after: Where the page begins; None: at the first document.
            most: Most jobs.
            page: Documents that are looked at.

        Raises:
            StoreUnavailable: no job was made.
        """
        ...
