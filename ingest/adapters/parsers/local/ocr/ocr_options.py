"""What an operator chooses about the recognition of text."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class OcrOptions:
    """How pictures of text are read."""

    on: bool = True
    languages: tuple[str, ...] = ("eng",)
    """Names of Tesseract's language models."""
    tessdata: str = ""
    """Folder of the language models; empty for the one of the installed packages."""
    least_confidence: int = 60
    """Least mean confidence, 0 to 100, of text that is kept."""
    dpi: int = 200
    """Resolution in which pages of a PDF are drawn."""
    max_pages: int = 500
    """Most pages of a document that are recognized."""
    page_seconds: float = 30.0
    document_seconds: float = 600.0
    """Most seconds for all pages of a document; they come on top of the parse's own."""

    def to_json(self) -> str:
        """Write the options as an argument of the child process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "OcrOptions":
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "languages": tuple(fields["languages"])})
