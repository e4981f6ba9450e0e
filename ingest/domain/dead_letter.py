"""A filter for the dead letter of a tenant."""

from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import classes_below


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
        below = {error.__name__ for error in classes_below(self.error_class)}
        # A name that is unknown here may be one that newer or older code has stored.
        return sorted({self.error_class} | below)
