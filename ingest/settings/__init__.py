"""Settings: environment variables with the prefix INGEST_, read once by each process."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, TypeAdapter, ValidationError, model_validator

from ingest.domain.retention import Retention
from ingest.settings import setting_faults
from ingest.settings.authentication import AccessSettings
from ingest.settings.authentication import Auth as Auth
from ingest.settings.providers import is_loopback as is_loopback

_HTTP = ("http", "https")
_RAY_ADDRESS = re.compile(r"auto|local|(ray://)?[^/\s]+:\d{1,5}")


class HttpProxy(StrEnum):
    """Which proxy Ray Serve puts before the replicas."""

    PYTHON = "python"
    HAPROXY = "haproxy"


class Settings(AccessSettings):
    """Everything that can be set; each field is the variable INGEST_<FIELD>."""

    state_dir: Path = Field(
        Path(".ingest"), description="Folder of the embedded system: database, blobs, logs, Ray."
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql://… of a server with pgvector; empty: embedded PostgreSQL."
    )
    database_pool_size: int = Field(
        4,
        ge=1,
        le=100,
        description="Most connections each process opens.",
    )
    database_pooler: bool = Field(
        False,
        description="The URL is a transaction-mode pooler: no prepared statements, no LISTEN.",
    )
    blob_url: str | None = Field(
        None,
        description="s3://bucket/prefix or file:///folder; empty: in the state folder.",
    )
    blob_endpoint: str | None = Field(None, description="S3 endpoint, for other stores than AWS.")
    shared_folders: str = Field(
        "",
        description="Folders that every node has under the same path, separated by ':'; a backfill "
        "registers their files unread.",
    )

    host: str = Field("127.0.0.1", description="Address the HTTP API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the HTTP API listens on.")
    http_proxy: HttpProxy = Field(
        HttpProxy.PYTHON, description="Serve's own Python proxy, or haproxy (fixed extra ports)."
    )
    http_replicas: int = Field(1, ge=1, le=64, description="Processes that answer HTTP requests.")
    dashboard: bool = Field(False, description="Start the Ray dashboard; costs about 0.5 GB.")
    dashboard_port: int = Field(8265, ge=1, le=65535, description="Port of the Ray dashboard.")
    ray_address: str | None = Field(
        None, description="Address of a running Ray cluster; empty: a local Ray of our own."
    )

    max_upload_bytes: int = Field(
        200 * 1024**2, ge=1, description="Largest upload; larger ones get 413 while they stream."
    )
    upload_grace_seconds: float = Field(
        30.0, gt=0, description="How long an upload may lag behind its least pace; then 408."
    )
    upload_bytes_per_second: int = Field(
        1024, ge=1, description="Least pace of an upload, on the average since it began."
    )
    max_pages: int = Field(5000, ge=1, description="Most pages of one document.")
    max_text_chars: int = Field(
        50_000_000, ge=1, description="Most characters a parser may return; stops zip bombs."
    )
    parse_timeout_seconds: float = Field(
        60.0, gt=0, description="A parse that takes longer is killed and costs one document."
    )
    parse_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Documents each parse actor parses at the same time; one more while one takes "
        "over a second.",
    )
    parse_memory_bytes: int = Field(
        2 * 1024**3, ge=256 * 1024**2, description="Memory limit of one parser process."
    )

    chunk_tokens: int = Field(512, ge=16, le=8191, description="Most tokens in a chunk.")
    chunk_overlap_tokens: int = Field(
        64, ge=0, description="Tokens a chunk shares with the one before; under half a chunk."
    )

    parse_pool_min: int = Field(1, ge=1, description="Parse actors kept alive.")
    parse_pool_max: int = Field(1, ge=1, description="Parse actors under load.")
    chunk_pool_min: int = Field(1, ge=1, description="Chunk actors kept alive.")
    chunk_pool_max: int = Field(1, ge=1, description="Chunk actors under load.")
    embed_pool_min: int = Field(1, ge=1, description="Embed actors kept alive.")
    embed_pool_max: int = Field(1, ge=1, description="Embed actors under load.")
    pool_resources: bool = Field(
        False,
        description="Each actor takes one of Ray's custom resource ingest_parse, ingest_chunk or "
        "ingest_embed, so that nodes bear so many as they say and an autoscaler adds some.",
    )
    embed_concurrency: int = Field(
        4, ge=1, le=256, description="Batches one embed actor works on at the same time."
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
        description="Most memory that the database server may use to build an index of vectors, if "
        "that is more than its own maintenance_work_mem; with too little, it takes many times as "
        "long.",
    )
    low_latency: bool = Field(
        True,
        description="Wake the stream's scheduler at once (private Ray API, checked at start); "
        "off: public Ray settings only, about 0.2 s slower a document.",
    )
    wave_jobs: int = Field(64, ge=1, le=1024, description="Most jobs in one claim.")
    small_waves_per_second: float = Field(
        8.0,
        gt=0,
        le=1000,
        description="Most claims a second that are not full, after four at once: jobs that arrive "
        "faster go on together, since each claim costs the stream some 80 ms of CPU time.",
    )
    claim_ahead_jobs: int = Field(
        256,
        ge=1,
        description="Most unfinished jobs a stream holds; bounds memory and rework. It claims "
        "again when it lacks a quarter of them, or a wave.",
    )

    lease_seconds: float = Field(
        60.0, gt=0, description="A job whose worker is silent for this long is rescued."
    )
    stage_timeout_seconds: float = Field(
        1800.0, gt=0, description="A job without progress for this long loses its lease."
    )
    rescue_interval_seconds: float = Field(5.0, gt=0, description="How often leases are checked.")
    max_attempts: int = Field(5, ge=1, description="Failed attempts before the dead letter.")
    max_rescues: int = Field(
        10, ge=1, description="Lost leases before the dead letter; stops a document that kills."
    )
    replays_per_second: float = Field(
        10.0, gt=0, le=1000, description="How fast replays from the dead letter come due, a tenant."
    )
    drain_timeout_seconds: float = Field(
        30.0, gt=0, description="How long a stopping stream may finish what it holds."
    )

    keep_events_days: float = Field(
        90.0, gt=0, le=36_500, description="How long the history of published jobs is kept."
    )
    keep_failed_events_days: float = Field(
        365.0, gt=0, le=36_500, description="The same for jobs that failed or were cancelled."
    )
    keep_webhooks_days: float = Field(
        30.0, gt=0, le=36_500, description="How long deliveries of webhooks are kept."
    )
    keep_failed_parses_days: float = Field(
        30.0, gt=0, le=36_500, description="How long failed parses of LlamaParse are kept."
    )
    keep_incoming_hours: float = Field(
        24.0, ge=1, le=87_600, description="After it, bytes of an upload that was cut off expire."
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Logs.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        found = [*self._own_faults(), *self.provider_faults(), *self.access_faults()]
        if found:
            raise ValueError("\n".join(found))
        return self

    def _own_faults(self) -> Iterator[str]:
        if self.auth is Auth.OFF and not is_loopback(self.host):
            yield (
                f"INGEST_AUTH is off, which is allowed only on a loopback host, and INGEST_HOST is "
                f"{self.host!r}"
            )
        if self.chunk_overlap_tokens * 2 > self.chunk_tokens:
            yield (
                f"INGEST_CHUNK_OVERLAP_TOKENS is {self.chunk_overlap_tokens}; it must be at most "
                f"half of INGEST_CHUNK_TOKENS, which is {self.chunk_tokens}"
            )
        url = self.database_url.get_secret_value() if self.database_url else None
        yield from filter(
            None, [setting_faults.url_fault("database_url", url, "postgresql", "postgres")]
        )
        yield from filter(
            None, [setting_faults.url_fault("blob_endpoint", self.blob_endpoint, *_HTTP)]
        )
        if self.ray_address is not None and not _RAY_ADDRESS.fullmatch(self.ray_address):
            yield (
                f"INGEST_RAY_ADDRESS is {self.ray_address!r}; it must be HOST:PORT, or auto: "
                "the cluster of this machine"
            )
        for path in self.shared_paths:
            if not path.is_absolute():
                yield f"INGEST_SHARED_FOLDERS must be absolute paths, not {str(path)!r}"
        for stage in ("parse", "chunk", "embed"):
            least, most = getattr(self, f"{stage}_pool_min"), getattr(self, f"{stage}_pool_max")
            if least > most:
                name = f"INGEST_{stage.upper()}_POOL"
                yield f"{name}_MIN is {least}; it must be at most {name}_MAX, which is {most}"
        if self.dashboard and self.dashboard_port == self.port:
            yield f"INGEST_DASHBOARD_PORT and INGEST_PORT are both {self.port}; they must differ"

    @property
    def shared_paths(self) -> tuple[Path, ...]:
        """The folders that every node has."""
        return tuple(Path(part) for part in self.shared_folders.split(":") if part)

    @property
    def lease(self) -> timedelta:
        """How long a lease lasts without a heartbeat."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def retention(self) -> Retention:
        """How long is kept what nothing needs any more."""
        return Retention(
            events=timedelta(days=self.keep_events_days),
            failed_events=timedelta(days=self.keep_failed_events_days),
            webhooks=timedelta(days=self.keep_webhooks_days),
            failed_parses=timedelta(days=self.keep_failed_parses_days),
            incoming=timedelta(hours=self.keep_incoming_hours),
        )

    @property
    def stuck_after(self) -> timedelta:
        """How late a job's next move may be before the job counts as stuck."""
        return timedelta(seconds=max(60.0, 10 * self.rescue_interval_seconds))

    def environment(self) -> dict[str, str]:
        """The variables that make another process load these very settings; holds secrets."""
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
        WrongSettings: naming every setting that is wrong, all at once.
    """
    try:
        return Settings()
    except ValidationError as exc:
        raise setting_faults.in_words(exc, Settings.model_fields) from None
