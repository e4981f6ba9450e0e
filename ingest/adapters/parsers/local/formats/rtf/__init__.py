"""Reads Rich Text Format 1.9.1."""

from ingest.adapters.parsers.local.formats.rtf.reader import parse_rtf

__all__ = ["parse_rtf"]
