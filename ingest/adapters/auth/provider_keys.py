"""Reads the keys of a provider from a setting or a file, and again when the file changes."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from ingest.domain.provider import ProviderKey

log = structlog.get_logger(module=__name__)
POLL_SECONDS = 1.0
"""Seconds between two checks of the file."""


class Keys:
    """The keys of one provider: a fixed list, and what a file says now."""

    def __init__(
        self,
        given: str = "",
        file: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the places of the keys.

        Args:
            given: Keys separated by commas.
            file: File with one key a line; empty lines and lines that begin with # are skipped.
            clock: A monotonic clock in seconds.
        """
        self._given = _parse(given.replace(",", "\n"))
        self._file = file
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._read: tuple[ProviderKey, ...] = ()
        self._look_at = clock()

    def current(self) -> Sequence[ProviderKey]:
        """The present keys. While the file cannot be read, its last keys stay valid."""
        if self._file is not None and self._clock() >= self._look_at:
            self._look_at = self._clock() + POLL_SECONDS
            self._refresh(self._file)
        return self._given + self._read

    def _refresh(self, file: Path) -> None:
        try:
            status = os.stat(file)
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return
            read = _parse(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as exc:
            log.error("key file not read", file=str(file), reason=type(exc).__name__)
            return
        self._seen, self._read = seen, read
        log.info("keys read", file=str(file), fingerprints=[key.fingerprint for key in read])


def _parse(text: str) -> tuple[ProviderKey, ...]:
    lines = (line.strip() for line in text.splitlines())
    secrets = dict.fromkeys(line for line in lines if line and not line.startswith("#"))
    return tuple(
        ProviderKey(hashlib.sha256(secret.encode()).hexdigest()[:8], secret) for secret in secrets
    )
