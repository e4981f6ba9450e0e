"""The whole life of a document through pgbouncer in transaction mode."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import builders
import pytest
from builders import MODEL, numbered_chunks, some_vectors

from benchmarks.running_system import free_port
from ingest.adapters.postgres.doorbell import Doorbell
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search_store import SearchStore
from ingest.domain.job import JobState, Lane
from ingest.domain.stage import Stage

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
pytestmark = pytest.mark.skipif(
    not os.access(PROGRAM, os.X_OK), reason="pgbouncer is not installed"
)
CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    parts = urlsplit(database_url)
    query = parse_qs(parts.query)
    server = query.get("host", [parts.hostname])[0]
    listen = free_port()
    with tempfile.TemporaryDirectory(prefix="ingest-pooler-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(
            CONFIGURATION.format(
                name=parts.path.strip("/"),
                host=server,
                port=parts.port or 5432,
                user=parts.username,
                listen=listen,
                folder=folder,
            )
        )
        account = {}
        if os.geteuid() == 0:  # pgbouncer refuses to run as root, and must reach the socket
            owner = os.stat(server)
            account = {"user": owner.st_uid, "group": owner.st_gid}
            for path in (folder, file):
                os.chown(path, owner.st_uid, owner.st_gid)
        process = subprocess.Popen([PROGRAM, "-q", str(file)], **account)
        try:
            _wait_for(listen, process)
            yield f"postgresql://{parts.username}@127.0.0.1:{listen}{parts.path}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("pgbouncer did not start")


@pytest.fixture
async def pooled(pooled_url: str) -> AsyncIterator[Database]:
    database = Database(pooled_url, pool_size=8, pooler=True)
    yield database
    await database.close()


async def test_documents_are_accepted_claimed_stored_published_and_found(
    pooled: Database,
) -> None:
    tenant = builders.a_tenant()
    accepted = await asyncio.gather(
        *(builders.accept(pooled, builders.an_arrival(tenant)) for _ in range(12))
    )
    jobs = await builders.claim(pooled, limit=64)
    assert {job.lease.job_id for job in jobs} == {entry.job_id for entry in accepted}

    await asyncio.gather(
        *(
            builders.publish(
                pooled,
                job,
                numbered_chunks(job, 40),
                vectors=some_vectors(40, MODEL, seed=seed),
            )
            for seed, job in enumerate(jobs)
        )
    )

    for job in jobs:
        assert await builders.state_of(pooled, job.lease.job_id) == (Stage.EMBEDDED, JobState.DONE)
    query = some_vectors(40, MODEL, seed=3)[7]
    search = SearchStore(pooled, MODEL)
    hits = await search.search(query, tenant, limit=5)
    assert (hits[0].document_id, hits[0].chunk_ord) == (jobs[3].document_id, 7)
    assert await search.search(query, tenant, limit=5, words="passage") != []


async def test_a_repeated_batch_and_a_lost_lease_are_handled_as_without_a_pooler(
    pooled: Database,
) -> None:
    job = await builders.a_claimed_job(pooled)
    chunks = numbered_chunks(job, 10)
    await builders.plan(pooled, job, chunks)
    await builders.store(pooled, job, chunks[:6])
    await builders.store(pooled, job, chunks[:6])
    await builders.lose_lease(pooled, job)

    stored = await builders.store(pooled, job, chunks)

    assert stored.published == frozenset()
    [row] = await builders.fetch(pooled, "SELECT count(*) FROM upload_pipeline.document_chunks")
    assert row["count"] == 6


async def test_a_stream_looks_for_jobs_where_nobody_can_ring(pooled: Database) -> None:
    bell = Doorbell(pooled, Lane.INTERACTIVE)

    async with asyncio.timeout(5):
        await bell.wait(timedelta(seconds=60))
