"""How search ranks chunks."""

from enum import StrEnum


class SearchMode(StrEnum):
    """How chunks are ranked."""

    HYBRID = "hybrid"
    """By meaning and by words, in one score."""
    VECTOR = "vector"
    """By meaning alone."""
    LEXICAL = "lexical"
    """By words alone."""
