"""Settings: environment variables with the prefix INGEST_, read once by each process.

Over 400 lines because each variable is one field, and all fields stand in one class: nested models
would change the names of the variables.
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingest.domain import provider_specs
from ingest.domain.provider_specs import EmbedderSpec, ParserSpec, ProviderSpec
from ingest.domain.retention import Retention
from ingest.settings import checks, setting_faults
from ingest.settings.authentication import Auth as Auth
from ingest.settings.providers import (
    AUTO,
    LOCAL,
    BatchAccess,
    EmbedderName,
    Fallback,
    ParserName,
    PriceEntry,
    Profile,
    ProviderAccess,
    Tier,
    from_json,
)


class HttpProxy(StrEnum):
    """The proxy that Ray Serve starts in front of the replicas."""

    PYTHON = "python"
    HAPROXY = "haproxy"


class Settings(BaseSettings):
    """Everything that can be set; each field is the variable INGEST_<FIELD>."""

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
    embedder: EmbedderName = Field(LOCAL, description="local, or openai.")
    parser: ParserName = Field(
        LOCAL,
        description="local, llamaparse, or auto: llamaparse for scanned pages only.",
    )
    fallback: Fallback = Field(
        Fallback.OFF,
        description="While a provider is away, off: wait; degrade: make documents searchable with "
        "the local parser or embedder, marked as degraded, and make them again later.",
    )
    prices: Annotated[list[PriceEntry], NoDecode, BeforeValidator(from_json)] = Field(
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
        10.0,
        gt=0,
        description="Seconds without a new text after which a provider batch is submitted.",
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

    auth: Auth = Field(
        Auth.OFF,
        description="keys, jwt (tokens of a login service), both, or off: allowed only on a "
        "loopback host.",
    )
    jwt_secret: SecretStr | None = Field(
        None, description="Verifies tokens signed with HS256; at least 32 bytes."
    )
    jwt_jwks: str | None = Field(
        None,
        description="Public keys of the login service: an https:// URL (http:// on loopback) or a "
        "file; instead of jwt_secret.",
    )
    jwt_audience: str | None = Field(None, description="What a token's aud must hold; required.")
    jwt_issuer: str | None = Field(None, description="What a token's iss must be; empty: any.")
    jwt_tenant_claim: str = Field(
        "tenant", min_length=1, description="Claim with the tenant: a UUID, or a name."
    )
    jwt_leeway_seconds: float = Field(
        10.0, ge=0, le=60, description="How far the login service's clock may be off."
    )

    state_dir: Path = Field(
        Path(".ingest"), description="Folder of the embedded system: database, blobs, logs, Ray."
    )
    database_url: SecretStr | None = Field(
        None,
        description="URL (postgresql://…) of a server with pgvector; empty: the embedded "
        "PostgreSQL.",
    )
    database_pool_size: int = Field(
        4,
        ge=1,
        le=100,
        description="Most database connections of each process.",
    )
    database_pooler: bool = Field(
        False,
        description="True when the URL is a transaction-mode pooler: no prepared statements, no "
        "LISTEN.",
    )
    blob_url: str | None = Field(
        None,
        description="URL of the blob storage, s3://bucket/prefix or file:///folder; empty: the "
        "state folder.",
    )
    blob_endpoint: str | None = Field(None, description="S3 endpoint of a store other than AWS.")
    shared_folders: str = Field(
        "",
        description="Folders that every node mounts at the same path, separated by ':'. A backfill "
        "registers their files without reading them.",
    )

    host: str = Field("127.0.0.1", description="Address the HTTP API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the HTTP API listens on.")
    http_proxy: HttpProxy = Field(
        HttpProxy.PYTHON,
        description="python: Serve's own proxy; haproxy: faster, but uses fixed extra ports.",
    )
    http_replicas: int = Field(1, ge=1, le=64, description="Processes that answer HTTP requests.")
    dashboard: bool = Field(
        False, description="Start the Ray dashboard; it uses about 0.5 GB of memory."
    )
    dashboard_port: int = Field(8265, ge=1, le=65535, description="Port of the Ray dashboard.")
    ray_address: str | None = Field(
        None, description="Address of a running Ray cluster; empty: start a local Ray."
    )

    max_upload_bytes: int = Field(
        200 * 1024**2,
        ge=1,
        description="Largest upload in bytes; a larger one gets 413 while it streams.",
    )
    upload_grace_seconds: float = Field(
        30.0,
        gt=0,
        description="Seconds for which an upload may be below its minimum rate before it gets 408.",
    )
    upload_bytes_per_second: int = Field(
        1024,
        ge=1,
        description="Minimum rate of an upload in bytes a second, on average since it began.",
    )
    max_pages: int = Field(5000, ge=1, description="Most pages of one document.")
    max_text_chars: int = Field(
        50_000_000,
        ge=1,
        description="Most characters that a parser may return; it stops zip bombs.",
    )
    parse_timeout_seconds: float = Field(
        60.0,
        gt=0,
        description="Time limit of one parse in seconds; a longer one is killed, and its "
        "document fails.",
    )
    parse_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Documents that each parse actor parses at the same time; one more while a "
        "parse "
        "takes over a second.",
    )
    parse_memory_bytes: int = Field(
        2 * 1024**3, ge=256 * 1024**2, description="Memory limit of one parser process in bytes."
    )

    chunk_tokens: int = Field(512, ge=16, le=8191, description="Most tokens in a chunk.")
    chunk_overlap_tokens: int = Field(
        64,
        ge=0,
        description="Tokens that a chunk shares with the previous one; at most half of "
        "CHUNK_TOKENS.",
    )

    parse_pool_min: int = Field(1, ge=1, description="Fewest parse actors.")
    parse_pool_max: int = Field(1, ge=1, description="Most parse actors, under load.")
    chunk_pool_min: int = Field(1, ge=1, description="Fewest chunk actors.")
    chunk_pool_max: int = Field(1, ge=1, description="Most chunk actors, under load.")
    embed_pool_min: int = Field(1, ge=1, description="Fewest embed actors.")
    embed_pool_max: int = Field(1, ge=1, description="Most embed actors, under load.")
    pool_resources: bool = Field(
        False,
        description="Each actor takes one of Ray's custom resources ingest_parse, ingest_chunk or "
        "ingest_embed. This limits the actors of each node, and lets an autoscaler add nodes.",
    )
    embed_concurrency: int = Field(
        4, ge=1, le=256, description="Batches that one embed actor processes at the same time."
    )
    batch_items: int = Field(
        2048, ge=1, le=2048, description="Most chunks in one embedding batch (the API's limit)."
    )
    batch_tokens: int = Field(
        300_000, ge=8191, description="Most tokens in one embedding batch (the API's limit)."
    )
    index_build_bytes: int = Field(
        1024**3,
        ge=1024**2,
        description="Most memory in bytes that PostgreSQL may use to build a vector index, if it "
        "is "
        "more than its own maintenance_work_mem. With too little memory a build takes many times "
        "as long.",
    )
    low_latency: bool = Field(
        True,
        description="Wake the stream's scheduler at once, by a private Ray API that is checked "
        "at the "
        "start. Off: use public Ray settings only; a document takes about 0.2 s longer.",
    )
    wave_jobs: int = Field(64, ge=1, le=1024, description="Most jobs in one claim.")
    small_waves_per_second: float = Field(
        8.0,
        gt=0,
        le=1000,
        description="Most claims a second that are not full, after a burst of four. Jobs that "
        "arrive "
        "faster share a claim, because each claim costs the stream about 80 ms of CPU time.",
    )
    claim_ahead_jobs: int = Field(
        256,
        ge=1,
        description="Most unfinished jobs that a stream holds; this bounds memory and repeated "
        "work. "
        "The stream claims more when a quarter of them, or a wave, is free.",
    )

    lease_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds without a heartbeat after which a job returns to the queue.",
    )
    stage_timeout_seconds: float = Field(
        1800.0, gt=0, description="Seconds without progress after which a job loses its lease."
    )
    rescue_interval_seconds: float = Field(
        5.0, gt=0, description="Seconds between two checks of the leases."
    )
    max_attempts: int = Field(
        5, ge=1, description="Failed attempts after which a job goes to the dead letter."
    )
    max_rescues: int = Field(
        10,
        ge=1,
        description="Lost leases after which a job goes to the dead letter; this stops a "
        "document that kills "
        "workers.",
    )
    replays_per_second: float = Field(
        10.0,
        gt=0,
        le=1000,
        description="Jobs a second that a replay of the dead letter starts, for each tenant.",
    )
    drain_timeout_seconds: float = Field(
        30.0, gt=0, description="Seconds in which a stopping stream may finish its jobs."
    )

    keep_events_days: float = Field(
        90.0, gt=0, le=36_500, description="Days for which the events of published jobs are kept."
    )
    keep_failed_events_days: float = Field(
        365.0,
        gt=0,
        le=36_500,
        description="Days for which the events of failed and cancelled jobs are kept.",
    )
    keep_webhooks_days: float = Field(
        30.0, gt=0, le=36_500, description="Days for which deliveries of webhooks are kept."
    )
    keep_failed_parses_days: float = Field(
        30.0, gt=0, le=36_500, description="Days for which failed parses of LlamaParse are kept."
    )
    keep_incoming_hours: float = Field(
        24.0,
        ge=1,
        le=87_600,
        description="Hours after which the bytes of an incomplete upload are deleted.",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Logs.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := list(checks.all_faults(self)):
            raise ValueError("\n".join(found))
        return self

    @property
    def embedding_provider(self) -> EmbedderSpec | None:
        """The provider that embeds where no other space serves a tenant; None: the local model."""
        return provider_specs.embedders().get(self.embedder)

    @property
    def embedding_providers(self) -> tuple[EmbedderSpec, ...]:
        """Every provider that embeds for any tenant, each once."""
        following = provider_specs.embedder_of(self.next_model) if self.next_model else None
        called = filter(None, (self.embedding_provider, following))
        return tuple({spec.name: spec for spec in called}.values())

    @property
    def parsing_provider(self) -> ParserSpec | None:
        """The provider that parses; None: all documents are parsed here."""
        parsers = provider_specs.parsers()
        if self.parser == AUTO:
            return next(iter(parsers.values()))
        return parsers.get(self.parser)

    @property
    def parses_only_scanned(self) -> bool:
        """Whether the provider gets only what has no readable text of its own."""
        return self.parser == AUTO

    def of(self, spec: ProviderSpec) -> ProviderAccess:
        """The variables of a provider that each provider has."""
        return ProviderAccess.read(self, spec)

    def batches_of(self, spec: EmbedderSpec) -> BatchAccess:
        """The variables of a provider with a batch API."""
        return BatchAccess.read(self, spec)

    @property
    def takes_keys(self) -> bool:
        """Whether API keys let callers in."""
        return self.auth in (Auth.KEYS, Auth.BOTH)

    @property
    def takes_tokens(self) -> bool:
        """Whether tokens let callers in."""
        return self.auth in (Auth.JWT, Auth.BOTH)

    @property
    def shared_paths(self) -> tuple[Path, ...]:
        """The folders that every node mounts."""
        return tuple(Path(part) for part in self.shared_folders.split(":") if part)

    @property
    def lease(self) -> timedelta:
        """How long a lease lasts without a heartbeat."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def retention(self) -> Retention:
        """How long data is kept that no job needs any more."""
        return Retention(
            events=timedelta(days=self.keep_events_days),
            failed_events=timedelta(days=self.keep_failed_events_days),
            webhooks=timedelta(days=self.keep_webhooks_days),
            failed_parses=timedelta(days=self.keep_failed_parses_days),
            incoming=timedelta(hours=self.keep_incoming_hours),
        )

    @property
    def stuck_after(self) -> timedelta:
        """How late the next step of a job may be before the job counts as stuck."""
        return timedelta(seconds=max(60.0, 10 * self.rescue_interval_seconds))

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
