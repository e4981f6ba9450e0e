"""What is refused before LlamaParse is asked, or by it, and what that costs."""

from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.simulator import Simulator
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import (
    BudgetExhausted,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    ProviderPaused,
)
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import Period
from tests import samples
from tests.integration.parsing_fixtures import ParsingFixture

TEXT = b"# Harbour\n\nThe pilot boards at the outer buoy, and leaves at the inner one.\n"


async def test_what_is_broken_is_refused_before_it_costs_anything(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    for data in (samples.encrypted_pdf(), samples.truncated_pdf()):
        with pytest.raises((DocumentEncrypted, DocumentUnreadable)):
            await parsing.parse(data, MediaType.PDF)

    assert llamaparse.stats()["files"] == 0
    assert await parsing.calls() == []


async def test_a_file_that_is_too_large_there_is_refused(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    llamaparse.client.post("/sim/options", json={"max_bytes": 10})
    with pytest.raises(DocumentTooLarge):
        await parsing.parse(TEXT)

    assert await parsing.calls() == [("released", 0)]
    assert await parsing.rows("parse_jobs") == []


async def test_a_budget_that_is_used_up_stops_before_anything_is_sent(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    await parsing.ledger.set_budget(parsing.tenant, Period.DAY, soft=None, hard=Decimal(0))
    with pytest.raises(BudgetExhausted):
        await parsing.parse(TEXT)
    await parsing.ledger.remove_budget(parsing.tenant, Period.DAY)

    assert llamaparse.stats()["files"] == 0
    assert "outer buoy" in (await parsing.through(TEXT)).text


async def test_credits_that_are_used_up_and_refused_keys_stop_the_provider(
    parsing: ParsingFixture, llamaparse: Simulator, database: Database, tmp_path: Path
) -> None:
    llamaparse.client.post("/sim/options", json={"credits": 1})
    stranger = ParsingFixture(llamaparse, database, tmp_path, keys="llx-unknown")
    for one in (parsing, stranger):
        with pytest.raises(ProviderPaused):
            await one.parse(TEXT)

    assert [state for state, _ in await parsing.calls()] == ["released"] * 2
    assert await parsing.rows("parse_jobs") == []
    await stranger.close()


async def test_no_more_is_charged_than_was_reserved_even_for_a_document_of_unknown_length(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    llamaparse.client.post("/sim/options", json={"credits": 100_000})
    await parsing.through(b"\n\n".join([b"A page of its own. " * 8] * 400))

    [call] = await parsing.rows("provider_calls")
    assert 0 < call["usd"] <= call["reserved_usd"]
    assert call["units"] == llamaparse.stats()["credits"]
