"""What a document may cost, apart from time and memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """ParserLimits that the parser itself checks."""

    max_pages: int
    """Pages, slides or sheets."""
    max_text_chars: int
