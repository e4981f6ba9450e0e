"""The command line against a real gateway, with the pipeline's own stages working behind it."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn

from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.app.pipeline.batch_vectors import LocalVectors
from ingest.app.pipeline.chunk import BatchLimits, ChunkStage, SpaceStores
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.pipeline.parse import ParseStage
from ingest.app.providers.unpaid import UnpaidParser
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.cli import main
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane
from ingest.settings import Auth, Settings
from ingest.wiring import sources
from ingest.wiring.chunking import make_chunk_store, make_splitter
from ingest.wiring.parsing import make_local_parser
from ingest.wiring.pipeline import retry_policy
from ingest.wiring.storage import open_blobs, open_database
from serve.app import create_api
from tests.integration.gateway import a_database, a_settings

LEASE = timedelta(minutes=1)
Scope = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def ingest(*arguments: object, **variables: str) -> Outcome:
    """Run a command in this process, with no settings but these variables."""
    out, err = io.StringIO(), io.StringIO()
    with (
        environment(**variables),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("INGEST_")]:
        del os.environ[name]
    os.environ.update(variables, COLUMNS="80")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def hear_ctrl_c() -> None:
    """For a child that gets SIGINT: a script's background jobs, and their children, ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def clean_environment(**variables: str) -> dict[str, str]:
    """For a process of its own."""
    with environment(**variables):
        return dict(os.environ)


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway with a worker behind it."""

    url: str
    settings: Settings

    def tenant(self) -> dict[str, str]:
        """The variables of a new tenant's commands."""

        async def make() -> str:
            database = open_database(self.settings)
            try:
                return (await KeyStore(database).create(uuid4(), "test"))[1]
            finally:
                await database.close()

        return {"INGEST_URL": self.url, "INGEST_API_KEY": asyncio.run(make())}


@contextlib.contextmanager
def running(server_url: str, template: str, folder: Path) -> Iterator[Running]:
    """A gateway that wants keys, and a worker, on a database of their own."""
    with a_database(server_url, template) as url:
        settings = a_settings(url, folder, auth=Auth.KEYS)
        with gateway(settings) as address, worker(settings):
            yield Running(address, settings)


UPLOAD_PATHS = ("/v1/documents", "/v1/documents:batch")


class Faults:
    """Stands before the gateway and answers uploads in its place, as long as it has something."""

    def __init__(
        self, *answers: int | threading.Event, paths: Sequence[str] = UPLOAD_PATHS
    ) -> None:
        """A status is answered with ``Retry-After: 0``; an event is waited for, without answer."""
        self._answers = list(answers)
        self._paths = paths
        self.seen = 0
        self.passed = threading.Semaphore(0)
        """Released for each upload that the gateway answered itself."""

    def wrap(self, api: Application) -> Application:
        async def application(scope: Scope, receive: Any, send: Any) -> None:
            is_upload = scope["type"] == "http" and scope["method"] == "POST"
            if not is_upload or scope["path"] not in self._paths:
                await api(scope, receive, send)
                return
            self.seen += 1
            if not self._answers:
                await api(scope, receive, send)
                self.passed.release()
            elif isinstance(answer := self._answers.pop(0), threading.Event):
                answer.set()
                while (await receive())["type"] != "http.disconnect":
                    pass
            else:
                headers = [(b"retry-after", b"0"), (b"content-type", b"text/plain")]
                await send({"type": "http.response.start", "status": answer, "headers": headers})
                await send({"type": "http.response.body", "body": b"no"})

        return application


@contextlib.contextmanager
def gateway(settings: Settings, *faults: Faults) -> Iterator[str]:
    """A gateway on a free port, in a thread; its URL."""
    api: Application = create_api(settings)
    for one in faults:
        api = one.wrap(api)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            api,
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextlib.contextmanager
def worker(settings: Settings) -> Iterator[None]:
    """Brings jobs to their end with the pipeline's stages, in a thread, without Ray."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_work(settings, stop, ready)), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


async def _work(settings: Settings, stop: threading.Event, ready: threading.Event) -> None:
    database, blobs = open_database(settings), open_blobs(settings)
    jobs, workers, worker_id = JobStore(database), WorkerStore(database), uuid4()
    chunks = make_chunk_store(settings, database)
    failed_attempts = FailedAttempts(jobs, retry_policy(settings))
    parser, embedder = make_local_parser(settings), WordllamaEmbedder()
    texts, splitter = DocumentStore(database), make_splitter(settings)
    parse = ParseStage(
        UnpaidParser(parser),
        blobs,
        fetcher=sources.make_fetcher(settings, database),
        texts=texts,
        failed_attempts=failed_attempts,
        lease=LEASE,
    )
    limits = BatchLimits(items=2048, tokens=300_000, ways=1)
    cut = ChunkStage(
        splitter,
        blobs,
        SpaceStores(chunks, chunks),
        failed_attempts=failed_attempts,
        lease=LEASE,
        limits=limits,
    )
    embed = EmbedStage(LocalVectors(embedder), chunks, failed_attempts=failed_attempts, lease=LEASE)
    await workers.register(worker_id, Lane.INTERACTIVE, host="test", pid=os.getpid(), version="0")
    ready.set()
    try:
        while not stop.is_set():
            await workers.beat(worker_id)
            wave = await jobs.claim(
                Lane.INTERACTIVE, after=ALL_TENANTS, limit=16, worker_id=worker_id, lease=LEASE
            )
            async for group in parse.run(wave):
                for batch in (await cut.run(group)).batches:
                    await embed.run(batch)
            if not wave:
                await asyncio.sleep(0.02)
    finally:
        await workers.stop(worker_id)
        await parser.close()
        await embedder.close()
        await database.close()
