"""Documents: filenames, and the output of parsers."""

import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ingest.domain.errors import DocumentUnreadable, InvalidFilename
from ingest.domain.parse_warning import ParseWarning

MAX_FILENAME_CHARS = 255
"""As in common file systems."""


def clean_filename(filename: str) -> str:
    """Take the last path component of a client's filename, in Unicode normal form C.

    Raises:
        InvalidFilename: nothing is left, it holds control characters or lone surrogates,
            or it is longer than MAX_FILENAME_CHARS.
    """
    name = unicodedata.normalize("NFC", PurePosixPath(filename.replace("\\", "/")).name)
    if not name or name in {".", ".."}:
        raise InvalidFilename("the filename is empty")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise InvalidFilename("the filename holds control characters")
    if len(name) > MAX_FILENAME_CHARS:
        raise InvalidFilename(
            f"the filename has {len(name)} characters, limit {MAX_FILENAME_CHARS}"
        )
    return name


@dataclass(frozen=True, slots=True)
class Page:
    """The position of a page in the text of a parsed document."""

    number: int
    """Page number, from 1."""
    char_start: int
    char_end: int
    """End of the page (exclusive), in characters of the document's text."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The position of a heading in the text of a parsed document."""

    char_start: int
    level: int
    """Level from 1 (outermost) to 6."""
    title: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The output of a parser: text (Markdown where the format has structure) and its landmarks."""

    text: str
    """Valid Unicode without NUL or lone surrogates."""
    pages: tuple[Page, ...]
    """Pages in order; empty when the format has no pages."""
    headings: tuple[Heading, ...]
    """Headings in order of char_start."""
    parser: str
    """Name and version of the parser, e.g. ``local/2``."""
    warnings: tuple[ParseWarning, ...] = ()
    """What was not read, or not for sure; at most MAX_WARNINGS."""
    _encoded: bytes | None = field(default=None, init=False, repr=False, compare=False)
    """What it was decoded from: a parsed text arrives encoded and is stored encoded."""

    def __reduce__(self) -> tuple[type["ParsedDocument"], tuple[object, ...]]:
        """Travel between processes without the encoding, which would double the message."""
        return ParsedDocument, (
            self.text,
            self.pages,
            self.headings,
            self.parser,
            self.warnings,
        )

    def to_bytes(self) -> bytes:
        """Canonical encoding: equal documents give equal bytes."""
        if self._encoded is not None:
            return self._encoded
        return json.dumps(
            {
                "headings": [[h.char_start, h.level, h.title] for h in self.headings],
                "pages": [[p.number, p.char_start, p.char_end] for p in self.pages],
                "parser": self.parser,
                "text": self.text,
                "warnings": [[w.code, w.message] for w in self.warnings],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ParsedDocument":
        """Decode what ``to_bytes`` wrote.

        Raises:
            DocumentUnreadable: the bytes are not an encoded document.
        """
        try:
            fields = json.loads(data)
            parsed = cls(
                text=fields["text"],
                pages=tuple(Page(*page) for page in fields["pages"]),
                headings=tuple(Heading(*heading) for heading in fields["headings"]),
                parser=fields["parser"],
                # Texts of the parser local/1 have no warnings.
                warnings=tuple(
                    ParseWarning.decoded(code, message)
                    for code, message in fields.get("warnings", ())
                ),
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise DocumentUnreadable("the stored parsed document cannot be decoded") from exc
        object.__setattr__(parsed, "_encoded", data)
        return parsed
