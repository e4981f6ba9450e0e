"""Decides whether the vectors of a load are indexed at its end."""

from enum import StrEnum

CHUNKS_PER_DOCUMENT = 4
"""Assumed chunks of a document that is not chunked yet."""
WORTH_CHUNKS = 20_000
"""Below this number, building the index afterwards saves only a few seconds."""
NOTHING_CHUNKS = 1_000
"""Above this number of stored chunks, searches without an index would be slow during the load."""


class IndexTime(StrEnum):
    """The time when the vectors of a load are indexed."""

    AUTO = "auto"
    """At the end if that saves time and no search becomes slow, else inline."""
    INLINE = "inline"
    """With each row."""
    AFTER = "after"
    """At the end; until then search is exact, and slow with many vectors."""


def indexes_after(wanted: IndexTime, *, documents: int, stored_before: int) -> bool:
    """Decide whether a load is indexed at its end.

    Args:
        wanted: The option of the user.
        documents: Documents of the load that are known so far.
        stored_before: Chunks in the same vector space before the load.
    """
    if wanted is not IndexTime.AUTO:
        return wanted is IndexTime.AFTER
    is_worth_it = documents * CHUNKS_PER_DOCUMENT >= WORTH_CHUNKS
    return is_worth_it and stored_before <= NOTHING_CHUNKS
