"""Checks and marks the state folder, so that no foreign folder is changed."""

from pathlib import Path

from ingest.adapters.storage.folder_mark import FolderMark, Owner
from ingest.domain.errors import FolderRefused

_MARK = FolderMark("ingest-state.txt", b"The state folder of ingest: INGEST_STATE_DIR\n", 0o644)
_EVIDENCE = (
    "postgres/ingest.conf",
    "ray-token",
    "ingest.pid",
    "logs/ingest.log",
    "blobs/tenants",
)
"""Names that only ingest creates; they identify a folder of older versions, which has no mark."""
_OUR_FOLDERS = {"postgres", "blobs", "logs", "ray", "run"}


def check(folder: Path) -> None:
    """Check that a folder may be the state folder; change nothing.

    Raises:
        FolderRefused: the folder holds foreign files.
    """
    _owner(folder)


def claim(folder: Path) -> None:
    """Mark a folder as the state folder, if it may be.

    Raises:
        FolderRefused: the folder holds foreign files.
    """
    if _owner(folder) is Owner.OURS:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _MARK.held(folder, wait=True):
        return


def is_ours(folder: Path) -> bool:
    """Whether a folder exists and may be the state folder; change nothing."""
    try:
        check(folder)
    except FolderRefused:
        return False
    return folder.is_dir()


def _owner(folder: Path) -> Owner:
    try:
        owner = _MARK.owner(folder)
    except FolderRefused as exc:
        raise FolderRefused(f"INGEST_STATE_DIR: {exc.message}") from exc
    if owner is Owner.UNKNOWN and not _is_of_older_version(folder):
        raise FolderRefused(
            f"INGEST_STATE_DIR names {str(folder.absolute())!r}, which holds files that are not "
            "ingest's: name an empty folder, or one that does not exist yet"
        )
    return owner


def _is_of_older_version(folder: Path) -> bool:
    if any((folder / name).exists() for name in _EVIDENCE):
        return True
    entries = list(folder.iterdir())
    return all(
        entry.name in _OUR_FOLDERS and entry.is_dir() and not any(entry.iterdir())
        for entry in entries
    )
