"""LlamaParse: parses that its service works on, through its official SDK."""

from ingest.adapters.llamaparse.service import LlamaParse

__all__ = ["LlamaParse"]
