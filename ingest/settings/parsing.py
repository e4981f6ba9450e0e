"""Limits of parsing."""

from pathlib import Path
from typing import Literal

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
    ocr: Literal["auto", "off"] = Field(
        "auto",
        description="Recognition of text in scanned pages and pictures. auto: on this machine, "
        "unless a provider parses them (INGEST_PARSER).",
    )
    ocr_languages: str = Field(
        "eng",
        pattern=r"^[A-Za-z_]+([+,][A-Za-z_]+)*$",
        description="Language models of Tesseract, separated by commas, for example eng,deu.",
    )
    ocr_tessdata: Path | None = Field(
        None,
        description="Folder of the language models (*.traineddata) on each node; that of the "
        "installed packages when it is not set.",
    )
    ocr_least_confidence: int = Field(
        60,
        ge=0,
        le=100,
        description="Least mean confidence of recognized text; worse text is left out, with a "
        "warning.",
    )
    ocr_dpi: int = Field(
        200, ge=70, le=600, description="Resolution in which scanned pages of a PDF are drawn."
    )
    ocr_max_pages: int = Field(
        500, ge=1, description="Most pages of one document that are recognized."
    )
    ocr_page_seconds: float = Field(
        30.0, gt=0, description="Most seconds for the recognition of one page."
    )
    ocr_document_seconds: float = Field(
        600.0,
        gt=0,
        le=1500,
        description="Most seconds for the recognition of one document, in addition to "
        "INGEST_PARSE_TIMEOUT_SECONDS; pages after them are left out, with a warning.",
    )
