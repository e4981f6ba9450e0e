"""What calls to providers cost, and who pays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from ingest.domain.errors import ConfigurationError, InvalidRequest
from ingest.domain.job import Lane

CREDIT = "credit"
"""What parsers charge by; stands for the model in prices."""


class Operation(StrEnum):
    """What a call is for."""

    EMBED = "embed"
    SEARCH = "search"
    PARSE = "parse"


class Purpose(StrEnum):
    """Whose money a call is paid from; each has budgets and sums of its own."""

    INGESTION = "ingestion"
    SEARCH = "search"
    """Questions. A budget of ingestion that is used up leaves them alone."""


class CallState(StrEnum):
    """How far a call in the ledger is."""

    RESERVED = "reserved"
    """Money is set aside; the call is about to be made, or under way."""
    SETTLED = "settled"
    """The provider answered, and said what it charged."""
    RELEASED = "released"
    """The provider refused, or was never asked: it charged nothing."""
    UNKNOWN = "unknown"
    """The answer was lost; counted as spent, because the provider may have charged."""


class Period(StrEnum):
    """For how long a budget is; days and months are UTC's."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose behalf a provider is called."""

    tenant_id: UUID
    """The tenant."""
    lane: Lane
    operation: Operation

    @property
    def purpose(self) -> Purpose:
        """Whose budgets the call counts against; the database decides by the operation, too."""
        return Purpose.SEARCH if self.operation is Operation.SEARCH else Purpose.INGESTION


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call."""

    call_id: UUID
    payer: Payer
    provider: str
    model: str
    key_fingerprint: str
    units: int
    """Tokens, or credits, that the call is expected to cost."""
    usd: Decimal
    lasts: timedelta
    """After this long without news the call counts as made, its answer as lost."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What became of a call; what is None is as reserved."""

    units: int | None = None
    pages: int | None = None
    usd: Decimal | None = None
    request_id: str | None = None
    """The provider's own name for it."""
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs from a day on."""

    provider: str
    model: str
    """Model of an embedder, with ``/batch`` in provider batches; ``credit`` for a parser."""
    since: date
    usd: Decimal
    """Per million tokens, or per credit."""


_MILLION = Decimal(1_000_000)


def ensure_limits(*, soft: Decimal | None, hard: Decimal | None) -> None:
    """Refuse limits of a budget of which the soft one could never warn.

    Raises:
        InvalidRequest: the soft limit is over the hard one.
    """
    if soft is not None and hard is not None and soft > hard:
        raise InvalidRequest(
            f"the soft limit, {plain(soft)} USD, is over the hard limit, {plain(hard)} USD: "
            "set a soft limit of at most the hard one"
        )


def plain(usd: Decimal) -> str:
    """An amount with all its digits, without an exponent: 0.00000008, never 8E-8."""
    return format(usd, "f")


def unit_price(prices: Sequence[Price], provider: str, model: str, on: date) -> Decimal:
    """The price in force on a day.

    Raises:
        ConfigurationError: none is known; nothing is bought at an unknown price.
    """
    known = [p for p in prices if (p.provider, p.model) == (provider, model) and p.since <= on]
    if not known:
        raise ConfigurationError(
            f"no price is known for {provider} {model}: add it to INGEST_PRICES"
        )
    return max(known, key=lambda price: price.since).usd


def batched(model: str) -> str:
    """Under which name a model is priced, limited and booked in provider batches."""
    return f"{model}/batch"


def token_cost(tokens: int, usd_per_million: Decimal) -> Decimal:
    """US dollars for so many tokens."""
    return usd_per_million * tokens / _MILLION


def first_day(period: Period, day: date) -> date:
    """The day on which the period began that holds this day."""
    return day if period is Period.DAY else day.replace(day=1)
