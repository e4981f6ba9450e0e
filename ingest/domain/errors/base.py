"""The base of all errors."""

from typing import ClassVar


class IngestError(Exception):
    """Base of everything raised on purpose."""

    code: ClassVar[str] = "internal_error"
    """Stable, snake_case; part of the HTTP contract and of the dead letter."""
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__class__.__doc__ or self.code)

    @property
    def message(self) -> str:
        """Text that is safe to show to the document's owner."""
        return str(self.args[0])
