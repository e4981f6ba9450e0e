"""Converts a stored error code back into its error."""

from ingest.domain.errors import IngestError, Unexpected


def of_code(code: str, message: str) -> IngestError:
    """Make the error with this code; a code of another version of ingest becomes Unexpected."""
    classes: list[type[IngestError]] = [IngestError]
    for cls in classes:
        if cls.code == code:
            return cls(message)
        classes += cls.__subclasses__()
    return Unexpected(message)
