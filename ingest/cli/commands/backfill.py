"""``ingest backfill``: everything behind a URI, as it is or by ``ray job submit``."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.exit_codes import ExitCode, WrongUsage
from ingest.cli.options import CreateTenantOption, JsonOption
from ingest.domain.index_timing import IndexTime
from ingest.domain.job import Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.adapters.sources import Objects
    from ingest.cli.backfills.progress import Backfill, BackfillRequest
    from ingest.domain.tenant import Tenant as Owner
    from ingest.ports.sources import Source
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
RestoreDeleted = Annotated[
    bool,
    typer.Option("--restore-deleted", help="Take in again what was deleted before this began."),
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
    create_tenant: CreateTenantOption = False,
    at_once: AtOnce = 16,
    max_usd: MaxUsd = None,
    pause_at: PauseAt = None,
    dry_run: DryRun = False,
    outdated: Outdated = False,
    restore_deleted: RestoreDeleted = False,
    lane: BulkLane = Lane.BACKFILL,
    hand_over: HandOver = False,
    index: Index = IndexTime.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Ingest everything behind a path or a URI, in a lane of its own, and wait for it.

    Each object becomes the document that its URI names: running it again takes only what is new or
    has changed, and goes on where it was interrupted. What was deleted stays away. Uploads go
    before it. Ctrl-C finishes what is under way; the jobs that are left wait for the next run.

    By itself it works in a Ray of its own; by 'ray job submit -- python -m ingest backfill URI' in
    the cluster it is submitted to, with that one's shared quota.
    """
    from ingest import settings
    from ingest.cli.backfills.dry_run import estimate
    from ingest.cli.backfills.progress import BackfillRequest
    from ingest.wiring.sources import open_objects

    loaded = settings.load()
    _check_start(loaded, lane, hand_over=hand_over)
    objects = open_objects(loaded)
    sources = [*map(objects.listing, places or ()), *map(objects.manifest, manifest or ())]
    about_objects = bool(sources or where or dry_run or restore_deleted)
    _check_objects(about_objects, any_named=bool(sources), outdated=outdated)
    request = BackfillRequest(
        where=where,
        limit=limit,
        tenant=tenant,
        at_once=at_once,
        max_usd=None if max_usd is None else Decimal(str(max_usd)),
        until=None if pause_at is None else _next(pause_at),
        restore_deleted=restore_deleted,
        outdated=outdated,
        index=index,
        lane=lane,
        hand_over=hand_over,
    )
    if dry_run:
        estimate(loaded, objects, sources, request, as_json=as_json)
    else:
        _carry_out(loaded, objects, sources, request, create=create_tenant, as_json=as_json)


def _carry_out(
    loaded: "Settings",
    objects: "Objects",
    sources: "Sequence[Source]",
    request: "BackfillRequest",
    *,
    create: bool,
    as_json: bool,
) -> None:
    from ingest.cli.backfills import run_backfill
    from ingest.cli.system import database_access

    database_access.claim_blob_folder(loaded)
    with database_access.with_database(loaded) as reachable:
        _prepare_schema(reachable, is_ours=loaded.database_url is None)
        whose = run_backfill.whose(reachable, request.tenant, create=create)
        began = time.monotonic()
        done = run_backfill.run(reachable, objects, sources, request)
    _tell(done, whose, time.monotonic() - began, as_json=as_json)


def _prepare_schema(reachable: "Settings", *, is_ours: bool) -> None:
    """Bring the embedded database to this schema; another one must be at it."""
    from ingest import wiring
    from ingest.adapters.postgres.admin import migrate
    from ingest.cli.system import database_access

    if is_ours and database_access.inspect(reachable).mismatch:
        migrate.upgrade(wiring.database_url(reachable))
    database_access.ensure_schema(reachable)


def _check_start(settings: "Settings", lane: Lane, *, hand_over: bool) -> None:
    """Refuse what cannot work, before anything is started."""
    from ingest.cli.system import startup_checks
    from ingest.wiring.provider_batches import batchable_models

    startup_checks.ensure_startable(settings, listens=False, lane=lane)
    if lane is Lane.INTERACTIVE:
        raise WrongUsage("--lane is backfill or batch; 'ingest upload' uses the lane interactive")
    if hand_over and lane is not Lane.BATCH:
        raise WrongUsage("--hand-over goes with --lane batch only")
    if lane is Lane.BATCH and not batchable_models(settings):
        raise WrongUsage("--lane batch needs INGEST_EMBEDDER=openai")


def _check_objects(about_objects: bool, *, any_named: bool, outdated: bool) -> None:
    if outdated and about_objects:
        raise WrongUsage("--outdated goes with --limit, --tenant, --max-usd and --pause-at only")
    if not any_named and not outdated:
        raise WrongUsage("name at least one URI or --manifest, or --outdated")


def _next(clock: str) -> datetime:
    """When it will be this time, in local time, within a day."""
    now = datetime.now().astimezone()
    try:
        wanted = datetime.strptime(clock, "%H:%M")  # noqa: DTZ007 - only hour and minute are used
    except ValueError:
        raise WrongUsage(f"--pause-at must be HH:MM, not {clock!r}") from None
    today = now.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _tell(done: "Backfill", whose: "Owner", seconds: float, *, as_json: bool) -> None:
    from ingest.cli.backfills import summary
    from ingest.cli.backfills.progress import Ended
    from ingest.cli.output import console, emit_json

    if as_json:
        emit_json(summary.as_json(done, whose, seconds))
    else:
        summary.show(console(), done, whose, seconds)
    whole = done.ended in (Ended.ALL_DONE, Ended.SUBMITTED_ALL) and not done.registered.left_over
    if not whole or done.counts.dead or done.registered.refused:
        raise typer.Exit(ExitCode.FAILED)
