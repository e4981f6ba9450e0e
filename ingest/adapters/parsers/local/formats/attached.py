"""Reads the files that are attached to mail, each by the reader of its format."""

import time
from collections.abc import Callable

from ingest.adapters.parsers.local.draft import Draft
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentRejected
from ingest.domain.parse_warning import WarningCode

MAX_SECONDS = 30.0
"""After this time the other attachments of a mail are only named: its own text is worth more."""
_TITLE_CHARS = 1000
"""Room for the title and blank lines."""


class Attachments:
    """Reads the attachments of one document."""

    def __init__(self, parse: Callable[..., ParsedDocument]) -> None:
        """Begin.

        Args:
            parse: The parser of one document, ``parse_document``.
        """
        self._parse = parse
        self._seconds = 0.0

    def read(self, data: bytes, name: str, draft: Draft, *, what: str) -> None:
        """Write a file under a heading of its name; a warning says why one is not read.

        Args:
            data: The file.
            name: Its name, or an empty one.
            draft: Gets the text.
            what: What the file is, for the warning.
        """
        if self._seconds > MAX_SECONDS:
            refuse(what, draft, f"those before it took more than {MAX_SECONDS:g} seconds")
            return
        started = time.monotonic()
        try:
            parsed = self._parse(data, filename=name, limits=draft.limits, inside=draft)
            draft.expect_chars(len(parsed.text) + _TITLE_CHARS)
        except DocumentRejected as exc:
            refuse(what, draft, exc.message)
            return
        except RecursionError:
            refuse(what, draft, "it is nested too deeply")
            return
        finally:
            self._seconds += time.monotonic() - started
        draft.add_document(
            parsed, title=name or "Attachment", level=2, source=name or "an attachment"
        )


def refuse(what: str, draft: Draft, why: str) -> None:
    """Say that an attachment was not read, and why."""
    draft.warn(WarningCode.ATTACHMENT_NOT_READ, f"{what} was not read: {why}")
