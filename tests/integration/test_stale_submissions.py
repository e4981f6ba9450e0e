"""Whoever was taken for dead while handing a document over sends nothing and undoes nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from benchmarks.simulator import Simulator
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.domain.errors import (
    BudgetExhausted,
    DocumentEmpty,
    DocumentUnreadable,
    ParseUnderway,
)
from ingest.domain.pricing import CallState, Charge
from ingest.domain.remote_parse import ParseWish, SourceExtent
from tests import builders
from tests.integration.parsing_fixtures import ParsingFixture

TEXT = b"# Log\n\nThe outer buoy was painted again before the winter storms came." * 3
HOUR = timedelta(hours=1)
NOW = timedelta()
FIRST, SECOND = "first", "second"
"""The words by which those know their hand-overs who begin one after the other."""


async def overtake(parsing: ParsingFixture) -> None:
    """Somebody else hands the document over, because whoever began is silent for too long."""
    await builders.execute(
        parsing.database, "UPDATE upload_pipeline.parse_jobs SET poll_after = now()"
    )
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT)


@pytest.fixture
def overtaken(parsing: ParsingFixture, monkeypatch: pytest.MonkeyPatch) -> ParsingFixture:
    """The first hand-over is overtaken just before it would send."""
    note = parsing.parses.sending
    begun: list[tuple[Any, ...]] = []

    async def slow(*arguments: Any) -> bool:
        if not begun:
            begun.append(arguments)
            await overtake(parsing)
        return await note(*arguments)

    monkeypatch.setattr(parsing.parses, "sending", slow)
    return parsing


async def test_an_overtaken_worker_sends_nothing_and_its_job_waits_for_the_other(
    overtaken: ParsingFixture, llamaparse: Simulator
) -> None:
    with pytest.raises(ParseUnderway):
        await overtaken.parse(TEXT)
    parsed = await overtaken.through(TEXT)

    assert "outer buoy" in parsed.text
    assert llamaparse.stats()["jobs"] == 1
    assert sorted(await overtaken.calls()) == [("released", 0), ("settled", 3)]
    await overtaken.balanced()


async def test_an_overtaken_worker_that_fails_leaves_the_other_ones_parse(
    parsing: ParsingFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_budget(_: Any) -> None:
        [row] = await parsing.rows("parse_jobs")
        request = ParseWish(
            row["tenant_id"], row["file_sha256"], row["parser"], SourceExtent(None, 0, 1)
        )
        await builders.execute(
            parsing.database, "UPDATE upload_pipeline.parse_jobs SET poll_after = now()"
        )
        assert (await parsing.parses.begin(request, token=SECOND, deadline=HOUR, submission=HOUR))[
            1
        ]
        raise BudgetExhausted("the day is used up")

    monkeypatch.setattr(parsing.ledger, "reserve", no_budget)
    with pytest.raises(BudgetExhausted):
        await parsing.parse(TEXT)

    [row] = await parsing.rows("parse_jobs")
    assert await parsing.parses.sending(row["parse_job_id"], SECOND, uuid4(), "fp")


async def test_a_lost_handover_changes_no_row(database: Database) -> None:
    store = ParseStore(database)
    request = ParseWish(uuid4(), uuid4().hex, "llamaparse/x", SourceExtent(None, 0, 1))
    job, mine = await store.begin(request, token=FIRST, deadline=HOUR, submission=builders.EXPIRED)
    _, taken = await store.begin(request, token=SECOND, deadline=HOUR, submission=HOUR)
    query = "SELECT p.*, ctid, xmin FROM upload_pipeline.parse_jobs AS p"
    before = await builders.fetch(database, query)

    assert (mine, taken) == (True, True)
    assert not await store.sending(job.parse_job_id, FIRST, uuid4(), "fp")
    await store.drop(job.parse_job_id, FIRST)

    assert await builders.fetch(database, query) == before
    assert await store.sending(job.parse_job_id, SECOND, uuid4(), "fp")


async def test_a_parse_that_ended_ends_once(database: Database) -> None:
    """Two collectors found it over at the same time; the later one changes nothing."""
    store = ParseStore(database)
    request = ParseWish(uuid4(), uuid4().hex, "llamaparse/x", SourceExtent(None, 0, 1))
    job, _ = await store.begin(request, token=FIRST, deadline=HOUR, submission=HOUR)
    await store.submitted(job.parse_job_id, uuid4(), "fp", "pjb-1", poll=NOW, grace=HOUR)
    [found] = await store.due(limit=1, poll=HOUR)
    await store.fail(found, DocumentUnreadable(), CallState.RELEASED, Charge())
    query = "SELECT p.*, ctid, xmin FROM upload_pipeline.parse_jobs AS p"
    before = await builders.fetch(database, query)

    await store.submitted(job.parse_job_id, uuid4(), "fp", "pjb-2", poll=HOUR, grace=HOUR)
    await store.fail(found, DocumentEmpty(), CallState.SETTLED, Charge())
    await store.drop(job.parse_job_id, FIRST)
    await store.sending(job.parse_job_id, FIRST, uuid4(), "fp")

    assert await builders.fetch(database, query) == before
