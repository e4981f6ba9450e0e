"""What a backfill reads: objects somewhere else, named by URIs."""

from dataclasses import dataclass

from ingest.domain.errors import TransientError

MAX_URI_CHARS = 512
"""As of any external id."""


class SourceUnavailable(TransientError):
    """A place that documents are read from did not answer, or refused us."""

    code = "source_unavailable"


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object that a listing named."""

    uri: str
    """Where it is; the document's external id."""
    key: str
    """Within its source."""
    filename: str
    bytes_len: int
    """When it was listed."""
