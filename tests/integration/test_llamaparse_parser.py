"""Parsing with LlamaParse: once for each content, whatever gets lost, and to the credit."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import builders
import pytest
import samples
from integration.parsing_setting import ParsingSetting
from simulators import Simulator, running_simulator

from ingest.adapters.postgres.pool import Database
from ingest.domain.document import MediaType
from ingest.domain.errors import (
    BudgetExhausted,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    IngestError,
    ParseInvalid,
    ParseUnderway,
    ProviderPaused,
    ProviderUnavailable,
    StoreUnavailable,
    TooManyPages,
    UnsupportedMediaType,
)
from ingest.domain.money import Period

FAST = ("--base-seconds", "0.02", "--seconds-per-page", "0.001")
TEXT = b"# Harbour\n\nThe pilot boards at the outer buoy, and leaves at the inner one.\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with running_simulator("llamaparse", *FAST, "--key", "llx-a", "--key", "llx-b") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    running.client.post(
        "/sim/options",
        json={"credits": 1000, "page_fail_rate": 0, "expire_seconds": 3600, "max_bytes": 10**6},
    )
    return running


@pytest.fixture
async def setting(
    simulator: Simulator, database: Database, tmp_path: Path
) -> AsyncIterator[ParsingSetting]:
    made = ParsingSetting(simulator, database, tmp_path)
    yield made
    await made.close()


async def test_a_document_is_handed_over_waited_for_and_stored_with_its_pages(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    data = samples.pdf(["Tides\nHigh water is at noon.", "Berths\nThe third berth is free."])
    with pytest.raises(ParseUnderway) as underway:
        await setting.parse(data, MediaType.PDF)
    [row] = await setting.rows("parse_jobs")
    await setting.settle_down()
    parsed = await setting.parse(data, MediaType.PDF)

    assert underway.value.parse_job_id == row["parse_job_id"]
    assert (row["status"], row["provider_job_id"][:4]) == ("submitted", "pjb-")
    assert [page.number for page in parsed.pages] == [1, 2]
    second = parsed.pages[1]
    assert "third berth" in parsed.text[second.char_start : second.char_end]
    assert parsed.parser == "llamaparse/cost_effective@latest"
    assert await setting.calls() == [("settled", 6)]
    await setting.balanced()


async def test_the_same_content_is_parsed_once_for_a_tenant_and_again_for_another(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    first = await setting.through(TEXT)
    second = await setting.parse(TEXT)
    with pytest.raises(ParseUnderway):
        await setting.parse(TEXT, tenant=uuid4())

    assert first == second
    assert simulator.stats()["jobs"] == 2


async def test_two_documents_of_the_same_content_wait_for_one_parse(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    ids = set()
    for _ in range(2):
        with pytest.raises(ParseUnderway) as underway:
            await setting.parse(TEXT)
        ids.add(underway.value.parse_job_id)

    assert len(ids) == 1
    assert simulator.stats()["jobs"] == 1


@pytest.mark.parametrize("fault", ["drop_after", "truncated", "drop_before", "500", "html502"])
async def test_a_lost_answer_makes_no_second_parse(
    setting: ParsingSetting, simulator: Simulator, fault: str
) -> None:
    simulator.script("ok", fault)
    parsed = await setting.through(TEXT)

    assert "outer buoy" in parsed.text
    assert simulator.stats()["jobs"] == 1
    await setting.balanced()


async def test_a_worker_that_dies_after_handing_over_leaves_no_second_parse(
    setting: ParsingSetting, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(setting.parses, "submitted", dies)
        with pytest.raises(StoreUnavailable):
            await setting.parse(TEXT)
    with pytest.raises(ParseUnderway):
        await setting.parse(TEXT)  # somebody may still be at it
    await builders.fetch(
        setting.database, "UPDATE upload_pipeline.parse_jobs SET poll_after = now() RETURNING 1"
    )
    parsed = await setting.through(TEXT)

    assert "outer buoy" in parsed.text
    assert simulator.stats()["jobs"] == 1
    assert await setting.calls() == [("settled", 3), ("released", 0)]
    await setting.balanced()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNSUPPORTED_FILE_TYPE", UnsupportedMediaType),
        ("PDF_IS_PROTECTED", DocumentEncrypted),
        ("PDF_IS_BROKEN", DocumentUnreadable),
        ("NO_DATA_FOUND_IN_FILE", DocumentEmpty),
        ("DOCUMENT_TOO_LARGE", DocumentTooLarge),
        ("TOO_MANY_PAGES", TooManyPages),
        ("TIMEOUT", ProviderUnavailable),
        ("ERROR_DURING_PROCESSING", ProviderUnavailable),
        ("SOMETHING_NEW", ProviderUnavailable),
    ],
)
async def test_every_way_in_which_a_parse_fails_has_its_class_and_costs_nothing(
    setting: ParsingSetting, simulator: Simulator, code: str, kind: type[IngestError]
) -> None:
    with pytest.raises(kind):
        await setting.through(TEXT + f"SIM:FAIL={code}".encode())

    assert await setting.calls() == [("released", 0)]
    assert len(await setting.rows("parse_jobs")) == (kind is not ProviderUnavailable)
    assert simulator.stats()["credits"] == 0


async def test_a_parse_that_never_begins_is_given_up_at_its_deadline(
    simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    setting = ParsingSetting(simulator, database, tmp_path)
    with pytest.raises(ParseUnderway):
        await setting.parse(TEXT + b"SIM:STUCK")
    assert await setting.collector.collect() == 0
    await builders.fetch(
        database, "UPDATE upload_pipeline.parse_jobs SET deadline = now() RETURNING 1"
    )
    await setting.settle_down()

    with pytest.raises(ProviderUnavailable, match="deadline"):
        await setting.parse(TEXT + b"SIM:STUCK")
    assert simulator.stats()["by_status"] == {"CANCELLED": 1}
    assert await setting.calls() == [("released", 0)]
    assert await setting.rows("parse_jobs") == []
    await setting.close()


async def test_a_result_that_has_expired_is_made_again(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    with pytest.raises(ParseUnderway):
        await setting.parse(TEXT)
    simulator.client.post("/sim/options", json={"expire_seconds": -3600})
    await setting.settle_down()
    simulator.client.post("/sim/options", json={"expire_seconds": 3600})

    with pytest.raises(ProviderUnavailable, match="any more"):
        await setting.parse(TEXT)
    assert "outer buoy" in (await setting.through(TEXT)).text


@pytest.mark.parametrize(
    ("wish", "numbers"),
    [
        ("GARBAGE", "100% of its characters are unreadable, limit 5%"),
        ("EMPTY", "it holds no text, the document has [0-9]+ characters of its own and 3 pages"),
        ("TRUNCATE", "bytes: it was cut off at 65536"),
        ("DROP_PAGES=2", "it has 1 pages, the document 3"),
    ],
)
async def test_a_parse_that_does_not_hold_the_document_is_tried_on_a_better_tier(
    setting: ParsingSetting, simulator: Simulator, wish: str, numbers: str
) -> None:
    pages = samples.pdf([f"Page {number} tells of the tides." for number in (1, 2, 3)])
    hopeless = pages + f"\n%SIM:{wish}".encode()
    parsed = await setting.through(hopeless + b" SIM:BETTER_TIER=agentic", MediaType.PDF)

    with pytest.raises(ParseInvalid, match=numbers):
        await setting.through(hopeless, MediaType.PDF)
    assert parsed.parser == "llamaparse/agentic@latest"
    assert len(parsed.pages) == 3
    rows = await setting.rows("parse_jobs")
    assert sorted(row["status"] for row in rows) == ["completed", "failed", "failed", "failed"]
    await setting.balanced()


async def test_pages_that_fail_are_kept_with_their_reasons_when_they_are_few(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    simulator.client.post("/sim/options", json={"page_fail_rate": 0.02, "seed": 5})
    pages = samples.pdf([f"Page {number} tells of the tides." for number in range(60)])
    parsed = await setting.through(pages, MediaType.PDF)

    [row] = await setting.rows("parse_jobs")
    assert len(parsed.pages) == row["pages"] == 60
    assert 0 < len(row["failed_pages"]) <= 3
    assert set(row["failed_pages"].values()) == {"page could not be parsed"}


async def test_what_is_broken_is_refused_before_it_costs_anything(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    for data in (samples.encrypted_pdf(), samples.truncated_pdf()):
        with pytest.raises((DocumentEncrypted, DocumentUnreadable)):
            await setting.parse(data, MediaType.PDF)

    assert simulator.stats()["files"] == 0
    assert await setting.calls() == []


async def test_a_file_that_is_too_large_there_is_refused(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    simulator.client.post("/sim/options", json={"max_bytes": 10})
    with pytest.raises(DocumentTooLarge):
        await setting.parse(TEXT)

    assert await setting.calls() == [("released", 0)]
    assert await setting.rows("parse_jobs") == []


async def test_a_budget_that_is_used_up_stops_before_anything_is_sent(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    await setting.ledger.set_budget(setting.tenant, Period.DAY, soft=None, hard=0)
    with pytest.raises(BudgetExhausted):
        await setting.parse(TEXT)
    await setting.ledger.remove_budget(setting.tenant, Period.DAY)

    assert simulator.stats()["files"] == 0
    assert "outer buoy" in (await setting.through(TEXT)).text


async def test_credits_that_are_used_up_and_refused_keys_stop_the_provider(
    setting: ParsingSetting, simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    simulator.client.post("/sim/options", json={"credits": 1})
    stranger = ParsingSetting(simulator, database, tmp_path, keys="llx-unknown")
    for one in (setting, stranger):
        with pytest.raises(ProviderPaused):
            await one.parse(TEXT)

    assert [state for state, _ in await setting.calls()] == ["released"] * 2
    assert await setting.rows("parse_jobs") == []
    await stranger.close()


async def test_auto_keeps_text_here_and_hands_pictures_over(
    simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    setting = ParsingSetting(simulator, database, tmp_path, only_scanned=True)
    here = await setting.through(samples.pdf(["Tides\nHigh water is at noon."]), MediaType.PDF)
    there = await setting.through(samples.pdf(["", "", "Page 3"]), MediaType.PDF)
    with pytest.raises(DocumentEmpty):
        await setting.through(b" \n")

    assert here.parser == "local/1"
    assert there.parser == "llamaparse/cost_effective@latest"
    assert "what the picture on page 2 says" in there.text
    assert simulator.stats()["jobs"] == 1
    await setting.balanced()
    await setting.close()


async def test_no_more_is_charged_than_was_reserved_even_for_a_document_of_unknown_length(
    setting: ParsingSetting, simulator: Simulator
) -> None:
    simulator.client.post("/sim/options", json={"credits": 100_000})
    await setting.through(b"\n\n".join([b"A page of its own. " * 8] * 400))

    [call] = await setting.rows("provider_calls")
    assert 0 < call["usd"] <= call["reserved_usd"]
    assert call["units"] == simulator.stats()["credits"]
