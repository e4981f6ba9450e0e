"""Webhooks: a true one makes its parse due, once; every other one changes nothing."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.domain.errors import DocumentEmpty
from ingest.domain.pricing import CallState, Charge
from ingest.domain.remote_parse import ParseJob, ParseWish, SourceExtent
from tests import builders
from tests.integration.gateway import PROBLEM, Running, shared_gateway, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "whsec-of-the-test"  # noqa: S105
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("gateway")
    changes = {"llamaparse_webhook_secret": SECRET}
    async with shared_gateway(server_url, template_database, folder, **changes) as started:
        yield started


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parse that waits for news."""

    gateway: Running
    job: ParseJob
    token: str
    name: str

    @property
    def path(self) -> str:
        return f"/v1/webhooks/llamaparse/{self.token}"

    async def send(
        self,
        content: Any = None,
        *,
        body: bytes | None = None,
        signature: str | None = None,
    ) -> httpx.Response:
        if body is None:
            body = json.dumps(event(self.name) if content is None else content).encode()
        headers = {"LC-Signature": signed(body) if signature is None else signature}
        return await self.gateway.client.post(self.path, content=body, headers=headers)

    async def row(self) -> dict[str, Any]:
        query = f"""SELECT *, poll_after <= now() AS due FROM upload_pipeline.parse_jobs
            WHERE parse_job_id = '{self.job.parse_job_id}'"""
        [row] = await builders.fetch(self.gateway.database, query)
        return dict(row)

    async def verdicts(self) -> list[str]:
        query = f"""SELECT verdict FROM upload_pipeline.webhook_log
            WHERE parse_job_id = '{self.job.parse_job_id}' ORDER BY received_at"""
        return [row["verdict"] for row in await builders.fetch(self.gateway.database, query)]


def event(name: str, kind: str = "parse.success") -> dict[str, Any]:
    data = {"id": name, "job_id": name}
    return {"event_id": str(uuid4()), "event_type": kind, "timestamp": time.time(), "data": data}


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def begin(gateway: Running) -> tuple[ParseStore, ParseJob, str]:
    store, token = ParseStore(gateway.database), secrets.token_urlsafe(24)
    request = ParseWish(gateway.tenant, uuid4().hex, "llamaparse/x", SourceExtent(None, 0, 1))
    job, mine = await store.begin(request, token=token, deadline=HOUR, submission=HOUR)
    assert mine
    return store, job, token


@pytest_asyncio.fixture(loop_scope="module")
async def waiting(gateway: Running) -> Waiting:
    store, job, token = await begin(gateway)
    name = f"pjb-{uuid4().hex}"
    await store.submitted(job.parse_job_id, uuid4(), "fp", name, poll=HOUR, grace=HOUR)
    return Waiting(gateway, job, token, name)


async def test_a_true_delivery_makes_the_parse_due(waiting: Waiting) -> None:
    before = await waiting.row()
    response = await waiting.send()

    assert (response.status_code, response.content) == (204, b"")
    assert (before["due"], (await waiting.row())["due"]) == (False, True)
    assert await waiting.verdicts() == ["accepted"]


async def test_a_body_that_is_a_string_of_json_is_read_too(waiting: Waiting) -> None:
    response = await waiting.send(json.dumps(event(waiting.name)))

    assert response.status_code == 204
    assert await waiting.verdicts() == ["accepted"]


async def test_a_delivery_that_is_repeated_counts_once(waiting: Waiting) -> None:
    content = event(waiting.name)
    replayed = [await waiting.send(content) for _ in range(2)]
    again = await waiting.send(event(waiting.name))  # another event id for the same event

    assert {response.status_code for response in [*replayed, again]} == {204}
    assert await waiting.verdicts() == ["accepted", "duplicate", "duplicate"]


async def test_a_delivery_may_come_before_the_parse_is_known_to_be_handed_over(
    gateway: Running,
) -> None:
    store, job, token = await begin(gateway)
    waiting = Waiting(gateway, job, token, "pjb-early")
    response = await waiting.send()
    await store.submitted(job.parse_job_id, uuid4(), "fp", "pjb-early", poll=HOUR, grace=HOUR)

    assert response.status_code == 204
    assert (await waiting.row())["due"]


async def test_a_late_delivery_changes_nothing(waiting: Waiting) -> None:
    store = ParseStore(waiting.gateway.database)
    await store.fail(waiting.job, DocumentEmpty(), CallState.RELEASED, Charge())
    before = await waiting.row()
    responses = [await waiting.send() for _ in range(2)]

    assert {response.status_code for response in responses} == {204}
    assert await waiting.row() == before
    assert await waiting.verdicts() == ["late", "late"]


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha512=é", "none"])
async def test_a_forged_delivery_changes_nothing(waiting: Waiting, signature: str) -> None:
    before = await waiting.row()
    body = json.dumps(event(waiting.name)).encode()
    response = await waiting.gateway.client.post(
        waiting.path, content=body, headers={b"LC-Signature": signature.encode("latin-1")}
    )

    assert (response.status_code, response.headers["content-type"]) == (401, PROBLEM)
    assert await waiting.row() == before
    assert await waiting.verdicts() == ["forged"]


async def test_a_signature_of_another_body_or_another_secret_is_forged(waiting: Waiting) -> None:
    body = json.dumps(event(waiting.name)).encode()
    other = await waiting.send(body=body, signature=signed(body + b" "))
    wrong = await waiting.send(body=body, signature=signed(body, "another"))

    assert {other.status_code, wrong.status_code} == {401}
    assert await waiting.verdicts() == ["forged", "forged"]


async def test_an_event_about_another_parse_is_forged(waiting: Waiting) -> None:
    response = await waiting.send(event("pjb-of-somebody-else"))

    assert response.status_code == 401
    assert not (await waiting.row())["due"]
    assert await waiting.verdicts() == ["forged"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"7", b'"x"', b'{"event_type": 1, "data": {"id": "x"}}',
     b'{"event_type": "parse.success"}', b'{"event_type": "parse.success", "data": []}',
     b"\xff\xfe", b'"' + b"[" * 50_000 + b'"'],
)  # fmt: skip
async def test_a_body_that_is_no_event_is_refused(waiting: Waiting, body: bytes) -> None:
    response = await waiting.send(body=body)

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert not (await waiting.row())["due"]
    assert await waiting.verdicts() == ["malformed"]


async def test_an_address_that_nobody_was_given_leaves_no_trace(gateway: Running) -> None:
    count = "SELECT count(*) FROM upload_pipeline.webhook_log"
    before = await builders.fetch(gateway.database, count)
    response = await gateway.client.post(
        "/v1/webhooks/llamaparse/guess", content=json.dumps(event("pjb-x")).encode()
    )

    assert response.status_code == 404
    assert await builders.fetch(gateway.database, count) == before


async def test_a_delivery_for_a_document_that_was_deleted_leaves_no_trace(
    gateway: Running,
) -> None:
    content = b"The pilot boards at the outer buoy."
    uploaded = await upload(gateway, content)
    digest = hashlib.sha256(content).hexdigest()
    store, token = ParseStore(gateway.database), secrets.token_urlsafe(24)
    request = ParseWish(gateway.tenant, digest, "llamaparse/x", SourceExtent(None, 0, 1))
    job, _ = await store.begin(request, token=token, deadline=HOUR, submission=HOUR)
    await store.submitted(job.parse_job_id, uuid4(), "fp", f"pjb-{token}", poll=HOUR, grace=HOUR)
    waiting = Waiting(gateway, job, token, f"pjb-{token}")
    assert (await waiting.send()).status_code == 204

    deleted = await gateway.client.delete(uploaded["document_url"])
    before = await waiting.verdicts()
    late = await waiting.send(event(waiting.name, "parse.success"))

    assert (deleted.status_code, late.status_code) == (204, 404)
    assert await waiting.verdicts() == before == ["accepted"]
    assert (gateway.count(), gateway.blob_files()) == ((0, 0), [])


async def test_a_body_without_end_is_cut_off(waiting: Waiting) -> None:
    response = await waiting.send(body=b" " * (100 * 1024 * 1024))

    assert response.status_code == 413
    assert not (await waiting.row())["due"]
