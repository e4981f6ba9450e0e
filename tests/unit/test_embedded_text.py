"""What is embedded of a passage: its context, and its words without marks."""

import pytest

from ingest.domain.chunk_context import (
    MAX_PATH_CHARS,
    MAX_TITLE_CHARS,
    Contexts,
    opening_in,
    title_of,
)
from ingest.domain.document import ParsedDocument
from ingest.domain.embedded_text import embedded_text, words_of
from ingest.domain.wordless import wordless

BASE64 = "iVBORw0KGgoAAAANSUhEUgAAi" * 100
TABLE = "| Harbour | Dues |\n|---|---:|\n| Hvide Sande | 12 |\n| Thy\\|boron | 15 |"


def a_document(text: str) -> ParsedDocument:
    return ParsedDocument(text, (), (), "test/1")


def test_the_context_stands_before_the_words() -> None:
    assert embedded_text("Tariff\nDues", TABLE) == (
        "Tariff\nDues\n\nHarbour Dues\nHvide Sande 12\nThy|boron 15"
    )


def test_a_chunk_without_a_context_is_embedded_as_it_is() -> None:
    assert embedded_text(None, TABLE) == TABLE


@pytest.mark.parametrize("context", ["", "Tariff"])
def test_something_is_left_to_embed_of_punctuation(context: str) -> None:
    assert embedded_text(context, "-----") == (context or "-----")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a | b\n--|--\nc | d\n\ncat x | sort", "a b\nc d\n\ncat x | sort"),
        ("| --- | --- |\n| Hall 5 | 69 |", "Hall 5 69"),
        ("5 | 69 |\n| Hall 6 | 70 |", "5 69\nHall 6 70"),
        ("Fees ........ 12\n. . . . . 13", "Fees   12\n  13"),
        ("Title\n=======\ntext", "Title\n \ntext"),
        ("wait... what -- no --- yes", "wait... what -- no --- yes"),
        ("x = a || b", "x = a || b"),
        (f"see ![chart](data:image/png;base64,{BASE64}) there", "see ![chart]( ) there"),
        (f'"image/png": "{BASE64}"', '"image/png": " "'),
        ("A" * 900, "A" * 900),
        ("🚢🚢🚢🚢🚢🚢", "🚢🚢🚢🚢🚢🚢"),
    ],
)
def test_marks_are_left_out_and_words_stay(text: str, words: str) -> None:
    assert words_of(text) == words


def test_long_encoded_data_is_found_where_it_is() -> None:
    picture = f"data:image/png;base64,{BASE64}"
    text = f"before ![a]({picture})\n\nshort data:image/gif;base64,R0lGOD\n{BASE64}\nafter"

    assert [text[left:right] for left, right in wordless(text)] == [picture, BASE64]
    assert list(wordless("words " * 1000 + "a" * 5000)) == []


def test_a_passage_inside_a_table_is_told_its_columns() -> None:
    text = f"Words.\n\n{TABLE}\n\nMore | words."
    contexts = Contexts(a_document(text), "tariff_2026.docx")

    found = [contexts.of(text.index(w), ("Dues",)) for w in ("| Har", "|---", "| Hv", "15", "Mor")]

    plain, headed = "tariff 2026\nDues", "tariff 2026\nDues\nHarbour Dues"
    assert found == [plain, headed, headed, headed, plain]


def test_a_line_of_dashes_is_no_table() -> None:
    text = "either | or\n\n---\n\n| - |\nwords"
    assert Contexts(a_document(text), "a.md").of(text.index("words"), ()) == "a"


@pytest.mark.parametrize(
    ("second", "last"),
    [
        ("| Quay | Adult fare | Child fare |", "Tariff of the year\nQuay Adult fare Child fare"),
        ("| Quay 1 | 25.50 | 20.25 |", "Tariff of the year"),
        ("| Quay |  |  |", "Tariff of the year"),
    ],
)
def test_the_columns_below_a_title_are_named(second: str, last: str) -> None:
    text = f"| Tariff of the year |  |  |\n|---|---|---|\n{second}\n| Quay 2 | 26.50 | 21.25 |"

    assert Contexts(a_document(text), "_.md").of(text.index("| Quay 2"), ()) == last


def test_the_lines_about_the_block_are_told_apart() -> None:
    text = f"Dues of all harbours:\n\n{TABLE}"
    context = Contexts(a_document(text), "tariff_2026.docx").of(text.index("| Hv"), ("Dues", "All"))

    assert opening_in(context, "tariff_2026.docx", ["Dues", "All"]) == [
        "Dues of all harbours:",
        "Harbour Dues",
    ]
    assert opening_in("tariff 2026\nDues", "tariff_2026.docx", ("Dues",)) == []
    assert opening_in("", "tariff_2026.docx", ()) == []


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("3M_2018_10K.pdf", "3M 2018 10K"),
        ("zeppelin-blueprint.TXT", "zeppelin-blueprint"),
        ("release v2.10", "release v2.10"),
        (".md", ".md"),
        ("_.md", ""),
    ],
)
def test_the_title_is_the_words_of_the_file_name(filename: str, title: str) -> None:
    assert title_of(filename) == title


def test_long_names_and_paths_are_bounded() -> None:
    contexts = Contexts(a_document("text"), "word " * 50 + ".pdf")

    title, path = contexts.of(0, [f"{n} {'heading ' * 60}" for n in range(6)]).split("\n")

    assert len(title) <= MAX_TITLE_CHARS
    assert len(path) <= MAX_PATH_CHARS
    assert path.startswith("0 heading")
    assert " > 5 heading" in path
