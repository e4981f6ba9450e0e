"""The limits of a document, without time and memory."""

from dataclasses import dataclass, field

from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions

_BYTES_PER_CHAR = 8
"""Mark-up needs several bytes for each character of text."""


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """Limits that the parser itself checks."""

    max_pages: int
    """Most pages, slides or sheets."""
    max_text_chars: int
    ocr: OcrOptions = field(default_factory=OcrOptions)
    """How text in pictures is recognized, and how long."""

    @property
    def max_archive_bytes(self) -> int:
        """Most bytes that the files of an archive may have together."""
        return self.max_text_chars * _BYTES_PER_CHAR
