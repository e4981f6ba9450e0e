"""LlamaParse: parses that its service works on, through its official SDK."""

from ingest.adapters.llamaparse.service import READS, LlamaParse

__all__ = ["READS", "LlamaParse"]
