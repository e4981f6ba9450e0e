"""Variables of LlamaParse."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from ingest.settings.providers.json_variable import from_json


class Tier(StrEnum):
    """The tiers of LlamaParse, from the cheapest to the best."""

    FAST = "fast"
    COST_EFFECTIVE = "cost_effective"
    AGENTIC = "agentic"
    AGENTIC_PLUS = "agentic_plus"


class LlamaParseSettings(BaseModel):
    """Keys, address, tier, limits, polling and webhooks of LlamaParse."""

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
    llamaparse_options: Annotated[dict[str, Any], NoDecode, BeforeValidator(from_json)] = Field(
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
