"""Reads presentations: one page for each slide, its shapes in the order of reading."""

from ingest.adapters.parsers.local.formats.pptx.slides import parse_pptx

__all__ = ["parse_pptx"]
