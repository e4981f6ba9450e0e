"""The gateway: its address and processes, and the limits of uploads."""

from enum import StrEnum

from pydantic import BaseModel, Field


class HttpProxy(StrEnum):
    """The proxy that Ray Serve starts in front of the replicas."""

    PYTHON = "python"
    HAPROXY = "haproxy"


class GatewaySettings(BaseModel):
    """Where the HTTP API listens, and which uploads it takes."""

    host: str = Field("127.0.0.1", description="Address the HTTP API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the HTTP API listens on.")
    http_proxy: HttpProxy = Field(
        HttpProxy.PYTHON,
        description="python: Serve's own proxy; haproxy: faster, but uses fixed extra ports.",
    )
    http_replicas: int = Field(1, ge=1, le=64, description="Processes that answer HTTP requests.")

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
