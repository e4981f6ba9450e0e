"""What a backfill reads: objects somewhere else, named by URIs."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.errors import ManifestLineInvalid

MAX_URI_CHARS = 512
"""As of any external id."""


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
