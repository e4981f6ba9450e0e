"""A job's history over HTTP, as it was and as it happens."""

import asyncio

import pytest

from tests.integration.gateway import Running, events_of, publish, upload

WORDS = "The ferry leaves at seven."
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_event_stream_replays_the_history_and_ends(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, WORDS)

    response = await gateway.client.get(uploaded["events_url"])

    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [data["state"] for _, data in events][:2] == ["queued", "working"]
    assert (events[-1][1]["stage"], events[-1][1]["state"]) == ("embedded", "done")
    assert [event_id for event_id, _ in events] == sorted({data["event_id"] for _, data in events})


async def test_the_event_stream_goes_on_behind_the_last_event_seen(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, WORDS)
    whole = events_of((await gateway.client.get(uploaded["events_url"])).text)

    rest = await gateway.client.get(
        uploaded["events_url"], headers={"Last-Event-ID": str(whole[2][0])}
    )
    none_left = await gateway.client.get(
        uploaded["events_url"], headers={"Last-Event-ID": str(whole[-1][0])}
    )

    assert events_of(rest.text) == whole[3:]
    assert (none_left.status_code, none_left.content) == (204, b"")


async def test_the_event_stream_is_live(gateway: Running) -> None:
    uploaded = await upload(gateway)
    queued, seen = asyncio.Event(), []

    async def follow() -> None:
        async with gateway.client.stream("GET", uploaded["events_url"]) as response:
            async for line in response.aiter_lines():
                seen.append(line)
                queued.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(follow())
        await queued.wait()
        assert events_of("\n".join(seen) + "\n\n") == events_of("\n".join(seen[:2]) + "\n\n")
        await publish(gateway, WORDS)

    states = [data["state"] for _, data in events_of("\n".join(seen) + "\n")]
    assert (states[0], states[-1]) == ("queued", "done")


async def test_the_event_stream_of_a_deleted_document_ends(gateway: Running) -> None:
    uploaded = await upload(gateway)
    begun = asyncio.Event()

    async def follow() -> str:
        text = ""
        async with gateway.client.stream("GET", uploaded["events_url"]) as response:
            async for part in response.aiter_text():
                text += part
                begun.set()
        return text

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        await begun.wait()
        await gateway.client.delete(uploaded["document_url"])

    assert events_of(following.result())[-1][1]["state"] == "cancelled"


async def test_a_quiet_event_stream_says_that_it_is_there(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.routes.events.HEARTBEAT_SECONDS", 0.05)
    uploaded = await upload(gateway)

    async with asyncio.timeout(10):
        async with gateway.client.stream("GET", uploaded["events_url"]) as response:
            lines = response.aiter_lines()
            comment = ""
            while not comment.startswith(":"):
                comment = await anext(lines)

    assert comment == ": still here"


async def test_an_event_stream_from_an_id_of_the_future_ends_with_its_job(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.routes.events.HEARTBEAT_SECONDS", 0.05)
    uploaded = await upload(gateway)
    begun = asyncio.Event()

    async def follow() -> list[str]:
        lines = []
        async with gateway.client.stream(
            "GET", uploaded["events_url"], headers={"Last-Event-ID": "999999999"}
        ) as response:
            async for line in response.aiter_lines():
                lines.append(line)
                begun.set()
        return lines

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        await begun.wait()
        await publish(gateway, WORDS)

    assert not any(line.startswith("id:") for line in following.result())


@pytest.mark.parametrize("event_id", ["-1", "x", str(2**63), "9" * 5000, "²"])
async def test_an_event_id_that_never_was_is_refused(gateway: Running, event_id: str) -> None:
    document = await upload(gateway)

    response = await gateway.client.get(
        document["events_url"], headers=[(b"Last-Event-ID", event_id.encode())]
    )

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
