"""A provider that is not there yet is added, and everything that depends on providers knows it.

Whoever adds an embedding provider takes four steps, and changes no other file of the product:

1. ``ingest/domain/provider_specs.py``: its specification, in the registry ``SPECS``;
2. ``ingest/settings/providers/<name>.py``: its variables, ``INGEST_<NAME>_…``, in a class that
   becomes a base of ``Settings`` in ``ingest/settings/__init__.py``;
3. ``ingest/adapters/embedders/<name>.py``: its service, which calls its API;
4. ``ingest/wiring/provider_services.py``: the entry that makes the service from the settings.

This file takes the same four steps for a provider called Tides, and then goes the ways that a real
one goes. The API of Tides is a few lines of arithmetic here, so nothing is called outside.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from pydantic import BaseModel, Field, SecretStr

from ingest.adapters.postgres.admin import inspection, migrate
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.cli.checks import components
from ingest.cli.estimates import capacity_plan
from ingest.cli.system import startup_checks
from ingest.cluster.rate_limiter_access import open_rate_limiter
from ingest.domain import provider_specs
from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import Degraded, Lane
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import Charge, Operation, Payer, Price
from ingest.domain.provider import EmbedAnswer, Outcome, ProviderKey, Report
from ingest.domain.provider_specs import LLAMAPARSE, EmbedderSpec
from ingest.settings import Settings
from ingest.settings.providers.llamaparse import Tier
from ingest.wiring import provider_batches, provider_services
from ingest.wiring.chunking import batch_limits
from ingest.wiring.embedding import make_embedder
from ingest.wiring.estimates import make_estimator
from ingest.wiring.provider_services import EmbedderServices
from ingest.wiring.providers import (
    embedding_model,
    embedding_models,
    price_today,
    provided,
    provider_keys,
    quotas,
)
from tests import builders

MODEL = EmbeddingModel("tides-embed", "1", 8)
USD = Decimal("0.5")

# 1. The specification.
TIDES = EmbedderSpec(
    name="tides",
    title="Tides",
    models={MODEL.name: MODEL},
    max_text_tokens=1000,
    prices=(Price("tides", MODEL.name, date(2026, 1, 1), USD),),
)


# 2. The variables.
class TidesVariables(BaseModel):
    """Those of Tides."""

    tides_api_keys: SecretStr | None = Field(None)
    tides_api_key_file: Path | None = Field(None)
    tides_base_url: str | None = Field(None)
    tides_model: str = Field(MODEL.name)
    tides_requests_per_minute: float = Field(100.0)
    tides_tokens_per_minute: float = Field(50_000.0)
    tides_timeout_seconds: float = Field(5.0)


class TidesSettings(Settings, TidesVariables):
    """Ours, and those of Tides."""


# 3. The adapter.
class TidesEmbedding:
    """The EmbeddingService port: a token is a word, and a vector counts letters."""

    provider = TIDES.name
    max_text_tokens = TIDES.max_text_tokens

    def __init__(self, model: EmbeddingModel) -> None:
        self.model = model

    def count(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(text.split()) for text in texts]

    async def call(self, texts: Sequence[str], *, key: ProviderKey, call_id: UUID) -> EmbedAnswer:
        """Embed, and charge for each word."""
        rows = [[1.0 + text.count(letter) for letter in "aeinorst"] for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        charge = Charge(units=sum(self.count(texts)), request_id=f"{key.fingerprint}:{call_id}")
        return EmbedAnswer(vectors, charge, Report(Outcome.ANSWERED))

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> TidesSettings:
    monkeypatch.setattr(provider_specs, "SPECS", (*provider_specs.SPECS, TIDES))
    # 4. The entry.
    services = EmbedderServices(lambda settings, model: TidesEmbedding(model))
    monkeypatch.setitem(provider_services.EMBEDDERS, TIDES.name, services)
    for name in ("OPENAI_API_KEY", "INGEST_OPENAI_API_KEYS", "INGEST_NEXT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INGEST_EMBEDDER", "tides")
    monkeypatch.setenv("INGEST_TIDES_API_KEYS", "td-one")
    return TidesSettings()


def test_each_provider_of_the_registry_has_variables_and_a_service() -> None:
    settings = Settings()
    accesses = [settings.of(spec) for spec in provider_specs.SPECS]

    assert all(access.requests_per_minute > 0 for access in accesses)
    assert provider_services.EMBEDDERS.keys() == provider_specs.embedders().keys()
    assert provider_services.PARSERS.keys() == provider_specs.parsers().keys()
    for name, spec in provider_specs.embedders().items():
        assert settings.of(spec).model in spec.models
        assert settings.of(spec).tokens_per_minute
        has_batches = provider_services.EMBEDDERS[name].make_batches is not None
        assert has_batches is (spec.batch_api is not None)


def test_the_tiers_of_llamaparse_are_those_that_have_a_price() -> None:
    assert [tier.value for tier in Tier] == list(LLAMAPARSE.credits_per_page)


def test_without_the_registry_nobody_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_EMBEDDER", "tides")

    with pytest.raises(ValueError, match="must be 'local' or 'openai'"):
        TidesSettings()


def test_it_needs_a_key_and_a_valid_address(
    settings: TidesSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INGEST_TIDES_API_KEYS")
    monkeypatch.setenv("INGEST_TIDES_BASE_URL", "tides.example")

    with pytest.raises(
        ValueError, match="INGEST_TIDES_API_KEYS, or INGEST_TIDES_API_KEY_FILE"
    ) as caught:
        TidesSettings()
    assert "INGEST_TIDES_BASE_URL is 'tides.example'" in str(caught.value)


def test_a_start_names_its_missing_model_price_and_key_file(
    settings: TidesSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unknown = settings.model_copy(update={"tides_model": "tide-embed"})
    unreadable = settings.model_copy(update={"tides_api_key_file": tmp_path / "none"})
    assert list(startup_checks.value_faults(settings)) == []
    assert list(startup_checks.value_faults(unknown)) == [
        "INGEST_TIDES_MODEL is 'tide-embed'; it must be tides-embed; did you mean tides-embed?"
    ]
    assert "INGEST_TIDES_API_KEY_FILE" in next(startup_checks.value_faults(unreadable))
    free = EmbedderSpec(
        name="tides", title="Tides", models=TIDES.models, max_text_tokens=1000, prices=()
    )
    monkeypatch.setattr(provider_specs, "SPECS", (*provider_specs.SPECS[:-1], free))

    assert list(startup_checks.value_faults(settings)) == [
        "no price is known for tides tides-embed: add it to INGEST_PRICES"
    ]


def test_its_model_price_quota_and_batches_are_those_of_its_specification(
    settings: TidesSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = quotas(settings)["tides"]

    assert embedding_model(settings) == MODEL
    assert price_today(settings, TIDES, MODEL.name) == USD
    assert quota.requests_per_minute == pytest.approx(100)
    assert quota.tokens_per_minute == pytest.approx(50_000)
    assert batch_limits(settings).tokens == 1000  # one text; 1 % of a minute is less
    assert provided(settings) == {Degraded.EMBEDDER: "tides"}
    assert provider_batches.batchable_models(settings) == {}

    monkeypatch.setenv(
        "INGEST_PRICES",
        '[{"provider": "tides", "model": "tides-embed", "since": "2026-02-01", "usd": 2}]',
    )
    assert price_today(TidesSettings(), TIDES, MODEL.name) == 2


def test_a_tenant_can_be_moved_to_its_model(
    settings: TidesSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_EMBEDDER", "local")
    monkeypatch.setenv("INGEST_NEXT_MODEL", MODEL.name)
    beside = TidesSettings()

    assert list(embedding_models(beside))[1:] == [MODEL.label]
    assert beside.embedding_providers == (TIDES,)


async def test_an_estimate_and_a_plan_have_its_price(settings: TidesSettings) -> None:
    estimator, parser = make_estimator(settings, Lane.BACKFILL)
    try:
        await estimator.add(b"The tide is out at seven. " * 200, "tides.txt", MediaType.TEXT)
    finally:
        await parser.close()
    found = estimator.estimate
    request = capacity_plan.PlanRequest(1000, 2, 0, 365, 0.3, 2, None)
    mix = capacity_plan.KINDS["notes"]
    costs = capacity_plan.costs_of(None, settings)
    plan = capacity_plan.make(request, mix, costs, settings)

    assert found.tokens > 1000
    assert found.embed_usd == USD * found.tokens / 1_000_000
    assert found.parse_usd == 0
    assert plan.usd_a_month == USD * 30 * 1000 * 250 / 1_000_000
    assert "quota: tokens" in [bound.resource for bound in plan.bounds]


# The template that all tests copy is migrated before the registry has Tides in it.
@pytest.mark.usefixtures("template_database")
async def test_wiring_makes_an_embedder_that_is_metered_and_paid(
    settings: TidesSettings, database: Database
) -> None:
    payer = Payer(uuid4(), Lane.INTERACTIVE, Operation.EMBED)
    with open_rate_limiter(settings) as rate_limiter:
        embedder = make_embedder(settings, database, rate_limiter)
        vectors = await embedder.embed(["the tide is out", "it returns"], payer=payer)
        (health,) = await rate_limiter.health()
        await embedder.close()
    query = "SELECT provider, model, state, units, usd FROM upload_pipeline.provider_calls"
    (call,) = await builders.fetch(database, query)
    (key,) = provider_keys(settings, TIDES).current()

    assert vectors.shape == (2, MODEL.dimension)
    assert list(call.values()) == ["tides", MODEL.name, "settled", 6, USD * 6 / 1_000_000]
    assert (health.provider, health.model, health.fingerprint) == (
        "tides",
        MODEL.name,
        key.fingerprint,
    )
    assert health.breaker is BreakerState.CLOSED


async def test_migrating_makes_its_vector_space(
    settings: TidesSettings, database: Database, database_url: str
) -> None:
    facts = await inspection.inspect(database_url)
    assert facts.mismatch == "the database lacks the vector space tides-embed@1"

    for _ in range(2):
        await asyncio.to_thread(migrate.upgrade, database_url)

    assert (await inspection.inspect(database_url)).mismatch is None
    (space,) = [s for s in await IndexStore(database).spaces() if s.embed_model == MODEL.name]
    assert (space.dimension, space.usable) == (MODEL.dimension, False)
    await IndexStore(database).rebuild(MODEL, IndexKind.HALFVEC)
    assert await IndexStore(database).is_usable(MODEL)


def test_doctor_tries_each_of_its_keys(settings: TidesSettings) -> None:
    (key,) = provider_keys(settings, TIDES).current()

    (finding,) = components.embedder(settings)

    assert finding.subject == "embedder"
    assert finding.text == f"tides-embed@1, 8 dimensions, key {key.fingerprint}"
