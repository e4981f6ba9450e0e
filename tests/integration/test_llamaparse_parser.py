"""Parsing with LlamaParse: once for each content, whatever gets lost, and to the credit."""

from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.simulator import Simulator
from ingest.adapters.postgres.pool import Database
from ingest.app.providers.remote_parser import FallbackParser
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    IngestError,
    ParseInvalid,
    ParseUnderway,
    ProviderUnavailable,
    StoreUnavailable,
    TooManyPages,
    UnsupportedMediaType,
)
from ingest.domain.job import Lane
from ingest.domain.media_type import MediaType
from ingest.domain.parse_warning import ParseWarning, WarningCode, name_numbers
from ingest.domain.pricing import Operation, Payer
from tests import builders, samples
from tests.integration.parsing_fixtures import ParsingFixture

TEXT = b"# Harbour\n\nThe pilot boards at the outer buoy, and leaves at the inner one.\n"


async def test_a_document_is_handed_over_waited_for_and_stored_with_its_pages(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    data = samples.pdf(["Tides\nHigh water is at noon.", "Berths\nThe third berth is free."])
    with pytest.raises(ParseUnderway) as underway:
        await parsing.parse(data, MediaType.PDF)
    [row] = await parsing.rows("parse_jobs")
    await parsing.settle_down()
    parsed = await parsing.parse(data, MediaType.PDF)

    assert underway.value.parse_job_id == row["parse_job_id"]
    assert (row["status"], row["provider_job_id"][:4]) == ("submitted", "pjb-")
    assert [page.number for page in parsed.pages] == [1, 2]
    second = parsed.pages[1]
    assert "third berth" in parsed.text[second.char_start : second.char_end]
    assert parsed.parser == "llamaparse/cost_effective@latest"
    assert await parsing.calls() == [("settled", 6)]
    await parsing.balanced()


async def test_the_same_content_is_parsed_once_for_a_tenant_and_again_for_another(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    first = await parsing.through(TEXT)
    second = await parsing.parse(TEXT)
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT, tenant=uuid4())

    assert first == second
    assert llamaparse.stats()["jobs"] == 2


async def test_two_documents_of_the_same_content_wait_for_one_parse(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    ids = set()
    for _ in range(2):
        with pytest.raises(ParseUnderway) as underway:
            await parsing.parse(TEXT)
        ids.add(underway.value.parse_job_id)

    assert len(ids) == 1
    assert llamaparse.stats()["jobs"] == 1


@pytest.mark.parametrize("fault", ["drop_after", "truncated", "drop_before", "500", "html502"])
async def test_a_lost_answer_makes_no_second_parse(
    parsing: ParsingFixture, llamaparse: Simulator, fault: str
) -> None:
    llamaparse.script("ok", fault)
    parsed = await parsing.through(TEXT)

    assert "outer buoy" in parsed.text
    assert llamaparse.stats()["jobs"] == 1
    await parsing.balanced()


async def test_a_worker_that_dies_after_handing_over_leaves_no_second_parse(
    parsing: ParsingFixture, llamaparse: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(parsing.parses, "submitted", dies)
        with pytest.raises(StoreUnavailable):
            await parsing.parse(TEXT)
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT)  # somebody may still be at it
    await builders.fetch(
        parsing.database, "UPDATE upload_pipeline.parse_jobs SET poll_after = now() RETURNING 1"
    )
    parsed = await parsing.through(TEXT)

    assert "outer buoy" in parsed.text
    assert llamaparse.stats()["jobs"] == 1
    assert await parsing.calls() == [("settled", 3), ("released", 0)]
    await parsing.balanced()


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
    parsing: ParsingFixture, llamaparse: Simulator, code: str, kind: type[IngestError]
) -> None:
    with pytest.raises(kind):
        await parsing.through(TEXT + f"SIM:FAIL={code}".encode())

    assert await parsing.calls() == [("released", 0)]
    assert len(await parsing.rows("parse_jobs")) == (kind is not ProviderUnavailable)
    assert llamaparse.stats()["credits"] == 0


async def test_a_parse_that_never_begins_is_given_up_at_its_deadline(
    llamaparse: Simulator, database: Database, tmp_path: Path
) -> None:
    parsing = ParsingFixture(llamaparse, database, tmp_path)
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT + b"SIM:STUCK")
    assert await parsing.collector.collect() == 0
    await builders.fetch(
        database, "UPDATE upload_pipeline.parse_jobs SET deadline = now() RETURNING 1"
    )
    await parsing.settle_down()

    with pytest.raises(ProviderUnavailable, match="deadline"):
        await parsing.parse(TEXT + b"SIM:STUCK")
    assert llamaparse.stats()["by_status"] == {"CANCELLED": 1}
    assert await parsing.calls() == [("released", 0)]
    assert await parsing.rows("parse_jobs") == []
    await parsing.close()


async def test_a_result_that_has_expired_is_made_again(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    with pytest.raises(ParseUnderway):
        await parsing.parse(TEXT)
    llamaparse.client.post("/sim/options", json={"expire_seconds": -3600})
    await parsing.settle_down()
    llamaparse.client.post("/sim/options", json={"expire_seconds": 3600})

    with pytest.raises(ProviderUnavailable, match="any more"):
        await parsing.parse(TEXT)
    assert "outer buoy" in (await parsing.through(TEXT)).text


@pytest.mark.parametrize(
    ("marker", "numbers"),
    [
        ("GARBAGE", "100% of its characters are unreadable, limit 5%"),
        ("EMPTY", "it holds no text, the document has [0-9]+ characters of its own and 3 pages"),
        ("TRUNCATE", "bytes: it was cut off at 65536"),
        ("DROP_PAGES=2", "it has 1 pages, the document 3"),
    ],
)
async def test_a_parse_that_does_not_hold_the_document_is_tried_on_a_better_tier(
    parsing: ParsingFixture, llamaparse: Simulator, marker: str, numbers: str
) -> None:
    pages = samples.pdf([f"Page {number} tells of the tides." for number in (1, 2, 3)])
    hopeless = pages + f"\n%SIM:{marker}".encode()
    parsed = await parsing.through(hopeless + b" SIM:BETTER_TIER=agentic", MediaType.PDF)

    with pytest.raises(ParseInvalid, match=numbers):
        await parsing.through(hopeless, MediaType.PDF)
    assert parsed.parser == "llamaparse/agentic@latest"
    assert len(parsed.pages) == 3
    rows = await parsing.rows("parse_jobs")
    assert sorted(row["status"] for row in rows) == ["completed", "failed", "failed", "failed"]
    await parsing.balanced()


async def test_pages_that_fail_are_kept_with_their_reasons_when_they_are_few(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    llamaparse.client.post("/sim/options", json={"page_fail_rate": 0.02, "seed": 5})
    pages = samples.pdf([f"Page {number} tells of the tides." for number in range(60)])
    parsed = await parsing.through(pages, MediaType.PDF)

    [row] = await parsing.rows("parse_jobs")
    assert len(parsed.pages) == row["pages"] == 60
    assert 0 < len(row["failed_pages"]) <= 3
    assert set(row["failed_pages"].values()) == {"page could not be parsed"}
    named = name_numbers("page", map(int, row["failed_pages"]))
    assert parsed.warnings == (
        ParseWarning(WarningCode.PAGE_NOT_READ, f"the provider could not read {named}"),
    )


async def test_auto_keeps_text_here_and_hands_pictures_over(
    llamaparse: Simulator, database: Database, tmp_path: Path
) -> None:
    parsing = ParsingFixture(llamaparse, database, tmp_path, only_scanned=True)
    here = await parsing.through(samples.pdf(["Tides\nHigh water is at noon."]), MediaType.PDF)
    there = await parsing.through(samples.pdf(["", "", "Page 3"]), MediaType.PDF)
    with pytest.raises(DocumentEmpty):
        await parsing.through(b" \n")

    assert here.parser == "local/2"
    assert there.parser == "llamaparse/cost_effective@latest"
    assert "what the picture on page 2 says" in there.text
    assert llamaparse.stats()["jobs"] == 1
    await parsing.balanced()
    await parsing.close()


async def test_while_the_provider_is_away_a_text_that_is_there_is_read_here(
    parsing: ParsingFixture, llamaparse: Simulator
) -> None:
    payer = Payer(parsing.tenant, Lane.INTERACTIVE, Operation.PARSE)
    garbled = ("word \ue000\ue001 " * 60).encode()

    fallback = FallbackParser(parsing.parser)
    here = await fallback.parse(TEXT, filename="a.md", media_type=MediaType.MARKDOWN, payer=payer)
    for data, name, kind in (
        (samples.pdf(["", ""]), "scan.pdf", MediaType.PDF),
        (garbled, "garbled.txt", MediaType.TEXT),
    ):
        with pytest.raises(ParseUnderway):
            await fallback.parse(data, filename=name, media_type=kind, payer=payer)

    assert "outer buoy" in here.text
    assert here.parser.startswith("local/")
    assert llamaparse.stats()["jobs"] == 2
