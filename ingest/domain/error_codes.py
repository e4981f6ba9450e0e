"""From an error's code, as it is stored, back to the error."""

from ingest.domain.errors import IngestError, Unexpected


def of_code(code: str, message: str) -> IngestError:
    """The error of this code; an unknown one, of newer or older code, is Unexpected."""
    classes: list[type[IngestError]] = [IngestError]
    for cls in classes:
        if cls.code == code:
            return cls(message)
        classes += cls.__subclasses__()
    return Unexpected(message)
