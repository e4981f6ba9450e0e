"""The error of settings that cannot work."""

from typing import ClassVar

from ingest.domain.errors import ConfigurationError


class WrongSettings(ConfigurationError):
    """Settings are wrong; each line of the message is one fault."""

    code: ClassVar[str] = "wrong_settings"

    @property
    def faults(self) -> tuple[str, ...]:
        """One line each, which names the variable."""
        return tuple(self.message.splitlines())
