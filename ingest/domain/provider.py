"""The values that calls to providers use: keys, permits, and reports of how calls ended."""

from dataclasses import dataclass, field
from enum import StrEnum

from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.embedding import Vectors
from ingest.domain.errors import IngestError
from ingest.domain.job import Lane
from ingest.domain.pricing import CallState, Charge


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """An API key of a provider; it stays in the process that read it."""

    fingerprint: str
    """First eight hex digits of its SHA-256; logs, metrics and the ledger show only this."""
    secret: str = field(repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled, so that the secret never leaves the process.

        Raises:
            TypeError: always.
        """
        raise TypeError("a provider's key does not leave its process")


class Outcome(StrEnum):
    """How a call ended, for the rate limiter and the circuit breaker."""

    ANSWERED = "answered"
    """The provider answered; a refusal of the content counts, too."""
    UNUSED = "unused"
    """The call was not made."""
    LIMITED = "limited"
    """429: the limit is used up."""
    SLOW_DOWN = "slow_down"
    """429: within the limit, but the rate rises too fast."""
    FAILED = "failed"
    """No answer, or a server error."""
    CREDENTIALS = "credentials"
    """The provider refused the key."""
    BILLING = "billing"
    """The provider asks for payment first."""


class QuotaUnit(StrEnum):
    """The unit of a limit, as OpenAI names it in the type of an error."""

    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in a provider's headers; each may be missing."""

    requests: float | None = None
    requests_left: float | None = None
    tokens: float | None = None
    tokens_left: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a call, for the rate limiter and the circuit breaker."""

    outcome: Outcome
    retry_after: float | None = None
    """Seconds to wait, if the provider gave them."""
    limits: Limits = Limits()
    refused_by: QuotaUnit | None = None
    """The limit that refused the call, if the provider named it."""


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """A request for permission to make a call."""

    provider: str
    model: str
    fingerprints: tuple[str, ...]
    """Fingerprints of the caller's keys; the rate limiter chooses one."""
    tokens: int
    lane: Lane
    tenant: str
    patience: float
    """Seconds the caller is willing to wait."""
    is_question: bool = False
    """Whether the call is for a search; a person waits, so it has priority over all lanes."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to make one call now, with one key."""

    permit_id: int
    provider: str
    model: str
    fingerprint: str
    tokens: int


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """The health of one key of a provider."""

    provider: str
    model: str
    fingerprint: str
    breaker: BreakerState
    waiting: int
    """Calls that wait for this provider and model, with any key."""
    requests_left: float
    """Requests that are left in the present minute."""
    tokens_left: float | None
    """None when the provider does not count tokens."""
    last_success_seconds: float | None
    """Seconds since the last answered call."""
    last_error: str | None
    """Outcome of the last failed call."""


class CallFailed(Exception):
    """A call to a provider failed."""

    def __init__(
        self, error: IngestError, report: Report, *, state: CallState, charge: Charge
    ) -> None:
        """Keep the error and its consequences.

        Args:
            error: The error for the job.
            report: The result for the rate limiter.
            state: RELEASED when nothing was charged, SETTLED when it was, UNKNOWN when it can
                never be known, RESERVED when it is found out later.
            charge: The known part of the charge.
        """
        super().__init__(error.message)
        self.error = error
        self.report = report
        self.state = state
        self.charge = charge

    def released(self) -> "CallFailed":
        """The same error, for a call that cost nothing."""
        return CallFailed(self.error, self.report, state=CallState.RELEASED, charge=self.charge)


@dataclass(frozen=True, slots=True)
class EmbedAnswer:
    """The answer of one call to an embedding provider."""

    vectors: Vectors
    charge: Charge
    report: Report
