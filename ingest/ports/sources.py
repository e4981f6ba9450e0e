"""Where the documents of a backfill come from."""

from collections.abc import AsyncIterator
from typing import Protocol

from ingest.domain.source_object import Broken, SourceObject


class Source(Protocol):
    """A listing of objects."""

    def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """All of them, as they are listed: a page at a time, never all in memory.

        Raises:
            SourceUnavailable: it cannot be listed; says why.
        """
        ...
