"""Where the documents of a backfill come from."""

from collections.abc import AsyncIterator
from typing import Protocol

from ingest.domain.source import SourceObject


class Source(Protocol):
    """Objects behind one URI."""

    def objects(self) -> AsyncIterator[SourceObject]:
        """All of them, as they are listed: a page at a time, never all in memory.

        Raises:
            SourceUnavailable: it cannot be listed; says why.
        """
        ...

    def read(self, found: SourceObject) -> AsyncIterator[bytes]:
        """The bytes of one, as they arrive.

        Raises:
            NotFound: it is gone.
            SourceUnavailable: it cannot be read.
        """
        ...
