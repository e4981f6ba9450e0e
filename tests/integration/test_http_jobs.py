"""Jobs over HTTP: what they wait for, the two buttons, and their live history."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.domain.attempt import Settlement
from ingest.domain.errors import ProviderUnavailable
from ingest.domain.job import JobState, Lane
from tests.integration.gateway import Running, bury, claim, publish, upload

WORDS = "The ferry leaves at seven."


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def look(gateway: Running, uploaded: dict[str, str]) -> dict[str, object]:
    response = await gateway.client.get(uploaded["status_url"])
    assert response.status_code == 200, response.text
    body: dict[str, object] = response.json()
    return body


async def test_a_queued_job_says_how_many_come_first(gateway: Running) -> None:
    await WorkerStore(gateway.database).register(
        uuid4(), Lane.INTERACTIVE, host="h", pid=1, version="1"
    )
    await upload(gateway, b"First in line.")
    second = await upload(gateway, b"Second in line.")

    waiting_for = (await look(gateway, second))["waiting_for"]

    assert isinstance(waiting_for, dict)
    assert (waiting_for["reason"], waiting_for["jobs_ahead"]) == ("queue", 1)
    assert (waiting_for["until"], waiting_for["worker_id"]) == (None, None)


async def test_a_queued_job_that_nobody_works_on_says_so(gateway: Running) -> None:
    uploaded = await upload(gateway)
    async with gateway.database.connection() as connection:
        await connection.execute(
            "UPDATE upload_pipeline.upload_jobs SET lane = 'backfill' WHERE job_id = $1",
            UUID(uploaded["job_id"]),
        )

    waiting_for = (await look(gateway, uploaded))["waiting_for"]

    assert isinstance(waiting_for, dict)
    assert (waiting_for["reason"], waiting_for["jobs_ahead"]) == ("no_worker", 0)
    assert waiting_for["eta_seconds"] is None


async def test_a_working_job_names_its_worker_and_its_progress(gateway: Running) -> None:
    uploaded = await upload(gateway)
    worker_id = uuid4()
    await claim(gateway, worker_id=worker_id)

    job = await look(gateway, uploaded)

    assert job["state"] == "working"
    assert job["progress"] == {"chunks_stored": 0, "chunks_total": None}
    waiting_for = job["waiting_for"]
    assert isinstance(waiting_for, dict)
    assert (waiting_for["reason"], waiting_for["worker_id"]) == ("worker", str(worker_id))
    assert waiting_for["until"] is not None


async def test_a_failed_attempt_says_when_it_is_tried_again_and_what_went_wrong(
    gateway: Running,
) -> None:
    uploaded = await upload(gateway)
    claimed = await claim(gateway)
    failure = Settlement(
        JobState.RETRYABLE,
        ProviderUnavailable("the parser is away"),
        delay=timedelta(minutes=5),
        costs_attempt=True,
    )
    await JobStore(gateway.database).settle(claimed.lease, failure)

    job = await look(gateway, uploaded)

    assert (job["state"], job["attempt"]) == ("retryable", 2)
    waiting_for, last_error = job["waiting_for"], job["last_error"]
    assert isinstance(waiting_for, dict)
    assert (waiting_for["reason"], waiting_for["until"] is None) == ("retry", False)
    assert last_error == {
        "code": "provider_unavailable",
        "message": "the parser is away",
        "stage": "queued",
    }


async def test_a_finished_job_waits_for_nothing(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, WORDS)

    job = await look(gateway, uploaded)

    assert (job["stage"], job["state"], job["waiting_for"]) == ("embedded", "done", None)
    assert job["progress"] == {"chunks_stored": 1, "chunks_total": 1}
    assert job["finished_at"] is not None


async def test_many_jobs_are_looked_up_at_once_without_unknown_ones(gateway: Running) -> None:
    ids = [(await upload(gateway, b"Text %d." % n))["job_id"] for n in range(3)]

    response = await gateway.client.post(
        "/v1/jobs:batchGet", json={"job_ids": [*ids, str(uuid4())]}
    )

    assert {job["job_id"] for job in response.json()["jobs"]} == set(ids)


async def test_jobs_are_listed_newest_first_page_by_page(gateway: Running) -> None:
    ids = [(await upload(gateway, b"Text %d." % n))["job_id"] for n in range(5)]
    await publish(gateway, WORDS)

    pages, cursor = [], None
    while True:
        params = {"limit": "2", "state": "queued"} | ({"cursor": cursor} if cursor else {})
        body = (await gateway.client.get("/v1/jobs", params=params)).json()
        pages.append([job["job_id"] for job in body["jobs"]])
        cursor = body["next_cursor"]
        if cursor is None:
            break

    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]]]


async def test_cancelling_stops_a_job_and_again_changes_nothing(gateway: Running) -> None:
    uploaded = await upload(gateway)

    first = await gateway.client.post(f"{uploaded['status_url']}:cancel")
    second = await gateway.client.post(f"{uploaded['status_url']}:cancel")

    assert first.status_code == second.status_code == 200
    assert first.json()["state"] == "cancelled"
    assert first.json() == second.json()


async def test_a_finished_job_cannot_be_cancelled_or_retried(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, WORDS)

    answers = [
        await gateway.client.post(f"{uploaded['status_url']}:{verb}")
        for verb in ("cancel", "retry")
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "conflict")] * 2


async def test_a_buried_job_goes_round_again(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await bury(gateway)
    buried = await look(gateway, uploaded)

    response = await gateway.client.post(f"{uploaded['status_url']}:retry")

    assert (buried["state"], buried["attempt"]) == ("deadletter", 1)
    assert (response.status_code, response.json()["state"]) == (200, "queued")


async def test_a_buried_job_whose_place_is_taken_cannot_be_retried(gateway: Running) -> None:
    buried = await upload(gateway)
    await bury(gateway)
    again = await upload(gateway)

    response = await gateway.client.post(f"{buried['status_url']}:retry")

    assert again["job_id"] != buried["job_id"]
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
