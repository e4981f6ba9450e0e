"""Settings of the providers: their keys, limits and prices."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingest.domain.plain_words import did_you_mean
from ingest.domain.pricing import PRICES
from ingest.settings.setting_faults import url_fault


class Profile(StrEnum):
    """How strictly the settings are checked."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class EmbedderKind(StrEnum):
    """The embedder."""

    LOCAL = "local"
    OPENAI = "openai"


class Fallback(StrEnum):
    """The behaviour while a provider does not answer."""

    OFF = "off"
    DEGRADE = "degrade"


class ParserKind(StrEnum):
    """The parser."""

    LOCAL = "local"
    LLAMAPARSE = "llamaparse"
    AUTO = "auto"


class Tier(StrEnum):
    """The tiers of LlamaParse, from the cheapest to the best."""

    FAST = "fast"
    COST_EFFECTIVE = "cost_effective"
    AGENTIC = "agentic"
    AGENTIC_PLUS = "agentic_plus"


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise ValueError(f"is not valid JSON: {exc}") from None


class PriceEntry(BaseModel):
    """A price that holds from a day on; see ``domain.pricing.Price``."""

    provider: str
    model: str
    since: date
    usd: Decimal = Field(ge=0)


class ProviderSettings(BaseSettings):
    """The settings of the providers."""

    model_config = SettingsConfigDict(
        env_prefix="INGEST_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    profile: Profile = Field(
        Profile.DEVELOPMENT,
        description="development, or production, which refuses simulated providers.",
    )
    embedder: EmbedderKind = Field(
        EmbedderKind.LOCAL, description="The embedder: local, or openai."
    )
    parser: ParserKind = Field(
        ParserKind.LOCAL,
        description="The parser: local, llamaparse, or auto (llamaparse for scanned pages only).",
    )
    fallback: Fallback = Field(
        Fallback.OFF,
        description="While a provider does not answer: off: jobs wait; degrade: the local parser "
        "or "
        "embedder makes documents searchable, marked as degraded, and they are made again later.",
    )
    prices: Annotated[list[PriceEntry], NoDecode, BeforeValidator(_from_json)] = Field(
        [],
        description="JSON list of {provider, model, since, usd} that overrides built-in prices; "
        "usd is "
        "per million tokens, or per credit.",
    )
    quota_share: float = Field(
        0.97, gt=0, le=1, description="Share of a provider's limits that the rate limiter uses."
    )
    wait_days: float = Field(
        7.0,
        gt=0,
        description="Days for which a job waits for a provider or a budget before it fails.",
    )

    openai_api_keys: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("INGEST_OPENAI_API_KEYS", "OPENAI_API_KEY"),
        description="API keys, separated by commas; OPENAI_API_KEY is read as well.",
    )
    openai_api_key_file: Path | None = Field(
        None, description="File with one API key a line; changes take effect within a second."
    )
    openai_base_url: str | None = Field(
        None, description="URL of another server with OpenAI's protocol, including /v1."
    )
    openai_model: str = Field(
        "text-embedding-3-small", description="The embedding model of OpenAI."
    )
    next_model: str | None = Field(
        None,
        description="Second embedding model, to which 'ingest model move' moves tenants: local, or "
        "a model of OpenAI. One of the two models serves each tenant.",
    )
    openai_requests_per_minute: float = Field(
        3000.0, ge=1, description="Requests a minute that each key allows (tier 1)."
    )
    openai_tokens_per_minute: float = Field(
        1_000_000.0, gt=0, description="Tokens a minute that each key allows (tier 1)."
    )
    openai_timeout_seconds: float = Field(
        60.0, gt=0, description="Time-out of a request in seconds."
    )

    openai_batch_texts: int = Field(
        50_000, ge=1, le=50_000, description="Most texts in a provider batch (the API's limit)."
    )
    openai_batch_queue_tokens: int = Field(
        3_000_000,
        ge=8191,
        description="Most tokens of a model in submitted provider batches (tier 1).",
    )
    openai_batch_quiet_seconds: float = Field(
        10.0,
        gt=0,
        description="Seconds without a new text after which a provider batch is submitted.",
    )
    openai_batch_poll_seconds: float = Field(
        60.0, gt=0, description="Seconds between two polls of a provider batch."
    )

    llamaparse_api_keys: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("INGEST_LLAMAPARSE_API_KEYS", "LLAMA_CLOUD_API_KEY"),
        description="API keys, separated by commas; LLAMA_CLOUD_API_KEY is read as well.",
    )
    llamaparse_api_key_file: Path | None = Field(
        None, description="File with one API key a line, as for OpenAI."
    )
    llamaparse_base_url: str | None = Field(
        None, description="URL of another region, or of another server with LlamaParse's protocol."
    )
    llamaparse_tier: Tier = Field(
        Tier.COST_EFFECTIVE, description="The tier: fast, cost_effective, agentic or agentic_plus."
    )
    llamaparse_version: str = Field("latest", description="Version of the tier.")
    llamaparse_escalate: bool = Field(
        True,
        description="Whether a parse that is not usable is repeated once on the next better tier.",
    )
    llamaparse_options: Annotated[dict[str, Any], NoDecode, BeforeValidator(_from_json)] = Field(
        {}, description="JSON object with additional fields of LlamaParse's request."
    )
    llamaparse_timeout_seconds: float = Field(
        120.0, gt=0, description="Time-out of a request in seconds, uploads included."
    )
    llamaparse_requests_per_minute: float = Field(
        300.0, ge=1, description="Submissions a minute that each key allows."
    )
    llamaparse_deadline_seconds: float = Field(
        3600.0, gt=0, description="Seconds after which a parse is given up."
    )
    llamaparse_poll_seconds: float = Field(
        20.0, gt=0, description="Seconds between two polls of a parse without a webhook."
    )
    llamaparse_webhook_url: str | None = Field(
        None,
        description="Public URL of this system, e.g. https://ingest.example.com; empty: no "
        "webhooks, "
        "parses are polled.",
    )
    llamaparse_webhook_secret: SecretStr | None = Field(
        None,
        description="Secret that verifies webhooks (LC-Signature); empty: only their URL is "
        "secret.",
    )

    @property
    def calls_openai(self) -> bool:
        """Whether a model of OpenAI may serve a tenant."""
        return self.embedder is EmbedderKind.OPENAI or self.next_model not in (
            None,
            EmbedderKind.LOCAL,
        )

    def provider_faults(self) -> Iterator[str]:
        """Find settings of providers that cannot work, and those that production refuses."""
        if self.calls_openai:
            because = "INGEST_EMBEDDER=openai"
            if self.embedder is not EmbedderKind.OPENAI:
                because = f"INGEST_NEXT_MODEL={self.next_model}"
            keys, file = self.openai_api_keys, self.openai_api_key_file
            yield from _missing_key("OPENAI", keys, file, because)
        if self.parser is not ParserKind.LOCAL:
            keys, file = self.llamaparse_api_keys, self.llamaparse_api_key_file
            yield from _missing_key("LLAMAPARSE", keys, file, f"INGEST_PARSER={self.parser}")
        for field in ("openai_base_url", "llamaparse_base_url", "llamaparse_webhook_url"):
            url = getattr(self, field)
            if wrong := url_fault(field, url, "https", "http"):
                yield wrong
            elif url and field != "llamaparse_webhook_url" and self._is_simulated(url):
                yield f"INGEST_PROFILE=production refuses the simulated provider at {url}"
        known = sorted({price.provider for price in PRICES})
        for number, price in enumerate(self.prices):
            if price.provider not in known:
                yield (
                    f"INGEST_PRICES[{number}] has the provider {price.provider!r}; it must be "
                    f"{' or '.join(known)}{did_you_mean(price.provider, known)}"
                )

    def _is_simulated(self, url: str) -> bool:
        return self.profile is Profile.PRODUCTION and is_loopback(urlsplit(url).hostname or "")


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _missing_key(
    provider: str, keys: SecretStr | None, file: Path | None, because: str
) -> Iterator[str]:
    if file is None and not (keys and keys.get_secret_value().strip(" ,")):
        name = f"INGEST_{provider}_API_KEY"
        yield f"{because} needs a key: set {name}S, or {name}_FILE"
