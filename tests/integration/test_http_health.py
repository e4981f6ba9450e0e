"""What machines ask the gateway: alive, ready, measured, described."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.job import Lane
from tests.conftest import on_database
from tests.integration.gateway import (
    PROBLEM,
    Running,
    a_database,
    a_settings,
    publish,
    running,
    upload,
)


@pytest.fixture
async def gateway(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(a_settings(database_url, tmp_path)) as started:
        yield started


@pytest.fixture
def dead_url() -> str:
    """A database that is not there, with a password in its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"postgresql://ingest:hunter2@127.0.0.1:{port}/ingest"


async def numbers(gateway: Running) -> dict[str, float]:
    response = await gateway.client.get("/metrics")
    assert response.status_code == 200
    return {
        sample.name
        + ",".join(
            f" {k}={v}" for k, v in sorted(sample.labels.items()) if k != "replica"
        ): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_a_system_with_everything_is_ready_and_says_what_it_uses(gateway: Running) -> None:
    worker_id = uuid4()
    await WorkerStore(gateway.database).register(
        worker_id, Lane.INTERACTIVE, host="h", pid=1, version="1"
    )

    response = await gateway.client.get("/readyz")

    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["status"], body["problems"]) == ("ready", [])
    assert (body["parser"], body["blobs"], body["auth"]) == ("local/2", "file", "off")
    assert body["embedder"].startswith("wordllama")
    assert body["schema"] == migrate.head()
    assert body["workers"] == [
        {"worker_id": str(worker_id), "lane": "interactive", "alive": True, "draining": False}
    ]


async def test_without_a_stream_the_system_is_not_ready(gateway: Running) -> None:
    response = await gateway.client.get("/readyz")

    assert response.status_code == 503
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["problems"] == ["no stream of lane 'interactive' is working"]


async def test_a_model_that_cannot_be_loaded_is_a_problem_until_it_can(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "models").touch()
    settings = a_settings(
        database_url, tmp_path, local_model="minilm", model_cache_dir=tmp_path / "models"
    )
    async with running(settings) as gateway:
        async with asyncio.timeout(30):
            while not (before := await unloaded(gateway)):  # noqa: ASYNC110 - of the gateway
                await asyncio.sleep(0.05)
        (tmp_path / "models").unlink()
        after = await unloaded(gateway)

    assert before[0].startswith("INGEST_MODEL_CACHE_DIR")
    assert after == []


async def unloaded(gateway: Running) -> list[str]:
    problems: list[str] = (await gateway.client.get("/readyz")).json()["problems"]
    return [problem for problem in problems if "stream" not in problem]


async def test_workers_on_another_database_are_not_taken_for_ours(
    gateway: Running, server_url: str, template_database: str
) -> None:
    with a_database(server_url, template_database) as elsewhere:
        other = Database(elsewhere)
        workers = WorkerStore(other)
        await workers.register(uuid4(), Lane.INTERACTIVE, host="h", pid=1, version="1")
        theirs = await workers.database_name()
        await other.close()

        body = (await gateway.client.get("/readyz")).json()

    ours = await WorkerStore(gateway.database).database_name()
    assert body["problems"] == ["no stream of lane 'interactive' is working"]
    assert body["database"] == ours != theirs


async def test_a_stream_that_fell_silent_or_drains_does_not_count(gateway: Running) -> None:
    silent, draining = uuid4(), uuid4()
    store = WorkerStore(gateway.database)
    await store.register(silent, Lane.INTERACTIVE, host="h", pid=1, version="1")
    await store.register(draining, Lane.BACKFILL, host="h", pid=1, version="1")
    await store.drain(draining)
    async with gateway.database.connection() as connection:
        await connection.execute(
            "UPDATE upload_pipeline.workers SET heartbeat_at = now() - interval '1 minute'"
            " WHERE worker_id = $1",
            silent,
        )

    body = (await gateway.client.get("/readyz")).json()

    assert sorted(body["problems"]) == [
        "no stream of lane 'backfill' is working",
        "no stream of lane 'interactive' is working",
    ]


async def test_a_database_of_another_schema_is_not_ready(gateway: Running) -> None:
    async with gateway.database.connection() as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")

    [problem] = (await gateway.client.get("/readyz")).json()["problems"]

    assert problem == f"the database is at schema 0001, this code needs {migrate.head()}"


async def test_an_empty_database_is_not_ready_and_asks_for_patience(
    server_url: str, tmp_path: Path
) -> None:
    name = f"empty_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    async with running(a_settings(on_database(server_url, name), tmp_path)) as empty:
        ready = await empty.client.get("/readyz")
        listed = await empty.client.get("/v1/documents")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    assert ready.status_code == 503
    assert ready.json()["problems"] == ["the database has no extension 'vector': migrate it first"]
    assert (listed.status_code, listed.json()["code"]) == (503, "store_unavailable")


async def test_a_blob_storage_that_does_not_answer_is_named(
    database_url: str, tmp_path: Path
) -> None:
    settings = a_settings(
        database_url, tmp_path, blob_url="s3://nowhere/x", blob_endpoint="http://127.0.0.1:9"
    )
    async with running(settings) as gateway:
        response = await gateway.client.get("/readyz")

    assert response.status_code == 503
    assert any("storage" in problem for problem in response.json()["problems"])


async def test_without_a_database_the_process_lives_is_not_ready_and_tells_no_secret(
    dead_url: str, tmp_path: Path
) -> None:
    async with running(a_settings(dead_url, tmp_path)) as gateway:
        alive = await gateway.client.get("/healthz")
        ready = await gateway.client.get("/readyz")
        measured = await numbers(gateway)

    assert (alive.status_code, alive.json()["status"]) == (200, "ok")
    assert ready.status_code == 503
    assert "database" in ready.json()["detail"]
    assert "hunter2" not in ready.text
    assert "127.0.0.1" not in ready.text
    assert measured["ingest_database_up"] == 0
    assert not any(name.startswith("ingest_jobs") for name in measured)


async def test_metrics_count_jobs_documents_workers_and_requests(gateway: Running) -> None:
    await WorkerStore(gateway.database).register(
        uuid4(), Lane.BACKFILL, host="h", pid=1, version="1"
    )
    await upload(gateway, b"one")
    await publish(gateway, "The ferry leaves at seven.", "Bread is baked.")
    await upload(gateway, b"two")
    await gateway.client.get(f"/v1/jobs/{uuid4()}")
    await gateway.client.get("/wp-login.php")

    measured = await numbers(gateway)

    assert measured["ingest_jobs lane=interactive, stage=embedded, state=done"] == 1
    assert measured["ingest_jobs lane=interactive, stage=queued, state=queued"] == 1
    assert (measured["ingest_documents"], measured["ingest_chunks"]) == (1, 2)
    assert measured["ingest_oldest_due_seconds lane=interactive"] > 0
    assert measured["ingest_oldest_due_seconds lane=backfill"] == 0
    assert measured["ingest_workers lane=backfill"] == 1
    assert measured["ingest_workers lane=interactive"] == 0
    requests = "ingest_http_requests_total"
    assert measured[f"{requests} method=POST, route=/v1/documents, status=202"] == 2
    assert measured[f"{requests} method=GET, route=/v1/jobs/{{job_id}}, status=404"] == 1
    assert measured[f"{requests} method=GET, route=unmatched, status=404"] == 1
    durations = "ingest_http_request_duration_seconds_count"
    assert measured[f"{durations} method=POST, route=/v1/documents"] == 2


async def test_metrics_asked_twice_at_once_ask_the_database_once(gateway: Running) -> None:
    await upload(gateway, b"one")
    first = await numbers(gateway)
    await upload(gateway, b"two")

    second = await numbers(gateway)

    queued = "ingest_jobs lane=interactive, stage=queued, state=queued"
    assert first[queued] == second[queued] == 1


async def test_the_description_documents_every_error_as_a_problem(gateway: Running) -> None:
    described = (await gateway.client.get("/openapi.json")).json()

    schemas = described["components"]["schemas"]
    assert {"Problem", "FieldProblem", "EventBody"} <= set(schemas)
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert all(list(r["content"]) == [PROBLEM] for r in errors.values()), (method, path)
            if path.startswith("/v1/"):
                assert {"401", "503"} <= set(errors), (method, path)


async def test_an_error_nobody_foresaw_is_a_problem_with_an_incident(gateway: Running) -> None:
    @gateway.api.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("secret text")

    response = await gateway.client.get("/broken")

    assert response.status_code == 500
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["code"] == "internal_error"
    assert body["incident"] in body["detail"]
    assert "secret text" not in response.text


async def test_the_description_for_people_names_every_route_and_needs_nobody_else(
    gateway: Running,
) -> None:
    described = (await gateway.client.get("/openapi.json")).json()

    response = await gateway.client.get("/docs")

    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    for path, operations in described["paths"].items():
        assert all(f"{method.upper()} {path}" in response.text for method in operations)
    assert "<script" not in response.text
    assert "://" not in response.text
