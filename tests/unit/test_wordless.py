"""Long parts without words are in no chunk: encoded data, and the marks of empty tables."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.pipeline.chunk import cut
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import TooManyTokens
from ingest.domain.wordless import LEAST_WORDLESS_CHARS, wordless

BASE64 = "iVBORw0KGgoAAAANSUhEUgAAi" * 100
SPLITTER = StructureSplitter(max_tokens=128, overlap_tokens=24)


def a_document(text: str) -> ParsedDocument:
    return ParsedDocument(text, (), (), "test/1")


def in_lines(width: int, *, prefix: str = "") -> str:
    return "\n".join(prefix + BASE64[at : at + width] for at in range(0, len(BASE64), width))


@pytest.mark.parametrize(
    "data",
    [
        f"data:image/png;base64,{BASE64}",
        BASE64,
        f"{BASE64}=",
        BASE64.replace("A", "_"),
        "0123abcd" * 300,
        in_lines(76),
        in_lines(64),
        in_lines(76, prefix="> "),
        "|  " * 2000 + "|",
        "\n".join(["|  |  |  |  |"] * 400),
        "-" * 5000,
        ". " * 2000,
    ],
)
def test_a_part_without_words_is_in_no_chunk(data: str) -> None:
    text = f"Before.\n\n{data}\n\nAfter: wages fell."

    found = list(wordless(text))
    made = cut(a_document(text), UUID(int=7), SPLITTER, filename="a.md")

    [(left, right)] = found
    assert text[left:right].strip("\n >") == data.strip("\n >")
    assert [chunk.text for chunk in made] == ["Before.", "After: wages fell."]


@pytest.mark.parametrize(
    "text",
    [
        "words " * 1000,
        "a" * 5000,
        "ACGT" * 1000,
        "1234567890" * 500,
        "\n".join(f"{n:064x}" for n in range(90)),
        "\n".join(["| Route | Fare |", "|---|---|"] * 300),
        "🚢" * 3000,
        in_lines(76)[: LEAST_WORDLESS_CHARS - 100],
    ],
)
def test_other_parts_are_cut_into_chunks(text: str) -> None:
    assert list(wordless(text)) == []


@given(st.text(alphabet="aB1+/=-_| \n.", max_size=40), st.integers(1, 400))
def test_the_parts_are_long_and_in_order(piece: str, times: int) -> None:
    text = piece * times

    end = 0
    for left, right in wordless(text):
        assert end <= left <= right <= len(text)
        assert right - left >= LEAST_WORDLESS_CHARS
        end = right


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "f0" * 200_000 + "x",
        "- " * 990 + "a" + "- " * 200_000,
        "-_" * 200_000,
        f"{'-' * 1990}a" * 200,
        ("A" * 76 + "\n") * 5000,
        "data:" * 80_000,
        "a/" * 200_000,
    ],
    ids=range(8),
)
def test_hostile_texts_are_read_once(text: str) -> None:
    assert len(list(wordless(text))) <= 1


def test_a_row_with_one_cell_far_to_the_right_is_a_few_tokens() -> None:
    rows = "\n".join(f"| Member {n} |{'  |' * 16_382}" for n in range(20))
    text = f"| Name |{'  |' * 16_382}\n|{' --- |' * 16_383}\n{rows}"

    made = cut(a_document(text), UUID(int=7), SPLITTER, filename="members.xlsx")

    assert sum(chunk.token_count for chunk in made) < 1000
    assert all(any(f"Member {n} " in f"{chunk.text} " for chunk in made) for n in range(20))


def test_marks_beside_words_stay() -> None:
    text = f"The end.\n{'= ' * 3000}\n# A heading\n\n{'-' * 3000}\n- an item: {'. ' * 1500}-5"

    made = cut(a_document(text), UUID(int=7), SPLITTER, filename="a.md")

    assert [chunk.text for chunk in made] == ["The end.", "# A heading", "- an item:", "-5"]


def test_empty_rows_are_in_no_chunk() -> None:
    text = f"Before.\n\n| Name | Fee |\n|---|---|\n{'|  |  |' * 20}\n\nAfter."
    splitter = StructureSplitter(max_tokens=16, overlap_tokens=0)

    made = cut(a_document(text), UUID(int=7), splitter, filename="a.md")

    assert [chunk.text for chunk in made if not chunk.text.strip("|-: \n")] == []
    assert made[-1].text.endswith("After.")


def test_a_document_with_too_many_tokens_is_refused() -> None:
    splitter = StructureSplitter(max_tokens=128, overlap_tokens=0, max_document_tokens=1000)
    enough = a_document("The ferry leaves at noon. " * 150)
    too_long = a_document("The ferry leaves at noon. " * 200)

    assert cut(enough, UUID(int=7), splitter, filename="a.md")
    with pytest.raises(TooManyTokens, match=r"has 1\d\d\d tokens, limit 1000 \(INGEST_MAX_DOC"):
        cut(too_long, UUID(int=7), splitter, filename="a.md")
