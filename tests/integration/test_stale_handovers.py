"""Whoever was taken for dead while handing a document over hands nothing over, and undoes nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import builders
import pytest
from integration.parsing_setting import ParsingSetting

from benchmarks.simulator import Simulator
from ingest.adapters.postgres.parse_store import ParseStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import BudgetExhausted, ParseUnderway
from ingest.domain.remote_parse import ParseWish, Source

TEXT = b"# Log\n\nThe outer buoy was painted again before the winter storms came." * 3
HOUR = timedelta(hours=1)


async def overtake(parsing: ParsingSetting) -> None:
    """Somebody else hands the document over, because whoever began is silent for too long."""
    await builders.execute(
        parsing.database, "UPDATE upload_pipeline.parse_jobs SET poll_after = now()"
    )
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT)


@pytest.fixture
def overtaken(parsing: ParsingSetting, monkeypatch: pytest.MonkeyPatch) -> ParsingSetting:
    """The first hand-over is overtaken just before it would send."""
    note, begun = parsing.parses.sending, []

    async def slow(*arguments: Any) -> bool:
        if not begun:
            begun.append(arguments)
            await overtake(parsing)
        return await note(*arguments)

    monkeypatch.setattr(parsing.parses, "sending", slow)
    return parsing


async def test_an_overtaken_worker_sends_nothing_and_its_job_waits_for_the_other(
    overtaken: ParsingSetting, llamaparse: Simulator
) -> None:
    with pytest.raises(ParseUnderway):
        await overtaken.parse(TEXT)
    parsed = await overtaken.through(TEXT)

    assert "outer buoy" in parsed.text
    assert llamaparse.stats()["jobs"] == 1
    assert sorted(await overtaken.calls()) == [("released", 0), ("settled", 3)]
    await overtaken.balanced()


async def test_an_overtaken_worker_that_fails_leaves_the_other_ones_parse(
    parsing: ParsingSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = parsing.ledger.reserve
    refused: list[UUID] = []

    async def no_budget(reservation: Any) -> None:
        if not refused:
            refused.append(reservation.call_id)
            await overtake(parsing)
            raise BudgetExhausted("the day is used up")
        await reserve(reservation)

    monkeypatch.setattr(parsing.ledger, "reserve", no_budget)
    with pytest.raises(BudgetExhausted):
        await parsing.parse(TEXT)

    [row] = await parsing.rows("parse_jobs")
    assert row["status"] == "submitted"


async def test_a_lost_handover_changes_no_row(database: Database) -> None:
    store = ParseStore(database)
    wish = ParseWish(uuid4(), uuid4().hex, "llamaparse/x", Source(None, 0, 1))
    job, mine = await store.begin(wish, token="first", deadline=HOUR, handover=builders.EXPIRED)
    _, taken = await store.begin(wish, token="second", deadline=HOUR, handover=HOUR)
    query = "SELECT p.*, ctid, xmin FROM upload_pipeline.parse_jobs AS p"
    before = await builders.fetch(database, query)

    assert (mine, taken) == (True, True)
    assert not await store.sending(job.parse_job_id, "first", uuid4(), "fp")
    await store.drop(job.parse_job_id, "first")

    assert await builders.fetch(database, query) == before
    assert await store.sending(job.parse_job_id, "second", uuid4(), "fp")


async def test_a_parse_that_ended_ends_once(database: Database) -> None:
    """Two collectors found it over at the same time; the later one changes nothing."""
    store = ParseStore(database)
    wish = ParseWish(uuid4(), uuid4().hex, "llamaparse/x", Source(None, 0, 1))
    job, _ = await store.begin(wish, token="one", deadline=HOUR, handover=HOUR)
    await store.submitted(job.parse_job_id, uuid4(), "fp", "pjb-1", poll=HOUR, grace=HOUR)
    await end(store, job.parse_job_id)
    query = "SELECT p.*, ctid, xmin FROM upload_pipeline.parse_jobs AS p"
    before = await builders.fetch(database, query)

    await store.submitted(job.parse_job_id, uuid4(), "fp", "pjb-2", poll=HOUR, grace=HOUR)
    await end(store, job.parse_job_id)
    await store.drop(job.parse_job_id, "one")
    await store.sending(job.parse_job_id, "one", uuid4(), "fp")

    assert await builders.fetch(database, query) == before
