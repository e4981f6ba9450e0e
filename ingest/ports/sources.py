"""Where the documents of a backfill come from, and where it is kept what they have become."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ingest.domain.source import Broken, SourceObject, Taken


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


class Inventory(Protocol):
    """What was listed for a tenant, and which version of it is a document."""

    async def note(self, user_id: UUID, run: str, objects: Sequence[SourceObject]) -> Noted:
        """Write down what was listed; what is new or has changed is for this run to take in.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...

    async def pending(
        self, user_id: UUID, run: str, *, limit: int, besides: Sequence[str]
    ) -> list[SourceObject]:
        """Objects that a run has to take in, other than those with these URIs."""
        ...

    async def mark(self, user_id: UUID, taken: Sequence[Taken]) -> None:
        """Write down what became of objects."""
        ...
