"""Samples of every format, broken in every way that structure allows: text, or a typed refusal."""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.adapters.parsers.local import LocalParser
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentRejected
from ingest.domain.media_type import MediaType
from tests import samples
from tests.unit.parsing import assert_landmarks_are_exact

MIB = 1024**2
CASES = 200
SAMPLES = dict(samples.one_of_each(samples.LOREM))
ARCHIVES = sorted(name for name, data in SAMPLES.items() if data.startswith(b"PK"))
HOSTILE_NAMES = ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a/" * 500 + "x", "\x00", "con"]
WORDS = [
    b"/Length 99999999",
    b"xref",
    b"obj",
    b"<!ENTITY a 'b'>",
    b"</",
    b"\xff\xfe",
    b"=?utf-8?B?",
]
every_case = settings(
    max_examples=CASES,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:Duplicate name")]
Parse = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def parse() -> Iterator[Parse]:
    """Parses; whatever comes back must be exact or a refusal, and nothing else is raised."""
    parser = samples.local_parser(max_pages=50, memory_bytes=768 * MIB)

    def run(name: str, data: bytes) -> None:
        with contextlib.suppress(DocumentRejected):
            assert_landmarks_are_exact(runner.run(_parse(parser, name, data)))

    with asyncio.Runner() as runner:
        yield run
        # The children are as good as new after all that.
        runner.run(_parse(parser, "sound.txt", samples.text(samples.LOREM)))
        runner.run(parser.close())


def _parse(parser: LocalParser, name: str, data: bytes) -> Coroutine[Any, Any, ParsedDocument]:
    return parser.parse(data, filename=name, media_type=MediaType.TEXT)


@st.composite
def broken(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut, flipped, repeated, or with words of the format where they do not belong."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["cut", "flip", "repeat", "word", "zero"])):
            case "cut":
                data = data[:place]
            case "flip":
                data = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
            case "repeat":
                data = data[:place] + data[place : place + 400] * 3 + data[place:]
            case "word":
                data = data[:place] + draw(st.sampled_from(WORDS)) + data[place:]
            case "zero":
                data = data[:place] + bytes(200) + data[place + 200 :]
    return data


@st.composite
def repacked(draw: st.DrawFn, archive: bytes) -> bytes:
    """A sound archive, one member of which is broken, renamed, nested, lost, or there twice."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        members = [(info.filename, opened.read(info)) for info in opened.infolist()]
    position = draw(st.integers(0, len(members) - 1))
    name, content = members[position]
    match draw(st.sampled_from(["break", "rename", "nest", "lose", "twice"])):
        case "break":
            members[position] = (name, draw(broken(content)))
        case "rename":
            members[position] = (draw(st.sampled_from(HOSTILE_NAMES)), content)
        case "nest":
            members[position] = (name, archive)
        case "lose":
            del members[position]
        case "twice":
            members.append((name, content[: len(content) // 2]))
    built = io.BytesIO()
    with zipfile.ZipFile(built, "w", zipfile.ZIP_DEFLATED) as written:
        for member, data in members:
            written.writestr(zipfile.ZipInfo(member), data)
    return built.getvalue()


@every_case
@given(case=st.data())
def test_a_broken_file_is_text_or_a_typed_refusal(parse: Parse, case: st.DataObject) -> None:
    name = case.draw(st.sampled_from(sorted(SAMPLES)))

    parse(name, case.draw(broken(SAMPLES[name])))


@every_case
@given(case=st.data())
def test_a_broken_part_of_an_archive_is_text_or_a_typed_refusal(
    parse: Parse, case: st.DataObject
) -> None:
    name = case.draw(st.sampled_from(ARCHIVES))

    parse(name, case.draw(repacked(SAMPLES[name])))
