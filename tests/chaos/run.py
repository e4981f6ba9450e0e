"""One run: feed the system while faults strike, let it come to rest, and judge it."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.report import commit
from benchmarks.simulator import running_simulator
from tests.chaos import checker, reference
from tests.chaos.books import paid_twice
from tests.chaos.drill import Drill, save_and_restore
from tests.chaos.evidence import Blow, Evidence, Finding
from tests.chaos.faults import inflict
from tests.chaos.feed import Feed
from tests.chaos.recovery import Recovery, measure
from tests.chaos.rig import Rig, running_rig
from tests.chaos.sampler import Sampler
from tests.chaos.schedule import NEEDS_MOUNT, schedule

_HANDOVER_SECONDS = 15.0
_CALM_SECONDS = 3.0
_LEDGER_SECONDS = 60.0
_COUNTS = """
    SELECT
        (SELECT count(*) FROM upload_pipeline.documents WHERE live_generation > 0) AS documents,
        (SELECT count(*) FROM upload_pipeline.document_chunks) AS chunks,
        (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'done') AS done,
        (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'deadletter') AS dead,
        (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'cancelled') AS superseded,
        (SELECT coalesce(sum(rescue_count), 0) FROM upload_pipeline.upload_jobs) AS rescues,
        (SELECT coalesce(sum(units), 0) FROM upload_pipeline.provider_calls
            WHERE provider = 'openai' AND state IN ('settled', 'unknown')) AS tokens
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be like; equal plans inflict equal faults."""

    seed: int
    seconds: float
    """For which the system is fed and attacked."""
    kinds: tuple[str, ...]
    pause: tuple[float, float]
    """Least and most seconds between two faults."""
    feed_pause: float
    """Seconds between two uploads of a tenant."""
    rest_seconds: float
    """Within which everything must have ended after the last fault."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run led to."""

    plan: Plan
    version: str
    """Of the code, when the run began."""
    left_out: tuple[str, ...]
    """Kinds of faults that this machine does not allow."""
    findings: Sequence[Finding]
    blows: Sequence[Blow]
    recoveries: dict[str, Recovery]
    counts: dict[str, int]
    uploads: int
    samples: int
    views: int
    interrupted_tokens: int
    """Paid for again, because what they bought first was lost."""
    copied_tokens: int
    """Paid for again, because copies of a text were embedded at the same time."""
    drill: Drill
    rested_in: float
    took: float


def attack(plan: Plan, *, logs: Path | None = None) -> Outcome:
    """Run a plan; ``logs`` is a folder that gets the system's logs."""
    began, version = time.monotonic(), commit()
    with running_rig(plan.seed) as rig:
        try:
            return replace(_attack(rig, plan, version), took=time.monotonic() - began)
        finally:
            if logs is not None:
                _keep_logs(rig, logs)


def _attack(rig: Rig, plan: Plan, version: str) -> Outcome:
    possible = tuple(k for k in plan.kinds if k != NEEDS_MOUNT or rig.disk_is_small)
    faults = schedule(plan.seed, seconds=plan.seconds, kinds=list(possible), pause=plan.pause)
    feed = Feed(rig.system.url, rig.keys, plan.seed, plan.feed_pause)
    sampler = Sampler(rig.database_url)
    blows = []
    with _sampling(sampler):
        with _feeding(feed):
            start = time.monotonic()
            for fault in faults:
                time.sleep(max(0.0, start + fault.at - time.monotonic()))
                blows.append(inflict(rig, fault))
            time.sleep(max(0.0, start + plan.seconds - time.monotonic()))
        rested_in = come_to_rest(rig.database_url, seconds=plan.rest_seconds)
    evidence = gather(rig, feed, sampler, blows)
    drill = save_and_restore(evidence)
    with psycopg.connect(rig.database_url, row_factory=psycopg.rows.dict_row) as connection:
        counts: Any = connection.execute(_COUNTS.encode()).fetchone()
        again = paid_twice(connection, evidence)
    return Outcome(
        plan=plan,
        version=version,
        left_out=tuple(kind for kind in plan.kinds if kind not in possible),
        findings=[*checker.check(evidence), *drill.findings],
        blows=blows,
        recoveries=measure(rig.database_url, blows, feed.uploads),
        counts={name: int(count) for name, count in counts.items()},
        uploads=len(feed.uploads),
        samples=sampler.samples,
        views=sampler.views,
        interrupted_tokens=again.interrupted_tokens,
        copied_tokens=again.copied_tokens,
        drill=drill,
        rested_in=rested_in,
        took=0.0,
    )


def gather(rig: Rig, feed: Feed, sampler: Sampler, blows: Sequence[Blow]) -> Evidence:
    """What the checker needs, with a fresh ingest of everything that was uploaded."""
    passages = reference.read_all(upload.item for upload in feed.uploads)
    with running_simulator("openai", "--tpm", "1e12", "--rpm", "1e9") as faultless:
        vectors = reference.embed_all(passages.values(), faultless.url)
    return Evidence(
        url=rig.database_url,
        blobs=rig.blobs,
        uploads=feed.uploads,
        refused=feed.refused,
        passages=passages,
        vectors=vectors,
        sampler=sampler,
        blows=blows,
        bills=rig.vendors.bills(),
    )


def come_to_rest(url: str, *, seconds: float) -> float:
    """Wait until every job has ended, at most so long; returns how long that took.

    What dead processes left open at a provider ends by deadlines of minutes. Those are brought
    forward, and only those: of hand-overs that are too old to be alive, and, when nothing is
    under way any more, of reservations.
    """
    start = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < start + seconds and _count(connection, _UNFINISHED):
            connection.execute(_ABANDON, [_HANDOVER_SECONDS])
            time.sleep(0.2)
        rested_in = time.monotonic() - start
        time.sleep(_CALM_SECONDS)
        deadline = time.monotonic() + _LEDGER_SECONDS
        while _count(connection, _RESERVED) and time.monotonic() < deadline:
            if not _count(connection, _UNFINISHED):
                connection.execute(_EXPIRE)  # whoever lost its lease may have reserved just now
            time.sleep(_CALM_SECONDS)
    return rested_in


_UNFINISHED = "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL"
_RESERVED = "SELECT count(*) FROM upload_pipeline.provider_calls WHERE state = 'reserved'"
_ABANDON = b"""
    UPDATE upload_pipeline.parse_jobs SET poll_after = now()
    WHERE status = 'submitting' AND submitted_at < now() - make_interval(secs => %s)
        AND poll_after > now()
"""
_EXPIRE = b"UPDATE upload_pipeline.provider_calls SET expires_at = now() WHERE state = 'reserved'"


def _count(connection: "psycopg.Connection[Any]", query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _feeding(feed: Feed) -> Iterator[None]:
    feed.start()
    try:
        yield
    finally:
        feed.stop()


@contextmanager
def _sampling(sampler: Sampler) -> Iterator[None]:
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()


def _keep_logs(rig: Rig, logs: Path) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    shutil.copy(rig.system.log, logs)
    for folder in (rig.disk.parent / "ray").glob("session_2*/logs"):
        shutil.copytree(folder, logs / folder.parent.name, dirs_exist_ok=True)
