"""Test collections are read as their files mean them."""

import json
from pathlib import Path

import pytest

from benchmarks import collections
from benchmarks.collections import (
    Source,
    UnknownFileError,
    load,
    present,
    read_smart,
    read_squad,
    read_time,
    smart_records,
)
from benchmarks.generated_collection import generated
from ingest.domain.identity import sha256_hex

DOCUMENTS = """\
.I 1
.T
Wings in
a slipstream
.A
somebody
.W
An experiment.
  It was made .
.I 2
.W
Heat in slabs.
.X
1\t5\t1
.I 3
.T
"""
QUERIES = """\
.I 001
.W
what about
wings
.I 004
.W
what about heat
.I 009
.W
nobody knows
"""


def test_a_record_has_the_lines_of_each_field() -> None:
    assert smart_records(".I 7\n.W\none\n .W two\n.A\nname\n") == {
        "7": {"W": "one\n .W two\n", "A": "name\n"}
    }


def test_a_document_is_its_title_and_text_and_an_empty_one_is_left_out() -> None:
    found = read_smart(DOCUMENTS, QUERIES, "1 1\n4 2\n4 3\n")

    assert found.documents == {
        "1": "Wings in\na slipstream\n\nAn experiment.\n  It was made .",
        "2": "Heat in slabs.",
    }
    assert found.queries == {"1": "what about wings", "4": "what about heat"}
    assert found.relevant == {"1": {"1"}, "4": {"2"}}


def test_judgments_may_name_a_question_by_its_place_and_grade_documents() -> None:
    judgments = "1 1 3\n1 2 -1\n2 2 1\n3 1 \n"

    found = read_smart(DOCUMENTS, QUERIES, judgments, numbered=True, grade_column=2)

    assert found.queries == {"1": "what about wings", "2": "what about heat"}
    assert found.relevant == {"1": {"1"}, "2": {"2"}}


def test_judgments_may_have_their_documents_in_another_column() -> None:
    found = read_smart(DOCUMENTS, QUERIES, "1 0 2 1\n", document_column=2)

    assert found.relevant == {"1": {"2"}}


def test_articles_of_time_are_named_by_their_place() -> None:
    documents = (
        "*TEXT 017 01/04/63 PAGE 020\n\nTHE ALLIES\n\nMET .\n\n*TEXT 018 x\n\nRUIZ\n\n*STOP\n"
    )
    queries = "*FIND      1\n\n PRESSURE ON\n\n DIEM .\n\n*FIND      2\n\n RUIZ\n\n*STOP\n"

    found = read_time(documents, queries, "1  1\n\n2  1 2\n\n")

    assert found.documents == {"1": "THE ALLIES\nMET .\n", "2": "RUIZ\n"}
    assert found.queries == {"1": "PRESSURE ON DIEM .", "2": "RUIZ"}
    assert found.relevant == {"1": {"1"}, "2": {"1", "2"}}


def test_a_paragraph_answers_the_questions_below_it() -> None:
    asked = [{"id": "x", "question": "Who ? "}, {"id": "y", "question": "When?"}]
    paragraphs = [{"context": " Ada did.", "qas": asked}, {"context": "No.", "qas": []}]

    found = read_squad(json.dumps({"data": [{"paragraphs": paragraphs}]}))

    assert found.documents == {"0-0": "Ada did.", "0-1": "No."}
    assert found.queries == {"x": "Who ?", "y": "When?"}
    assert found.relevant == {"x": {"0-0"}, "y": {"0-0"}}


def test_only_the_files_that_are_listed_are_measured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"docs": DOCUMENTS, "asked": QUERIES, "judged": "1 1\n"}
    digests = {name: sha256_hex(text.encode()) for name, text in texts.items()}
    source = Source("small", digests, read_smart, "none")
    monkeypatch.setattr(collections, "SOURCES", {"small": source})
    (tmp_path / "small").mkdir()
    (tmp_path / "small/docs").write_text(DOCUMENTS)
    assert present(tmp_path) == []

    for name, text in texts.items():
        (tmp_path / "small" / name).write_text(text)
    assert present(tmp_path) == ["small"]
    assert load("small", tmp_path).relevant == {"1": {"1"}}

    (tmp_path / "small/judged").write_text("1 2\n")
    with pytest.raises(UnknownFileError, match="judged has the SHA-256"):
        load("small", tmp_path)


def test_the_generated_collection_knows_exactly_which_documents_answer() -> None:
    made = generated()

    assert made == generated()
    assert made != generated(seed=8)
    for query, text in made.queries.items():
        if not text.startswith("Which anchor was delivered in Aldwick"):
            continue
        holders = {
            name
            for name, document in made.documents.items()
            if "In Aldwick the barge unloaded twelve anchors" in document
        }
        assert made.relevant[query] == holders
        assert len(holders) == 5
        return
    pytest.fail("the question is missing")
