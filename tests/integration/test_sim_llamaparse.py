"""The simulated LlamaParse keeps the vendor's contract, as the vendor's own SDK sees it."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sized
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import llama_cloud
import pytest
from llama_cloud import LlamaCloud
from llama_cloud.types import ParsingCreateResponse, ParsingGetResponse
from llama_cloud.types.parsing_get_response import MarkdownPageMarkdownResultPage

from benchmarks.simulator import Simulator, running_simulator

FAST = ("--base-seconds", "0.05", "--seconds-per-page", "0.001", "--sigma", "0")
TEXT = b"# Title\n\nThe harbour office keeps the key.\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with running_simulator("llamaparse", *FAST, "--webhook-scale", "0.05") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    running.client.post("/sim/options", json={"allow_loopback": True, "credits": 1000})
    running.client.post(
        "/sim/webhooks",
        json={"drop": 0, "duplicate": 0, "delay": 0, "early": False, "forge": False},
    )
    return running


@pytest.fixture
def sdk(simulator: Simulator) -> Iterator[LlamaCloud]:
    with LlamaCloud(api_key="llx-a", base_url=simulator.url, max_retries=0) as client:
        yield client


@pytest.fixture
def received() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    """A receiver of webhooks: its address, what came, and the statuses it will answer with."""
    came: list[tuple[dict[str, str], bytes]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", came, statuses
    server.shutdown()
    server.server_close()


def start(
    sdk: LlamaCloud, data: bytes = TEXT, *, tier: str = "cost_effective", **options: Any
) -> ParsingCreateResponse:
    file = sdk.files.create(file=("note.md", data), purpose="parse")
    return sdk.parsing.create(tier=tier, version="latest", file_id=file.id, **options)


def first_page(found: ParsingGetResponse) -> str:
    """The markdown of a job's first page, which was not refused."""
    assert found.markdown is not None
    page = found.markdown.pages[0]
    assert isinstance(page, MarkdownPageMarkdownResultPage)
    return page.markdown


def credits_of(found: ParsingGetResponse) -> float | None:
    """What a job cost."""
    assert found.job.usage is not None
    return found.job.usage.credits


def finish(sdk: LlamaCloud, job_id: str, *expand: str) -> ParsingGetResponse:
    for _ in range(200):
        found = sdk.parsing.get(job_id, expand=list(expand))
        if found.job.status not in {"PENDING", "RUNNING"}:
            return found
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def eventually(came: Sized, count: int) -> None:
    for _ in range(200):
        if len(came) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{len(came)} came, not {count}")


def test_a_file_is_uploaded_parsed_and_read_page_by_page(
    simulator: Simulator, sdk: LlamaCloud
) -> None:
    created = start(sdk, user_metadata={"parse_job_id": "ours"})
    done = finish(sdk, created.id, "markdown", "metadata")

    assert created.status in {"PENDING", "RUNNING"}
    assert done.job.user_metadata == {"parse_job_id": "ours"}
    assert credits_of(done) == 3
    assert done.markdown is not None
    assert [page.page_number for page in done.markdown.pages] == [1]
    assert "harbour office" in first_page(done)
    assert done.metadata is not None
    assert simulator.stats()["credits"] == 3


def test_expand_may_be_repeated_or_listed(simulator: Simulator, sdk: LlamaCloud) -> None:
    job = start(sdk)
    finish(sdk, job.id)
    headers = {"Authorization": "Bearer llx-a"}
    answer = simulator.client.get(f"/api/v2/parse/{job.id}?expand=text,markdown", headers=headers)

    assert set(answer.json()) == {"job", "text", "markdown"}


@pytest.mark.parametrize("code", ["PDF_IS_PROTECTED", "NO_DATA_FOUND_IN_FILE", "TIMEOUT"])
def test_a_failed_job_says_why_and_costs_nothing(
    simulator: Simulator, sdk: LlamaCloud, code: str
) -> None:
    done = finish(sdk, start(sdk, b"SIM:FAIL=" + code.encode()).id)

    assert done.job.status == "FAILED"
    assert str(done.job.error_message).startswith(code)
    assert simulator.stats()["credits"] == 0


def test_a_stuck_job_stays_pending_and_can_be_cancelled(sdk: LlamaCloud) -> None:
    job = start(sdk, b"SIM:STUCK")
    time.sleep(0.2)
    pending = sdk.parsing.get(job.id).job.status
    sdk.parsing.cancel(job.id)

    assert (pending, sdk.parsing.get(job.id).job.status) == ("PENDING", "CANCELLED")


def test_markers_count_below_a_tier_only(sdk: LlamaCloud) -> None:
    data = b"text SIM:EMPTY SIM:BETTER_TIER=agentic"
    bad = finish(sdk, start(sdk, data).id, "markdown")
    good = finish(sdk, start(sdk, data, tier="agentic").id, "markdown")

    assert first_page(bad) == ""
    assert first_page(good).startswith("text")


def test_the_same_file_and_options_are_free_for_a_while(
    simulator: Simulator, sdk: LlamaCloud
) -> None:
    finish(sdk, start(sdk).id)
    again = finish(sdk, start(sdk).id)
    other = finish(sdk, start(sdk, tier="fast").id)

    assert (credits_of(again), credits_of(other)) == (0, 1)
    stats = simulator.stats()
    assert (stats["duplicate_jobs"], stats["cache_hits"], stats["credits"]) == (1, 1, 4)


def test_failed_pages_are_marked(simulator: Simulator, sdk: LlamaCloud) -> None:
    simulator.client.post("/sim/options", json={"page_fail_rate": 0.5})
    done = finish(sdk, start(sdk, b"word " * 6000).id, "markdown")

    assert done.job.status == "COMPLETED"
    assert done.markdown is not None
    assert {page.success for page in done.markdown.pages} == {True, False}
    simulator.client.post("/sim/options", json={"page_fail_rate": 0})


def test_results_expire(simulator: Simulator, sdk: LlamaCloud) -> None:
    job = start(sdk)
    finish(sdk, job.id)
    simulator.client.post("/sim/options", json={"expire_seconds": 0})
    with pytest.raises(llama_cloud.NotFoundError):
        sdk.parsing.get(job.id)
    simulator.client.post("/sim/options", json={"expire_seconds": 1e6})


def test_refusals(simulator: Simulator, sdk: LlamaCloud) -> None:
    simulator.client.post("/sim/options", json={"credits": 2, "max_bytes": 1000})
    with pytest.raises(llama_cloud.APIStatusError) as poor:
        start(sdk)
    with pytest.raises(llama_cloud.APIStatusError) as large:
        start(sdk, b"x" * 2000)
    with pytest.raises(llama_cloud.BadRequestError, match="empty"):
        start(sdk, b"")
    with pytest.raises(llama_cloud.NotFoundError, match="Source file not found"):
        sdk.parsing.create(tier="fast", version="latest", file_id="file-x")
    simulator.client.post("/sim/options", json={"max_bytes": 1 << 30})

    assert (poor.value.status_code, large.value.status_code) == (402, 413)


def test_too_many_uploads_are_refused_without_advice(simulator: Simulator, sdk: LlamaCloud) -> None:
    simulator.client.post("/sim/options", json={"uploads_per_10s": 2})
    start(sdk)
    start(sdk)
    with pytest.raises(llama_cloud.RateLimitError) as caught:
        start(sdk)
    simulator.client.post("/sim/options", json={"uploads_per_10s": 500})

    assert "retry-after" not in caught.value.response.headers


def test_another_key_sees_nothing(simulator: Simulator, sdk: LlamaCloud) -> None:
    job = start(sdk)
    other = LlamaCloud(api_key="llx-b", base_url=simulator.url, max_retries=0)

    with pytest.raises(llama_cloud.NotFoundError):
        other.parsing.get(job.id)
    assert list(other.parsing.list(job_ids=[job.id])) == []


def test_jobs_are_listed_by_their_ids(sdk: LlamaCloud) -> None:
    jobs = [start(sdk, TEXT + bytes([n])) for n in range(65, 69)]
    wanted = [job.id for job in jobs[:3]]

    assert {job.id for job in sdk.parsing.list(job_ids=wanted, page_size=2)} == set(wanted)


@pytest.mark.parametrize("form", ["string", "json"])
def test_webhooks_are_signed_over_the_raw_body(
    sdk: LlamaCloud,
    received: tuple[str, list[tuple[dict[str, str], bytes]], list[int]],
    form: str,
) -> None:
    url, came, _ = received
    hook = {
        "webhook_url": url,
        "webhook_events": ["parse.success", "parse.error"],
        "webhook_output_format": form,
        "webhook_signing_secret": "s3cret",
        "webhook_headers": {"X-Mine": "yes"},
    }
    job = start(sdk, webhook_configurations=[hook])
    eventually(came, 1)

    [(headers, body)] = came
    content = json.loads(body)
    event = json.loads(content) if form == "string" else content
    assert event["event_type"] == headers["x-webhook-event-type"] == "parse.success"
    assert event["data"] == {"id": job.id, "job_id": job.id}
    assert headers["x-mine"] == "yes"
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["lc-signature"] == f"sha256={digest}"


def test_a_delivery_is_tried_three_times(
    simulator: Simulator,
    sdk: LlamaCloud,
    received: tuple[str, list[tuple[dict[str, str], bytes]], list[int]],
) -> None:
    url, came, statuses = received
    statuses.extend([500, 500, 500, 500])
    start(sdk, webhook_configurations=[{"webhook_url": url}])
    eventually(came, 3)
    time.sleep(0.3)

    assert len(came) == 3
    assert simulator.stats()["webhooks"]["acknowledged"] == 0


@pytest.mark.parametrize(
    ("habit", "count"),
    [({"duplicate": 2}, 3), ({"forge": True}, 3), ({"early": True}, 2), ({"drop": 1.0}, 0)],
)
def test_deliveries_go_wrong_as_asked(
    simulator: Simulator,
    sdk: LlamaCloud,
    received: tuple[str, list[tuple[dict[str, str], bytes]], list[int]],
    habit: dict[str, object],
    count: int,
) -> None:
    url, came, _ = received
    simulator.client.post("/sim/webhooks", json=habit)
    job = start(sdk, webhook_configurations=[{"webhook_url": url, "webhook_signing_secret": "s"}])
    finish(sdk, job.id)
    eventually(came, count)
    time.sleep(0.1)

    assert len(came) == count


def test_addresses_that_are_not_public_are_refused(simulator: Simulator, sdk: LlamaCloud) -> None:
    simulator.client.post("/sim/options", json={"allow_loopback": False})
    for url in ("http://127.0.0.1/x", "https://10.0.0.1/x", "http://example.com/x"):
        with pytest.raises(llama_cloud.BadRequestError, match="non-public"):
            start(sdk, webhook_configurations=[{"webhook_url": url}])


def test_faults_are_the_errors_that_the_sdk_raises(simulator: Simulator, sdk: LlamaCloud) -> None:
    for fault, error in (
        ("500", llama_cloud.InternalServerError),
        ("html502", llama_cloud.InternalServerError),
        ("drop_before", llama_cloud.APIConnectionError),
    ):
        simulator.script(fault)
        with pytest.raises(error):
            start(sdk)
    assert simulator.stats()["jobs"] == 0
    assert httpx.get(f"{simulator.url}/api/v2/parse").status_code == 401
