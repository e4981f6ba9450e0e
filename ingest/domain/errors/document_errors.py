"""The document's fault: its job is never tried again."""

from ingest.domain.errors.base import IngestError


class DocumentRejected(IngestError):
    """The document cannot be ingested as it is."""

    code = "document_rejected"


class UnsupportedMediaType(DocumentRejected):
    """The content is of a type that no parser reads."""

    code = "unsupported_media_type"


class DocumentTooLarge(DocumentRejected):
    """The document has more bytes than the limit."""

    code = "document_too_large"


class TooManyPages(DocumentRejected):
    """The document has more pages than the limit."""

    code = "too_many_pages"


class TooManyTokens(DocumentRejected):
    """The text of the document has more tokens than the limit; nothing of it was embedded."""

    code = "too_many_tokens"


class DocumentUnreadable(DocumentRejected):
    """The bytes are corrupt, truncated or not what their type says."""

    code = "document_unreadable"


class DocumentEncrypted(DocumentRejected):
    """The document is protected by a password."""

    code = "document_encrypted"


class DocumentEmpty(DocumentRejected):
    """There is no text in the document."""

    code = "document_empty"

    def __init__(self, message: str = "", *, pages: int | None = None) -> None:
        super().__init__(message)
        self.pages = pages
        """How many there are, without text on any; None when the format has none."""


class ParserLimitExceeded(DocumentRejected):
    """Parsing took more time, memory or output than the limit allows."""

    code = "parser_limit_exceeded"


class InvalidFilename(DocumentRejected):
    """The filename cannot be kept."""

    code = "invalid_filename"


class ParseInvalid(DocumentRejected):
    """What a parser gave does not hold what the document does; the message has the numbers."""

    code = "parse_invalid"


class SourceGone(DocumentRejected):
    """An object that was listed is not there any more."""

    code = "source_gone"
