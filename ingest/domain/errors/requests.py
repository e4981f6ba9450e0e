"""The caller's fault: answered at once, and no job is made."""

from ingest.domain.errors.base import IngestError


class RequestRejected(IngestError):
    """The request cannot be answered as it is."""

    code = "request_rejected"


class Unauthenticated(RequestRejected):
    """A valid API key or token is required."""

    code = "unauthenticated"


class Forbidden(RequestRejected):
    """The caller is known, and may not do this."""

    code = "forbidden"


class NotFound(RequestRejected):
    """There is no such thing for this tenant."""

    code = "not_found"


class Conflict(RequestRejected):
    """The thing is not in a state that allows this."""

    code = "conflict"


class DocumentExists(Conflict):
    """A document with this external id exists with other content, and may not be replaced."""

    code = "document_exists"


class DocumentDeleted(RequestRejected):
    """The document was deleted; backfills do not bring it back unless they are told to."""

    code = "document_deleted"


class InvalidRequest(RequestRejected):
    """The request is malformed or a value is out of range."""

    code = "invalid_request"


class ManifestLineInvalid(InvalidRequest):
    """A line of a manifest names no object."""

    code = "manifest_line_invalid"


class BodyTooLarge(InvalidRequest):
    """The request's body has more bytes than the limit."""

    code = "body_too_large"


class UploadTooSlow(InvalidRequest):
    """The request's body arrives more slowly than the limit."""

    code = "upload_too_slow"
