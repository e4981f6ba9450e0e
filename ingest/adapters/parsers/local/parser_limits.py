"""The limits of a document, without time and memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """Limits that the parser itself checks."""

    max_pages: int
    """Most pages, slides or sheets."""
    max_text_chars: int
