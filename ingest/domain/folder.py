"""The error of a folder that ingest refuses to use."""

from typing import ClassVar

from ingest.domain.errors import ConfigurationError


class FolderRefused(ConfigurationError):
    """The folder holds files that are not from ingest and could be lost."""

    code: ClassVar[str] = "folder_refused"
