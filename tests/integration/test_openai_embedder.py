"""Embedding through OpenAI's SDK, rate_limiter and ledger: every bad answer, and every cent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.errors import (
    BudgetExhausted,
    ConfigurationError,
    InputRefused,
    ProviderPaused,
    ProviderUnavailable,
    RequestTooLarge,
)
from ingest.domain.job import Lane
from ingest.domain.pricing import Operation, Payer, Period
from ingest.domain.provider_specs import OPENAI, builtin_prices
from tests import builders

MODEL = OPENAI.models["text-embedding-3-small"]
TEXTS = ["one text", "and another", "the third"]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--key", "sk-good", "--key", "sk-other", "--poison", "POISON")
    with running_simulator("openai", *options, "--poison-named", "VENOM") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


class OpenAIEmbedderFixture:
    """An embedder with its rate_limiter and ledger."""

    def __init__(self, url: str, database: Database, *, keys: str, timeout: float = 5) -> None:
        self.rate_limiter = LocalRateLimiter({"openai": Quota(60_000, 60_000_000)})
        self.ledger = LedgerStore(database)
        self.database = database
        self.tenant = uuid4()
        self.keys = Keys(keys)
        service = OpenAIEmbedding(MODEL, base_url=f"{url}/v1", timeout_seconds=timeout)
        calls = ProviderCalls(
            "openai", rate_limiter=self.rate_limiter, ledger=self.ledger, keys=self.keys
        )
        self.embedder = PaidEmbedder(service, calls, prices=builtin_prices())

    async def embed(self, texts: list[str]) -> np.ndarray:
        payer = Payer(self.tenant, Lane.INTERACTIVE, Operation.EMBED)
        return await self.embedder.embed(texts, payer=payer)

    async def states(self) -> list[str]:
        query = "SELECT state FROM upload_pipeline.provider_calls ORDER BY reserved_at"
        return [row["state"] for row in await builders.fetch(self.database, query)]

    async def breakers(self) -> dict[str, BreakerState]:
        return {key.fingerprint: key.breaker for key in await self.rate_limiter.health()}


@pytest.fixture
async def setting(simulator: Simulator, database: Database) -> AsyncIterator[OpenAIEmbedderFixture]:
    made = OpenAIEmbedderFixture(simulator.url, database, keys="sk-good")
    yield made
    await made.embedder.close()


async def balanced(setting: OpenAIEmbedderFixture, simulator: Simulator) -> None:
    """The ledger's settled calls are the provider's, one by one and to the token."""
    rows = await builders.fetch(setting.database, "SELECT * FROM upload_pipeline.provider_calls")
    ours = {str(row["call_id"]): row for row in rows}
    charged = {call["client_id"]: call for call in simulator.calls() if call["tokens"]}
    for call_id, call in charged.items():
        assert ours[call_id]["state"] in {"settled", "unknown"}
        assert ours[call_id]["units"] == call["tokens"]
    settled = {call_id for call_id, row in ours.items() if row["state"] == "settled"}
    assert settled <= set(charged)
    assert not any(row["state"] == "reserved" for row in rows)


async def test_vectors_come_in_order_and_the_ledger_has_the_providers_figure(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    vectors = await setting.embed(TEXTS)
    alone = await setting.embed([TEXTS[1]])

    assert vectors.shape == (3, 1536)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[1], alone[0], atol=1e-6)
    assert await setting.states() == ["settled", "settled"]
    await balanced(setting, simulator)
    [row] = await builders.fetch(
        setting.database,
        "SELECT sum(units) AS units, sum(usd) AS usd FROM upload_pipeline.provider_calls",
    )
    tokens = simulator.stats()["tokens_billed"]
    assert row["units"] == tokens
    assert row["usd"] == Decimal("0.02") * tokens / 1_000_000


async def test_an_answer_out_of_order_is_put_in_order(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    expected = await setting.embed(TEXTS)
    simulator.script("out_of_order")

    assert np.array_equal(await setting.embed(TEXTS), expected)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("500", "released"),
        ("503", "released"),
        ("html502", "released"),
        ("slow_down", "released"),
        ("drop_before", "unknown"),
        ("drop_after", "unknown"),
        ("truncated", "settled"),
        ("empty_data", "settled"),
        ("missing_item", "settled"),
        ("wrong_dimension", "settled"),
        ("nan", "settled"),
        ("zero_vector", "settled"),
    ],
)
async def test_a_passing_fault_is_survived_and_booked(
    setting: OpenAIEmbedderFixture, simulator: Simulator, fault: str, state: str
) -> None:
    simulator.script(fault)

    vectors = await setting.embed(TEXTS)

    assert vectors.shape == (3, 1536)
    assert await setting.states() == [state, "settled"]
    await balanced(setting, simulator)
    assert simulator.stats()["sdk_retries"] == 0


@pytest.mark.parametrize("fault", ["500", "drop_before", "nan", "truncated"])
async def test_a_fault_that_stays_ends_the_attempt_and_then_opens_the_breaker(
    setting: OpenAIEmbedderFixture, simulator: Simulator, fault: str
) -> None:
    simulator.faults(error_rate=1.0, kinds=[fault])
    with pytest.raises(ProviderUnavailable):
        await setting.embed(TEXTS)
    with pytest.raises(ProviderPaused):
        await setting.embed(TEXTS)

    asked = simulator.stats()["requests"]
    with pytest.raises(ProviderPaused):
        await setting.embed(TEXTS)
    assert simulator.stats()["requests"] == asked == 5
    assert set((await setting.breakers()).values()) == {BreakerState.OPEN}


@pytest.mark.parametrize("fault", ["insufficient_quota", "credit_balance_exhausted"])
async def test_an_empty_account_stops_the_key_after_one_request(
    setting: OpenAIEmbedderFixture, simulator: Simulator, fault: str
) -> None:
    simulator.faults(error_rate=1.0, kinds=[fault])

    with pytest.raises(ProviderPaused, match="billing"):
        await setting.embed(TEXTS)

    assert simulator.stats()["requests"] == 1
    assert set((await setting.breakers()).values()) == {BreakerState.STOPPED}


async def test_a_refused_key_is_stopped_and_another_one_does_the_work(
    simulator: Simulator, database: Database
) -> None:
    setting = OpenAIEmbedderFixture(simulator.url, database, keys="sk-revoked, sk-other")
    try:
        for _ in range(4):
            await setting.embed(TEXTS)
    finally:
        await setting.embedder.close()

    assert simulator.stats()["by_status"] in ({"401": 1, "200": 4}, {"200": 4})
    alone = OpenAIEmbedderFixture(simulator.url, database, keys="sk-revoked")
    with pytest.raises(ProviderPaused, match="credentials"):
        await alone.embed(TEXTS)
    await alone.embedder.close()


async def test_a_text_that_is_refused_says_which_if_the_provider_does(
    setting: OpenAIEmbedderFixture,
) -> None:
    with pytest.raises(InputRefused) as named:
        await setting.embed(["fine", "VENOM"])
    with pytest.raises(InputRefused) as unnamed:
        await setting.embed(["fine", "POISON"])

    assert (named.value.index, unnamed.value.index) == (1, None)
    assert "VENOM" not in named.value.message
    assert set((await setting.breakers()).values()) == {BreakerState.CLOSED}
    assert await setting.states() == ["released", "released"]


async def test_texts_over_a_limit_are_refused_before_they_are_sent(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    with pytest.raises(RequestTooLarge, match="limit 8191") as caught:
        await setting.embed(["fine", "word " * 9000])

    assert caught.value.index == 1
    assert simulator.stats()["requests"] == 0


@pytest.mark.parametrize("fault", ["slow", "refused"])
async def test_a_provider_that_does_not_answer_is_unavailable(
    simulator: Simulator, database: Database, fault: str
) -> None:
    url = simulator.url if fault == "slow" else "http://127.0.0.1:9"
    setting = OpenAIEmbedderFixture(url, database, keys="sk-good", timeout=0.3)
    simulator.faults(slow_rate=1.0, slow_seconds=3)
    try:
        with pytest.raises(ProviderUnavailable):
            await setting.embed(TEXTS)
    finally:
        await setting.embedder.close()

    assert set(await setting.states()) == {"unknown" if fault == "slow" else "released"}


async def test_a_hard_budget_stops_before_anything_is_sent(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    await setting.ledger.set_budget(
        setting.tenant, Period.DAY, soft=None, hard=Decimal("0.0000001")
    )
    with pytest.raises(BudgetExhausted, match=r"budget of 0\.0000001 USD a day"):
        await setting.embed(TEXTS)

    assert simulator.stats()["requests"] == 0


async def test_concurrent_calls_stay_within_a_budget_to_the_token(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    await setting.ledger.set_budget(
        setting.tenant, Period.MONTH, soft=None, hard=Decimal("0.0000004")
    )

    async def one(number: int) -> bool:
        try:
            await setting.embed([f"a text {number}"])
        except BudgetExhausted:
            return False
        return True

    done = await asyncio.gather(*(one(number) for number in range(30)))

    assert 0 < sum(done) < 30
    assert simulator.stats()["tokens_billed"] <= 20
    await balanced(setting, simulator)


async def test_a_model_without_a_price_is_not_used(setting: OpenAIEmbedderFixture) -> None:
    with pytest.raises(ConfigurationError, match="no price is known"):
        PaidEmbedder(
            OpenAIEmbedding(MODEL),
            ProviderCalls(
                "openai",
                rate_limiter=setting.rate_limiter,
                ledger=setting.ledger,
                keys=setting.keys,
            ),
            prices=(),
        )


async def test_a_cancelled_call_is_booked_as_lost(
    setting: OpenAIEmbedderFixture, simulator: Simulator
) -> None:
    simulator.faults(slow_rate=1.0, slow_seconds=3)
    task = asyncio.create_task(setting.embed(TEXTS))
    async with asyncio.timeout(5):
        while not simulator.stats()["requests"]:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await setting.states() == ["unknown"]
