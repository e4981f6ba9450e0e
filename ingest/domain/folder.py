"""Folders that a person names, and why one is refused."""

from typing import ClassVar

from ingest.domain.errors import ConfigurationError


class FolderRefused(ConfigurationError):
    """A folder that was named holds files of others, which could be lost."""

    code: ClassVar[str] = "folder_refused"
