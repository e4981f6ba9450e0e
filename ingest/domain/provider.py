"""What is asked of providers, and what a call's end tells about them."""

from dataclasses import dataclass, field
from enum import StrEnum

from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.embedding import Vectors
from ingest.domain.errors import IngestError
from ingest.domain.job import Lane
from ingest.domain.pricing import CallState, Charge


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A secret that opens a provider. It stays in the process that read it."""

    fingerprint: str
    """First eight hex digits of its SHA-256; what logs, metrics and the ledger show."""
    secret: str = field(repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be sent anywhere.

        Raises:
            TypeError: always.
        """
        raise TypeError("a provider's key does not leave its process")


class Outcome(StrEnum):
    """How a call ended, as far as the quota and the breaker care."""

    ANSWERED = "answered"
    """Including a refusal of the content: the provider works."""
    UNUSED = "unused"
    """The call was not made."""
    LIMITED = "limited"
    """429: the limit is used up."""
    SLOW_DOWN = "slow_down"
    """429: within the limit, but rising too fast."""
    FAILED = "failed"
    """No answer, or a server error."""
    CREDENTIALS = "credentials"
    """The key is not accepted."""
    BILLING = "billing"
    """Money is wanted first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider's headers say; each may be missing."""

    requests: float | None = None
    requests_left: float | None = None
    tokens: float | None = None
    tokens_left: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a call's end tells about the provider."""

    outcome: Outcome
    retry_after: float | None = None
    """Seconds, when the provider said so."""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """What a call needs in order to be made."""

    provider: str
    model: str
    fingerprints: tuple[str, ...]
    """Keys the caller has; one of them is chosen."""
    tokens: int
    lane: Lane
    tenant: str
    patience: float
    """Seconds the caller is willing to wait."""
    is_question: bool = False
    """A search: somebody waits for its answer, so it goes before all lanes."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to make one call, now, with one key."""

    permit_id: int
    provider: str
    model: str
    fingerprint: str
    tokens: int


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """How one key of a provider is."""

    provider: str
    model: str
    fingerprint: str
    breaker: BreakerState
    waiting: int
    """Calls that wait for this provider and model, over all keys."""
    requests_left: float
    """Of the present minute."""
    tokens_left: float | None
    """None when the provider does not count tokens."""
    last_success_seconds: float | None
    """Since the last call that was answered."""
    last_error: str | None
    """Outcome of the last call that was not."""


class CallFailed(Exception):
    """A call to a provider did not give what was asked for."""

    def __init__(
        self, error: IngestError, report: Report, *, state: CallState, charge: Charge
    ) -> None:
        """Remember what went wrong.

        Args:
            error: What it means for the work.
            report: What it means for the provider.
            state: RELEASED when nothing was charged, SETTLED when it was, UNKNOWN when nobody
                will ever know, RESERVED when it is found out later.
            charge: What is known of the charge.
        """
        super().__init__(error.message)
        self.error = error
        self.report = report
        self.state = state
        self.charge = charge

    def released(self) -> "CallFailed":
        """The same, known to have cost nothing."""
        return CallFailed(self.error, self.report, state=CallState.RELEASED, charge=self.charge)


@dataclass(frozen=True, slots=True)
class EmbedAnswer:
    """What one call to an embedding provider gave."""

    vectors: Vectors
    charge: Charge
    report: Report
