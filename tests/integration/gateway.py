"""A real gateway over real HTTP, and the shortest way to a published document."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import structlog
import uvicorn
from fastapi import FastAPI

from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain import identity
from ingest.domain.attempt import DocumentChunks, ParsedRecord, Settlement, Target
from ingest.domain.chunk import Chunk
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.job import ClaimedJob, JobState, Lane
from ingest.domain.parse_warning import ParseWarning
from ingest.domain.scopes import DEFAULT_SCOPES, Scope
from ingest.settings import Auth, Settings
from ingest.wiring import storage
from ingest.wiring.storage import blob_url
from serve.app import create_api
from tests import builders
from tests.conftest import on_database

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger("error"),
)
LEASE = timedelta(minutes=5)
PROBLEM = "application/problem+json"
EMBEDDER = WordllamaEmbedder()


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that answers, as one tenant meets it."""

    settings: Settings
    api: FastAPI
    port: int
    database: Database
    """Of the test's own, beside the gateway's."""
    client: httpx.AsyncClient
    tenant: UUID

    @contextlib.asynccontextmanager
    async def as_tenant(
        self, *, scopes: Collection[Scope] = DEFAULT_SCOPES
    ) -> AsyncIterator["Running"]:
        """The same gateway, as a new tenant with a key meets it."""
        tenant = uuid4()
        _, key = await KeyStore(self.database).create(tenant, "test", scopes=scopes)
        async with _client(self.port, {"Authorization": f"Bearer {key}"}) as client:
            yield replace(self, client=client, tenant=tenant)

    @property
    def blob_folder(self) -> Path:
        """Where the tenant's blobs are."""
        root = Path(blob_url(self.settings).removeprefix("file://"))
        return root / "tenants" / str(self.tenant)

    def blob_files(self) -> list[str]:
        """Every file of the tenant in the blob folder, half-written ones too."""
        folder = self.blob_folder
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

    def count(self) -> tuple[int, int]:
        """The tenant's documents and jobs, seen from outside."""
        query = b"""
            SELECT (SELECT count(*) FROM upload_pipeline.documents WHERE tenant_id = %(tenant)s),
                (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE tenant_id = %(tenant)s)
        """
        with psycopg.connect(storage.database_url(self.settings)) as connection:
            row = connection.execute(query, {"tenant": self.tenant}).fetchone()
        assert row is not None
        return row[0], row[1]

    @contextlib.asynccontextmanager
    async def connect(
        self, head: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A bare connection on which the head of a request was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [*head.split("\n"), "Host: gateway", "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        try:
            yield reader, writer
        finally:
            writer.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def a_settings(database_url: str, folder: Path, **changes: Any) -> Settings:
    blobs = folder / "blobs"
    blobs.mkdir(exist_ok=True)
    chosen: dict[str, Any] = {
        "database_url": database_url,
        "blob_url": blobs.as_uri(),
        "state_dir": folder,
    }
    return Settings(**chosen | changes)


@contextlib.contextmanager
def a_database(server_url: str, template: str) -> Iterator[str]:
    """URL of a migrated, empty database for several tests."""
    name = f"gateway_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield on_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """A gateway on a free loopback port, until the end of the block."""
    api = create_api(settings)
    # With its protocol named, asyncio turns Nagle's delay off for the connections it accepts.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    server = _Server(
        uvicorn.Config(api, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    started = asyncio.create_task(server.ready.wait())
    await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
    assert server.ready.is_set()
    database = Database(storage.database_url(settings))
    try:
        async with _client(port, {}) as client:
            yield Running(settings, api, port, database, client, identity.LOCAL_TENANT)
    finally:
        server.ended.set()
        await serving
        listener.close()
        await database.close()


@contextlib.asynccontextmanager
async def shared_gateway(
    server_url: str, template: str, folder: Path, **changes: Any
) -> AsyncIterator[Running]:
    """A gateway that wants keys, for tests that are tenants of their own."""
    with a_database(server_url, template) as url:
        async with running(a_settings(url, folder, auth=Auth.KEYS, **changes)) as started:
            yield started


def _client(port: int, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30
    )


async def upload(
    gateway: Running,
    content: bytes = b"The ferry leaves at seven.",
    *,
    filename: str = "note.txt",
    headers: dict[str, str] | None = None,
    **query: str,
) -> dict[str, Any]:
    """Upload a document; it must be taken."""
    response = await gateway.client.post(
        "/v1/documents", params={"filename": filename} | query, headers=headers, content=content
    )
    assert response.status_code in (200, 202), response.text
    body: dict[str, Any] = response.json()
    return body


async def claim(gateway: Running, *, worker_id: UUID | None = None) -> ClaimedJob:
    """Lease the tenant's next job of the interactive lane."""
    [job] = await JobStore(gateway.database).claim(
        Lane.INTERACTIVE,
        after=UUID(int=gateway.tenant.int - 1),
        limit=1,
        worker_id=worker_id or uuid4(),
        lease=LEASE,
    )
    assert job.tenant_id == gateway.tenant
    return job


async def publish(gateway: Running, *texts: str, warnings: tuple[ParseWarning, ...] = ()) -> None:
    """Bring the tenant's next job to its end with these chunks, by the stores the stages use."""
    job = await claim(gateway)
    target = Target.of(job)
    record = ParsedRecord(
        target,
        parsed_key="parsed",
        parsed_sha256="0" * 64,
        parser="test/1",
        page_count=1,
        char_count=len("".join(texts)),
        warnings=warnings,
    )
    await DocumentStore(gateway.database).record_parsed(
        [record], lease=LEASE, text_is_there=builders.there
    )
    document = DocumentChunks(target, tuple(_chunks(target, texts)))
    store = ChunkStore(gateway.database, EMBEDDER.model, chunker="test/1")
    [missing], _ = await store.plan([document], lease=LEASE)
    vectors = await EMBEDDER.embed([chunk.text for chunk in missing.chunks])
    stored = await store.store([missing], vectors, lease=LEASE)
    assert stored.published == {job.lease.job_id}


async def bury(gateway: Running) -> None:
    """Bring the tenant's next job to the dead letter."""
    job = await claim(gateway)
    settlement = Settlement(
        JobState.DEADLETTER, DocumentUnreadable("the file is torn"), costs_attempt=True
    )
    assert await JobStore(gateway.database).settle(job.lease, settlement)


def _chunks(target: Target, texts: Sequence[str]) -> Iterator[Chunk]:
    start = 0
    for chunk_ord, text in enumerate(texts):
        digest = sha256(text.encode()).digest()
        yield Chunk(
            chunk_id=identity.chunk_id(target.document_id, "test/1", chunk_ord, digest),
            chunk_ord=chunk_ord,
            char_start=start,
            char_end=start + len(text),
            page=1,
            heading_path=("Overview",),
            token_count=len(text.split()),
            text=text,
            text_sha256=digest,
            filename="a.txt",
        )
        start += len(text)


def events_of(stream: str) -> list[tuple[int, dict[str, Any]]]:
    """Ids and data of the events in event-stream text."""
    blocks = [block for block in stream.split("\n\n") if block.startswith("id: ")]
    parsed = []
    for block in blocks:
        name, data = block.split("\n")
        parsed.append((int(name.removeprefix("id: ")), json.loads(data.removeprefix("data: "))))
    return parsed
