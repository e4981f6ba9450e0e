"""Limits of tenants: never overrun, told when to come again, and nothing lost by a refusal."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ingest.adapters.postgres.jobs.limit_store import LimitStore, LimitUse, admit_upload
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import LimitReached
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.tenant_limits import LimitKind, TenantLimits
from tests import builders
from tests.builders import a_tenant, an_arrival
from tests.integration.cli_system import ingest
from tests.integration.gateway import Running, publish, upload

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAYS = pytest.mark.parametrize("way", ["straight", "pooler", "older"], indirect=True)


@WAYS
@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (TenantLimits(active_jobs=5), "active_jobs"),
        (TenantLimits(uploads_per_day=5), "uploads_per_day"),
        (TenantLimits(bytes_per_day=5 * 16 + 15), "bytes_per_day"),
    ],
)
async def test_racing_uploads_never_overrun_a_limit(
    database: Database, limits: TenantLimits, kind: str
) -> None:
    tenant, other = a_tenant(), a_tenant()
    await LimitStore(database).set(tenant, limits)

    outcomes = await asyncio.gather(
        *(builders.accept(database, an_arrival(tenant)) for _ in range(20)),
        *(builders.accept(database, an_arrival(other)) for _ in range(7)),
        return_exceptions=True,
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, LimitReached)]
    assert len(refused) == 15
    assert all(error.message.startswith(f"{kind}: the tenant may have") for error in refused)
    [row] = await builders.fetch(
        database, "SELECT count(*) FROM upload_pipeline.documents WHERE tenant_id = $1", tenant
    )
    assert row["count"] == 5


async def test_what_is_there_already_is_not_counted(database: Database) -> None:
    tenant = a_tenant()
    await LimitStore(database).set(tenant, TenantLimits(uploads_per_day=1, active_jobs=1))
    first = an_arrival(tenant, b"the same", idempotency_key="k")
    accepted = await builders.accept(database, first)

    repeated = await builders.accept(database, an_arrival(tenant, b"the same"))
    replayed = await builders.accept(database, an_arrival(tenant, b"the same", idempotency_key="k"))

    assert {repeated.job_id, replayed.job_id} == {accepted.job_id}
    with pytest.raises(LimitReached):
        await builders.accept(database, an_arrival(tenant))


async def test_a_job_that_ends_makes_room_and_so_does_a_newer_version(database: Database) -> None:
    tenant = a_tenant()
    await LimitStore(database).set(tenant, TenantLimits(active_jobs=1))
    await builders.accept(database, an_arrival(tenant, b"one", external_id="a"))
    await builders.accept(database, an_arrival(tenant, b"two", external_id="a"))
    with pytest.raises(LimitReached) as caught:
        await builders.accept(database, an_arrival(tenant))

    [job] = await builders.claim(database)
    await builders.publish(database, job, builders.some_chunks(job, "two"))

    await builders.accept(database, an_arrival(tenant))
    assert caught.value.message == (
        "active_jobs: the tenant may have 1 unfinished jobs, 1 are used"
    )


async def test_a_day_ends_at_midnight_in_utc(database: Database) -> None:
    tenant, store = a_tenant(), LimitStore(database)
    await store.set(tenant, TenantLimits(uploads_per_day=1, bytes_per_day=10))

    async def admit(at: datetime, size: int = 10) -> None:
        async with database.transaction() as connection:
            await admit_upload(connection, tenant, size, at=at)

    await admit(NOON)
    with pytest.raises(LimitReached) as caught:
        await admit(NOON + timedelta(hours=11))
    await admit(NOON + timedelta(hours=12))
    with pytest.raises(LimitReached, match="bytes_per_day"):
        await admit(NOON + timedelta(days=2), 11)
    await admit(NOON + timedelta(days=2))

    assert caught.value.retry_after == timedelta(hours=1)


async def test_searches_grow_back_steadily(database: Database) -> None:
    tenant, store = a_tenant(), LimitStore(database)
    await store.set(tenant, TenantLimits(searches_per_minute=30))
    for _ in range(30):
        await store.admit_search(tenant, at=NOON)

    with pytest.raises(LimitReached) as caught:
        await store.admit_search(tenant, at=NOON)
    await store.admit_search(tenant, at=NOON + timedelta(seconds=2))
    with pytest.raises(LimitReached):
        await store.admit_search(tenant, at=NOON + timedelta(seconds=3))
    await store.admit_search(tenant, at=NOON - timedelta(days=1) + timedelta(days=2))
    await store.admit_search(a_tenant(), at=NOON)

    assert caught.value.retry_after == timedelta(seconds=2)


async def test_racing_searches_never_overrun_their_limit(database: Database) -> None:
    tenant, store = a_tenant(), LimitStore(database)
    await store.set(tenant, TenantLimits(searches_per_minute=5))

    outcomes = await asyncio.gather(
        *(store.admit_search(tenant, at=NOON) for _ in range(30)), return_exceptions=True
    )

    assert outcomes.count(None) == 5


async def test_limits_of_its_own_take_the_place_of_those_of_each(database: Database) -> None:
    store, own, plain = LimitStore(database), a_tenant(), a_tenant()
    await store.set(ALL_TENANTS, TenantLimits(uploads_per_day=0))
    await store.set(own, TenantLimits(uploads_per_day=2, searches_per_minute=9))

    await builders.accept(database, an_arrival(own))
    with pytest.raises(LimitReached):
        await builders.accept(database, an_arrival(plain))
    used = await store.use(own)
    assert await store.remove(ALL_TENANTS)
    assert not await store.remove(ALL_TENANTS)
    await builders.accept(database, an_arrival(plain))

    assert used == [
        LimitUse(LimitKind.ACTIVE_JOBS, None, 1),
        LimitUse(LimitKind.UPLOADS_PER_DAY, 2, 1),
        LimitUse(LimitKind.BYTES_PER_DAY, None, 16),
        LimitUse(LimitKind.SEARCHES_PER_MINUTE, 9, 0),
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_over_http_a_refusal_is_429_and_leaves_nothing(gateway: Running) -> None:
    store = LimitStore(gateway.database)
    await store.set(gateway.tenant, TenantLimits(uploads_per_day=1, searches_per_minute=1))
    await upload(gateway, b"The ship sails.")
    await publish(gateway, "The ship sails.")
    found = await gateway.client.post("/v1/search", json={"query": "ship"})
    blobs = gateway.blob_files()

    refused = await gateway.client.post(
        "/v1/documents", content=b"Another one.", headers={"X-Filename": "b.txt"}
    )
    again = await gateway.client.post("/v1/search", json={"query": "ship"})
    shown = (await gateway.client.get("/v1/limits")).json()["limits"]

    assert found.status_code == 200
    for answer in (refused, again):
        assert answer.status_code == 429
        assert answer.json()["code"] == "tenant_limit_reached"
        assert 1 <= int(answer.headers["Retry-After"]) <= 86_400
    assert int(again.headers["Retry-After"]) <= 60
    assert gateway.blob_files() == blobs
    assert [(row["kind"], row["allowed"], row["used"]) for row in shown] == [
        ("active_jobs", None, 0),
        ("uploads_per_day", 1, 1),
        ("bytes_per_day", None, 15),
        ("searches_per_minute", 1, 1),
    ]


def test_limits_are_set_shown_and_removed(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    empty = ingest("limits", "list", **where)
    ingest("limits", "set", "--active-jobs", "1000", "--tenant", "acme", "--create-tenant", **where)
    ingest("limits", "set", "--searches-per-minute", "60", **where)
    shown = ingest("limits", "list", **where)
    listed = ingest("limits", "list", "--json", **where).json()
    gone = ingest("limits", "remove", "--tenant", "acme", **where)
    again = ingest("limits", "remove", "--tenant", "acme", **where)
    nothing = ingest("limits", "set", **where)

    assert "no limits" in empty.out
    assert "1,000" in shown.out
    assert "default" in shown.out
    assert [row["active_jobs"] for row in listed] == [None, 1000]
    assert (gone.code, again.code, nothing.code) == (0, 1, 2)
