"""The local parser: reads all formats, in a child process that may be killed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.adapters.parsers.local.parser import LocalParser

__all__ = ["LocalParser"]


def __getattr__(name: str) -> object:
    """Import the parent's side only on access: without it, the child starts in half the time."""
    if name == "LocalParser":
        from ingest.adapters.parsers.local.parser import LocalParser

        return LocalParser
    raise AttributeError(name)
