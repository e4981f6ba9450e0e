"""Variables of OpenAI, and of servers that speak its protocol."""

from pathlib import Path

from pydantic import AliasChoices, BaseModel, Field, SecretStr


class OpenAISettings(BaseModel):
    """Keys, address, model, limits and provider batches of OpenAI."""

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
        10.0,
        gt=0,
        description="Seconds without a new text after which a provider batch is submitted.",
    )
    openai_batch_poll_seconds: float = Field(
        60.0, gt=0, description="A provider batch is asked for this often."
    )
