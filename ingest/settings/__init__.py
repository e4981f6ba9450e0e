"""Settings: environment variables with the prefix INGEST_, read once by each process.

The fields stand in the other files of this folder, a group of fields for each capability. Nested
models would change the names of the variables, so ``Settings`` inherits from all groups. A group
alone reads no variable.
"""

from typing import Literal, Self

from pydantic import Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.domain.provider_specs import EmbedderSpec, ProviderSpec
from ingest.settings import checks, setting_faults
from ingest.settings.authentication import Auth as Auth
from ingest.settings.authentication import AuthenticationSettings
from ingest.settings.chunking import ChunkingSettings
from ingest.settings.claims import ClaimSettings
from ingest.settings.database import DatabaseSettings
from ingest.settings.embedding import EmbeddingSettings
from ingest.settings.gateway import GatewaySettings
from ingest.settings.leases import LeaseSettings
from ingest.settings.parsing import ParsingSettings
from ingest.settings.providers.access import BatchAccess, ProviderAccess
from ingest.settings.providers.choice import ProviderChoiceSettings
from ingest.settings.providers.llamaparse import LlamaParseSettings
from ingest.settings.providers.openai import OpenAISettings
from ingest.settings.providers.prices import PriceSettings
from ingest.settings.providers.rate_limits import RateLimitSettings
from ingest.settings.ray_cluster import RayClusterSettings
from ingest.settings.retention import RetentionSettings
from ingest.settings.retries import RetrySettings
from ingest.settings.search import SearchSettings
from ingest.settings.storage import StorageSettings


# From the last group to the first one of docs/settings.md: pydantic reads the last base first.
class Settings(
    RetentionSettings,
    RetrySettings,
    LeaseSettings,
    ClaimSettings,
    SearchSettings,
    EmbeddingSettings,
    ChunkingSettings,
    ParsingSettings,
    RayClusterSettings,
    GatewaySettings,
    DatabaseSettings,
    StorageSettings,
    AuthenticationSettings,
    LlamaParseSettings,
    OpenAISettings,
    RateLimitSettings,
    PriceSettings,
    ProviderChoiceSettings,
    BaseSettings,
):
    """Everything that can be set; each field is the variable INGEST_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix="INGEST_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Logs.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := list(checks.all_faults(self)):
            raise ValueError("\n".join(found))
        return self

    def of(self, spec: ProviderSpec) -> ProviderAccess:
        """The variables of a provider that each provider has."""
        return ProviderAccess.read(self, spec)

    def batches_of(self, spec: EmbedderSpec) -> BatchAccess:
        """The variables of a provider with a batch API."""
        return BatchAccess.read(self, spec)

    def environment(self) -> dict[str, str]:
        """The variables that give another process the same settings; they hold secrets."""
        return {
            f"INGEST_{name.upper()}": _spelled(getattr(self, name))
            for name in type(self).model_fields
            if getattr(self, name) is not None
        }


def _spelled(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list | tuple | dict):
        return TypeAdapter(type(value)).dump_json(value).decode()
    return str(value)


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        WrongSettings: a setting is wrong; the message names all faults.
    """
    try:
        return Settings()
    except ValidationError as exc:
        raise setting_faults.in_words(exc, Settings.model_fields) from None
