"""Which of a tenant's dead-lettered jobs are meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import IngestError


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """A job must meet all that is given; nothing given means every job."""

    code: str | None = None
    """Stable code of the last error."""
    error_class: str | None = None
    """Class of the last error, or a base of it, e.g. ``DocumentRejected``."""
    older_than: timedelta | None = None
    """Dead for at least this long."""
    newer_than: timedelta | None = None
    """Dead for at most this long."""
    text: str | None = None
    """In the message or in the filename, in any case."""

    @property
    def classes(self) -> list[str] | None:
        """Names of the class that is asked for and of those below it."""
        if self.error_class is None:
            return None
        return sorted({self.error_class, *_below(IngestError, self.error_class)})


def _below(kind: type[IngestError], base: str) -> Iterator[str]:
    """Names of the classes at or below ``kind`` that descend from a class called ``base``."""
    if any(ancestor.__name__ == base for ancestor in kind.__mro__):
        yield kind.__name__
    for child in kind.__subclasses__():
        yield from _below(child, base)
