"""The parses of simulated LlamaParse: their state over time, and their cost."""

import hashlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.sim.llamaparse.page_markers import MOST_BYTES, PageMarkers, split

CREDITS = {"fast": 1, "cost_effective": 3, "agentic": 10, "agentic_plus": 45}
GARBAGE = "\ufffd" * 400


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """The behaviour of the service without faults."""

    keys: frozenset[str] = frozenset()
    base_seconds: float = 0.5
    seconds_per_page: float = 0.02
    sigma: float = 0.5
    """Sigma of the log-normal distribution of parse times."""
    stuck_rate: float = 0.0
    fail_rate: float = 0.0
    page_fail_rate: float = 0.0
    expire_seconds: float = 48 * 3600
    credits: int = 1_000_000
    """Credits of the plan."""
    uploads_per_10s: int = 500
    per_minute: int = 100_000
    max_bytes: int = 512 * 1024**2
    allow_loopback: bool = False
    seed: int = 0


@dataclass(slots=True)
class Job:
    """One parse."""

    job_id: str
    project: str
    file_id: str
    filename: str
    digest: str
    """SHA-256 of the file's bytes."""
    options: str
    """Digest of the requested options."""
    tier: str
    metadata: dict[str, str] | None
    created: float
    runs_at: float
    ends_at: float
    outcome: str
    error: str | None
    pages: list[str]
    failed_pages: frozenset[int]
    credits: int
    cache_hit: bool
    cancelled: bool = False
    deleted: bool = False
    webhooks: list[dict[str, Any]] = field(default_factory=list)

    def status(self, now: float) -> str:
        """The status of the parse at a time."""
        if self.cancelled:
            return "CANCELLED"
        if now < self.runs_at:
            return "PENDING"
        return "RUNNING" if now < self.ends_at else self.outcome

    def view(self, now: float, began: datetime) -> dict[str, Any]:
        """Convert the parse to the API's JSON."""
        status = self.status(now)
        over = status in {"COMPLETED", "FAILED", "CANCELLED"}
        created = (began + timedelta(seconds=self.created)).isoformat()
        return {
            "id": self.job_id,
            "project_id": self.project,
            "status": status,
            "created_at": created,
            "updated_at": created,
            "error_message": self.error if status == "FAILED" else None,
            "name": self.filename,
            "tier": self.tier,
            "user_metadata": self.metadata,
            "usage": {"credits": float(self.credits) if over and status == "COMPLETED" else None},
        }


class Service:
    """All files and parses since the last reset."""

    def __init__(self, options: ServiceOptions) -> None:
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Remove all files and parses."""
        self.began = time.monotonic()
        self.wall = datetime.now(UTC)
        self.files: dict[str, tuple[str, str, bytes]] = {}
        self.jobs: dict[str, Job] = {}
        self.counts: Counter[str] = Counter()
        self.credits_by_key: Counter[str] = Counter()
        self._arrivals: list[float] = []

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def busy(self) -> bool:
        """Count an upload; True when there were too many."""
        now = self.now()
        self._arrivals = [at for at in self._arrivals if at > now - 60] + [now]
        recent = sum(at > now - 10 for at in self._arrivals)
        full = len(self._arrivals) > self.options.per_minute
        return full or recent > self.options.uploads_per_10s

    def keep(self, project: str, filename: str, data: bytes) -> str:
        """Store a file."""
        self.counts["files"] += 1
        file_id = (
            f"file-{hashlib.sha256(f'{self.began}{len(self.files)}'.encode()).hexdigest()[:16]}"
        )
        self.files[file_id] = (project, filename, data)
        return file_id

    def create(self, project: str, file_id: str, asked: dict[str, Any], options: str) -> Job:
        """Start a parse.

        Raises:
            PermissionError: the plan's credits are used up.
        """
        _, filename, data = self.files[file_id]
        digest, now, tier = hashlib.sha256(data).hexdigest(), self.now(), asked["tier"]
        twins = [
            job
            for job in self.jobs.values()
            if (job.project, job.digest, job.options) == (project, digest, options)
        ]
        self.counts["duplicate_jobs"] += bool(twins)
        cached = None if asked.get("disable_cache") else self._cached(twins, now)
        outcome, error, pages = self._read(data, filename, tier)
        pages = pages[: (asked.get("page_ranges") or {}).get("max_pages")]
        dice = random.Random(f"{self.options.seed}:{digest}:{len(twins)}")  # noqa: S311
        failed = frozenset(
            number
            for number in range(1, len(pages) + 1)
            if dice.random() < self.options.page_fail_rate
        )
        cost = 0 if cached or outcome != "COMPLETED" else CREDITS[tier] * max(1, len(pages))
        if self.credits_used() + cost > self.options.credits:
            raise PermissionError
        took = (self.options.base_seconds + self.options.seconds_per_page * len(pages)) * (
            dice.lognormvariate(0, self.options.sigma)
        )
        if outcome == "COMPLETED" and not cached:
            outcome, error, took = self._luck(dice, outcome, error, took)
        if outcome == "FAILED":
            cost = 0
        stuck = outcome == "STUCK"
        job = Job(
            job_id=f"pjb-{hashlib.sha256(f'{self.began}{len(self.jobs)}'.encode()).hexdigest()[:24]}",
            project=project, file_id=file_id, filename=filename, digest=digest, options=options,
            tier=tier, metadata=asked.get("user_metadata"), created=now,
            runs_at=float("inf") if stuck else now + (0 if cached else 0.2 * took),
            ends_at=float("inf") if stuck else now + (0 if cached else took),
            outcome=outcome, error=error, pages=pages,
            failed_pages=cached.failed_pages if cached else failed,
            credits=0 if stuck else cost, cache_hit=bool(cached),
            webhooks=asked.get("webhook_configurations") or [],
        )  # fmt: skip
        self.jobs[job.job_id] = job
        self.counts["cache_hits"] += bool(cached)
        self.credits_by_key[project] += job.credits
        return job

    def credits_used(self) -> int:
        """Used credits of the plan, over all keys."""
        return sum(self.credits_by_key.values())

    def expired(self, job: Job) -> bool:
        """Whether the result of a parse has expired."""
        return self.now() > job.ends_at + self.options.expire_seconds

    def stats(self) -> dict[str, Any]:
        """The total counts."""
        now = self.now()
        jobs = list(self.jobs.values())
        return {
            "files": self.counts["files"],
            "jobs": len(jobs),
            "by_status": dict(Counter(job.status(now) for job in jobs)),
            "duplicate_jobs": self.counts["duplicate_jobs"],
            "cache_hits": self.counts["cache_hits"],
            "credits": self.credits_used(),
            "credits_by_key": dict(self.credits_by_key),
            "pages": sum(len(job.pages) for job in jobs),
            "http_429": self.counts["http_429"],
            "webhooks": {
                name: self.counts[f"webhooks_{name}"]
                for name in ("sent", "dropped", "attempts", "acknowledged")
            },
        }

    def listed(self) -> list[dict[str, Any]]:
        """All parses."""
        now = self.now()
        return [
            job.view(now, self.wall)
            | {"sha256": job.digest, "pages": len(job.pages), "credits": job.credits}
            for job in self.jobs.values()
        ]

    def _cached(self, twins: list[Job], now: float) -> Job | None:
        done = [t for t in twins if t.status(now) == "COMPLETED" and not self.expired(t)]
        return done[-1] if done else None

    def _read(self, data: bytes, filename: str, tier: str) -> tuple[str, str | None, list[str]]:
        markers = PageMarkers.of(data, tier)
        if markers.name == "FAIL":
            return "FAILED", f"{markers.value}: the file could not be parsed", []
        if markers.name == "STUCK":
            return "STUCK", None, []
        try:
            pages = split(data, filename)
        except ValueError as exc:
            return "FAILED", f"{exc}: the file could not be parsed", []
        if markers.name == "EMPTY":
            pages = ["" for _ in pages]
        if markers.name == "GARBAGE":
            pages = [GARBAGE for _ in pages]
        if markers.name == "TRUNCATE":
            pages[0] = ("word " * (MOST_BYTES // 5 + 1))[:MOST_BYTES]
        if markers.name == "DROP_PAGES":
            pages = pages[: -int(markers.value or 1)] or [""]
        return (
            "COMPLETED",
            None,
            [page.encode()[:MOST_BYTES].decode("utf-8", "ignore") for page in pages],
        )

    def _luck(
        self, dice: random.Random, outcome: str, error: str | None, took: float
    ) -> tuple[str, str | None, float]:
        if dice.random() < self.options.stuck_rate:
            return "STUCK", None, took
        if dice.random() < self.options.fail_rate:
            return "FAILED", "ERROR_DURING_PROCESSING: try again", took
        return outcome, error, took
