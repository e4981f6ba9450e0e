"""``ingest backfill --dry-run``: counts the objects, and estimates the cost."""

import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import typer

from ingest.adapters.postgres.documents.tombstone_store import TombstoneStore
from ingest.adapters.sources import Objects
from ingest.app.providers.cost_estimate import Estimate
from ingest.cli.backfills.progress import BackfillRequest
from ingest.cli.backfills.run_backfill import matching, not_restored
from ingest.cli.output import Json, emit_json, money, plural, say, size
from ingest.cli.process import run_async
from ingest.cli.system import database_access
from ingest.domain.errors import (
    ConfigurationError,
    DocumentTooLarge,
    IngestError,
    StoreUnavailable,
)
from ingest.domain.identity import document_id, external_name
from ingest.domain.media_type import detect
from ingest.domain.pricing import plain
from ingest.domain.source_object import Broken, SourceObject
from ingest.ports.sources import Source
from ingest.settings import Settings
from ingest.wiring.estimates import make_estimator
from ingest.wiring.storage import open_database

SAMPLE = 100
"""Objects in the sample; the cost per byte of the sample is assumed for all other objects."""
_SAY_SECONDS = 10.0
_PAGE = 1000
_Deleted = Callable[[Sequence[SourceObject]], Awaitable[set[str]]]
"""Returns the URIs of the objects whose documents were deleted."""


@dataclass(slots=True)
class Count:
    """The counts of a listing."""

    objects: int = 0
    bytes_len: int = 0
    broken: int = 0
    """Lines of manifests that are not valid."""
    deleted: int = 0
    """Objects whose documents were deleted; ``objects`` does not include them."""
    sample: list[SourceObject] = field(default_factory=list)
    """A random sample, in which each object has the same chance."""


def estimate(
    settings: Settings,
    objects: Objects,
    sources: Sequence[Source],
    request: BackfillRequest,
    *,
    as_json: bool,
) -> None:
    """Count the objects, estimate the cost from a sample, and print both; store and pay nothing."""
    with _database(settings, request) as reachable:
        counted, found, looked_at = run_async(
            _estimate(settings, objects, sources, request, reachable)
        )
    share = counted.bytes_len / looked_at if looked_at else 1.0
    result = _as_json(counted, found, Decimal(share))
    if as_json:
        emit_json(result)
        return
    exact = len(counted.sample) == counted.objects
    typer.echo(f"{plural(counted.objects, 'object')}, {size(counted.bytes_len)}")
    if counted.broken:
        typer.echo(f"{plural(counted.broken, 'line')} of manifests cannot be read")
    if counted.deleted:
        typer.echo(not_restored(counted.deleted))
    for code, number in found.rejected.most_common():
        typer.echo(f"{number} of {len(counted.sample)} would be refused as {code}")
    typer.echo(
        f"{'' if exact else 'about '}{result['chunks']:,} chunks, {result['tokens']:,} tokens, "
        f"{result['credits']:,} credits, {money(Decimal(result['usd']))} at most"
        + ("" if exact else f", by a sample of {plural(len(counted.sample), 'object')}")
    )


async def count(sources: Sequence[Source], request: BackfillRequest, deleted: _Deleted) -> Count:
    """List all selected objects, and choose a sample of them."""
    wanted, counted, dice = matching(request.where), Count(), random.Random(0)  # noqa: S311
    page: list[SourceObject] = []
    spoke = time.monotonic()
    for source in sources:
        async for found in source.objects():
            if isinstance(found, Broken):
                counted.broken += 1
                continue
            if counted.objects + counted.deleted + len(page) == request.limit:
                break
            if wanted(found):
                page.append(found)
            if len(page) == _PAGE:
                _add(counted, page, await deleted(page), dice)
                page = []
            if time.monotonic() - spoke > _SAY_SECONDS:
                spoke = time.monotonic()
                say(f"{counted.objects:,} objects listed")
    _add(counted, page, await deleted(page), dice)
    return counted


def _add(
    counted: Count, page: Sequence[SourceObject], deleted: set[str], dice: random.Random
) -> None:
    for found in page:
        if found.uri in deleted:
            counted.deleted += 1
            continue
        counted.objects += 1
        counted.bytes_len += found.bytes_len
        place = dice.randrange(counted.objects)
        if len(counted.sample) < SAMPLE:
            counted.sample.append(found)
        elif place < SAMPLE:
            counted.sample[place] = found


@contextmanager
def _database(settings: Settings, request: BackfillRequest) -> Iterator[Settings | None]:
    """Settings of a database that can be asked for deleted documents; None without one."""
    fresh = settings.database_url is None and not (settings.state_dir / "postgres").exists()
    if fresh or request.restore_deleted:
        yield None
        return
    with database_access.with_database(settings) as reachable:
        try:
            database_access.ensure_schema(reachable)
        except (ConfigurationError, StoreUnavailable) as exc:
            say(f"deleted documents are counted as well: {exc.message}")
            yield None
            return
        yield reachable


async def _estimate(
    settings: Settings,
    objects: Objects,
    sources: Sequence[Source],
    request: BackfillRequest,
    reachable: Settings | None,
) -> tuple[Count, Estimate, int]:
    counted = await _count(sources, request, reachable)
    estimator, parser = make_estimator(settings, request.lane)
    looked_at = 0
    try:
        for found in counted.sample:
            looked_at += found.bytes_len
            try:
                data = await _read(objects, found.uri, settings.max_upload_bytes)
                media_type = detect(data, filename=found.filename)
                await estimator.add(data, found.filename, media_type)
            except IngestError as exc:
                estimator.estimate.rejected[exc.code] += 1
    finally:
        await parser.close()
    return counted, estimator.estimate, looked_at


async def _count(
    sources: Sequence[Source], request: BackfillRequest, reachable: Settings | None
) -> Count:
    database = None if reachable is None else open_database(reachable)

    async def deleted(page: Sequence[SourceObject]) -> set[str]:
        if database is None:
            return set()
        ids = {
            document_id(request.tenant_id, external_name(found.uri)): found.uri for found in page
        }
        gone = await TombstoneStore(database).among(request.tenant_id, list(ids))
        return {ids[one] for one in gone}

    try:
        return await count(sources, request, deleted)
    finally:
        if database is not None:
            await database.close()


async def _read(objects: Objects, uri: str, most: int) -> bytes:
    data = bytearray()
    async for part in objects.read(uri):
        data += part
        if len(data) > most:
            raise DocumentTooLarge(
                f"the document has over {most} bytes, the limit of INGEST_MAX_UPLOAD_BYTES"
            )
    return bytes(data)


def _as_json(counted: Count, found: Estimate, share: Decimal) -> Json:
    return {
        "objects": counted.objects,
        "bytes": counted.bytes_len,
        "broken_lines": counted.broken,
        "deleted": counted.deleted,
        "sample": len(counted.sample),
        "sample_rejected": dict(found.rejected),
        "chunks": round(found.chunks * share),
        "tokens": round(found.tokens * share),
        "credits": round(found.credits * share),
        "usd": plain(round(found.usd * share, 6)),
    }
