"""The stream: claim → parse → chunk → embed, one execution that stays open for hours."""

import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID

# Fetching metadata on a thread costs every hop one more turn; read when ray.data is imported.
os.environ.setdefault("RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0")

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext, Dataset

from ingest.cluster import low_latency, one_node
from ingest.cluster.actors import CALLS, ChunkActor, EmbedActor, ParseActor
from ingest.cluster.claim_source import ClaimSource
from ingest.cluster.local_ray import LOOPBACK
from ingest.domain.job import Lane
from ingest.settings import Settings

_CPUS = 0.01
"""Pool sizes are the limit, not Ray's count of CPUs; the stages mostly wait."""


def configure(settings: Settings) -> bool:
    """Set up this process for streams; returns whether the low-latency path is on."""
    context = DataContext.get_current()
    context.target_max_block_size = 1  # hand on every row at once
    context.execution_no_progress_timeout_s = -1  # an idle stream is not a stuck one
    context.max_errored_blocks = -1  # one bad block must not end the stream
    context.op_resource_reservation_enabled = False  # payloads are small; saves scheduling time
    context.memory_usage_poll_interval_s = None  # it takes a thread for each envelope
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    if ray.get_runtime_context().gcs_address.startswith(f"{LOOPBACK}:"):
        one_node.install(keep_statistics=settings.dashboard)  # no other machine can join
    return settings.low_latency and low_latency.install()


def build(lane: Lane, worker_id: UUID, settings: Settings) -> Dataset:
    """The stream of one lane; nothing runs before it is iterated over."""
    source = ray.data.read_datasource(
        ClaimSource(lane, worker_id),
        override_num_blocks=1,
        num_cpus=2 * _CPUS,  # unlike the actors', or the source would be fused with the first pool
        # A source that is run again would swallow as many waves as it had delivered before.
        ray_remote_args={"max_retries": 0},
    )
    parsed = source.map_batches(ParseActor, **_stage("parse", settings, calls=CALLS))
    batches = parsed.map_batches(ChunkActor, **_stage("chunk", settings, calls=CALLS))
    stream: Dataset = batches.map_batches(
        EmbedActor, **_stage("embed", settings, calls=settings.embed_concurrency)
    )
    return stream


def run(lane: Lane, worker_id: UUID, settings: Settings) -> Iterator[None]:
    """Run a stream until its source ends; yields whenever a batch is through."""
    for _ in build(lane, worker_id, settings).iter_internal_ref_bundles():
        yield


def resource(stage: str) -> str:
    """The custom resource of Ray of which an actor of a stage takes one, if they are used."""
    return f"ingest_{stage}"


def _stage(stage: str, settings: Settings, *, calls: int) -> dict[str, Any]:
    least, most = (getattr(settings, f"{stage}_pool_{end}") for end in ("min", "max"))
    return {
        "batch_size": None,
        "batch_format": "pyarrow",
        "num_cpus": _CPUS,
        "compute": ActorPoolStrategy(
            min_size=least, max_size=most, max_concurrent_calls_per_actor=calls
        ),
        **({"resources": {resource(stage): 1}} if settings.pool_resources else {}),
    }
