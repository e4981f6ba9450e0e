"""The journal of a backup folder: the files that unfinished backups may have written."""

import json
import os
import re
from collections.abc import Collection
from typing import BinaryIO
from uuid import uuid4

from ingest.adapters.storage.folder_mark import FolderMark
from ingest.domain.backup import is_blob_key

MARK = FolderMark("ingest-backup.ndjson", b'{"ingest": "backup", "format": 1}\n')
_ATTEMPT = re.compile(r"[0-9a-f]{12}")


def new_attempt() -> str:
    """Make a name for one attempt of a backup; it is part of its file names."""
    return uuid4().hex[:12]


class BackupJournal:
    """Lines after the folder's mark: attempts, and the blobs that each may have written."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the journal of a locked mark; an incomplete last line is dropped."""
        self._file = file
        self._file.seek(len(MARK.header))
        lines = self._file.read()
        self._end = len(MARK.header) + lines.rfind(b"\n") + 1
        self.attempts: set[str] = set()
        self.blobs: set[str] = set()
        for line in lines[: self._end - len(MARK.header)].splitlines():
            self._take(line)

    def note(self, attempt: str, blobs: Collection[str] = ()) -> None:
        """Store durably that these files are ours."""
        line = json.dumps({"attempt": attempt, "blobs": sorted(blobs)}).encode() + b"\n"
        self._file.seek(self._end)
        self._file.write(line)
        self._file.truncate()
        self._flush()
        self._end += len(line)
        self._take(line)

    def forget(self) -> None:
        """Empty the journal, after the manifest has taken over its files."""
        self._end = len(MARK.header)
        self._file.truncate(self._end)
        self._flush()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _take(self, line: bytes) -> None:
        """Accept only lines that a backup could have written."""
        try:
            found = json.loads(line)
            attempt, blobs = found["attempt"], [key for key in found["blobs"] if is_blob_key(key)]
            if _ATTEMPT.fullmatch(attempt):
                self.attempts.add(attempt)
                self.blobs.update(blobs)
        except (ValueError, TypeError, KeyError, AttributeError):
            return
