"""Media types and limits of LlamaParse, for code that does not import the SDK."""

from ingest.domain.document import MediaType

READS = frozenset(set(MediaType) - {MediaType.EML})
"""Accepted media types that LlamaParse reads."""
