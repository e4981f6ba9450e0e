"""Settings of the providers: which are used, with what keys, at what pace and price."""

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
    """How strict the system is with itself."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class EmbedderKind(StrEnum):
    """Who turns texts into vectors."""

    LOCAL = "local"
    OPENAI = "openai"


class Fallback(StrEnum):
    """What is done while a provider is away."""

    OFF = "off"
    DEGRADE = "degrade"


class ParserKind(StrEnum):
    """Who turns files into text."""

    LOCAL = "local"
    LLAMAPARSE = "llamaparse"
    AUTO = "auto"


class Tier(StrEnum):
    """LlamaParse's ways of parsing, from the cheapest to the best."""

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
    """A price from a day on; see ``domain.money.Price``."""

    provider: str
    model: str
    since: date
    usd: Decimal = Field(ge=0)


class ProviderSettings(BaseSettings):
    """The part of the settings that is about providers."""

    model_config = SettingsConfigDict(
        env_prefix="INGEST_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    profile: Profile = Field(
        Profile.DEVELOPMENT, description="production refuses simulated providers."
    )
    embedder: EmbedderKind = Field(EmbedderKind.LOCAL, description="local, or openai.")
    parser: ParserKind = Field(
        ParserKind.LOCAL,
        description="local, llamaparse, or auto: llamaparse for scanned pages only.",
    )
    fallback: Fallback = Field(
        Fallback.OFF,
        description="While a provider is away, off: wait; degrade: make documents searchable with "
        "the local parser or embedder, marked as degraded, and make them again later.",
    )
    prices: Annotated[list[PriceEntry], NoDecode, BeforeValidator(_from_json)] = Field(
        [],
        description="JSON list of {provider, model, since, usd}: prices that override the built-in "
        "ones; usd per million tokens, or per credit.",
    )
    quota_share: float = Field(
        0.97, gt=0, le=1, description="Share of a provider's limits that is used."
    )
    wait_days: float = Field(
        7.0, gt=0, description="Longest wait for a provider or a budget before the dead letter."
    )

    openai_api_keys: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("INGEST_OPENAI_API_KEYS", "OPENAI_API_KEY"),
        description="Keys, separated by commas; OPENAI_API_KEY is read, too.",
    )
    openai_api_key_file: Path | None = Field(
        None, description="File with one key a line; changes are noticed within a second."
    )
    openai_base_url: str | None = Field(
        None, description="Another server that speaks OpenAI's protocol, up to and with /v1."
    )
    openai_model: str = Field("text-embedding-3-small", description="The embedding model.")
    next_model: str | None = Field(
        None,
        description="Embedding model beside the one above, to which 'ingest model move' takes "
        "tenants: local, or one of OpenAI's; a tenant is served by one of the two.",
    )
    openai_requests_per_minute: float = Field(
        3000.0, ge=1, description="Requests a minute that each key allows (tier 1)."
    )
    openai_tokens_per_minute: float = Field(
        1_000_000.0, gt=0, description="Tokens a minute that each key allows (tier 1)."
    )
    openai_timeout_seconds: float = Field(60.0, gt=0, description="Longest wait for an answer.")

    openai_batch_texts: int = Field(
        50_000, ge=1, le=50_000, description="Most texts in a provider batch (the API's limit)."
    )
    openai_batch_queue_tokens: int = Field(
        3_000_000,
        ge=8191,
        description="Most tokens of a model in provider batches at a time (tier 1).",
    )
    openai_batch_quiet_seconds: float = Field(
        10.0, gt=0, description="A provider batch that took no text for so long is handed over."
    )
    openai_batch_poll_seconds: float = Field(
        60.0, gt=0, description="A provider batch is asked for this often."
    )

    llamaparse_api_keys: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("INGEST_LLAMAPARSE_API_KEYS", "LLAMA_CLOUD_API_KEY"),
        description="Keys, separated by commas; LLAMA_CLOUD_API_KEY is read, too.",
    )
    llamaparse_api_key_file: Path | None = Field(None, description="As for OpenAI.")
    llamaparse_base_url: str | None = Field(
        None, description="Another region, or another server that speaks LlamaParse's protocol."
    )
    llamaparse_tier: Tier = Field(
        Tier.COST_EFFECTIVE, description="fast, cost_effective, agentic or agentic_plus."
    )
    llamaparse_version: str = Field("latest", description="Version of the tier.")
    llamaparse_escalate: bool = Field(
        True, description="Try the next better tier once when a parse is not usable."
    )
    llamaparse_options: Annotated[dict[str, Any], NoDecode, BeforeValidator(_from_json)] = Field(
        {}, description="JSON object of further fields of LlamaParse's request."
    )
    llamaparse_timeout_seconds: float = Field(
        120.0, gt=0, description="Longest wait for an answer, uploads included."
    )
    llamaparse_requests_per_minute: float = Field(
        300.0, ge=1, description="Submissions a minute that each key allows."
    )
    llamaparse_deadline_seconds: float = Field(
        3600.0, gt=0, description="Longest wait for one parse."
    )
    llamaparse_poll_seconds: float = Field(
        20.0, gt=0, description="A parse that nobody reported is asked for this often."
    )
    llamaparse_webhook_url: str | None = Field(
        None,
        description="Public address of this system, e.g. https://ingest.example.com; empty: parses "
        "are polled for.",
    )
    llamaparse_webhook_secret: SecretStr | None = Field(
        None, description="Signs webhooks (LC-Signature); empty: their address alone is secret."
    )

    @property
    def calls_openai(self) -> bool:
        """Whether OpenAI embeds for any tenant."""
        return self.embedder is EmbedderKind.OPENAI or self.next_model not in (
            None,
            EmbedderKind.LOCAL,
        )

    def provider_faults(self) -> Iterator[str]:
        """What cannot work with the providers that are used, and what production refuses."""
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
