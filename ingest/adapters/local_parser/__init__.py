"""The local parser: real text out of nine formats, in a process of its own that may be killed."""

from ingest.adapters.local_parser.parser import LocalParser

__all__ = ["LocalParser"]
