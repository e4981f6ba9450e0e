"""Routes for monitoring: liveness, readiness and metrics."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

import ingest
from ingest.adapters.postgres.admin import inspection, migrate
from ingest.adapters.postgres.jobs.worker_store import WorkerView, working_lanes
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import Lane
from ingest.domain.pause import Pause, PauseKind
from serve.dependencies import CurrentDependencies, Dependencies
from serve.metrics import Metrics
from serve.problems import documented, respond

router = APIRouter(tags=["operations"])
CHECK_SECONDS = 5.0
"""Time-out of one readiness check."""


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer as long as the process runs; check no other system."""
    return {"status": "ok", "version": ingest.__version__}


@router.get("/readyz", summary="Is the system ready for work?", responses=documented(503))
async def readyz(request: Request, gateway: CurrentDependencies) -> Response:
    """Check the database, the blobs, the models and the streams, and name the parts in use."""
    database, blobs, unloaded, _ = await asyncio.gather(
        _database(gateway),
        _blobs(gateway),
        gateway.models.problem(),
        gateway.providers.refresh(),
    )
    wrong = [*database.problems, *filter(None, (blobs, unloaded))]
    facts = _facts(gateway, database) | {"problems": wrong}
    if not wrong:
        return JSONResponse({"status": "ready"} | facts)
    return respond(
        request,
        503,
        code="not_ready",
        detail="; ".join(wrong),
        headers={"Retry-After": "5"},
        extensions=facts,
    )


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Return the backlog as of a few seconds ago, and the requests of this process."""
    measured: Metrics = request.app.state.metrics
    return Response(await measured.text(), media_type=CONTENT_TYPE_LATEST)


@dataclass(frozen=True, slots=True)
class _DatabaseStatus:
    """The database's name and schema, its streams and pauses, and its problems."""

    problems: tuple[str, ...] = ()
    name: str | None = None
    schema: str | None = None
    workers: tuple[WorkerView, ...] = ()
    pauses: tuple[Pause, ...] = ()


def _facts(gateway: Dependencies, database: _DatabaseStatus) -> dict[str, Any]:
    backends = gateway.backends
    return {
        "version": ingest.__version__,
        "database": database.name,
        "schema": database.schema,
        "parser": backends.parser,
        "embedder": backends.embedder,
        "blobs": backends.blobs,
        "auth": gateway.settings.auth.value,
        "workers": [
            {
                "worker_id": str(worker.worker_id),
                "lane": worker.lane.value,
                "alive": worker.is_alive,
                "draining": worker.draining,
            }
            for worker in database.workers
        ],
        "pauses": _paused(database.pauses),
    } | gateway.providers.facts()


async def _database(gateway: Dependencies) -> _DatabaseStatus:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            async with gateway.database.connection() as connection:
                name = await inspection.name_of(connection)
                schema = await migrate.current(connection)
                wrong = await migrate.mismatch(connection)
            if wrong:
                return _DatabaseStatus((wrong,), name, schema)
            workers = tuple(await gateway.workers.list_running())
            pauses = tuple(await gateway.paused())
    except TimeoutError:
        return _DatabaseStatus((f"the database did not answer within {CHECK_SECONDS:g} seconds",))
    except StoreUnavailable as exc:
        return _DatabaseStatus((exc.message,))
    missing = sorted(_needed_lanes(workers) - working_lanes(workers))
    problems = tuple(f"no stream of lane {lane.value!r} is working" for lane in missing)
    return _DatabaseStatus(problems, name, schema, workers, pauses)


def _paused(pauses: Iterable[Pause]) -> dict[str, Any]:
    """Summarise the pauses without naming a tenant."""
    named = {kind: sorted(p.subject for p in pauses if p.kind is kind) for kind in PauseKind}
    return {
        "everything": bool(named[PauseKind.EVERYTHING]),
        "lanes": named[PauseKind.LANE],
        "providers": named[PauseKind.PROVIDER],
        "tenants": len(named[PauseKind.TENANT]),
    }


def _needed_lanes(workers: Iterable[WorkerView]) -> frozenset[Lane]:
    """The lanes that need a stream: interactive, and those whose started stream has not ended."""
    return frozenset({Lane.INTERACTIVE} | {worker.lane for worker in workers})


async def _blobs(gateway: Dependencies) -> str | None:
    """Describe the problem of the blob storage; None when there is none."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await gateway.blobs.check()
    except TimeoutError:
        return f"the blob storage did not answer within {CHECK_SECONDS:g} seconds"
    except StoreUnavailable as exc:
        return exc.message
    return None
