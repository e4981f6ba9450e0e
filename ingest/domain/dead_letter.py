"""Which of a tenant's dead-lettered jobs are meant."""

from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import classes_below


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
        below = {error.__name__ for error in classes_below(self.error_class)}
        # A name that is unknown here may be one that newer or older code has stored.
        return sorted({self.error_class} | below)
