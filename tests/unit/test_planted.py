"""A planted question has exactly one right document."""

import json
from pathlib import Path

from benchmarks.planted import planted, read_planted


def test_equal_seeds_plant_the_same_and_others_do_not() -> None:
    assert planted() == planted()
    assert planted() != planted(seed=12)


def test_what_is_asked_for_as_it_is_written_stands_in_its_document_alone() -> None:
    made = planted()
    texts = {
        name: f"{filename}\n{content.decode()}" for name, (filename, content) in made.files.items()
    }
    literal = 0
    for query, text in made.queries.items():
        holders = [name for name, document in texts.items() if text in document]
        literal += bool(holders)
        assert holders in ([], [made.wanted[query]]), text

    assert literal > len(made.queries) / 2


def test_identifiers_names_scripts_and_headings_are_all_asked_for() -> None:
    made = planted()

    assert set(made.kinds.values()) == {
        "identifier", "accents", "words", "chinese", "japanese", "korean", "thai", "filename",
        "heading",
    }  # fmt: skip
    assert sum(len(made.only(kind)) for kind in set(made.kinds.values())) == len(made.wanted)


def test_planted_sentences_of_others_stand_beside_their_documents(tmp_path: Path) -> None:
    rows = [
        {"plant": "ora", "sentence": "See ORA-00942.", "filename": "ora.txt", "query": "00942"},
        {"plant": "ora", "sentence": "See ORA-00942.", "filename": "ora.txt", "query": "ORA"},
        {
            "plant": "boiler", "sentence": "It opens at nine bar.", "filename": "boiler.md",
            "query": "Boiler Quagga", "heading": "Boiler Quagga",
        },
    ]  # fmt: skip
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "cases.jsonl").write_text('{"id": "x", "file": "x.bin", "filename": "x.pdf"}\n')
    (tmp_path / "x.bin").write_bytes(b"content")

    made = read_planted(tmp_path)

    assert made.files["case-x"] == ("x.pdf", b"content")
    assert "See ORA-00942." in made.files["ora"][1].decode()
    assert made.files["boiler"][1].decode().startswith("# Boiler Quagga\n\n")
    assert list(made.wanted.values()) == ["ora", "ora", "boiler"]
    assert len(made.files) > 100
