"""``ingest search``."""

import re
from pathlib import Path

import pytest

from tests import samples
from tests.integration.cli_system import Running, ingest

PRICE = "The harbour fee is 40 crowns a day. Order DS-7604NI is delivered in May."
TIDES = "Tides rise and fall twice a day, and the moon pulls the water."


@pytest.fixture(scope="module")
def notes(system: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a tenant with two notes, of which one came twice."""
    folder = tmp_path_factory.mktemp("notes")
    for place in ("first", "second"):
        (folder / place).mkdir()
        (folder / place / "price.txt").write_text(PRICE)
    (folder / "tides.txt").write_text(TIDES)
    tenant = system.tenant()
    ingest("upload", folder, "--external-ids", **tenant)
    return tenant


def test_search_shows_file_page_heading_and_the_sentence_that_answers(
    system: Running, tmp_path: Path
) -> None:
    filler = "The committee met again and adjourned without a decision. " * 12
    answer = "The lighthouse keeper is paid in herring."
    (tmp_path / "log.pdf").write_bytes(samples.pdf([f"Wages\n{answer}"]))
    (tmp_path / "minutes.md").write_bytes(samples.markdown(f"{filler}{answer}", heading="Wages"))
    tenant = system.tenant()
    ingest("upload", tmp_path, **tenant)

    outcome = ingest("search", "what is the lighthouse keeper paid in", "-k", 2, **tenant)
    documents = {job["document_id"] for job in ingest("jobs", "--json", **tenant).json()}

    assert outcome.code == 0
    assert "log.pdf, page 1" in outcome.out
    assert outcome.out.count("Wages") == 2
    assert " ".join(outcome.out.split()).count("keeper is paid in herring.") == 2
    assert set(re.findall(r"^ *document (\S+) *$", outcome.out, re.MULTILINE)) == documents
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_search_marks_exact_hits_and_names_documents_with_the_same_text(
    notes: dict[str, str],
) -> None:
    outcome = ingest("search", "ds7604ni", "-k", 2, **notes)
    hits = ingest("search", "ds7604ni", "-k", 2, "--json", **notes).json()["hits"]

    first, second = outcome.out.split("\n\n")
    other = hits[0]["also_in"]
    assert len(other) == 1
    assert re.match(r"1\.00  price\.txt, exact\n", first)
    assert f"also in price.txt ({other[0]})" in " ".join(first.split())
    assert f"document {hits[0]['document_id']}" in first
    assert re.match(r"0\.\d\d  tides\.txt\n", second)
    assert "also in" not in second


def test_of_many_documents_with_the_same_text_three_are_named(
    system: Running, tmp_path: Path
) -> None:
    tenant = system.tenant()
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(TIDES)
    ingest("upload", tmp_path, "--external-ids", **tenant)

    outcome = ingest("search", "tides", **tenant)

    told = " ".join(outcome.out.split())
    assert told.count(".txt") == 4
    assert " and 2 other documents document " in told


def test_search_by_words_finds_only_texts_with_these_words(notes: dict[str, str]) -> None:
    by_words = ingest("search", "tide", "--mode", "lexical", "--json", **notes).json()["hits"]
    by_meaning = ingest("search", "tide", "--mode", "vector", "--json", **notes).json()["hits"]

    assert [hit["filename"] for hit in by_words] == ["tides.txt"]
    assert [hit["similarity"] for hit in by_words] == [None]
    assert [hit["score"] for hit in by_meaning] == [hit["similarity"] for hit in by_meaning]
    assert {hit["filename"] for hit in by_meaning} == {"tides.txt", "price.txt"}


def test_words_after_a_minus_leave_passages_out(notes: dict[str, str]) -> None:
    some = ingest("search", "day -moon", "--json", **notes).json()["hits"]
    none = ingest("search", "--mode", "lexical", "--", "-day tides", **notes)

    assert [hit["filename"] for hit in some] == ["price.txt"]
    assert none.out == "nothing found: search again without the words that follow a minus\n"


def test_a_search_without_result_says_why(system: Running, notes: dict[str, str]) -> None:
    by_words = ingest("search", "zebra", "--mode", "lexical", **notes)
    empty = ingest("search", "tides", **system.tenant())

    assert (by_words.code, empty.code) == (0, 0)
    assert by_words.out.startswith("nothing found: no passage holds these words; --mode hybrid")
    assert empty.out.startswith("nothing found: no document is searchable yet")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["tides", "--mode", "words"], 2, "'--mode'"),
        (["x" * 9000], 1, "8000"),
    ],
)
def test_a_search_that_cannot_be_done_says_what_is_wrong(
    notes: dict[str, str], arguments: list[str], code: int, words: str
) -> None:
    outcome = ingest("search", *arguments, **notes)

    assert (outcome.code, outcome.out) == (code, "")
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("is_terminal", [True, False])
def test_found_words_are_underlined_in_a_terminal_alone(
    notes: dict[str, str], is_terminal: bool
) -> None:
    shown = ingest("search", "harbour", **notes, **({"FORCE_COLOR": "1"} if is_terminal else {}))

    assert ("\x1b[1;4mharbour\x1b[0m" in shown.out) is is_terminal
    assert ("\x1b" in shown.out) is is_terminal
