"""What a backfill reads: objects somewhere else, named by URIs."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.errors import (
    DocumentRejected,
    InvalidRequest,
    RequestRejected,
    TransientError,
)

MAX_URI_CHARS = 512
"""As of any external id."""


class SourceUnavailable(TransientError):
    """A place that documents are read from did not answer, or refused us."""

    code = "source_unavailable"


class SourceChanged(TransientError):
    """An object was written while it was read; what was read is no version of it."""

    code = "source_changed"


class SourceGone(DocumentRejected):
    """An object that was listed is not there any more."""

    code = "source_gone"


class DocumentDeleted(RequestRejected):
    """The document was deleted; backfills do not bring it back unless they are told to."""

    code = "document_deleted"


class ManifestLineInvalid(InvalidRequest):
    """A line of a manifest names no object."""

    code = "manifest_line_invalid"


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object that a listing named."""

    uri: str
    """Where it is; the document's external id."""
    filename: str
    bytes_len: int
    """When it was listed."""
    version: str = ""
    """Differs when its bytes do; empty where a listing does not say, and only reading tells."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a listing that names no object."""

    place: str
    """Which part, such as a line."""
    error: ManifestLineInvalid


@dataclass(frozen=True, slots=True)
class RegisteredObject:
    """What an object of an inventory has become."""

    uri: str
    version: str
    """The one that was listed when it was read."""
    document_id: UUID | None = None
    generation: int | None = None
    """Of the document that holds this version."""
    refused_code: str | None = None
    """Why it is no document; None when it is one."""


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
