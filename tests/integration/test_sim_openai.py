"""The simulated OpenAI keeps the vendor's contract, as the vendor's own SDK sees it."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai.types import CreateEmbeddingResponse

from benchmarks.simulator import Simulator, running_simulator

MODEL = "text-embedding-3-small"
TPM = 60_000


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--key", "sk-good", "--tpm", str(TPM), "--rpm", "600", "--poison", "POISON")
    with running_simulator("openai", *options, "--poison-named", "VENOM") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def sdk(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="sk-good", base_url=f"{simulator.url}/v1", max_retries=0, timeout=10
    ) as client:
        yield client


def post(simulator: Simulator, key: str = "sk-good", **body: object) -> httpx.Response:
    return simulator.client.post(
        "/v1/embeddings", json={"model": MODEL} | body, headers={"Authorization": f"Bearer {key}"}
    )


def test_the_answer_is_what_the_sdk_expects(simulator: Simulator) -> None:
    answer = post(simulator, input=["one", "two words"])

    parsed = CreateEmbeddingResponse.model_validate(answer.json())
    assert [entry.index for entry in parsed.data] == [0, 1]
    assert parsed.usage.prompt_tokens == parsed.usage.total_tokens == 3
    assert answer.headers["x-request-id"].startswith("req_")


def test_base64_and_floats_hold_the_same_vectors_of_length_one(simulator: Simulator) -> None:
    floats = post(simulator, input="some text").json()["data"][0]["embedding"]
    coded = post(simulator, input="some text", encoding_format="base64").json()
    decoded = np.frombuffer(base64.b64decode(coded["data"][0]["embedding"]), "<f4")

    assert np.array_equal(np.array(floats, dtype=np.float32), decoded)
    assert decoded.shape == (1536,)
    assert np.linalg.norm(decoded) == pytest.approx(1, abs=1e-5)


def test_fewer_dimensions_are_the_first_ones_at_length_one(simulator: Simulator) -> None:
    full = np.array(post(simulator, input="text").json()["data"][0]["embedding"])
    short = np.array(post(simulator, input="text", dimensions=256).json()["data"][0]["embedding"])

    assert np.allclose(short, full[:256] / np.linalg.norm(full[:256]), atol=1e-5)


def test_vectors_depend_on_the_text_alone_and_shared_words_bring_texts_near(
    simulator: Simulator,
) -> None:
    texts = ["the harbour office", "office at the harbour", "quarterly tax report"]
    here = [e["embedding"] for e in post(simulator, input=texts).json()["data"]]
    with running_simulator("openai") as other:
        there = [post(other, input=text).json()["data"][0]["embedding"] for text in reversed(texts)]

    assert here == there[::-1]
    assert np.dot(here[0], here[1]) > np.dot(here[0], here[2]) + 0.3


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({"input": "x", "model": "nonexistent"}, 404, "model_not_found", "does not exist"),
        ({"input": ["a", ""]}, 400, None, "cannot be an empty string"),
        ({"input": []}, 400, None, r"'\$.input' is invalid"),
        ({"input": ["a"] * 2049}, 400, "array_above_max_length", "2048 or less"),
        (
            {"input": ["a", "word " * 8193]},
            400,
            None,
            r"'input\[1\]': maximum input length is 8192",
        ),
        (
            {"input": ["word " * 8000] * 38},
            400,
            "max_tokens_per_request",
            "max 300000 tokens per request",
        ),
        ({"input": "a", "dimensions": 1537}, 400, None, "less than or equal to 1536"),
        (
            {"input": "a", "model": "text-embedding-ada-002", "dimensions": 9},
            400,
            None,
            "does not support",
        ),
        ({"input": ["a", "POISON"]}, 400, None, r"'\$.input' is invalid"),
        ({"input": ["a", "VENOM"]}, 400, None, r"input\[1\]"),
        (
            {"input": ["word " * 8000] * 8},
            429,
            "rate_limit_exceeded",
            "Request too large .* Limit 60000, Requested 6",
        ),
    ],
)
def test_refusals_have_the_vendors_words(
    simulator: Simulator, body: dict[str, Any], status: int, code: str | None, words: str
) -> None:
    answer = post(simulator, **body)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert re.search(words, answer.json()["error"]["message"])
    assert simulator.stats()["tokens_billed"] == 0


def test_a_wrong_key_is_refused_before_anything_else(simulator: Simulator) -> None:
    answer = post(simulator, key="sk-not-a-good-one", input=[])

    assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert "sk-not-a-good-one" not in answer.text
    assert simulator.client.post("/v1/embeddings", json={}).status_code == 401


def test_a_used_up_limit_names_the_wait_that_its_bucket_needs(simulator: Simulator) -> None:
    first = post(simulator, input=["word " * 8000] * 7)
    second = post(simulator, input=["word " * 8000])

    assert (first.status_code, second.status_code) == (200, 429)
    message = second.json()["error"]["message"]
    found = re.search(r"Limit (\d+), Used (\d+), Requested (\d+)\. .* in ([\d.]+)s", message)
    assert found is not None
    limit, used, requested, wait = map(float, found.groups())
    assert wait == pytest.approx((used + requested - limit) / (limit / 60), abs=0.01)
    assert int(second.headers["retry-after"]) >= wait
    assert second.headers["x-ratelimit-limit-tokens"] == str(TPM)
    assert int(second.headers["x-ratelimit-remaining-tokens"]) < 8000


def test_headers_tell_the_level_and_the_time_until_full(simulator: Simulator) -> None:
    headers = post(simulator, input=["word " * 999]).headers

    assert headers["x-ratelimit-limit-requests"] == "600"
    assert headers["x-ratelimit-remaining-requests"] == "599"
    assert headers["x-ratelimit-reset-requests"] == "100ms"
    left = int(headers["x-ratelimit-remaining-tokens"])
    assert headers["x-ratelimit-reset-tokens"] in {f"{n / 1000:g}s" for n in range(1000, 1002)}
    assert left == TPM - 1000


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("500", openai.InternalServerError, None),
        ("503", openai.InternalServerError, "server_is_overloaded"),
        ("html502", openai.InternalServerError, None),
        ("slow_down", openai.RateLimitError, "slow_down"),
        ("insufficient_quota", openai.RateLimitError, "insufficient_quota"),
        ("credit_balance_exhausted", openai.RateLimitError, "credit_balance_exhausted"),
    ],
)
def test_faults_are_the_errors_that_the_sdk_raises(
    simulator: Simulator,
    sdk: openai.OpenAI,
    fault: str,
    error: type[openai.APIError],
    code: str | None,
) -> None:
    simulator.script(fault)
    with pytest.raises(error) as caught:
        sdk.embeddings.create(model=MODEL, input="a")

    assert caught.value.code == code
    sdk.embeddings.create(model=MODEL, input="a")
    assert simulator.stats()["requests_billed"] == 1


@pytest.mark.parametrize(("fault", "billed"), [("drop_before", 0), ("drop_after", 1)])
def test_dropped_connections_are_billed_when_the_work_was_done(
    simulator: Simulator, sdk: openai.OpenAI, fault: str, billed: int
) -> None:
    simulator.script(fault)
    with pytest.raises(openai.APIConnectionError):
        sdk.embeddings.create(model=MODEL, input="a")

    assert simulator.stats()["requests_billed"] == billed
    assert simulator.calls()[0]["status"] == 0


def test_broken_answers_are_broken_in_their_own_way(
    simulator: Simulator, sdk: openai.OpenAI
) -> None:
    kinds = ("truncated", "empty_data", "out_of_order", "wrong_dimension", "nan", "zero_vector")
    simulator.script(*kinds, "missing_item")
    texts = ["a", "b", "c"]
    with pytest.raises(json.JSONDecodeError):
        sdk.embeddings.create(model=MODEL, input=texts)
    with pytest.raises(ValueError, match="No embedding data"):
        sdk.embeddings.create(model=MODEL, input=texts)
    answers = [sdk.embeddings.create(model=MODEL, input=texts).data for _ in range(5)]

    assert [entry.index for entry in answers[0]] == [2, 1, 0]
    assert len(answers[1][1].embedding) == 1535
    assert np.isnan(answers[2][1].embedding[0])
    assert not np.any(answers[3][1].embedding)
    assert len(answers[4]) == 2
    assert simulator.stats()["requests_billed"] == 7


def test_the_books_are_exact(simulator: Simulator) -> None:
    post(simulator, input=["a b c", "d"])
    post(simulator, input=["d"])
    post(simulator, input=[""])
    simulator.client.post(
        "/v1/embeddings",
        json={"model": MODEL, "input": "e"},
        headers={"Authorization": "Bearer sk-good", "X-Client-Request-Id": "mine"},
    )

    stats = simulator.stats()
    assert (stats["requests"], stats["requests_billed"]) == (4, 3)
    assert stats["by_status"] == {"200": 3, "400": 1}
    assert (stats["tokens_billed"], stats["inputs_billed"]) == (6, 4)
    assert (stats["distinct_inputs_billed"], stats["inputs_billed_again"]) == (3, 1)
    assert sum(stats["tokens_by_second"]) == 6
    assert simulator.calls()[-1]["client_id"] == "mine"


def test_an_outage_begins_and_ends(simulator: Simulator) -> None:
    simulator.faults(outages=[[0, 60]])
    down = [_status(simulator) for _ in range(4)]
    simulator.faults(outages=[])

    assert set(down) == {0, 503}
    assert _status(simulator) == 200


def _status(simulator: Simulator) -> int:
    try:
        return post(simulator, input="a").status_code
    except httpx.RemoteProtocolError:
        return 0


def test_a_rate_of_errors_is_kept_and_the_same_for_a_seed(simulator: Simulator) -> None:
    runs = []
    for _ in range(2):
        simulator.reset()
        simulator.faults(seed=7, error_rate=0.3, kinds=["500"])
        runs.append([_status(simulator) for _ in range(60)])

    assert runs[0] == runs[1]
    assert 8 <= runs[0].count(500) <= 30
    assert simulator.client.post("/sim/faults", json={"oops": 1}).status_code == 422
