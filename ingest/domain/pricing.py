"""The cost of calls to providers, and who pays."""

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
    """The operation that a call performs."""

    EMBED = "embed"
    SEARCH = "search"
    PARSE = "parse"


class Purpose(StrEnum):
    """The purpose of a call; each purpose has its own budgets and sums."""

    INGESTION = "ingestion"
    SEARCH = "search"
    """The embedding of questions; an exhausted budget of ingestion does not stop it."""


class CallState(StrEnum):
    """The state of a call in the ledger."""

    RESERVED = "reserved"
    """Money is reserved; the call is about to be made, or under way."""
    SETTLED = "settled"
    """The provider answered, and the charge is known."""
    RELEASED = "released"
    """The provider refused or was never called: it charged nothing."""
    UNKNOWN = "unknown"
    """The answer was lost; counted as spent, because the provider may have charged."""


class Period(StrEnum):
    """The period of a budget; days and months are in UTC."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Payer:
    """The tenant and the operation for which a provider is called."""

    tenant_id: UUID
    """The tenant that pays."""
    lane: Lane
    operation: Operation

    @property
    def purpose(self) -> Purpose:
        """The purpose whose budgets the call uses; the database applies the same rule."""
        return Purpose.SEARCH if self.operation is Operation.SEARCH else Purpose.INGESTION


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that is reserved for one call."""

    call_id: UUID
    payer: Payer
    provider: str
    model: str
    key_fingerprint: str
    units: int
    """Tokens, or credits, that the call is expected to cost."""
    usd: Decimal
    lasts: timedelta
    """After this time without a result, the call counts as made and its answer as lost."""


@dataclass(frozen=True, slots=True)
class Charge:
    """The charge of a call; None means as reserved."""

    units: int | None = None
    pages: int | None = None
    usd: Decimal | None = None
    request_id: str | None = None
    """The provider's id of the request."""
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit from a day on."""

    provider: str
    model: str
    """Model of an embedder, with ``/batch`` in provider batches; ``credit`` for a parser."""
    since: date
    usd: Decimal
    """US dollars per million tokens, or per credit."""


_MILLION = Decimal(1_000_000)


def ensure_limits(*, soft: Decimal | None, hard: Decimal | None) -> None:
    """Refuse a budget whose soft limit could never warn.

    Raises:
        InvalidRequest: the soft limit is over the hard one.
    """
    if soft is not None and hard is not None and soft > hard:
        raise InvalidRequest(
            f"the soft limit, {plain(soft)} USD, is over the hard limit, {plain(hard)} USD: "
            "set a soft limit of at most the hard one"
        )


def plain(usd: Decimal) -> str:
    """Format an amount with all digits and without an exponent: 0.00000008, never 8E-8."""
    return format(usd, "f")


def unit_price(prices: Sequence[Price], provider: str, model: str, on: date) -> Decimal:
    """Find the price that holds on a day.

    Raises:
        ConfigurationError: no price is known; nothing is bought at an unknown price.
    """
    known = [p for p in prices if (p.provider, p.model) == (provider, model) and p.since <= on]
    if not known:
        raise ConfigurationError(
            f"no price is known for {provider} {model}: add it to INGEST_PRICES"
        )
    return max(known, key=lambda price: price.since).usd


def batched(model: str) -> str:
    """The name under which a model has prices, limits and ledger entries in provider batches."""
    return f"{model}/batch"


def token_cost(tokens: int, usd_per_million: Decimal) -> Decimal:
    """Cost of a number of tokens in US dollars."""
    return usd_per_million * tokens / _MILLION


def first_day(period: Period, day: date) -> date:
    """The first day of the period that includes this day."""
    return day if period is Period.DAY else day.replace(day=1)
