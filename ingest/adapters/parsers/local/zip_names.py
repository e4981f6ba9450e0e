"""Mends the names in ZIP archives whose folders are separated by backslashes."""

import io
import zipfile


def has_backslashes(archive: zipfile.ZipFile) -> bool:
    """Whether a name in the archive has a backslash: the standard allows only slashes."""
    return any("\\" in info.orig_filename for info in archive.infolist())


def with_slashes(archive: zipfile.ZipFile) -> bytes:
    """Write the archive again, uncompressed, with slashes in its names.

    The sizes must have been checked before.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as mended:
        for info in archive.infolist():
            mended.writestr(info.orig_filename.replace("\\", "/"), archive.read(info))
    return out.getvalue()
