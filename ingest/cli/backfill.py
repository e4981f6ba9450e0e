"""``ingest backfill``: everything behind a URI, as it is or by ``ray job submit``."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli.failures import ExitCode
from ingest.cli.options import JsonOption

if TYPE_CHECKING:
    from ingest.adapters.object_source import ObjectSource
    from ingest.cli.backfilling import Backfill


def backfill(
    places: Annotated[
        list[str],
        typer.Argument(metavar="URI...", help="Paths, file:///…, s3://…, gs://… or az://…"),
    ],
    where: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Only URIs that match, e.g. '*/2024/*.pdf'."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Most objects.", show_default=False)
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="Whose documents they become: a name or a UUID.", show_default=False),
    ] = None,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="Objects read at the same time.")
    ] = 16,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be read.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ingest everything behind a path or a URI, in the lane 'backfill', and wait for it.

    Each object becomes the document that its URI names: running it again takes only what is new or
    has changed, and goes on where it was interrupted. Uploads go before it. Ctrl-C finishes what is
    under way; the jobs that are left wait for the next run.

    By itself it works in a Ray of its own; by 'ray job submit -- python -m ingest backfill URI' in
    the cluster it is submitted to, with that one's shared quota.
    """
    from ingest import settings, wiring
    from ingest.adapters.object_source import open_source
    from ingest.adapters.postgres import migrate
    from ingest.cli import backfilling, local
    from ingest.cli.output import emit_json

    loaded = settings.load()
    sources = [open_source(place, endpoint=loaded.blob_endpoint) for place in places]
    if dry_run:
        _tell_count(asyncio.run(_count(sources, where, limit)), as_json=as_json)
        return
    with local.with_database(loaded) as reachable:
        if loaded.database_url is None and local.inspect(reachable).mismatch:
            migrate.upgrade(wiring.database_url(reachable))  # the embedded one is ours to change
        local.ensure_schema(reachable)
        began = time.monotonic()
        done = backfilling.run(
            reachable, sources, where=where, limit=limit, tenant=tenant, at_once=at_once
        )
    summary = _summary(done, time.monotonic() - began)
    if as_json:
        emit_json(summary)
    else:
        for name, value in summary.items():
            typer.echo(f"{name.replace('_', ' '):<16}{value}")
    if done.interrupted or done.counts.dead or done.registered.refused:
        raise typer.Exit(ExitCode.FAILED)


def _summary(done: "Backfill", seconds: float) -> dict[str, Any]:
    registered = done.registered
    return {
        "run": done.run,
        "objects": registered.listed,
        "registered": registered.created,
        "there_already": registered.there_already,
        "not_taken": dict(registered.refused),
        "searchable": done.counts.done,
        "failed": done.counts.dead,
        "unfinished": done.counts.unfinished,
        "interrupted": done.interrupted,
        "seconds": round(seconds, 1),
    }


async def _count(
    sources: "list[ObjectSource]", where: str | None, limit: int | None
) -> tuple[int, int]:
    from ingest.cli.backfilling import matching

    wanted, objects, size = matching(where), 0, 0
    for source in sources:
        async for found in source.objects():
            if objects == limit:
                break
            if wanted(found):
                objects, size = objects + 1, size + found.bytes_len
    return objects, size


def _tell_count(counted: tuple[int, int], *, as_json: bool) -> None:
    from ingest.cli.output import emit_json, plural, size

    objects, bytes_len = counted
    if as_json:
        emit_json({"objects": objects, "bytes": bytes_len})
    else:
        typer.echo(f"{plural(objects, 'object')}, {size(bytes_len)}")
