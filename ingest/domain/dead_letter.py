"""A filter for the dead letter of a tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import IngestError


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Selects the jobs that meet all given conditions; without conditions it selects all jobs."""

    code: str | None = None
    """Code of the last error."""
    error_class: str | None = None
    """Class of the last error, or one of its base classes, e.g. ``DocumentRejected``."""
    older_than: timedelta | None = None
    """The job failed at least this long ago."""
    newer_than: timedelta | None = None
    """The job failed at most this long ago."""
    text: str | None = None
    """Text in the message or the filename; case does not matter."""

    @property
    def classes(self) -> list[str] | None:
        """Names of the selected class and its subclasses."""
        if self.error_class is None:
            return None
        return sorted({self.error_class, *_below(IngestError, self.error_class)})


def _below(kind: type[IngestError], base: str) -> Iterator[str]:
    """Names of ``kind`` and its subclasses, as far as they descend from a class called ``base``."""
    if any(ancestor.__name__ == base for ancestor in kind.__mro__):
        yield kind.__name__
    for child in kind.__subclasses__():
        yield from _below(child, base)
