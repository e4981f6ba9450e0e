"""Objects that a backfill reads, named by URIs."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.errors import ManifestLineInvalid

MAX_URI_CHARS = 512
"""Most characters of a URI, as of any external id."""


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
