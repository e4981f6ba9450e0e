"""Both providers are away: documents are searchable without them, and made again once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from tests import samples
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FILES = 18
FOR_EVER = [(0, 100_000)]
SECONDS = 240


@pytest.fixture(scope="module")
def openai() -> Iterator[Simulator]:
    with running_simulator("openai", "--latency", "0.05") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def llamaparse() -> Iterator[Simulator]:
    with running_simulator("llamaparse", "--base-seconds", "0.2") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory,
    ledger: Ledger,
    openai: Simulator,
    llamaparse: Simulator,
) -> Iterator[RunningSystem]:
    with running_system(
        Path(tmp_path_factory.mktemp("system")),
        database_url=ledger.url,
        fallback="degrade",
        embedder="openai",
        openai_base_url=f"{openai.url}/v1",
        openai_api_keys="sk-of-the-test",
        parser="llamaparse",
        llamaparse_base_url=llamaparse.url,
        llamaparse_api_keys="llx-of-the-test",
        llamaparse_requests_per_minute=1200,
        llamaparse_poll_seconds=1,
        rescue_interval_seconds=1,
    ) as running:
        yield running


def until(true: Callable[[], bool], ledger: Ledger) -> None:
    """Wait for it."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, (ledger.degraded(), ledger.states())
        time.sleep(0.2)


def waits_for(job: str) -> str | None:
    """What a job needs next."""
    waiting = httpx.get(job, timeout=30).raise_for_status().json()["waiting_for"]
    return waiting and str(waiting["reason"])


def ask(system: RunningSystem, sentence: str) -> tuple[dict[str, Any], list[str]]:
    """The first hit that holds a sentence, and the vector spaces that were searched."""
    answer = httpx.post(f"{system.url}/v1/search", json={"query": sentence, "k": 5}, timeout=60)
    found = answer.raise_for_status().json()
    hits = [hit for hit in found["hits"] if sentence in " ".join(hit["text"].split())]
    assert hits, (sentence, found)
    return hits[0], found["models"]


def test_documents_are_searchable_without_providers_and_made_again_with_them(
    system: RunningSystem, ledger: Ledger, openai: Simulator, llamaparse: Simulator
) -> None:
    corpus = list(mixed_corpus(FILES, seed=3))
    files = [(name, content) for name, content, _ in corpus]
    for simulator in (openai, llamaparse):
        simulator.faults(outages=FOR_EVER)
    for name, content in [*files, ("scan.pdf", samples.pdf(["", ""]))]:  # the scan comes last
        uploaded = httpx.post(
            f"{system.url}/v1/documents", params={"filename": name}, content=content, timeout=30
        )
        assert uploaded.status_code == 202, uploaded.text

    scan = f"{system.url}{uploaded.json()['status_url']}"
    until(lambda: ledger.degraded()["embedder"] == FILES, ledger)
    assert ledger.degraded()["parser"] > FILES / 2  # LlamaParse does not read every format
    sentence = corpus[0][2]
    hit, models = ask(system, sentence)
    assert "embedder" in hit["degraded"]
    assert models == ["wordllama-l2-supercat@1"]
    until(lambda: waits_for(scan) == "provider", ledger)
    assert (openai.stats()["tokens_billed"], llamaparse.stats()["credits"]) == (0, 0)

    for simulator in (openai, llamaparse):
        simulator.faults(outages=[])
    until(lambda: not ledger.degraded() and not ledger.unfinished(), ledger)
    hit, models = ask(system, sentence)
    assert hit["degraded"] == []
    assert models == ["text-embedding-3-small@1", "wordllama-l2-supercat@1"]
    upgrades = ledger.upgrades()
    # The scan is parsed as soon as LlamaParse is back, and OpenAI may be away still.
    again = upgrades.pop("scan.pdf", 0)
    assert again <= 1
    assert upgrades == {name: 1 for name, _ in files}
    assert ledger.states() == {"done": 2 * FILES + 1 + again}
    assert ledger.faults() == []
    assert openai.stats()["inputs_billed_again"] == 0
    assert llamaparse.stats()["duplicate_jobs"] == 0
