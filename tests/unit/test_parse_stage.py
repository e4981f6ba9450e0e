"""Parsing a wave: each document on its own, recorded together, and nothing ever raised."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

import pytest

from ingest.app.pipeline.messages import ParsedJob
from ingest.app.pipeline.parse import TRAVEL_CHARS
from ingest.domain import identity
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    IngestError,
    NotFound,
    ProviderUnavailable,
    SourceGone,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests.unit.parse_fixtures import LINGER, ParseFixture
from tests.unit.stage_fixtures import TENANT, Ends, a_job, ids


def jobs_of(groups: Sequence[Sequence[ParsedJob]]) -> list[ClaimedJob]:
    return [parsed.job for group in groups for parsed in group]


async def test_a_wave_is_stored_recorded_and_handed_on_together() -> None:
    setting = ParseFixture(b"one", b"two")
    first, second = a_job(b"one"), a_job(b"two")

    groups = await setting.run(first, second)

    [group] = groups
    assert {p.job.document_id: p.parsed.text for p in group if p.parsed} == {
        first.document_id: "one",
        second.document_id: "two",
    }
    [records] = setting.texts.calls
    for record in records:
        data = setting.blobs.kept[record.parsed_key]
        assert record.parsed_sha256 == identity.sha256_hex(data)
        assert record.parsed_key == identity.parsed_key(TENANT, record.parsed_sha256)
        assert (record.parser, record.page_count, record.char_count) == ("test/1", 1, 3)
    assert setting.ends.settlements == {}


async def test_a_slow_document_delays_the_rest_by_no_more_than_the_linger() -> None:
    go_on = asyncio.Event()

    async def read(data: bytes) -> str:
        if data == b"slow":
            await go_on.wait()
        return data.decode()

    setting = ParseFixture(b"slow", b"quick", read=read)
    slow, *quick = a_job(b"slow"), a_job(b"quick"), a_job(b"quick")
    groups = setting.stage().run([slow, *quick])

    started = time.monotonic()
    first = await anext(groups)
    waited = time.monotonic() - started
    go_on.set()
    rest = [group async for group in groups]

    assert ids([p.job for p in first]) == ids(quick)
    assert waited < LINGER.total_seconds() + 1
    assert jobs_of(rest) == [slow]


async def test_a_failed_document_ends_with_its_own_class_and_the_rest_go_on() -> None:
    async def read(data: bytes) -> str:
        if data == b"locked":
            raise DocumentEncrypted
        if data == b"down":
            raise ProviderUnavailable
        return data.decode()

    setting = ParseFixture(b"locked", b"down", b"good", b" \n\t ", read=read)
    locked, down, good, blank = (a_job(c) for c in (b"locked", b"down", b"good", b" \n\t "))

    groups = await setting.run(locked, down, good, blank)

    assert jobs_of(groups) == [good]
    assert setting.ends.of(locked) == (DocumentEncrypted, JobState.DEADLETTER)
    assert setting.ends.of(down) == (ProviderUnavailable, JobState.RETRYABLE)
    assert setting.ends.of(blank) == (DocumentEmpty, JobState.DEADLETTER)


@pytest.mark.parametrize("broken", [ZeroDivisionError("1/0"), MemoryError(), RecursionError()])
async def test_what_nobody_foresaw_is_tried_again_and_tells_no_content(broken: Exception) -> None:
    async def read(data: bytes) -> str:
        if data == b"bad":
            raise broken
        return data.decode()

    setting = ParseFixture(b"bad", b"good", read=read)
    bad, good = a_job(b"bad"), a_job(b"good")

    groups = await setting.run(bad, good)

    assert jobs_of(groups) == [good]
    assert setting.ends.of(bad) == (Unexpected, JobState.RETRYABLE)
    message = setting.ends.settlements[bad.lease.job_id].error.message
    assert message == f"parsing failed unexpectedly ({type(broken).__name__})"


async def test_bytes_that_are_not_the_uploaded_ones_are_never_parsed() -> None:
    setting = ParseFixture(b"whole")
    job = a_job(b"whole")
    assert job.raw_key is not None
    setting.blobs.kept[job.raw_key] = b"who"

    assert await setting.run(job) == []

    assert setting.ends.of(job) == (StoreUnavailable, JobState.RETRYABLE)
    assert setting.parser.parsed == []


async def test_bytes_that_are_elsewhere_are_fetched_once_and_parsed() -> None:
    setting = ParseFixture(b"here")
    here, there, gone = a_job(b"here"), a_job(raw_key=None), a_job(raw_key=None)
    setting.elsewhere.contents = {
        there.document_id: b"there",
        gone.document_id: SourceGone("there is no 's3://notes/gone.md'"),
    }

    groups = await setting.run(here, there, gone)

    assert ids(jobs_of(groups)) == ids([here, there])
    assert sorted(setting.elsewhere.fetched) == sorted([there.document_id, gone.document_id])
    assert sorted(setting.parser.parsed) == [b"here", b"there"]
    assert setting.ends.of(gone) == (SourceGone, JobState.DEADLETTER)


async def test_missing_bytes_end_in_the_dead_letter() -> None:
    setting = ParseFixture()
    job = a_job(b"gone")

    assert await setting.run(job) == []

    assert setting.ends.of(job) == (NotFound, JobState.DEADLETTER)


async def test_a_text_that_is_stored_already_is_not_parsed_again() -> None:
    setting = ParseFixture(b"text")
    [[parsed]] = await setting.run(a_job(b"text"))
    again = a_job(b"text", parsed_key=parsed.parsed_key)

    [[resumed]] = await setting.run(again)

    assert (resumed.parsed, resumed.parsed_key) == (parsed.parsed, parsed.parsed_key)
    assert setting.parser.parsed == [b"text"]
    assert [r.parsed_sha256 for r in setting.texts.calls[0]] == [
        r.parsed_sha256 for r in setting.texts.calls[1]
    ]


async def test_warnings_are_recorded_with_the_text_and_again_when_it_is_read_from_the_store() -> (
    None
):
    setting = ParseFixture(b"text")
    blank = ParseWarning(WarningCode.PAGE_WITHOUT_TEXT, "page 2 holds no text")
    setting.parser.warnings = (blank,)
    [[parsed]] = await setting.run(a_job(b"text"))

    await setting.run(a_job(b"text", parsed_key=parsed.parsed_key))

    assert [record.warnings for [record] in setting.texts.calls] == [(blank,), (blank,)]
    assert setting.measures.documents == [(blank,)]


@pytest.mark.parametrize("left", [None, b"half of a te"])
async def test_a_stored_text_that_is_lost_is_parsed_anew(left: bytes | None) -> None:
    setting = ParseFixture(b"text")
    if left is not None:
        setting.blobs.kept["tenants/t/parsed/lost.json"] = left
    job = a_job(b"text", parsed_key="tenants/t/parsed/lost.json")

    [[parsed]] = await setting.run(job)

    assert parsed.parsed is not None
    assert parsed.parsed.text == "text"
    assert parsed.parsed_key in setting.blobs.kept
    assert setting.ends.settlements == {}


async def test_a_text_is_not_parsed_anew_because_the_storage_is_down() -> None:
    setting = ParseFixture(b"text")
    setting.blobs.fails = StoreUnavailable()
    job = a_job(b"text", parsed_key="tenants/t/parsed/there.json")

    assert await setting.run(job) == []

    assert setting.ends.of(job) == (StoreUnavailable, JobState.RETRYABLE)
    assert setting.blobs.reads == ["tenants/t/parsed/there.json"]


@pytest.mark.parametrize(("length", "travels"), [(TRAVEL_CHARS, True), (TRAVEL_CHARS + 1, False)])
async def test_only_a_text_of_bounded_length_travels(length: int, travels: bool) -> None:
    content = b"x" * length

    [[parsed]] = await ParseFixture(content).run(a_job(content))

    assert (parsed.parsed is not None) == travels


async def test_a_job_whose_lease_was_lost_is_left_out_and_not_settled() -> None:
    setting = ParseFixture(b"a", b"b")
    lost, held = a_job(b"a"), a_job(b"b")
    setting.texts.lost = {lost.lease.job_id}

    groups = await setting.run(lost, held)

    assert jobs_of(groups) == [held]
    assert setting.ends.settlements == {}


async def test_when_nothing_can_be_recorded_the_whole_group_is_tried_again() -> None:
    setting = ParseFixture(b"a", b"b")
    setting.texts.refuse = lambda _: StoreUnavailable()
    jobs = [a_job(b"a"), a_job(b"b")]

    assert await setting.run(*jobs) == []

    assert {setting.ends.of(job) for job in jobs} == {(StoreUnavailable, JobState.RETRYABLE)}


async def test_a_record_that_breaks_the_store_harms_its_own_document_only() -> None:
    setting = ParseFixture(b"a", b"b", b"c")
    bad, *good = a_job(b"a"), a_job(b"b"), a_job(b"c")
    setting.texts.refuse = lambda record: (
        ValueError("out of range") if record.target.lease == bad.lease else None
    )

    groups = await setting.run(bad, *good)

    assert ids(jobs_of(groups)) == ids(good)
    assert setting.ends.of(bad) == (Unexpected, JobState.RETRYABLE)
    assert len(setting.ends.settlements) == 1


@pytest.mark.parametrize("broken", [StoreUnavailable(), ValueError("refused")])
async def test_a_settlement_that_fails_stops_nobody(broken: IngestError | ValueError) -> None:
    async def read(data: bytes) -> str:
        if data == b"bad":
            raise DocumentEncrypted
        return data.decode()

    setting = ParseFixture(b"bad", b"good", read=read)
    setting.ends = Ends(fails=broken)
    good = a_job(b"good")

    assert jobs_of(await setting.run(a_job(b"bad"), good)) == [good]


async def test_no_more_documents_are_in_memory_at_once_than_allowed() -> None:
    inside = most = 0

    async def read(data: bytes) -> str:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1
        return data.decode()

    setting = ParseFixture(b"x", read=read, at_once=2)
    stage = setting.stage()

    async def run() -> int:
        return len([p for group in [g async for g in stage.run(wave())] for p in group])

    def wave() -> list[ClaimedJob]:
        return [a_job(b"x") for _ in range(10)]

    assert list(await asyncio.gather(run(), run())) == [10, 10]
    assert most == 2


async def test_a_wave_that_is_given_up_leaves_nothing_running() -> None:
    stopped = asyncio.Event()

    async def read(data: bytes) -> str:
        if data == b"slow":
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        return data.decode()

    groups = (
        ParseFixture(b"slow", b"quick", read=read).stage().run([a_job(b"slow"), a_job(b"quick")])
    )
    await anext(groups)

    assert isinstance(groups, AsyncGenerator)
    await groups.aclose()

    await asyncio.wait_for(stopped.wait(), timeout=5)
