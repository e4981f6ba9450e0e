"""The duty that measures recall: whose search it measures, what follows, and where it is shown."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest

from ingest.adapters.postgres.jobs.maintenance_store import LeasedDatabase, MaintenanceStore
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.nearest import NearestChunks, Question
from ingest.adapters.postgres.search.recall_store import QuestionSampler, RecallStore
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.app.maintenance.measure_recall import MeasureRecall
from ingest.app.maintenance.runner import MaintenanceRunner
from ingest.cli.app import main
from ingest.domain.embedding import Vectors
from ingest.domain.index_kind import IndexKind
from ingest.domain.search_recall import EF_SEARCH, EF_STEPS, KEPT_QUESTIONS, Case, Measurement
from serve.metrics import Backlog
from tests import builders
from tests.builders import MODEL, numbered_chunks, some_vectors

COUNT, MINE, THEIRS = 1_500, UUID(int=21), UUID(int=22)
ASKED = "SELECT tenant_id, vector_dim FROM upload_pipeline.asked_vectors ORDER BY asked_id"
MEASURED = "SELECT * FROM upload_pipeline.search_recall ORDER BY tenant_id"


@pytest.fixture
async def filled(database: Database) -> Database:
    """Two tenants who need the index, because nothing is fast enough to be searched exactly."""
    for tenant_id in (MINE, THEIRS):
        job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
        vectors = some_vectors(COUNT, MODEL, seed=tenant_id.int)
        await builders.publish(database, job, numbered_chunks(job, COUNT), vectors=vectors)
    return database


async def keep(database: Database, tenant_id: UUID, asked: Vectors) -> None:
    for vector in asked:
        await QuestionSampler(database, MODEL).offer(Question(vector, tenant_id, 10))


def the_duty(database: Database, *, exact_ms: float = 0) -> MeasureRecall:
    return MeasureRecall(RecallStore(database, exact_ms=exact_ms))


async def ef_search(database: Database) -> int:
    [row] = await builders.fetch(
        database,
        "SELECT ef_search FROM upload_pipeline.embedding_models WHERE embed_model = $1",
        MODEL.name,
    )
    return int(row["ef_search"])


async def test_some_questions_are_kept_of_tenants_who_need_the_index(filled: Database) -> None:
    act_for(MINE)
    by_index = SearchStore(TenantDatabase(filled), MODEL, exact_ms=0)
    exact = SearchStore(TenantDatabase(filled), MODEL)
    asked = some_vectors(3, seed=5)

    await exact.search(asked[0], MINE, limit=5)
    before = await builders.fetch(filled, ASKED)
    for vector in asked:
        await by_index.search(vector, MINE, limit=5)
    kept = await builders.fetch(filled, ASKED)

    assert before == []
    assert kept == [{"tenant_id": MINE, "vector_dim": MODEL.dimension}]


async def test_a_question_that_cannot_be_kept_is_answered_all_the_same(filled: Database) -> None:
    await builders.execute(filled, "DROP TABLE upload_pipeline.asked_vectors")

    hits = await SearchStore(filled, MODEL, exact_ms=0).search(
        some_vectors(1, seed=5)[0], MINE, limit=5
    )

    assert len(hits) == 5


async def test_only_the_newest_questions_of_each_are_kept_and_not_for_ever(
    filled: Database,
) -> None:
    await keep(filled, MINE, some_vectors(1, seed=1))
    copies = (
        "INSERT INTO upload_pipeline.asked_vectors"
        " (tenant_id, embed_model, embed_version, vector_dim, embedding, asked_at)"
        " SELECT $1, embed_model, embed_version, vector_dim, embedding, now() - $2::interval"
        " FROM upload_pipeline.asked_vectors, generate_series(1, $3::integer) LIMIT $3"
    )
    await builders.execute(filled, copies, MINE, timedelta(), KEPT_QUESTIONS + 20)
    await builders.execute(filled, copies, THEIRS, timedelta(days=31), 7)
    await builders.execute(filled, copies, THEIRS, timedelta(days=29), 2)

    removed = await RecallStore(filled).prune()

    left = [row["tenant_id"] for row in await builders.fetch(filled, ASKED)]
    assert removed == 21 + 7
    assert left == [MINE] * KEPT_QUESTIONS + [THEIRS] * 2


async def test_search_of_a_tenant_takes_the_fewest_candidates_that_find_enough(
    filled: Database,
) -> None:
    await keep(filled, MINE, some_vectors(12, seed=5))
    await keep(filled, THEIRS, some_vectors(3, seed=6))
    assert await ef_search(filled) == EF_SEARCH

    await the_duty(filled).run_once()

    [row] = await builders.fetch(filled, MEASURED)
    assert (row["tenant_id"], row["questions"], row["is_exact"]) == (MINE, 12, False)
    assert row["recall"] >= 0.98
    assert row["ef_search"] in EF_STEPS
    assert await ef_search(filled) == row["ef_search"]
    worse = [step for step in EF_STEPS if step < row["ef_search"]]
    trial = await RecallStore(filled, exact_ms=0).begin((await due(filled))[0])
    assert trial is not None
    for step in worse:
        assert (await trial.measure(step)).recall < 0.98


async def due(database: Database) -> list[Case]:
    return await RecallStore(database).due(every=timedelta(seconds=-1), limit=9)


async def test_a_tenant_of_whom_the_index_finds_too_little_is_searched_exactly(
    filled: Database,
) -> None:
    asked = some_vectors(12, seed=5)
    hidden = await builders.a_claimed_job(filled, builders.an_arrival(UUID(int=23)))
    await builders.publish(
        filled, hidden, numbered_chunks(hidden, 40), vectors=some_vectors(40, seed=30)
    )
    await keep(filled, UUID(int=23), asked)
    [case] = await due(filled)
    store = RecallStore(filled, exact_ms=0)
    await store.save(case, Measurement(0.5, 12, EF_STEPS[-1], exact_ms=20))
    nearest = NearestChunks(MODEL, exact_ms=0)

    async with filled.transaction() as connection:
        answer = await nearest.find(connection, Question(asked[0], UUID(int=23), 10))
    await IndexStore(filled).rebuild(MODEL, IndexKind.HALFVEC)
    [again] = await due(filled)

    assert answer.is_exact
    assert answer.is_sample, "otherwise the index would never be tried again"
    assert again.tenant_id == case.tenant_id, "a new index is measured at once"


async def test_a_tenant_that_needs_no_index_any_more_is_forgotten(filled: Database) -> None:
    await keep(filled, MINE, some_vectors(12, seed=5))
    await keep(filled, THEIRS, some_vectors(12, seed=6))
    await the_duty(filled).run_once()
    both = await builders.fetch(filled, MEASURED)
    await builders.execute(
        filled, "DELETE FROM upload_pipeline.documents WHERE tenant_id = $1", THEIRS
    )
    await builders.execute(
        filled, "UPDATE upload_pipeline.search_recall SET measured_at = now() - interval '2 h'"
    )

    await the_duty(filled).run_once()

    assert [row["tenant_id"] for row in both] == [MINE, THEIRS]
    assert [row["tenant_id"] for row in await builders.fetch(filled, MEASURED)] == [MINE]
    assert {row["tenant_id"] for row in await builders.fetch(filled, ASKED)} == {MINE}


async def test_nothing_is_measured_while_there_is_no_index(filled: Database) -> None:
    await keep(filled, MINE, some_vectors(12, seed=5))
    await IndexStore(filled).drop(MODEL)

    await the_duty(filled).run_once()

    assert await builders.fetch(filled, MEASURED) == []
    assert len(await builders.fetch(filled, ASKED)) == 12, "they are needed after the next build"


async def test_of_two_supervisors_one_measures_and_once(
    filled: Database, database_url: str
) -> None:
    await keep(filled, MINE, some_vectors(12, seed=5))
    pools = [Database(database_url) for _ in range(2)]
    runners = [
        MaintenanceRunner(MaintenanceStore(pool), holder=str(at)) for at, pool in enumerate(pools)
    ]
    for running, pool in zip(runners, pools, strict=True):
        running.start([the_duty(LeasedDatabase(pool))])
    try:
        async with asyncio.timeout(40):
            while not (measured := await builders.fetch(filled, MEASURED)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)  # both have tried for the lease again
        leases = await builders.fetch(
            filled,
            "SELECT holder FROM upload_pipeline.maintenance_leases WHERE duty = 'measure_recall'",
        )
        again = await builders.fetch(filled, MEASURED)
    finally:
        for running, pool in zip(runners, pools, strict=True):
            await running.stop()
            await pool.close()

    assert len(leases) == 1
    assert again == measured


@pytest.mark.parametrize(("exact_ms", "shown"), [(20.0, 1.0), (20_000.0, 0.75)])
async def test_metrics_show_the_worst_tenant_and_the_mean(
    filled: Database, exact_ms: float, shown: float
) -> None:
    store = RecallStore(filled)
    for tenant_id, recall in ((MINE, 0.75), (THEIRS, 0.99)):
        case = Case(tenant_id, MODEL)
        await store.save(case, Measurement(recall, 12, EF_STEPS[-1], exact_ms=exact_ms))
    backlog = Backlog(filled, stuck_after=timedelta(minutes=5))

    await backlog.refresh()

    [gauge] = [metric for metric in backlog.collect() if metric.name == "ingest_search_recall"]
    values = {sample.labels["tenants"]: sample.value for sample in gauge.samples}
    assert {sample.labels["model"] for sample in gauge.samples} == {MODEL.label}
    assert values == {"worst": min(shown, 0.99), "mean": pytest.approx((shown + 0.99) / 2)}


def test_the_command_line_warns_of_low_recall_and_says_what_to_do(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def save(recall: float) -> None:
        database = Database(database_url)
        measurement = Measurement(recall, 12, EF_STEPS[-1], exact_ms=20_000)
        await RecallStore(database).save(Case(MINE, MODEL), measurement)
        await database.close()

    monkeypatch.setenv("INGEST_DATABASE_URL", database_url)
    assert main(["index", "show"]) == 0
    unmeasured = capsys.readouterr()
    asyncio.run(save(0.75))
    assert main(["index", "show"]) == 0
    low = capsys.readouterr()
    assert main(["index", "show", "--json"]) == 0
    spaces = {space["embed_model"]: space for space in json.loads(capsys.readouterr().out)}
    asyncio.run(save(0.99))
    assert main(["index", "show"]) == 0
    fine = capsys.readouterr()

    assert "recall" not in unmeasured.out
    assert unmeasured.err == ""
    assert "recall@10 0.750, worst tenant 0.750 (1 tenant measured)" in low.out
    assert "--ef-construction 200" in low.err
    assert "the target is 0.98" in low.err
    assert spaces[MODEL.name]["worst_recall"] == 0.75
    assert fine.err == ""
