"""The local parser: real text out of nine formats, in a process of its own that may be killed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.adapters.parsers.local.parser import LocalParser

__all__ = ["LocalParser"]


def __getattr__(name: str) -> object:
    """Load the parent's side when it is asked for: the child starts in half the time without."""
    if name == "LocalParser":
        from ingest.adapters.parsers.local.parser import LocalParser

        return LocalParser
    raise AttributeError(name)
