"""What a backup says about itself."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ingest.domain.errors import BackupUnusable
from ingest.domain.identity import blob_digest

FORMAT = 1
"""Version of the manifest's format; increased when an older ingest could not restore the backup."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a backup; it is written last, so that an incomplete backup has none."""

    version: str
    """Version of ingest that made the backup."""
    revision: str
    """Revision of the schema."""
    system_identifier: str
    """PostgreSQL's identifier of the server that was saved."""
    database: str
    taken_at: str
    """The recovery point, ISO 8601: everything committed before it is in the backup."""
    counts: Mapping[str, int]
    """Number of rows of each table."""
    dump: str
    """Name of the dump in the backup's folder."""
    dump_sha256: str
    blobs: Mapping[str, int]
    """Size in bytes of each blob, by key."""
    gone: tuple[str, ...]
    """Blobs of documents that were deleted while the backup was taken."""
    missing: tuple[str, ...]
    """Blobs of documents that are missing in the storage, and therefore in the backup."""
    format: int = FORMAT

    def encode(self) -> bytes:
        """Encode the manifest as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Decode a manifest from JSON.

        Raises:
            BackupUnusable: it is damaged, or of a newer version.
        """
        try:
            fields = json.loads(encoded)
            if fields["format"] > FORMAT:
                raise BackupUnusable(
                    f"the backup was taken by ingest {fields['version']} in format "
                    f"{fields['format']}; this version reads up to {FORMAT}"
                )
            lists = {name: tuple(fields[name]) for name in ("gone", "missing")}
            manifest = cls(**{**fields, **lists})
            manifest._check()
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise BackupUnusable(
                "the manifest of the backup is damaged: make a new backup, or use another one"
            ) from exc
        return manifest

    def _check(self) -> None:
        safe = re.fullmatch(r"[\w.-]+", self.dump) and _DIGEST.fullmatch(self.dump_sha256)
        whole = all(_is_size(size) for size in (*self.blobs.values(), *self.counts.values()))
        if not safe or not whole or not all(map(is_blob_key, self.blobs)):
            raise BackupUnusable(
                "the manifest of the backup is damaged: make a new backup, or use another one"
            )


def is_blob_key(key: str) -> bool:
    """Whether a backup may hold a blob under this key: it ends with a digest, and leads nowhere."""
    has_digest = _DIGEST.fullmatch(blob_digest(key)) is not None
    return has_digest and {"", ".", ".."}.isdisjoint(key.split("/"))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment."""

    name: str
    """What a dump of this very moment is asked for by."""
    revision: str
    system_identifier: str
    database: str
    taken_at: str
    counts: Mapping[str, int]
    blob_keys: tuple[str, ...]
    """Every blob that a row refers to."""
