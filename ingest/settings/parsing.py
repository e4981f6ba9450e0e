"""Limits of parsing."""

from pydantic import BaseModel, Field


class ParsingSettings(BaseModel):
    """How large a document may be, and what a parse may use."""

    max_pages: int = Field(5000, ge=1, description="Most pages of one document.")
    max_text_chars: int = Field(
        50_000_000,
        ge=1,
        description="Most characters that a parser may return; it stops zip bombs.",
    )
    parse_timeout_seconds: float = Field(
        60.0,
        gt=0,
        description="Time limit of one parse in seconds; a longer one is killed, and its "
        "document fails.",
    )
    parse_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Documents that each parse actor parses at the same time; one more while a "
        "parse takes over a second.",
    )
    parse_memory_bytes: int = Field(
        2 * 1024**3, ge=256 * 1024**2, description="Memory limit of one parser process in bytes."
    )
