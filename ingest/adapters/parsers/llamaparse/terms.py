"""What LlamaParse takes, for those who do without its SDK."""

from ingest.domain.document import MediaType

READS = frozenset(set(MediaType) - {MediaType.EML})
"""Of what we take."""
