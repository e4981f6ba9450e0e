"""``ingest backfill``: everything behind a URI, as it is or by ``ray job submit``."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.failures import ExitCode, WrongUsage
from ingest.cli.options import JsonOption
from ingest.domain.bulk import IndexTime
from ingest.domain.job import Lane

if TYPE_CHECKING:
    from ingest.cli.backfill_watch import Backfill
    from ingest.cli.output import Json
    from ingest.settings import Settings


Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[URI]...", help="Paths, file:///…, s3://…, gs://… or az://…", show_default=False
    ),
]
Manifests = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URI",
        help="A list of objects: .ndjson, .csv or .parquet with the field 'uri'.",
        show_default=False,
    ),
]
Where = Annotated[
    str | None, typer.Option(metavar="PATTERN", help="Only URIs that match, e.g. `*/2024/*.pdf`.")
]
Limit = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Most objects.", show_default=False)
]
Tenant = Annotated[
    str | None,
    typer.Option(help="Whose documents they become: a name or a UUID.", show_default=False),
]
AtOnce = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=256,
        help="Files copied at the same time; parse actors read buckets and shared folders.",
    ),
]
MaxUsd = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        min=0,
        help="End when providers have charged so much.",
        show_default=False,
    ),
]
PauseAt = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="End in good order at this time, in local time."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only count, and say what it would cost, by a sample.")
]

Outdated = Annotated[
    bool,
    typer.Option(
        "--outdated",
        help="Instead of objects: documents that are there, cut or embedded by other settings.",
    ),
]
BulkLane = Annotated[
    Lane,
    typer.Option(
        help="backfill: embed now, within the quota; batch: by OpenAI's Batch API, at half the "
        "price and within a day. Interactive is for uploads.",
    ),
]
HandOver = Annotated[
    bool,
    typer.Option(
        "--hand-over",
        help="With --lane batch: end as soon as OpenAI has everything; running it again later "
        "takes the results in.",
    ),
]
Index = Annotated[
    IndexTime,
    typer.Option(
        help="When vectors are indexed: inline, with each row; after, at the end, which is several "
        "times faster and makes search slow until then; auto: after, if it is a large load into "
        "an empty system."
    ),
]


def backfill(
    places: Places = None,
    manifest: Manifests = None,
    where: Where = None,
    limit: Limit = None,
    tenant: Tenant = None,
    at_once: AtOnce = 16,
    max_usd: MaxUsd = None,
    pause_at: PauseAt = None,
    dry_run: DryRun = False,
    outdated: Outdated = False,
    lane: BulkLane = Lane.BACKFILL,
    hand_over: HandOver = False,
    index: Index = IndexTime.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Ingest everything behind a path or a URI, in a lane of its own, and wait for it.

    Each object becomes the document that its URI names: running it again takes only what is new or
    has changed, and goes on where it was interrupted. Uploads go before it. Ctrl-C finishes what is
    under way; the jobs that are left wait for the next run.

    By itself it works in a Ray of its own; by 'ray job submit -- python -m ingest backfill URI' in
    the cluster it is submitted to, with that one's shared quota.
    """
    from ingest import settings, wiring
    from ingest.adapters.postgres import migrate
    from ingest.cli import backfill_estimate, backfilling, local
    from ingest.cli.backfill_watch import Wish
    from ingest.wiring.sources import open_objects

    loaded = settings.load()
    _check_start(loaded, lane, hand_over=hand_over)
    objects = open_objects(loaded)
    sources = [*map(objects.listing, places or ()), *map(objects.manifest, manifest or ())]
    if outdated and (sources or where or dry_run):
        raise WrongUsage("--outdated goes with --limit, --tenant, --max-usd and --pause-at only")
    if not sources and not outdated:
        raise WrongUsage("name at least one URI or --manifest, or --outdated")
    wish = Wish(
        where=where,
        limit=limit,
        tenant=tenant,
        at_once=at_once,
        max_usd=None if max_usd is None else Decimal(str(max_usd)),
        until=None if pause_at is None else _next(pause_at),
        outdated=outdated,
        index=index,
        lane=lane,
        hand_over=hand_over,
    )
    if dry_run:
        backfill_estimate.run(loaded, objects, sources, wish, as_json=as_json)
        return
    with local.with_database(loaded) as reachable:
        if loaded.database_url is None and local.inspect(reachable).mismatch:
            migrate.upgrade(wiring.database_url(reachable))  # the embedded one is ours to change
        local.ensure_schema(reachable)
        began = time.monotonic()
        done = backfilling.run(reachable, objects, sources, wish)
    _tell(done, time.monotonic() - began, as_json=as_json)


def _check_start(settings: "Settings", lane: Lane, *, hand_over: bool) -> None:
    """Refuse what cannot work, before anything is started."""
    from ingest.cli import check_settings
    from ingest.wiring.provider_batches import batchable_models

    check_settings.ensure_startable(settings, listens=False, lane=lane)
    if lane is Lane.INTERACTIVE:
        raise WrongUsage("--lane is backfill or batch; 'ingest upload' uses the lane interactive")
    if hand_over and lane is not Lane.BATCH:
        raise WrongUsage("--hand-over goes with --lane batch only")
    if lane is Lane.BATCH and not batchable_models(settings):
        raise WrongUsage("--lane batch needs INGEST_EMBEDDER=openai")


def _next(clock: str) -> datetime:
    """When it will be this time, in local time, within a day."""
    now = datetime.now().astimezone()
    try:
        wanted = datetime.strptime(clock, "%H:%M")  # noqa: DTZ007 - only hour and minute are used
    except ValueError:
        raise WrongUsage(f"--pause-at must be HH:MM, not {clock!r}") from None
    today = now.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _tell(done: "Backfill", seconds: float, *, as_json: bool) -> None:
    from ingest.cli.backfill_watch import Ended
    from ingest.cli.output import emit_json

    summary = _summary(done, seconds)
    if as_json:
        emit_json(summary)
    else:
        for name, value in summary.items():
            typer.echo(f"{name.replace('_', ' '):<16}{value}")
    whole = done.ended in (Ended.ALL_DONE, Ended.HANDED_OVER) and not done.registered.left_over
    if not whole or done.counts.dead or done.registered.refused:
        raise typer.Exit(ExitCode.FAILED)


def _summary(done: "Backfill", seconds: float) -> "Json":
    registered = done.registered
    return {
        "run": done.run,
        "ended": done.ended.value,
        "objects": registered.listed,
        "registered": registered.created,
        "there_already": registered.there_already,
        "unchanged": registered.unchanged,
        "not_taken": dict(registered.refused),
        "left_over": registered.left_over,
        "searchable": done.counts.done,
        "failed": done.counts.dead,
        "unfinished": done.counts.unfinished,
        "in_batches": done.batched,
        "tokens": done.spent.tokens,
        "usd": str(done.spent.usd),
        "index": done.index.value,
        "seconds": round(seconds, 1),
    }
