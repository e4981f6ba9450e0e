"""The Ray cluster, and the actor pools of the stages."""

from pydantic import BaseModel, Field


class RayClusterSettings(BaseModel):
    """Ray, its dashboard, and how many actors each stage has."""

    ray_address: str | None = Field(
        None, description="Address of a running Ray cluster; empty: start a local Ray."
    )
    dashboard: bool = Field(
        False, description="Start the Ray dashboard; it uses about 0.5 GB of memory."
    )
    dashboard_port: int = Field(8265, ge=1, le=65535, description="Port of the Ray dashboard.")
    low_latency: bool = Field(
        True,
        description="Wake the stream's scheduler at once, by a private Ray API that is checked "
        "at the start. Off: use public Ray settings only; a document takes about 0.2 s longer.",
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
