"""Wrong settings or folders: a person must correct them first."""

from ingest.domain.errors.base import IngestError


class ConfigurationError(IngestError):
    """The settings are missing, contradictory or do not fit the database."""

    code = "configuration_error"


class WrongSettings(ConfigurationError):
    """Settings are wrong; each line of the message is one fault."""

    code = "wrong_settings"

    @property
    def faults(self) -> tuple[str, ...]:
        """One line each, which names the variable."""
        return tuple(self.message.splitlines())


class FolderRefused(ConfigurationError):
    """A folder that was named holds files of others, which could be lost."""

    code = "folder_refused"
