"""Values of the settings that are about providers, and what each provider's own variables say."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_core import PydanticCustomError

from ingest.domain import provider_specs
from ingest.domain.provider_specs import EmbedderSpec, ProviderSpec

LOCAL = "local"
"""The embedder or the parser of this system, which costs nothing."""
AUTO = "auto"
"""The parser that hands scanned pages to a provider."""


class Profile(StrEnum):
    """How strictly the settings are checked."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Fallback(StrEnum):
    """The behaviour while a provider does not answer."""

    OFF = "off"
    DEGRADE = "degrade"


class Tier(StrEnum):
    """The tiers of LlamaParse, from the cheapest to the best."""

    FAST = "fast"
    COST_EFFECTIVE = "cost_effective"
    AGENTIC = "agentic"
    AGENTIC_PLUS = "agentic_plus"


def embedder_names() -> tuple[str, ...]:
    """What INGEST_EMBEDDER may be."""
    return (LOCAL, *provider_specs.embedders())


def parser_names() -> tuple[str, ...]:
    """What INGEST_PARSER may be."""
    return (LOCAL, *provider_specs.parsers(), AUTO)


def _one_of(names: Callable[[], Iterable[str]]) -> AfterValidator:
    """A check like that of an enum, and with its error: the registry decides what is allowed."""

    def check(value: str) -> str:
        *first, last = (f"'{name}'" for name in names())
        if value not in names():
            expected = f"{', '.join(first)} or {last}"
            raise PydanticCustomError("enum", "must be {expected}", {"expected": expected})
        return value

    return AfterValidator(check)


EmbedderName = Annotated[str, _one_of(embedder_names)]
ParserName = Annotated[str, _one_of(parser_names)]


def from_json(value: Any) -> Any:
    """Read a variable that holds JSON.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise ValueError(f"is not valid JSON: {exc}") from None


class PriceEntry(BaseModel):
    """A price from a day on; see ``domain.pricing.Price``."""

    provider: str
    model: str
    since: date
    usd: Decimal = Field(ge=0)


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """What the variables INGEST_<PROVIDER>_… say that each provider has."""

    api_keys: SecretStr | None
    api_key_file: Path | None
    base_url: str | None
    timeout_seconds: float
    requests_per_minute: float
    """That each key allows."""
    tokens_per_minute: float | None
    """None: the provider does not count tokens. Each embedder has such a limit."""
    model: str | None
    """The embedding model; None for a parser."""

    @classmethod
    def read(cls, settings: object, spec: ProviderSpec) -> Self:
        """Read the variables; a specification without them is a mistake in the code."""

        def of(name: str) -> Any:
            return getattr(settings, f"{spec.name}_{name}")

        embeds = isinstance(spec, EmbedderSpec)
        return cls(
            api_keys=of("api_keys"),
            api_key_file=of("api_key_file"),
            base_url=of("base_url"),
            timeout_seconds=of("timeout_seconds"),
            requests_per_minute=of("requests_per_minute"),
            tokens_per_minute=of("tokens_per_minute") if embeds else None,
            model=of("model") if embeds else None,
        )


@dataclass(frozen=True, slots=True)
class BatchAccess:
    """What the variables INGEST_<PROVIDER>_BATCH_… say."""

    texts: int
    """Most texts in a batch."""
    queue_tokens: int
    """Most tokens of a model at the provider at a time."""
    quiet: timedelta
    poll: timedelta

    @classmethod
    def read(cls, settings: object, spec: EmbedderSpec) -> Self:
        """Read the variables; a specification without them is a mistake in the code."""

        def of(name: str) -> Any:
            return getattr(settings, f"{spec.name}_batch_{name}")

        return cls(
            texts=of("texts"),
            queue_tokens=of("queue_tokens"),
            quiet=timedelta(seconds=of("quiet_seconds")),
            poll=timedelta(seconds=of("poll_seconds")),
        )
