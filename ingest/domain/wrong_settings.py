"""The error of wrong settings."""

from typing import ClassVar

from ingest.domain.errors import ConfigurationError


class WrongSettings(ConfigurationError):
    """Settings are wrong; each line of the message is one fault."""

    code: ClassVar[str] = "wrong_settings"

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults; each is one line that names the variable."""
        return tuple(self.message.splitlines())
