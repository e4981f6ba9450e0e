"""A backfill by ``ray job submit`` on two Ray nodes, and what is killed meanwhile."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psycopg
from ray.job_submission import JobStatus, JobSubmissionClient

from benchmarks.ray_nodes import RayNodes, kill, ray_access
from benchmarks.simulator import Simulator, running_simulator
from ingest.cluster.stream import resource

_KEY, _TOKENS = "sk-backfill", 50_000_000
_ENTRYPOINT = "-m ingest backfill"
_POLL_SECONDS = 1.0
_JOB_SECONDS = 3600.0
_AFTER_SECONDS = 120.0
_ACCOUNTS = """
SELECT
    (SELECT count(*) FROM upload_pipeline.documents WHERE live_generation > 0)::bigint,
    (SELECT count(DISTINCT name) FROM upload_pipeline.documents)::bigint,
    (SELECT count(*) FROM upload_pipeline.upload_jobs)::bigint,
    (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'done')::bigint,
    (SELECT count(*) FROM upload_pipeline.document_chunks)::bigint,
    (SELECT coalesce(sum(token_count), 0) FROM upload_pipeline.document_chunks)::bigint
"""
_CALLS = """
SELECT call_id::text, state, coalesce(units, reserved_units) FROM upload_pipeline.provider_calls
"""
_DONE = "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'done'"


@dataclass
class Course:
    """How a backfill went."""

    points: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the first submission, documents that were searchable."""
    blows: dict[str, float] = field(default_factory=dict)
    """Seconds from the first submission, by what was killed."""

    @property
    def done(self) -> float:
        """Documents so far."""
        return self.points[-1][1] if self.points else 0

    def rate(self, first: float, last: float) -> float:
        """Documents a second between the moments at which so many were done."""
        between = [(at, done) for at, done in self.points if first <= done <= last]
        (began, before), (ended, after) = between[0], between[-1]
        return (after - before) / (ended - began) if ended > began else 0.0

    def silence(self, blow: str) -> float:
        """Longest time without a document in the two minutes after a blow, in seconds."""
        at = self.blows[blow]
        moments = [at]
        for (_, before), (moment, done) in pairwise(self.points):
            if done > before and at < moment <= at + _AFTER_SECONDS:
                moments.append(moment)
        return max((later - first for first, later in pairwise(moments)), default=0.0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What is in the database in the end, and what the provider says."""

    searchable: int
    external_ids: int
    jobs: int
    jobs_done: int
    chunks: int
    tokens_stored: int
    tokens_in_ledger: int
    """Of all calls that the provider got."""
    tokens_uncertain: int
    """Of calls that it never got, as far as it knows, and that count as paid."""
    tokens_at_provider: int
    calls_that_differ: int


def drill(
    url: str, uri: str, objects: int, variables: Mapping[str, str], *, latency: float = 0.1
) -> tuple[Course, Accounts]:
    """Submit a backfill; kill its driver, a worker node, and the head node; let it end.

    After the driver and after the head it is submitted again, with nothing else done.

    Args:
        url: Of a migrated, empty database.
        uri: What is ingested.
        objects: How many there are.
        variables: What the cluster needs to read them, and settings of the pipeline.
        latency: Seconds that the provider takes to answer.

    Raises:
        RuntimeError: a job did not end as it should have.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bf-")))
        options = ("--key", _KEY, "--tpm", str(_TOKENS), "--rpm", "100000")
        simulator = stack.enter_context(
            running_simulator("openai", *options, "--latency", str(latency))
        )
        access = stack.enter_context(ray_access(folder / "ray-token"))
        nodes = RayNodes(
            folder / "ray",
            {**access, **_settings(folder, url, simulator), **variables},
            dashboard=True,
            resources={resource(stage): 4 for stage in ("parse", "chunk", "embed")},
        )
        stack.callback(nodes.stop)
        nodes.start()
        token = (folder / "ray-token").read_text(encoding="ascii")
        course = _Drill(nodes, url, uri, objects, token=token).run()
        return course, _accounts(url, simulator)


class _Drill:
    """One backfill from its first submission to its end."""

    def __init__(self, nodes: RayNodes, url: str, uri: str, objects: int, *, token: str) -> None:
        self._nodes = nodes
        # Ray reads RAY_AUTH_MODE once for each process, and this one may have used another Ray.
        self._headers = {"Authorization": f"Bearer {token}"}
        self._connection = psycopg.connect(url, autocommit=True)
        self._uri = uri
        self._objects = objects
        self._began = time.monotonic()
        self._client = self._new_client()
        """Of the present head."""
        self._course = Course()

    def _new_client(self) -> JobSubmissionClient:
        return JobSubmissionClient(self._nodes.dashboard, headers=self._headers)

    def run(self) -> Course:
        with self._connection:
            self._submit_by_command()
            self._wait_for(self._objects / 4)
            self._kill_driver()
            self._submit()
            self._wait_for(self._objects / 2)
            self._kill_worker()
            self._wait_for(3 * self._objects / 4)
            self._kill_head()
            self._wait_for_end(self._submit())
        return self._course

    def _submit(self) -> str:
        entrypoint = f"{sys.executable} {_ENTRYPOINT} {self._uri} --json"
        return self._client.submit_job(entrypoint=entrypoint)

    def _submit_by_command(self) -> None:
        subprocess.run(  # noqa: S603 - our own command
            [
                *(str(Path(sys.executable).with_name("ray")), "job", "submit", "--no-wait"),
                *("--address", self._nodes.dashboard, "--"),
                *(sys.executable, *_ENTRYPOINT.split(), self._uri, "--json"),
            ],
            check=True,
            capture_output=True,
        )

    def _kill_driver(self) -> None:
        drivers = self._nodes.processes(_ENTRYPOINT)
        if not drivers:
            raise RuntimeError("there was no driver to kill")
        self._blow("driver")
        kill(drivers)
        [job] = self._client.list_jobs()
        while (status := self._client.get_job_status(str(job.submission_id))) not in (
            JobStatus.FAILED,
            JobStatus.STOPPED,
        ):
            self._look()
            if status is JobStatus.SUCCEEDED:
                raise RuntimeError("it ended before its driver was killed")

    def _kill_worker(self) -> None:
        self._blow("worker node")
        if not self._nodes.kill_worker():
            raise RuntimeError("there was no worker node to kill")
        self._nodes.start_worker()

    def _kill_head(self) -> None:
        self._blow("head node")
        if not self._nodes.kill_head():
            raise RuntimeError("there was no head node to kill")
        self._nodes.start()
        self._client = self._new_client()

    def _blow(self, name: str) -> None:
        self._course.blows[name] = time.monotonic() - self._began

    def _look(self) -> None:
        [[done]] = self._connection.execute(_DONE).fetchall()
        self._course.points.append((time.monotonic() - self._began, done))
        time.sleep(_POLL_SECONDS)

    def _wait_for(self, done: float) -> None:
        deadline = time.monotonic() + _JOB_SECONDS
        while self._course.done < done:
            if time.monotonic() > deadline or not self._running():
                raise RuntimeError(f"{self._course.done} of {done} are done:\n{self._logs()}")
            self._look()

    def _running(self) -> bool:
        return any(not job.status.is_terminal() for job in self._client.list_jobs())

    def _wait_for_end(self, job: str) -> None:
        deadline = time.monotonic() + _JOB_SECONDS
        while not (status := self._client.get_job_status(job)).is_terminal():
            self._look()
            if time.monotonic() > deadline:
                break
        if status is not JobStatus.SUCCEEDED:
            raise RuntimeError(f"the last job: {status}\n{self._logs()}")
        self._look()

    def _logs(self) -> str:
        jobs = [str(job.submission_id) for job in self._client.list_jobs()]
        return "\n".join(self._client.get_job_logs(job)[-2000:] for job in jobs)


def _settings(folder: Path, url: str, simulator: Simulator) -> dict[str, str]:
    provider = simulator.openai_settings(_KEY, tokens_per_minute=_TOKENS)
    return {
        "RAY_DATA_METADATA_PREFETCH_ON_THREAD": "0",
        "INGEST_STATE_DIR": str(folder / "state"),
        "INGEST_DATABASE_URL": url,
        "INGEST_BLOB_URL": (folder / "blobs").as_uri(),
        "INGEST_POOL_RESOURCES": "true",
        **{f"INGEST_{name.upper()}": str(value) for name, value in provider.items()},
    }


def _accounts(url: str, simulator: Simulator) -> Accounts:
    charged = {call["client_id"]: call["tokens"] for call in simulator.calls() if call["tokens"]}
    with psycopg.connect(url) as connection:
        [[searchable, ids, jobs, done, chunks, stored]] = connection.execute(_ACCOUNTS).fetchall()
        calls = connection.execute(_CALLS).fetchall()
    ledger = {call_id: units for call_id, state, units in calls if state != "released"}
    differing = [call for call, tokens in charged.items() if ledger.get(call) != tokens]
    known = sum(units for call, units in ledger.items() if call in charged)
    return Accounts(
        searchable=searchable,
        external_ids=ids,
        jobs=jobs,
        jobs_done=done,
        chunks=chunks,
        tokens_stored=stored,
        tokens_in_ledger=known,
        tokens_uncertain=sum(ledger.values()) - known,
        tokens_at_provider=sum(charged.values()),
        calls_that_differ=len(differing),
    )
