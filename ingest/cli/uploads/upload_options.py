"""Options of an upload, and their defaults; the command line shows these in its help."""

from dataclasses import dataclass

DEFAULT_CONCURRENCY = 4
"""Requests at the same time when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Options of an upload."""

    concurrency: int = DEFAULT_CONCURRENCY
    """Requests at the same time; one has a large file, or several small ones."""
    replace: bool = True
    """Whether a file may become the next generation of a document that exists."""
