"""Nobody's fault: the job is tried again, or waits."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from ingest.domain.errors.base import IngestError


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


class TextsMissing(RateLimited):
    """Texts that a provider batch should have given are not there: put in again. No attempt."""

    code = "texts_missing"


class ProviderUnavailable(TransientError):
    """A provider did not answer, or answered with a server error."""

    code = "provider_unavailable"


class StoreUnavailable(TransientError):
    """The database or the blob storage did not answer."""

    code = "store_unavailable"


class SourceUnavailable(TransientError):
    """A place that documents are read from did not answer, or refused us."""

    code = "source_unavailable"


class SourceChanged(TransientError):
    """An object was written while it was read; what was read is no version of it."""

    code = "source_changed"


class SpaceMoved(TransientError):
    """Another vector space serves the tenant now. Costs no attempt."""

    code = "space_moved"


class LimitReached(TransientError):
    """The tenant uses all it may for now."""

    code = "tenant_limit_reached"


class WorkerLost(TransientError):
    """The worker that held the job vanished."""

    code = "worker_lost"


class WaitExpired(TransientError):
    """What the job waited for did not come in time. Only the database writes it."""

    code = "wait_expired"


class Unexpected(TransientError):
    """Something broke that nobody foresaw; the log has the trace."""

    code = "unexpected"


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
