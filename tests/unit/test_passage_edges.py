"""Cuts stay away from places where a passage would lose its meaning."""

import pytest

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.domain.document import Heading, ParsedDocument
from tests.samples import LOREM

SPLITTER = StructureSplitter(max_tokens=128, overlap_tokens=0)
SHARING = StructureSplitter(max_tokens=128, overlap_tokens=24)
SENTENCES = " ".join(f"The harbour master wrote number {n} into the book." for n in range(11))
ROWS = "\n".join(f"| Route {n} | {n}.50 | paid by the master at noon |" for n in range(40))
TABLE = f"| Route | Fare | Note |\n|---|---|---|\n{ROWS}"
CODE = "\n\n".join(f"def step_{n}(deck):\n    return deck.haul({n})  # winch" for n in range(30))


def markdown(text: str) -> ParsedDocument:
    draft = Draft(ParserLimits(10, 1_000_000))
    parse_markdown(text, draft)
    return draft.finish()


def passages(text: str, splitter: StructureSplitter = SPLITTER) -> list[str]:
    parsed = markdown(text)
    found = splitter.split(parsed)
    pieces = [parsed.text[passage.char_start : passage.char_end] for passage in found]
    assert all(count <= 128 for count in splitter.count(pieces))
    covered = {at for passage in found for at in range(passage.char_start, passage.char_end)}
    assert all(at in covered or mark.isspace() for at, mark in enumerate(parsed.text))
    return pieces


@pytest.mark.parametrize("splitter", [SPLITTER, SHARING], ids=["plain", "sharing"])
@pytest.mark.parametrize("block", [SENTENCES, TABLE, f"```python\n{CODE}\n```"])
def test_a_heading_joins_the_passage_that_follows(block: str, splitter: StructureSplitter) -> None:
    first, *others = passages(f"# Tariff\n\n## Of the ferry\n\n{block}\n", splitter)

    assert first.startswith("# Tariff\n\n## Of the ferry\n\n")
    assert len(splitter.count([first])) == 1
    assert splitter.count([first])[0] > 40
    assert not [piece for piece in others if len(piece) < 20]


@pytest.mark.parametrize("splitter", [SPLITTER, SHARING], ids=["plain", "sharing"])
def test_a_heading_at_the_end_joins_the_passage_before(splitter: StructureSplitter) -> None:
    pieces = passages(f"# Tariff\n\n{SENTENCES} {SENTENCES}\n\n## Appendix", splitter)

    assert pieces[-1].endswith("\n\n## Appendix")
    assert len(pieces[-1]) > 60


def test_a_document_of_headings_only_keeps_them() -> None:
    assert passages("# Tariff\n\n## Appendix") == ["# Tariff\n\n## Appendix"]


@pytest.mark.parametrize("splitter", [SPLITTER, SHARING], ids=["plain", "sharing"])
def test_the_mark_of_a_code_block_does_not_stand_alone(splitter: StructureSplitter) -> None:
    pieces = passages(f"# Manual\n\n{SENTENCES}\n\n```python\n{CODE}\n```\n\n{LOREM}", splitter)

    assert not [piece for piece in pieces if piece.strip("`\n ") in {"", "python"}]
    assert not [piece for piece in pieces if piece.endswith("```python")]


def test_no_passage_ends_with_the_first_line_of_a_function() -> None:
    pieces = passages(f"# Manual\n\n```python\n{CODE}\n```", SHARING)

    assert not [piece for piece in pieces if piece.splitlines()[-1].startswith("def ")]


@pytest.mark.parametrize("level", ["## ", "### "])
def test_no_passage_ends_with_a_heading(level: str) -> None:
    sections = "\n\n".join(f"{level}Part {n}\n\n{SENTENCES}" for n in range(6))

    for piece in passages(f"# Manual\n\n{sections}"):
        assert not piece.splitlines()[-1].startswith("#")


def test_encoded_data_is_in_no_passage() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAi" * 400
    text = f"# Picture\n\nBefore.\n\n![chart]({picture})\n\nAfter: wages fell."
    parsed = ParsedDocument(text, (), (Heading(0, 1, "Picture"),), "p")

    found = [parsed.text[p.char_start : p.char_end] for p in SPLITTER.split(parsed)]

    assert len(found) == 2
    assert not [piece for piece in found if "iVBOR" in piece]
    assert found[1].endswith("wages fell.")
