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
    """The proxy that Ray Serve starts in front of the replicas."""

    PYTHON = "python"
    HAPROXY = "haproxy"


class Settings(AccessSettings):
    """All settings; each field is read from the variable INGEST_<FIELD>."""

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
