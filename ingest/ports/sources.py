"""Where the documents of a backfill come from, and where it is kept what they have become."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from ingest.domain.arrival import Arrival, Content
from ingest.domain.attempt import Target
from ingest.domain.source_object import Broken, RegisteredObject, SourceObject


class Source(Protocol):
    """A listing of objects."""

    def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """All of them, as they are listed: a page at a time, never all in memory.

        Raises:
            SourceUnavailable: it cannot be listed; says why.
        """
        ...


class ObjectReader(Protocol):
    """Reads any object that a source has listed."""

    def is_shared(self, uri: str) -> bool:
        """Whether any node of a cluster can read it."""
        ...

    def read(self, uri: str) -> AsyncIterator[bytes]:
        """The bytes of one, as they arrive.

        Raises:
            NotFound: it is gone.
            SourceUnavailable: it cannot be read.
            SourceChanged: it was written meanwhile.
        """
        ...


@dataclass(frozen=True, slots=True)
class Noted:
    """What an inventory knew of some objects."""

    objects: int
    """Different ones among them."""
    unchanged: int
    """Documents already, in this very version."""
    repeated: int
    """Listed by the same run before, and not taken in yet."""
    deleted: int
    """Their documents were deleted, and may not come back; nothing was written down of them."""


class Inventory(Protocol):
    """What was listed for a tenant, and which version of it is a document."""

    async def note(
        self,
        tenant_id: UUID,
        run: str,
        objects: Sequence[SourceObject],
        *,
        restores_before: datetime,
    ) -> Noted:
        """Write down what was listed; what is new or has changed is for this run to take in.

        What was deleted is not, unless that was before ``restores_before``.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...

    async def pending(
        self, tenant_id: UUID, run: str, *, limit: int, besides: Sequence[str]
    ) -> list[SourceObject]:
        """Objects that a run has to take in, other than those with these URIs."""
        ...

    async def mark(self, tenant_id: UUID, taken: Sequence[RegisteredObject]) -> None:
        """Write down what became of objects; one whose document was deleted is forgotten."""
        ...


class References(Protocol):
    """Documents that are known by where their bytes are, until those are fetched."""

    async def insert(
        self,
        arrivals: Sequence[tuple[SourceObject, Arrival]],
        *,
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> frozenset[UUID]:
        """Make documents, and their jobs, of those that are new; all at once.

        An inventory knows from the same moment on that they are taken.

        Args:
            arrivals: Objects, and what they are as documents; one at least, and all of one tenant,
                lane and correlation id. Their bytes may be kept already.
            blob_is_there: Asked last, of the bytes that are.

        Returns:
            Ids of those that were new; none where the tenant's jobs have to be counted one by one.
            What was deleted and may not come back is not made.

        Raises:
            StoreUnavailable: no document was made.
        """
        ...

    async def record(
        self,
        fetched: Sequence[tuple[Target, Content]],
        *,
        lease: timedelta,
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> frozenset[UUID]:
        """Note where bytes are now, and advance their jobs to ``job_validated``, all at once.

        ``blob_is_there`` is asked last, when no other document can take the bytes with it.

        Returns:
            Ids of the jobs whose lease held; of the others nothing was written.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...
