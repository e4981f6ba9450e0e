"""Questions have budgets of their own: ingestion takes none of their money, nor they of its."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.domain.errors import BudgetExhausted
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane
from ingest.domain.pricing import Operation, Payer, Period, Purpose
from ingest.domain.provider import Permit, PermitRequest
from ingest.domain.provider_specs import OPENAI, builtin_prices
from ingest.settings import Auth
from tests.integration.gateway import Running, a_settings
from tests.integration.gateway import running as running_gateway

SEARCH = Purpose.SEARCH

KEY = "sk-of-the-test"


@pytest.fixture(scope="module")
def running_openai() -> Iterator[Simulator]:
    with running_simulator("openai", "--key", KEY) as simulator:
        yield simulator


@pytest.fixture
def openai(running_openai: Simulator) -> Simulator:
    running_openai.reset()
    return running_openai


@pytest.fixture
async def asked(
    openai: Simulator, database: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    """A tenant of a gateway that embeds questions at the simulator."""
    settings = a_settings(
        database_url,
        tmp_path,
        auth=Auth.KEYS,
        embedder="openai",
        openai_base_url=f"{openai.url}/v1",
        openai_api_keys=KEY,
    )
    async with running_gateway(settings) as started, started.as_tenant() as tenant:
        yield tenant


@pytest.fixture
async def documents(openai: Simulator) -> AsyncIterator[OpenAIEmbedding]:
    service = OpenAIEmbedding(
        OPENAI.models["text-embedding-3-small"], base_url=f"{openai.url}/v1", timeout_seconds=5
    )
    yield service
    await service.close()


async def ingest(service: OpenAIEmbedding, database: Database, tenant: UUID, text: str) -> None:
    """Buy the vector of a text of a document."""
    ledger, rate_limiter = (
        LedgerStore(database),
        LocalRateLimiter({"openai": Quota(60_000, 60_000_000)}),
    )
    calls = ProviderCalls("openai", rate_limiter=rate_limiter, ledger=ledger, keys=Keys(KEY))
    payer = Payer(tenant, Lane.INTERACTIVE, Operation.EMBED)
    await PaidEmbedder(service, calls, prices=builtin_prices()).embed([text], payer=payer)


class Watched(LocalRateLimiter):
    """A rate limiter that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__({"openai": Quota(60_000, 60_000_000)})
        self.requests: list[PermitRequest] = []

    async def acquire(self, request: PermitRequest) -> Permit:
        self.requests.append(request)
        return await super().acquire(request)


async def search(gateway: Running) -> int:
    answer = await gateway.client.post("/v1/search", json={"query": "when do we open"})
    if answer.status_code == 402:
        assert answer.json()["code"] == "budget_exhausted"
        assert "search budget" in answer.json()["detail"]
    return answer.status_code


@pytest.mark.parametrize("whose", ["tenant", "everybody"])
async def test_a_question_is_answered_when_ingestion_has_used_up_its_budget(
    asked: Running, documents: OpenAIEmbedding, whose: str
) -> None:
    ledger = LedgerStore(asked.database)
    bounded = asked.tenant if whose == "tenant" else ALL_TENANTS
    await ledger.set_budget(bounded, Period.DAY, soft=None, hard=Decimal("0.00000012"))
    await ingest(documents, asked.database, asked.tenant, "five words are in here")
    with pytest.raises(BudgetExhausted):
        await ingest(documents, asked.database, asked.tenant, "six more words are in here")

    assert await search(asked) == 200

    usage = (await asked.client.get("/v1/usage")).json()["usage"]
    assert {row["operation"]: row["calls"] for row in usage} == {"embed": 1, "search": 1}


async def test_a_search_budget_that_is_used_up_stops_questions_and_nothing_else(
    asked: Running, documents: OpenAIEmbedding
) -> None:
    ledger = LedgerStore(asked.database)
    await ledger.set_budget(
        asked.tenant, Period.DAY, soft=None, hard=Decimal("0.0000001"), purpose=SEARCH
    )
    answers = [await search(asked), await search(asked)]
    await ingest(documents, asked.database, asked.tenant, "a text that is bought all the same")

    assert answers == [200, 402]
    await ledger.remove_budget(asked.tenant, Period.DAY, purpose=SEARCH)
    assert await search(asked) == 200


async def test_a_search_budget_of_one_tenant_leaves_the_others_alone(asked: Running) -> None:
    ledger = LedgerStore(asked.database)
    await ledger.set_budget(asked.tenant, Period.DAY, soft=None, hard=Decimal(0), purpose=SEARCH)
    async with asked.as_tenant() as other:
        assert (await search(asked), await search(other)) == (402, 200)

    await ledger.set_budget(ALL_TENANTS, Period.DAY, soft=None, hard=Decimal(0), purpose=SEARCH)
    async with asked.as_tenant() as other:
        assert await search(other) == 402


async def test_the_search_route_says_that_it_may_answer_402(asked: Running) -> None:
    schema = (await asked.client.get("/openapi.json")).json()

    assert "402" in schema["paths"]["/v1/search"]["post"]["responses"]


async def test_a_tenant_sees_its_budgets_by_purpose_and_the_common_ones_without_their_spending(
    asked: Running, documents: OpenAIEmbedding
) -> None:
    ledger, money = LedgerStore(asked.database), Decimal
    await ledger.set_budget(asked.tenant, Period.DAY, soft=None, hard=money(2), purpose=SEARCH)
    await ledger.set_budget(ALL_TENANTS, Period.MONTH, soft=money(7), hard=money(9))
    await ledger.set_budget(ALL_TENANTS, Period.DAY, soft=None, hard=money(0), purpose=SEARCH)
    await ingest(documents, asked.database, uuid4(), "what another tenant pays for")

    answer = (await asked.client.get("/v1/budgets")).json()

    [own] = answer["budgets"]
    assert (own["purpose"], own["period"], own["hard_usd"]) == ("search", "day", "2")
    month, day = answer["common"]
    assert month == {
        "purpose": "ingestion",
        "period": "month",
        "soft_usd": "7",
        "hard_usd": "9",
        "exhausted": False,
    }
    assert day == {
        "purpose": "search",
        "period": "day",
        "soft_usd": None,
        "hard_usd": "0",
        "exhausted": True,
    }
    assert answer["common_exhausted"] is False


async def test_money_has_no_exponent_in_json(asked: Running) -> None:
    await LedgerStore(asked.database).set_budget(
        asked.tenant, Period.DAY, soft=Decimal("0.00000008"), hard=Decimal("100"), purpose=SEARCH
    )
    assert await search(asked) == 200

    usage = (await asked.client.get("/v1/usage")).json()
    [budget] = (await asked.client.get("/v1/budgets")).json()["budgets"]

    assert (usage["usd"], usage["usage"][0]["usd"]) == ("0.00000008", "0.00000008")
    assert (budget["soft_usd"], budget["spent_usd"]) == ("0.00000008", "0.00000008")
    assert budget["hard_usd"] == "100"


async def test_only_questions_go_before_what_waits_at_the_gate(
    documents: OpenAIEmbedding, database: Database
) -> None:
    rate_limiter = Watched()
    calls = ProviderCalls(
        "openai", rate_limiter=rate_limiter, ledger=LedgerStore(database), keys=Keys(KEY)
    )
    embedder = PaidEmbedder(documents, calls, prices=builtin_prices())
    for operation in (Operation.EMBED, Operation.SEARCH):
        await embedder.embed(["a text"], payer=Payer(uuid4(), Lane.INTERACTIVE, operation))

    assert [request.is_question for request in rate_limiter.requests] == [False, True]
