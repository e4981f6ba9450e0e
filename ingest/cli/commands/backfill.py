"""``ingest backfill``: ingests all objects behind a URI, alone or by ``ray job submit``."""

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
    int | None, typer.Option(metavar="N", min=1, help="Take at most N objects.", show_default=False)
]
Tenant = Annotated[
    str | None,
    typer.Option(help="The tenant that owns the documents: a name or a UUID.", show_default=False),
]
AtOnce = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=256,
        help="Files that are copied at the same time. Parse actors read buckets and shared "
        "folders directly.",
    ),
]
MaxUsd = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        min=0,
        help="Stop when providers have charged this amount in US dollars.",
        show_default=False,
    ),
]
PauseAt = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="Stop cleanly at this local time."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only count the objects, and estimate the cost from a sample."),
]

Outdated = Annotated[
    bool,
    typer.Option(
        "--outdated",
        help="Take no objects. Process existing documents again that an earlier version of the "
        "local parser read, or that other settings chunked or embedded.",
    ),
]
RestoreDeleted = Annotated[
    bool,
    typer.Option(
        "--restore-deleted",
        help="Also take objects whose documents were deleted before this run began.",
    ),
]
BulkLane = Annotated[
    Lane,
    typer.Option(
        help="backfill: embed now, within the quota. batch: embed with OpenAI's Batch API, for "
        "half "
        "the price and within a day. The lane interactive is for uploads.",
    ),
]
SubmitOnly = Annotated[
    bool,
    typer.Option(
        "--submit-only",
        help="With --lane batch: stop when OpenAI has all texts. Run the same command later to "
        "store "
        "the results.",
    ),
]
Index = Annotated[
    IndexTime,
    typer.Option(
        help="When vectors are indexed. inline: with each row. after: at the end; this is "
        "several times "
        "faster, but search is slow until then. auto: after for a large load into an empty "
        "system, else inline."
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
    submit_only: SubmitOnly = False,
    index: Index = IndexTime.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Ingest all objects behind a path or a URI, in a lane of its own, and wait for the end.

    The URI of an object is the name of its document. Run the same command again to take new and
    changed objects only, or to resume after an interruption. Deleted documents stay deleted.
    Uploads have priority. Ctrl-C finishes the jobs under way; the others wait for the next run.

    Where 'ingest up' runs with the same state folder and settings, the command works in its Ray and
    shares its quota; else it starts a Ray of its own. 'ray job submit -- python -m ingest backfill
    URI' runs it in a cluster.
    """
    from ingest import settings
    from ingest.cli.backfills.dry_run import estimate
    from ingest.cli.backfills.progress import BackfillRequest
    from ingest.wiring.sources import open_objects

    loaded = settings.load()
    _check_start(loaded, lane, submit_only=submit_only)
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
        submit_only=submit_only,
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
    from ingest.adapters.postgres.admin import migrate
    from ingest.cli.system import database_access
    from ingest.wiring.storage import database_url

    if is_ours and database_access.inspect(reachable).mismatch:
        migrate.upgrade(database_url(reachable))
    database_access.ensure_schema(reachable)


def _check_start(settings: "Settings", lane: Lane, *, submit_only: bool) -> None:
    """Refuse options that cannot work together, before anything is started."""
    from ingest.cli.system import startup_checks
    from ingest.wiring.provider_batches import batchable_models

    startup_checks.ensure_startable(settings, listens=False, lane=lane)
    if lane is Lane.INTERACTIVE:
        raise WrongUsage(
            "--lane must be backfill or batch; 'ingest upload' uses the lane interactive"
        )
    if submit_only and lane is not Lane.BATCH:
        raise WrongUsage("--submit-only needs --lane batch: add it, or leave --submit-only out")
    if lane is Lane.BATCH and not batchable_models(settings):
        from ingest.domain.provider_specs import embedders

        able = " or ".join(name for name, spec in embedders().items() if spec.batch_api)
        raise WrongUsage(f"--lane batch needs INGEST_EMBEDDER={able}")


def _check_objects(about_objects: bool, *, any_named: bool, outdated: bool) -> None:
    if outdated and about_objects:
        raise WrongUsage(
            "--outdated takes no URIs, and only --limit, --tenant, --max-usd and --pause-at"
        )
    if not any_named and not outdated:
        raise WrongUsage("name at least one URI or --manifest, or --outdated")


def _next(clock: str) -> datetime:
    """The next moment within a day at which the local clock shows this time."""
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
