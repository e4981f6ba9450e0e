"""Whether a load is large enough to index its vectors afterwards."""

from enum import StrEnum

CHUNKS_PER_DOCUMENT = 4
"""A guess, for documents that nobody has cut yet."""
WORTH_CHUNKS = 20_000
"""Below that many, building the index afterwards saves a few seconds only."""
NOTHING_CHUNKS = 1_000
"""With more than that many, somebody may search them meanwhile, and would wait for each answer."""


class IndexTime(StrEnum):
    """When the vectors of a load get their index."""

    AUTO = "auto"
    """Afterwards where that is worth it and nobody has to wait for it, else inline."""
    INLINE = "inline"
    """With each row."""
    AFTER = "after"
    """At the end; until then search is exact, and slow where there is much."""


def indexes_after(wanted: IndexTime, *, documents: int, stored_before: int) -> bool:
    """Whether a load is to be indexed at its end.

    Args:
        wanted: What the user says.
        documents: Of the load, as far as they are known.
        stored_before: Chunks in the same vector space when it began.
    """
    if wanted is not IndexTime.AUTO:
        return wanted is IndexTime.AFTER
    is_worth_it = documents * CHUNKS_PER_DOCUMENT >= WORTH_CHUNKS
    return is_worth_it and stored_before <= NOTHING_CHUNKS
