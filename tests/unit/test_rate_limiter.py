"""The rate limiter: within quota, in a fair order, one probe after an outage, nobody stuck."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.domain.circuit_breaker import FAILURES, BreakerState
from ingest.domain.errors import ProviderPaused, RateLimited, RequestTooLarge
from ingest.domain.job import Lane
from ingest.domain.provider import Limits, Outcome, Permit, PermitRequest, Report
from ingest.settings import Settings
from ingest.wiring import providers

T = TypeVar("T")
SPEED = 200.0
"""Seconds of the rate limiter in one second of the test."""


class FastClock:
    """Time that runs ahead; waits are as much shorter."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() - self._began) * SPEED


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FastClock:
    real = asyncio.wait_for

    async def shorter(waited: Awaitable[T], timeout: float) -> T:  # noqa: ASYNC109
        return await real(waited, timeout / SPEED)

    monkeypatch.setattr("ingest.app.providers.rate_limiter.asyncio.wait_for", shorter)
    return FastClock()


@pytest.fixture
def rate_limiter(clock: FastClock) -> LocalRateLimiter:
    quotas = {"openai": Quota(600, 60_000), "llamaparse": Quota(300, None)}
    return LocalRateLimiter(quotas, clock=clock)


def request(
    tokens: int = 100,
    *,
    keys: tuple[str, ...] = ("k1",),
    tenant: str = "t",
    lane: Lane = Lane.INTERACTIVE,
    patience: float = 1000,
    provider: str = "openai",
    is_question: bool = False,
) -> PermitRequest:
    return PermitRequest(provider, "m", keys, tokens, lane, tenant, patience, is_question)


OK = Report(Outcome.ANSWERED)


async def test_of_a_quota_of_one_request_a_minute_one_passes_each_minute(
    clock: FastClock,
) -> None:
    rate_limiter = LocalRateLimiter(
        providers.quotas(Settings(openai_requests_per_minute=1)), clock=clock
    )
    permit = []

    for _ in range(3):
        granted = await rate_limiter.acquire(request())
        permit.append(clock())
        await rate_limiter.release(granted, OK)

    assert all(after - before >= 60 for before, after in pairwise(permit))


async def test_calls_pass_at_the_pace_of_the_quota(rate_limiter: LocalRateLimiter) -> None:
    began = time.monotonic()
    for _ in range(30):
        await rate_limiter.release(await rate_limiter.acquire(request(2000)), OK)

    simulated = (time.monotonic() - began) * SPEED
    assert simulated >= 58  # 60,000 tokens at 60,000 a minute, the last burst of 1 s aside


async def test_a_request_over_a_whole_minute_is_refused_at_once(
    rate_limiter: LocalRateLimiter,
) -> None:
    with pytest.raises(RequestTooLarge, match="60001 tokens in one request, limit 60000"):
        await rate_limiter.acquire(request(60_001))


async def test_a_provider_without_keys_pauses(rate_limiter: LocalRateLimiter) -> None:
    with pytest.raises(ProviderPaused, match="no key"):
        await rate_limiter.acquire(request(keys=()))


async def test_patience_ends_in_an_error_that_costs_no_attempt(
    rate_limiter: LocalRateLimiter,
) -> None:
    await rate_limiter.release(await rate_limiter.acquire(request(30_000)), OK)

    with pytest.raises(RateLimited) as caught:
        await rate_limiter.acquire(request(30_000, patience=5))

    assert caught.value.retry_after is not None
    assert (await rate_limiter.health())[0].waiting == 0


async def test_an_open_breaker_turns_everybody_away_and_lets_one_probe_pass(
    rate_limiter: LocalRateLimiter,
) -> None:
    for _ in range(FAILURES):
        await rate_limiter.release(await rate_limiter.acquire(request(10)), Report(Outcome.FAILED))
    with pytest.raises(ProviderPaused) as caught:
        await rate_limiter.acquire(request(10))
    assert caught.value.retry_after is not None
    await asyncio.sleep(caught.value.retry_after.total_seconds() / SPEED + 0.01)

    probe = await rate_limiter.acquire(request(10))
    with pytest.raises(ProviderPaused):
        await rate_limiter.acquire(request(10))
    await rate_limiter.release(probe, OK)
    after = await rate_limiter.acquire(request(10))

    await rate_limiter.release(after, OK)
    assert (await rate_limiter.health())[0].breaker is BreakerState.CLOSED


async def test_those_who_wait_when_it_opens_are_turned_away_at_once(
    rate_limiter: LocalRateLimiter,
) -> None:
    passes = [await rate_limiter.acquire(request(10)) for _ in range(FAILURES)]
    waiting = [asyncio.create_task(rate_limiter.acquire(request(50_000))) for _ in range(3)]
    await asyncio.sleep(0)

    for permit in passes:
        await rate_limiter.release(permit, Report(Outcome.FAILED))

    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, ProviderPaused) for result in results)


async def test_one_provider_that_is_down_leaves_the_other_alone(
    rate_limiter: LocalRateLimiter,
) -> None:
    for _ in range(FAILURES):
        await rate_limiter.release(await rate_limiter.acquire(request(10)), Report(Outcome.FAILED))

    permit = await rate_limiter.acquire(request(0, provider="llamaparse"))

    assert permit.provider == "llamaparse"


@pytest.mark.parametrize("outcome", [Outcome.CREDENTIALS, Outcome.BILLING])
async def test_a_refused_key_is_stopped_and_the_others_go_on(
    rate_limiter: LocalRateLimiter, outcome: Outcome
) -> None:
    bad = request(10, keys=("bad",))
    await rate_limiter.release(await rate_limiter.acquire(bad), Report(outcome))

    found = [await rate_limiter.acquire(request(10, keys=("bad", "good"))) for _ in range(5)]

    assert {permit.fingerprint for permit in found} == {"good"}
    with pytest.raises(ProviderPaused, match=outcome):
        await rate_limiter.acquire(bad)
    states = {key.fingerprint: key.breaker for key in await rate_limiter.health()}
    assert states == {"bad": BreakerState.STOPPED, "good": BreakerState.CLOSED}


async def test_two_keys_give_twice_the_pace(rate_limiter: LocalRateLimiter) -> None:
    found: Counter[str] = Counter()
    for _ in range(40):
        permit = await rate_limiter.acquire(request(2000, keys=("k1", "k2")))
        found[permit.fingerprint] += 1
        await rate_limiter.release(permit, OK)

    assert abs(found["k1"] - found["k2"]) <= 4


@pytest.mark.parametrize("outcome", [Outcome.LIMITED, Outcome.SLOW_DOWN])
async def test_a_429_pauses_the_key_and_does_not_open_the_breaker(
    rate_limiter: LocalRateLimiter, outcome: Outcome
) -> None:
    for _ in range(3 * FAILURES):
        await rate_limiter.release(
            await rate_limiter.acquire(request(1)), Report(outcome, retry_after=0.1)
        )
    await rate_limiter.release(
        await rate_limiter.acquire(request(1)), Report(outcome, retry_after=20)
    )

    began = time.monotonic()
    await rate_limiter.acquire(request(1))

    assert (time.monotonic() - began) * SPEED >= 19
    assert (await rate_limiter.health())[0].breaker is BreakerState.CLOSED


async def test_headers_correct_the_quota(rate_limiter: LocalRateLimiter) -> None:
    permit = await rate_limiter.acquire(request(10))
    await rate_limiter.release(
        permit, Report(Outcome.ANSWERED, limits=Limits(tokens=60_000, tokens_left=0))
    )

    left = (await rate_limiter.health())[0].tokens_left
    assert left is not None
    assert left < 1000


async def test_who_is_cancelled_gives_the_place_to_the_next(rate_limiter: LocalRateLimiter) -> None:
    first = asyncio.create_task(rate_limiter.acquire(request(50_000)))
    second = asyncio.create_task(rate_limiter.acquire(request(10)))
    await asyncio.sleep(0.001)
    first.cancel()

    assert isinstance(await asyncio.wait_for(second, 5), Permit)


async def test_unused_permission_goes_back(rate_limiter: LocalRateLimiter) -> None:
    permit = await rate_limiter.acquire(request(900))
    await rate_limiter.release(permit, Report(Outcome.UNUSED))

    began = time.monotonic()
    await rate_limiter.acquire(request(900))
    assert (time.monotonic() - began) * SPEED <= 10


async def test_interactive_work_overtakes_backfill_that_waits(
    rate_limiter: LocalRateLimiter,
) -> None:
    order: list[str] = []

    async def go(lane: Lane) -> None:
        permit = await rate_limiter.acquire(request(3000, lane=lane))
        order.append(lane)
        await rate_limiter.release(permit, OK)

    backfill = [asyncio.create_task(go(Lane.BACKFILL)) for _ in range(12)]
    await asyncio.sleep(0.001)
    interactive = [asyncio.create_task(go(Lane.INTERACTIVE)) for _ in range(6)]
    await asyncio.gather(*backfill, *interactive)

    assert order[:9].count(Lane.INTERACTIVE) >= 5


async def test_a_small_interactive_call_need_not_wait_for_what_a_large_backfill_waits_for(
    rate_limiter: LocalRateLimiter,
) -> None:
    await rate_limiter.release(await rate_limiter.acquire(request(30_000, lane=Lane.BACKFILL)), OK)
    large = asyncio.create_task(rate_limiter.acquire(request(30_000, lane=Lane.BACKFILL)))
    await asyncio.sleep(0)

    for _ in range(5):
        await rate_limiter.release(await rate_limiter.acquire(request(20)), OK)
        assert not large.done()

    await rate_limiter.release(await large, OK)


async def test_many_interactive_calls_do_not_starve_a_large_backfill(
    rate_limiter: LocalRateLimiter,
) -> None:
    await rate_limiter.release(await rate_limiter.acquire(request(6_000, lane=Lane.BACKFILL)), OK)
    large = asyncio.create_task(rate_limiter.acquire(request(6_000, lane=Lane.BACKFILL)))

    async def send() -> None:
        while not large.done():
            await rate_limiter.release(await rate_limiter.acquire(request(200)), OK)

    await asyncio.wait_for(asyncio.gather(*(send() for _ in range(8))), 60 * SPEED)
    await rate_limiter.release(large.result(), OK)


@pytest.mark.parametrize("tenant", ["t", "somebody else"])
async def test_a_question_goes_before_all_that_waits_to_be_ingested(
    rate_limiter: LocalRateLimiter, tenant: str
) -> None:
    order: list[str] = []

    async def go(name: str, tokens: int, **more: Any) -> None:
        permit = await rate_limiter.acquire(request(tokens, **more))
        order.append(name)
        await rate_limiter.release(permit, OK)

    waiting = [asyncio.create_task(go(lane, 3000, lane=lane)) for _ in range(4) for lane in Lane]
    await asyncio.sleep(0)
    questions = [
        asyncio.create_task(go("question", 10, tenant=tenant, is_question=True)) for _ in range(3)
    ]
    await asyncio.gather(*waiting, *questions)

    assert order.index("question") <= 1  # the first of all was let in before it asked
    assert order[:4].count("question") == 3


async def test_questions_of_one_tenant_do_not_hold_up_those_of_another(
    rate_limiter: LocalRateLimiter,
) -> None:
    await rate_limiter.release(await rate_limiter.acquire(request(6_000, lane=Lane.BACKFILL)), OK)
    order: list[str] = []

    async def ask(tenant: str) -> None:
        await rate_limiter.release(
            await rate_limiter.acquire(request(200, tenant=tenant, is_question=True)), OK
        )
        order.append(tenant)

    many = [asyncio.create_task(ask("many")) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.gather(*many, asyncio.create_task(ask("few")))

    assert order.index("few") < 8  # a burst is let in before; in the order of coming it is 10


async def test_a_question_that_is_given_up_holds_up_nobody(rate_limiter: LocalRateLimiter) -> None:
    await rate_limiter.release(await rate_limiter.acquire(request(30_000)), OK)
    with pytest.raises(RateLimited):
        await rate_limiter.acquire(request(900, is_question=True, patience=0.1))

    assert (await rate_limiter.health())[0].waiting == 0
    await rate_limiter.release(await rate_limiter.acquire(request(900)), OK)
