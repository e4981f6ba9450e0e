"""The simulated Batch API keeps the vendor's contract, as the vendor's own SDK sees it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types import Batch

from benchmarks.simulator import Simulator, running_simulator

MODEL = "text-embedding-3-small"
QUEUE_TOKENS = 400


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--key", "sk-good", "--batch-seconds", "0.6", "--poison", "POISON")
    queue = ("--batch-queue-tokens", str(QUEUE_TOKENS))
    with running_simulator("openai", *options, *queue) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def sdk(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with client_of(simulator) as client:
        yield client


def client_of(simulator: Simulator) -> openai.OpenAI:
    return openai.OpenAI(
        api_key="sk-good", base_url=f"{simulator.url}/v1", max_retries=0, timeout=10
    )


def line(name: str, text: str, **changes: object) -> dict[str, Any]:
    body = {"model": MODEL, "input": text, "encoding_format": "base64"}
    return {"custom_id": name, "method": "POST", "url": "/v1/embeddings", "body": body} | changes


def create(sdk: openai.OpenAI, *lines: object, mark: str = "a") -> Batch:
    content = b"".join(
        one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines
    )
    file = sdk.files.create(file=("in.jsonl", content), purpose="batch")
    return sdk.batches.create(
        input_file_id=file.id,
        endpoint="/v1/embeddings",
        completion_window="24h",
        metadata={"mark": mark},
        extra_headers={"X-Client-Request-Id": f"client-{mark}"},
    )


def ended(sdk: openai.OpenAI, batch: Batch) -> Batch:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        batch = sdk.batches.retrieve(batch.id)
        if batch.status in {"completed", "failed", "expired", "cancelled"}:
            return batch
        time.sleep(0.05)
    raise AssertionError(f"it does not end: {batch.status}")


def lines_of(sdk: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    if file_id is None:
        return {}
    told = [json.loads(one) for one in sdk.files.content(file_id).text.splitlines()]
    return {one["custom_id"]: one for one in told}


def test_results_are_those_of_the_endpoint_itself_and_are_billed_once(
    simulator: Simulator, sdk: openai.OpenAI
) -> None:
    texts = {f"t{number}": f"the text number {number}" for number in range(20)}

    created = create(sdk, *(line(name, text) for name, text in texts.items()))
    under_way = sdk.batches.retrieve(created.id)
    over = ended(sdk, created)
    output = lines_of(sdk, over.output_file_id)

    assert (created.status, under_way.status, over.status) == (
        "validating",
        "in_progress",
        "completed",
    )
    assert over.error_file_id is None
    assert over.metadata == {"mark": "a"}
    assert over.request_counts is not None
    assert (over.request_counts.total, over.request_counts.completed) == (20, 20)
    assert output.keys() == texts.keys()
    assert list(output) != list(texts), "the order is the provider's own"
    alone = sdk.embeddings.with_raw_response.create(
        model=MODEL, input=texts["t7"], encoding_format="base64"
    )
    same = json.loads(alone.content)
    assert output["t7"]["response"]["body"]["data"] == same["data"]
    tokens = sum(one["response"]["body"]["usage"]["prompt_tokens"] for one in output.values())
    [call] = [call for call in simulator.calls() if call["batched"]]
    assert call["client_id"] == "client-a"
    assert over.usage is not None
    assert call["tokens"] == tokens == over.usage.total_tokens


def test_a_text_that_is_refused_is_in_the_file_of_errors(sdk: openai.OpenAI) -> None:
    over = ended(sdk, create(sdk, line("good", "fine"), line("bad", "POISON"), line("none", "")))

    errors = lines_of(sdk, over.error_file_id)
    assert over.status == "completed"
    assert lines_of(sdk, over.output_file_id).keys() == {"good"}
    assert errors.keys() == {"bad", "none"}
    assert errors["bad"]["response"]["status_code"] == 400
    assert errors["bad"]["error"] is None


@pytest.mark.parametrize(
    ("second", "code", "number"),
    [
        (b"{not json\n", "invalid_json_line", 2),
        (line("a", "again"), "duplicate_custom_id", 2),
        (line("b", "other", url="/v1/chat/completions"), "mismatched_url", 2),
        (line("b", "other", body={"model": "text-embedding-3-large", "input": "x"}),
         "mismatched_model", None),
        (line("b", "word " * (QUEUE_TOKENS + 1)), "token_limit_exceeded", None),
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_it_must_be_fails_as_a_whole(
    simulator: Simulator, sdk: openai.OpenAI, second: object, code: str, number: int | None
) -> None:
    over = ended(sdk, create(sdk, line("a", "fine"), second))

    assert over.status == "failed"
    assert over.errors is not None
    assert over.errors.data is not None
    assert [(error.code, error.line) for error in over.errors.data] == [(code, number)]
    assert over.output_file_id is over.error_file_id is None
    assert simulator.stats()["tokens_billed"] == 0


def test_what_is_queued_counts_until_it_is_over(sdk: openai.OpenAI) -> None:
    many = "word " * (QUEUE_TOKENS * 2 // 3)
    first = create(sdk, line("a", many))

    refused = ended(sdk, create(sdk, line("a", many)))
    ended(sdk, first)
    allowed = ended(sdk, create(sdk, line("a", many)))

    assert (refused.status, allowed.status) == ("failed", "completed")


def test_a_batch_that_is_cancelled_keeps_what_was_done(sdk: openai.OpenAI) -> None:
    batch = create(sdk, *(line(f"t{number}", f"text {number}") for number in range(40)))
    time.sleep(0.3)

    cancelling = sdk.batches.cancel(batch.id)
    over = ended(sdk, batch)

    done, left = lines_of(sdk, over.output_file_id), lines_of(sdk, over.error_file_id)
    assert (cancelling.status, over.status) == ("cancelling", "cancelled")
    assert done
    assert left
    assert done.keys() | left.keys() == {f"t{number}" for number in range(40)}
    assert {one["error"]["code"] for one in left.values()} == {"batch_cancelled"}


def test_a_batch_that_is_too_slow_expires_with_what_was_done() -> None:
    slow = ("--batch-seconds", "1", "--batch-window", "0.5")
    with running_simulator("openai", *slow) as simulator, client_of(simulator) as sdk:
        over = ended(sdk, create(sdk, *(line(f"t{n}", f"text {n}") for n in range(40))))
        done, left = lines_of(sdk, over.output_file_id), lines_of(sdk, over.error_file_id)
        billed = simulator.stats()["inputs_billed"]

    assert over.status == "expired"
    assert len(done) == billed == 20
    assert {one["error"]["code"] for one in left.values()} == {"batch_expired"}
    assert all(one["response"] is None for one in left.values())


def test_batches_are_listed_newest_first_page_by_page(sdk: openai.OpenAI) -> None:
    made = [create(sdk, line("a", f"text {mark}"), mark=str(mark)) for mark in range(5)]

    found = list(sdk.batches.list(limit=2))

    assert [batch.id for batch in found] == [batch.id for batch in reversed(made)]
    assert found[0].metadata == {"mark": "4"}


def test_files_can_be_read_and_removed_by_who_has_a_key(
    simulator: Simulator, sdk: openai.OpenAI
) -> None:
    file = sdk.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")

    told, content = sdk.files.retrieve(file.id), sdk.files.content(file.id).content
    denied = httpx.get(
        f"{simulator.url}/v1/files/{file.id}", headers={"Authorization": "Bearer sk-else"}
    )
    sdk.files.delete(file.id)

    assert (told.bytes, told.purpose, content) == (3, "batch", b"{}\n")
    assert denied.status_code == 401
    with pytest.raises(openai.NotFoundError):
        sdk.files.content(file.id)


def test_a_lost_answer_does_not_undo_what_was_done(
    simulator: Simulator, sdk: openai.OpenAI
) -> None:
    simulator.script("ok", "drop_after")

    with pytest.raises(openai.APIConnectionError):
        create(sdk, line("a", "text"))

    assert [batch.metadata for batch in sdk.batches.list()] == [{"mark": "a"}]
