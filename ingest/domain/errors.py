"""The exception tree; the class of an error decides whether its job is tried again.

    IngestError
    ├─ DocumentRejected           the document's fault: never retried
    │  ├─ UnsupportedMediaType  ├─ DocumentTooLarge  ├─ TooManyPages  ├─ DocumentUnreadable
    │  ├─ DocumentEncrypted  ├─ DocumentEmpty  ├─ ParserLimitExceeded  ├─ InvalidFilename
    │  └─ ParseInvalid
    ├─ RequestRejected            the caller's fault: answered at the door
    │  ├─ Unauthenticated  ├─ Forbidden  ├─ NotFound  ├─ Conflict  └─ InvalidRequest
    ├─ TransientError             nobody's fault: retried
    │  ├─ RateLimited  ├─ ProviderUnavailable  ├─ StoreUnavailable  ├─ WorkerLost  ├─ Unexpected
    │  └─ MustWait                the job waits for a named thing, and goes on by itself
    │     └─ ProviderPaused  └─ BudgetExhausted  └─ ParseUnderway  └─ PausedByOperator
    ├─ ProviderRefused            never repeated as it was
    │  ├─ InputRefused            the content: a batch is split until the culprit is alone
    │  │  └─ RequestTooLarge
    │  ├─ CredentialsRefused      that key is stopped, a person must look
    │  └─ BillingRefused          the same
    ├─ InvalidVector              an embedder returned something that is not a vector
    ├─ LeaseLost                  someone else owns the job: stop, write nothing
    ├─ IllegalTransition          our bug
    └─ ConfigurationError         the process must not start

Constructors take one positional message and only optional extras, because an exception with a
required extra argument does not survive pickling, and so not a trip through Ray.
Messages name the thing and the limit it broke; they never hold document text, keys or secrets.
"""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID


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


class InvalidRequest(RequestRejected):
    """The request is malformed or a value is out of range."""

    code = "invalid_request"


class TransientError(IngestError):
    """Something outside was not available; the same work may succeed later."""

    code = "transient"
    retryable = True

    def __init__(self, message: str = "", *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """A provider asked to slow down. Costs no attempt."""

    code = "rate_limited"


class ProviderUnavailable(TransientError):
    """A provider did not answer, or answered with a server error."""

    code = "provider_unavailable"


class MustWait(TransientError):
    """The work waits until something outside changes. Costs no attempt."""

    code = "must_wait"
    reason: ClassVar[str] = "provider"
    """What is waited for; a WaitReason."""
    patience: ClassVar[timedelta | None] = None
    """After which a job looks again, where that is not ``retry_after``."""


class ProviderPaused(MustWait):
    """No key of the provider may be used now: its breaker is open, or the keys are refused."""

    code = "provider_paused"


class BudgetExhausted(MustWait):
    """A hard budget leaves no room for this."""

    code = "budget_exhausted"
    reason = "budget"


class ParseUnderway(MustWait):
    """A provider is parsing the document; its end wakes the job."""

    code = "parse_underway"
    reason = "parse"

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: timedelta | None = None,
        parse_job_id: UUID | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.parse_job_id = parse_job_id


class PausedByOperator(MustWait):
    """A person has stopped calls to the provider for a while."""

    code = "paused"
    reason = "paused"
    patience = timedelta(days=1)  # lifting the pause wakes the job; looking again would cost work


class StoreUnavailable(TransientError):
    """The database or the blob storage did not answer."""

    code = "store_unavailable"


class WorkerLost(TransientError):
    """The worker that held the job vanished."""

    code = "worker_lost"


class Unexpected(TransientError):
    """Something broke that nobody foresaw; the log has the trace."""

    code = "unexpected"


class ProviderRefused(IngestError):
    """A provider refused us: credentials, quota or a bad request."""

    code = "provider_refused"


class InputRefused(ProviderRefused):
    """A provider refused what it was sent, whoever sends it."""

    code = "input_refused"

    def __init__(self, message: str = "", *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index
        """Position of the refused text in the request, when the provider named it."""


class RequestTooLarge(InputRefused):
    """A request is over a limit that no waiting lifts; it must be split."""

    code = "request_too_large"


class CredentialsRefused(ProviderRefused):
    """A provider does not accept the key: unknown, revoked, or of another region."""

    code = "credentials_refused"


class BillingRefused(ProviderRefused):
    """A provider wants money first: credit, plan or spend limit is used up."""

    code = "billing_refused"


class InvalidVector(IngestError):
    """An embedder returned a vector of the wrong size, without length, or with NaN."""

    code = "invalid_vector"


class LeaseLost(IngestError):
    """The job's lease now belongs to someone else."""

    code = "lease_lost"


class IllegalTransition(IngestError):
    """The transition table does not allow this change of state."""

    code = "illegal_transition"


class ConfigurationError(IngestError):
    """The settings are missing, contradictory or do not fit the database."""

    code = "configuration_error"
