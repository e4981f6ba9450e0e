"""The words of a query, found again in the text of a hit."""

import pytest

from ingest.adapters.text_analysis.found_words import WordFinder


def found(query: str, text: str) -> list[str]:
    return [text[place.start : place.end] for place in WordFinder(query).find(text)]


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("what happens when a worker dies", "When workers die, a worker died.", 4),
        ("Mueller", "Herr Müller und Frau MÜLLER", 2),
        ("naïve Strasse", "a naive walk along the Straße", 2),
        ("report*", "two reports and a reporter", 2),
        ("-draft report", "the draft of a report", 1),
    ],
)
def test_other_forms_of_a_word_are_found(query: str, text: str, words: int) -> None:
    assert len(found(query, text)) == words


def test_words_without_meaning_are_not_emphasised() -> None:
    assert found("what is the fee", "the fee is what we ask for") == ["fee"]


def test_an_identifier_is_found_in_every_spelling_and_its_short_parts_not_alone() -> None:
    text = "DS7604NI, DS-7604NI or DS 7604 NI. Ni is nickel."

    assert found("DS-7604NI", text) == ["DS7604NI", "DS-7604NI", "DS", "7604", "NI"]
    assert found("v1.2.3", "V1.2.3 has 1 of 3 parts") == ["V1.2.3"]


def test_names_with_signs_are_found_whole() -> None:
    assert found("C++", "written in C++, not in Java") == ["C++"]
    assert found(".net", "written in .NET 8") == [".NET"]


def test_scripts_without_spaces_are_found_inside_a_run() -> None:
    assert found("北京大学", "我在北京大学学习") == ["北京", "京大", "大学"]
    assert found("字", "漢字を書く") == ["字"]
    assert found("ไทย", "ภาษาไทยง่าย") == ["ไท", "ทย"]


def test_a_word_that_the_text_lacks_is_found_as_the_beginning_of_others() -> None:
    assert found("Donau", "das Donaudampfschiff") == ["Donaudampfschiff"]
    assert found("Donau", "die Donau, das Donaudampfschiff") == ["Donau"]


def test_a_query_that_the_text_does_not_hold_is_found_nowhere() -> None:
    assert found("zebra", "a text about tides") == []
    assert found("?!", "what?!") == []
