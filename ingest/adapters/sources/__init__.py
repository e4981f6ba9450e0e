"""Sources of backfills: folders, S3, Google Cloud Storage, Azure, and manifests."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ingest.adapters.sources.bucket import REMOTE, Buckets, BucketSource, is_remote
from ingest.adapters.sources.folder import FolderSource, read_file
from ingest.adapters.sources.manifest import ManifestSource
from ingest.adapters.sources.shared import SharedFolders
from ingest.domain.errors import ConfigurationError
from ingest.ports.sources import Source

__all__ = ["Objects", "local_path"]


class Objects:
    """Reads the objects of everything that can be listed."""

    def __init__(self, *, endpoint: str | None = None, shared: Sequence[Path] = ()) -> None:
        """Keep the options; contact nothing yet.

        Args:
            endpoint: URL of an S3 server other than AWS.
            shared: Folders that every node mounts at the same absolute path.
        """
        self._buckets = Buckets(endpoint)
        self._shared = SharedFolders(shared)

    def is_shared(self, uri: str) -> bool:
        """Whether any node of a cluster can read it: it is in a bucket or in a shared folder."""
        return is_remote(uri) or self._shared.hold(local_path(uri))

    def read(self, uri: str) -> AsyncIterator[bytes]:
        """The bytes of one, as they arrive.

        Raises:
            NotFound: it is gone.
            SourceUnavailable: it cannot be read.
            SourceChanged: it was written meanwhile.
        """
        if is_remote(uri):
            return self._buckets.read(uri)
        path = local_path(uri)
        return read_file(path, uri, folder_is_there=lambda: self._shared.are_there(path))

    def listing(self, place: str) -> Source:
        """Make the source behind a path or a URI; contact no server yet.

        Raises:
            ConfigurationError: the URI has another scheme, or the file or folder does not exist.
        """
        if is_remote(place):
            parts = urlsplit(place)
            root = f"{parts.scheme}://{parts.netloc}"
            return BucketSource(self._buckets.open(root), root, unquote(parts.path).strip("/"))
        path = local_path(place)
        if not path.exists():
            raise ConfigurationError(f"there is no {str(path)!r}")
        return FolderSource(path)

    def manifest(self, place: str) -> Source:
        """Make the source of a manifest; a remote manifest may name only remote objects.

        Raises:
            ConfigurationError: the place or the format of the manifest is not supported.
        """
        return ManifestSource(place, self.read)


def local_path(place: str) -> Path:
    """Convert a path or a file:// URI to a path; its bytes need not be UTF-8.

    Raises:
        ConfigurationError: the URI has another scheme.
    """
    parts = urlsplit(place)
    if parts.scheme not in ("", "file") or (parts.scheme == "file" and parts.netloc):
        raise ConfigurationError(
            f"{place!r} cannot be read: give a path, file:///…, "
            + " or ".join(f"{kind}://…" for kind in REMOTE)
        )
    if not parts.scheme:
        return Path(place).absolute()
    return Path(unquote_to_bytes(parts.path).decode("utf-8", "surrogateescape")).absolute()
