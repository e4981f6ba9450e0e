"""Each chunk can be understood alone: what its block says at the start comes with it."""

import re
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.pipeline.chunk import cut
from ingest.domain.chunk import Chunk
from ingest.domain.document import ParsedDocument
from tests.samples import LOREM

MOST = 128
SPLITTERS = [StructureSplitter(max_tokens=MOST, overlap_tokens=shared) for shared in (0, 24)]
_MARK = re.compile(r"[ \t]*(?:`{3,}|~{3,})[^`\n]*")


def markdown(text: str) -> ParsedDocument:
    draft = Draft(ParserLimits(10, 1_000_000))
    parse_markdown(text, draft)
    return draft.finish()


def chunks(text: str, splitter: StructureSplitter = SPLITTERS[1]) -> list[Chunk]:
    return cut(markdown(text), UUID(int=7), splitter, filename="tariff.md")


def table(rows: int, *, name: str = "Fare", cell: str = "paid by the master at noon") -> str:
    lines = (f"| Route {n} | {n}.50 | {cell} |" for n in range(rows))
    return "\n".join([f"| Route | {name} | Note |", "|---|---:|---|", *lines])


def python(functions: int, lines: int = 2) -> str:
    body = "\n".join(f"    deck.haul({n})  # winch" for n in range(lines))
    code = "\n\n".join(f"def step_{n}(deck):\n{body}" for n in range(functions))
    return f"```python\n{code}\n```"


def javascript(functions: int) -> str:
    code = "\n".join(
        f"function step{n}(deck) {{\n  deck.haul({n});\n  return deck;\n}}"
        for n in range(functions)
    )
    return f"~~~js\n{code}\n~~~"


def listed(items: int, lead: str = "The pilot brings these things:") -> str:
    return "\n".join(
        [lead, "", *(f"- rope number {n} of the old ferry, coiled" for n in range(items))]
    )


BLOCKS = st.one_of(
    st.just(LOREM),
    st.sampled_from(["# Ferry", "## Dues", "### Of the island", "##### Note"]),
    st.integers(1, 40).map(table),
    st.builds(table, st.integers(1, 6), cell=st.just("word " * 150)),
    st.builds(python, st.integers(1, 14), st.integers(1, 40)),
    st.integers(1, 20).map(javascript),
    st.integers(1, 30).map(listed),
    st.just("x" * 900),
    st.just("See the table below:"),
    st.just("```\n" + "plain words of a log\n" * 60 + "```"),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(BLOCKS, min_size=1, max_size=9).map("\n\n".join), st.sampled_from(SPLITTERS))
def test_chunks_of_any_document_stand_alone(text: str, splitter: StructureSplitter) -> None:
    parsed = markdown(text)
    made = chunks(text, splitter)

    covered = bytearray(len(parsed.text))
    for chunk in made:
        assert chunk.text == parsed.text[chunk.char_start : chunk.char_end]
        assert splitter.count([chunk.text])[0] <= MOST
        covered[chunk.char_start : chunk.char_end] = b"\1" * len(chunk.text)
    assert all(covered[at] or mark.isspace() for at, mark in enumerate(parsed.text))
    for before, after in pairwise(made):
        assert before.char_start < after.char_start
        assert before.char_end <= after.char_end
    for chunk in made:
        assert len(made) == 1 or not is_bare(parsed, chunk)
        assert columns_are_known(parsed.text, chunk)
        assert language_is_known(parsed.text, chunk)


def is_bare(parsed: ParsedDocument, chunk: Chunk) -> bool:
    """Whether it has headings and marks of code only; many headings may fill a chunk."""
    headings = {heading.char_start for heading in parsed.headings}
    at = chunk.char_start
    for line in chunk.text.split("\n"):
        if line.strip() and at not in headings and not _MARK.fullmatch(line):
            return False
        at += len(line) + 1
    return chunk.token_count < MOST // 2


def columns_are_known(text: str, chunk: Chunk) -> bool:
    start = text.rfind("\n", 0, chunk.char_start) + 1
    line = text[start : text.find("\n", chunk.char_start)]
    is_row = line.startswith("| ") and not line.startswith("| Route | ")
    return not is_row or "Route Fare Note" in (chunk.context or "")


def language_is_known(text: str, chunk: Chunk) -> bool:
    line = chunk.text.split("\n")[0]
    language = "python" if "def step" in line else "js" if "function step" in line else ""
    return not language or language in (chunk.context or "").split("\n")


@pytest.mark.parametrize("splitter", SPLITTERS, ids=["plain", "sharing"])
@pytest.mark.parametrize("code", [python(40), python(12, 9), javascript(40)])
def test_a_function_that_fits_into_a_chunk_is_whole(code: str, splitter: StructureSplitter) -> None:
    made = chunks(f"# Manual\n\nHow the deck works.\n\n{code}\n\nText after.", splitter)

    begins = re.compile(r"(?:#|```|~~~|def |function )")
    assert all(begins.match(chunk.text) for chunk in made)
    assert made[0].text.startswith("# Manual\n\nHow the deck works.\n\n")
    assert made[-1].text.endswith("Text after.")
    assert len(made) < 14, "the chunks are not small"


def test_a_part_of_a_long_function_is_told_its_first_line() -> None:
    steps = "\n".join(f"        self.deck.haul({n})  # winch" for n in range(60))
    code = f"```python\nclass Ferry:\n    def load(self) -> None:\n{steps}\n```"

    _, *later = chunks(f"# Manual\n\n{code}")

    assert len(later) > 3
    for chunk in later:
        assert (chunk.context or "").endswith("python\nclass Ferry:\ndef load(self) -> None:")


def test_a_part_of_a_list_is_told_the_sentence_that_leads_to_it() -> None:
    text = f"The ferry leaves at noon. {listed(30, 'The pilot brings these things:')}\n\nThen rest."

    first, *later = chunks(text)

    assert "The pilot brings" in first.text
    assert len(later) > 2
    assert all("\nThe pilot brings these things:" in (chunk.context or "") for chunk in later)
    assert all("ferry leaves" not in (chunk.context or "") for chunk in later)


def test_a_part_of_a_list_in_a_list_is_told_both_sentences() -> None:
    inner = "\n".join(f"  - anchor number {n} of the old ferry, with a chain" for n in range(30))
    text = f"Before the start, check:\n\n- the anchors:\n{inner}\n- the oil\n\n{LOREM}"

    made = chunks(text)

    inside = [chunk for chunk in made if chunk.text.lstrip().startswith("- anchor")]
    assert len(inside) > 2
    assert all(
        (chunk.context or "").endswith("Before the start, check:\nthe anchors:") for chunk in inside
    )
    assert not [
        chunk
        for chunk in made
        if chunk.text.startswith("Lorem") and "anchors" in (chunk.context or "")
    ]


def test_many_columns_are_all_named() -> None:
    names = [f"Quantity of barrels in store {n}" for n in range(40)]
    head = f"| {' | '.join(names)} |\n{'|---' * 40}|"
    rows = "\n".join(f"| {' | '.join(str(n * m) for m in range(40))} |" for n in range(30))

    _, *later = chunks(f"{head}\n{rows}", StructureSplitter(max_tokens=300, overlap_tokens=0))

    assert later
    assert all((chunk.context or "").count("Quantity") == 40 for chunk in later)


def test_a_heading_joins_a_block_without_a_place_to_cut() -> None:
    first, *_ = chunks(f"# {'A long title of the tariff ' * 4}\n\n{'x' * 5000}")

    assert "x" in first.text
