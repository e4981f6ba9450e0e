"""Objects that a backfill reads, named by URIs."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.errors import (
    DocumentRejected,
    InvalidRequest,
    RequestRejected,
    TransientError,
)

MAX_URI_CHARS = 512
"""Most characters of a URI, as of any external id."""


class SourceUnavailable(TransientError):
    """A source of documents did not answer, or denied access."""

    code = "source_unavailable"


class SourceChanged(TransientError):
    """An object changed while it was read, so the bytes are no version of it."""

    code = "source_changed"


class SourceGone(DocumentRejected):
    """A listed object does not exist any more."""

    code = "source_gone"


class DocumentDeleted(RequestRejected):
    """The document was deleted; a backfill restores it only with --restore-deleted."""

    code = "document_deleted"


class ManifestLineInvalid(InvalidRequest):
    """A line of a manifest is not valid."""

    code = "manifest_line_invalid"


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object of a listing."""

    uri: str
    """URI of the object, which is the document's external id."""
    filename: str
    bytes_len: int
    """Size when it was listed."""
    version: str = ""
    """Changes when the bytes change; empty if the listing has no version, so it must be read."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An invalid entry of a listing."""

    place: str
    """The position of the entry, such as a line."""
    error: ManifestLineInvalid


@dataclass(frozen=True, slots=True)
class RegisteredObject:
    """The result of an object in an inventory."""

    uri: str
    version: str
    """The listed version when it was read."""
    document_id: UUID | None = None
    generation: int | None = None
    """Generation of the document that holds this version."""
    refused_code: str | None = None
    """Code of the error that rejected it; None when it is a document."""
