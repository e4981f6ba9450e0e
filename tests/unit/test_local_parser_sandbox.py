"""The child process: what hangs, dies or eats memory in it costs one document and nothing else."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.adapters.parsers.local import LocalParser, frames
from ingest.adapters.parsers.local.frames import Frame, Kind
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.parsers.local.sandbox import ChildDied, Sandbox
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded, WorkerLost
from ingest.domain.media_type import MediaType
from tests import samples

REPOSITORY = Path(__file__).parents[2]
MIB = 1024**2
SLOW_PAGE = b"<html>" + b"<p>some words</p>" * 400_000
"""Takes about a second."""


@pytest.fixture
async def parser() -> AsyncIterator[LocalParser]:
    opened = samples.local_parser()
    await opened.start()
    yield opened
    await opened.close()


async def parse(parser: LocalParser, data: bytes = b"", name: str = "x.txt") -> ParsedDocument:
    return await parser.parse(data or samples.text(), filename=name, media_type=MediaType.TEXT)


def started(coroutine: object) -> asyncio.Task[ParsedDocument]:
    assert asyncio.iscoroutine(coroutine)
    return asyncio.create_task(coroutine)


def has_ended(pid: int, *, seconds: float = 10) -> bool:
    """Whether a process ends within this time; a zombie has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def is_known(pid: int) -> bool:
    """Whether the kernel still has an entry of the process; a zombie has one."""
    return Path(f"/proc/{pid}").exists()


def resident_bytes(pid: int) -> int:
    """Memory of a process; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def stopped_child(parser: LocalParser) -> int:
    """Freeze the only child, so that it hangs with whatever it is given."""
    (pid,) = parser.child_pids
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_documents_share_one_child_one_after_the_other(parser: LocalParser) -> None:
    pids = parser.child_pids

    found = await asyncio.gather(*(parse(parser, f"number {n}".encode()) for n in range(20)))

    assert [parsed.text for parsed in found] == [f"number {n}" for n in range(20)]
    assert parser.child_pids == pids


async def test_nothing_runs_before_the_first_document_and_nothing_after_close() -> None:
    parser = samples.local_parser(processes=3)
    assert list(parser.child_pids) == []

    await parse(parser)
    (first,) = parser.child_pids
    await parser.start()
    pids = parser.child_pids
    await parser.close()
    await parser.close()

    assert len(set(pids)) == 3
    assert first in pids
    assert parser.child_pids == ()
    assert not any(map(is_known, pids))
    with pytest.raises(WorkerLost, match="closed"):
        await parse(parser)
    with pytest.raises(WorkerLost, match="closed"):
        await parser.start()


async def test_a_hanging_document_is_killed_at_the_time_limit_and_the_next_one_is_read() -> None:
    parser = samples.local_parser(timeout=0.5)
    await parser.start()
    pid = stopped_child(parser)

    with pytest.raises(ParserLimitExceeded, match=r"longer than the limit of 0\.5 seconds"):
        await parse(parser)
    after = await parse(parser)

    assert samples.LOREM in after.text
    assert not is_known(pid)
    await parser.close()


async def test_a_document_that_takes_too_long_is_refused() -> None:
    parser = samples.local_parser(timeout=0.2)
    await parser.start()

    with pytest.raises(ParserLimitExceeded, match=r"limit of 0\.2 seconds"):
        await parse(parser, SLOW_PAGE, "x.html")

    await parser.close()


async def test_other_documents_go_on_while_one_hangs() -> None:
    parser = samples.local_parser(timeout=20, processes=2)
    await parse(parser)
    frozen = stopped_child(parser)
    hanging = started(parse(parser))
    await asyncio.sleep(0)

    others = await asyncio.gather(*(parse(parser, f"number {n}".encode()) for n in range(5)))

    assert [parsed.text for parsed in others] == [f"number {n}" for n in range(5)]
    assert not hanging.done()
    hanging.cancel()
    await asyncio.wait({hanging})
    await parser.close()
    assert not is_known(frozen)


async def test_a_document_that_takes_long_holds_no_other_up(parser: LocalParser) -> None:
    long = stopped_child(parser)
    hanging = started(parse(parser, b"the long one"))
    await asyncio.sleep(0)

    others = await asyncio.gather(*(parse(parser, f"number {n}".encode()) for n in range(5)))
    was_done = hanging.done()
    os.kill(long, signal.SIGCONT)
    parsed = await hanging
    after = await asyncio.gather(*(parse(parser, f"number {n}".encode()) for n in range(5)))

    assert [found.text for found in others] == [f"number {n}" for n in range(5)]
    assert not was_done
    assert parsed.text == "the long one"
    assert after == others
    assert has_ended(long), "only one child is kept"
    async with asyncio.timeout(10):  # where a machine is slow, any may have taken long
        while len(parser.child_pids) > 1:  # noqa: ASYNC110 - a process's end rings no bell
            await asyncio.sleep(0.01)


async def test_a_child_that_dies_during_a_parse_is_replaced_and_the_parse_repeated(
    parser: LocalParser,
) -> None:
    pid = stopped_child(parser)
    task = started(parse(parser))
    await asyncio.wait({task}, timeout=0.1)

    os.kill(pid, signal.SIGKILL)

    assert samples.LOREM in (await task).text
    assert pid not in parser.child_pids


async def test_a_document_that_ends_two_children_is_refused_and_the_next_one_is_read(
    parser: LocalParser,
) -> None:
    huge = b"<html>" + b"<p>some words</p>" * 3_000_000
    task = started(parse(parser, huge, "x.html"))
    ended: set[int] = set()
    while len(ended) < 2:
        for pid in set(parser.child_pids) - ended:
            if resident_bytes(pid) > len(huge) + 20 * MIB:  # it has the document
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
        await asyncio.sleep(0.01)

    with pytest.raises(ParserLimitExceeded, match=r"ended 2 parser processes \(.*SIGKILL"):
        await task

    assert samples.LOREM in (await parse(parser)).text


async def test_a_child_that_died_between_documents_is_replaced(parser: LocalParser) -> None:
    (pid,) = parser.child_pids
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)

    assert samples.LOREM in (await parse(parser)).text
    assert not is_known(pid)


async def test_a_cancelled_parse_kills_its_child_and_the_next_document_gets_another(
    parser: LocalParser,
) -> None:
    pid = stopped_child(parser)
    task = started(parse(parser))
    await asyncio.wait({task}, timeout=0.1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await parse(parser, b"another")).text == "another"
    assert not is_known(pid)


@pytest.mark.parametrize("steps", range(4))
async def test_a_parse_cancelled_while_its_child_starts_leaves_the_parser_sound(
    steps: int,
) -> None:
    parser = samples.local_parser()
    task = started(parse(parser, SLOW_PAGE, "x.html"))
    for _ in range(steps):
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await asyncio.wait_for(parse(parser, b"another"), 30)).text == "another"
    pids = parser.child_pids
    await parser.close()
    assert not any(map(is_known, pids))


async def test_close_ends_parses_that_are_under_way_or_waiting() -> None:
    parser = samples.local_parser()
    await parser.start()
    pid = stopped_child(parser)
    tasks = [started(parse(parser)) for _ in range(3)]
    await asyncio.wait(set(tasks), timeout=0.1)

    began = time.monotonic()
    await parser.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [WorkerLost] * 3
    assert time.monotonic() - began < 10
    assert parser.child_pids == ()
    assert not is_known(pid)


async def test_close_during_the_start_of_a_child_leaves_none() -> None:
    parser = samples.local_parser()
    starting = asyncio.create_task(parser.start())
    await asyncio.sleep(0)

    await parser.close()

    with pytest.raises(WorkerLost):
        await starting
    assert parser.child_pids == ()


PARENT = """
import asyncio, os, signal, sys
from tests import samples

async def main():
    parser = samples.local_parser()
    await parser.start()
    pid, = parser.child_pids
    if sys.argv[1] == "busy":
        os.kill(pid, signal.SIGSTOP)
        parsing = asyncio.create_task(parser.parse(b"x", filename="x.txt", media_type="text/plain"))
        await asyncio.wait({parsing}, timeout=0.1)
    print(pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("at_work", ["idle", "busy"])
def test_the_child_dies_with_a_parent_that_is_killed(at_work: str) -> None:
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, at_work],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not has_ended(pid, seconds=0)

        parent.kill()

        assert has_ended(pid)


async def test_the_child_sees_no_secret_and_may_be_killed_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", "postgresql://user:hunter2@host/db")
    parser = samples.local_parser()
    await parser.start()
    (pid,) = parser.child_pids
    process = Path(f"/proc/{pid}")

    assert b"hunter2" not in process.joinpath("environ").read_bytes()
    assert process.joinpath("oom_score_adj").read_text().strip() == "1000"
    await parser.close()


def test_a_document_that_is_recognized_may_take_longer_than_a_parse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, childs = socket.socketpair()
    ocr = OcrOptions(document_seconds=60)
    limits = ParserLimits(max_pages=10, max_text_chars=1000, ocr=ocr)
    sandbox = Sandbox(limits=limits, timeout=timedelta(seconds=1), memory_bytes=1)
    monkeypatch.setattr(sandbox, "_running", lambda: ours)
    read = ParsedDocument("words", (), (), "local")
    frames.send(childs, Frame(Kind.RECOGNIZING))
    answers = threading.Timer(2, frames.send, (childs, Frame(Kind.PARSED, body=read.to_bytes())))
    answers.start()

    with ours, childs:
        assert sandbox.parse(b"", "x.pdf") == read
        answers.join()


def test_the_time_of_recognition_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, childs = socket.socketpair()
    ocr = OcrOptions(document_seconds=0.1)
    limits = ParserLimits(max_pages=10, max_text_chars=1000, ocr=ocr)
    sandbox = Sandbox(limits=limits, timeout=timedelta(seconds=0.1), memory_bytes=1)
    monkeypatch.setattr(sandbox, "_running", lambda: ours)
    frames.send(childs, Frame(Kind.RECOGNIZING))
    frames.send(childs, Frame(Kind.RECOGNIZING))

    with ours, childs, pytest.raises(ChildDied):
        sandbox.parse(b"", "x.pdf")
