"""Texts and queries become terms: what people write in two ways is found in both."""

from uuid import UUID

import pytest

from ingest.adapters.text_analysis import languages
from ingest.adapters.text_analysis.normalization import fold, fold_by_digraphs, normalize
from ingest.adapters.text_analysis.query import MOST_TERMS, parse
from ingest.adapters.text_analysis.term_vector import term_vector, to_binary
from ingest.adapters.text_analysis.tokens import MAX_TERM_CHARS, by_rules, take_apart

TENANT = UUID(int=7)


def terms_of(text: str, **fields: str) -> dict[str, list[int]]:
    headings = [fields["heading"]] if "heading" in fields else []
    filename = fields.get("filename", "")
    return term_vector(TENANT, filename=filename, headings=headings, context=None, text=text)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Straße", "strasse"), ("STRASSE", "strasse"), ("Étretat", "etretat"),
        ("Zu\u0308richberg", "zurichberg"), ("ABC", "abc"), ("ﬁnance", "finance"),
        ("Ærø", "aero"), ("Łódź", "lodz"), ("İstanbul", "istanbul"), ("ΆΛΦΑ", "αλφα"),
        ("Ёлка", "елка"), ("йод", "йод"), ("إسلام", "اسلام"), ("مِيناء", "ميناء"), ("٤٢", "42"),
        ("हिन्दी", "हिन्दी"), ("ท่าเรือ", "ท่าเรือ"),
    ],
)  # fmt: skip
def test_spellings_of_a_word_are_folded_to_one(written: str, folded: str) -> None:
    assert fold(normalize(written)) == folded


@pytest.mark.parametrize(
    "word", ["harbour", "Harbour", "HARBOUR", "harBour", "I", "a", "of", "IT", "net", "Straße", "7"]
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("(", ")"),
        ('"', '."'),
        ("'", "'s"),
        (".", ""),
        ("(.", ")"),
        ("", "++"),
        ("", "!?"),
    ],
)
def test_plain_words_are_taken_apart_as_by_the_rules(before: str, word: str, after: str) -> None:
    assert take_apart(before + word + after) == by_rules(before + word + after)


def test_characters_that_nobody_sees_are_removed() -> None:
    assert normalize("Wert\u00adpapier\u200b\ufeffindex") == "Wertpapierindex"


def test_umlauts_are_found_written_out() -> None:
    assert fold_by_digraphs("Müller") == "mueller"
    assert fold_by_digraphs("miller") is None
    assert {"muller", "mueller"} <= set(terms_of("Frau Müller vermietet Stege"))


@pytest.mark.parametrize(
    ("token", "atoms"),
    [
        ("DS-7604NI-E1/4P/A", ["DS", "7604", "NI", "E", "1", "4", "P", "A"]),
        ("TideGaugeReader", ["Tide", "Gauge", "Reader"]),
        ("HTTPServer", ["HTTP", "Server"]),
        ("max_upload_bytes", ["max", "upload", "bytes"]),
        ("v2.10.4", ["v", "2", "10", "4"]),
        ("gudrun.skov@pilots.example.org", ["gudrun", "skov", "pilots", "example", "org"]),
        ("/opt/tidegauge/bin", ["opt", "tidegauge", "bin"]),
        ("---", []),
    ],
)
def test_identifiers_are_taken_apart(token: str, atoms: list[str]) -> None:
    assert [atom.text for atom in take_apart(token).atoms] == atoms


def test_an_identifier_is_also_one_term_without_its_punctuation() -> None:
    assert "email" in terms_of("Subscribe to the e-mail digest")
    assert "tidegaugereader" in terms_of("The class TideGaugeReader reads")
    assert "ora00942" in terms_of("the log shows ORA-00942 for it")


def test_a_number_with_a_point_is_not_the_number_without() -> None:
    assert "15" not in terms_of("The level is 1.5 metres")
    assert "123456" not in terms_of("€ 1.234,56")


def test_digits_of_a_telephone_number_are_found_in_any_grouping() -> None:
    assert "49401234567" in terms_of("Call +49 40 1234-567 in an emergency")


def test_names_whose_punctuation_counts_keep_it() -> None:
    assert {"c++", "c#", ".net"} <= set(terms_of("written in C++ and C# on .NET."))


def test_scripts_without_spaces_are_found_by_every_part() -> None:
    found = terms_of("東京湾の潮位表は毎年")
    assert {"潮位", "位表", "年"} <= set(found)


def test_a_digest_in_base64_does_not_fall_into_dozens_of_terms() -> None:
    digest = "aB3xY9zQ" * 12
    found = [term for term in terms_of(f"key {digest} end") if term != str(TENANT)]
    assert len(found) == 3
    assert max(map(len, found)) <= MAX_TERM_CHARS


def test_words_are_stemmed_in_the_language_of_the_text() -> None:
    assert "barnacl" in terms_of("Seventeen barnacles were scraped off the hull this morning.")
    assert "vertrag" in terms_of("Die Verträge wurden im Frühjahr von der Stadt gekündigt.")
    assert languages.detect("Die Verträge wurden im Frühjahr gekündigt.") == "de"


def test_a_language_without_a_stemmer_is_searched_as_written() -> None:
    text = "Þetta er íslenskur texti um höfnina og bátana sem þar liggja."
    assert languages.detect(text) == languages.DEFAULT
    assert "hofnina" in terms_of(text)


def test_fields_have_weights_and_no_phrase_goes_from_one_to_the_next() -> None:
    found = terms_of("valve", heading="Pressure relief", filename="boiler.md")
    body, heading, title = found["valve"][0], found["relief"][0], found["boiler"][0]
    assert [place >> 14 for place in (body, heading, title)] == [0, 2, 3]
    last = (1 << 14) - 1
    assert heading & last > (body & last) + 2
    assert title & last > (heading & last) + 1


def test_positions_stay_within_what_postgresql_allows() -> None:
    found = terms_of(
        " ".join(f"word{n % 7} the" for n in range(20_000)), filename="the the", heading="the"
    )
    for places in found.values():
        assert len(places) <= 256
        plain = [place & ((1 << 14) - 1) for place in places]
        assert plain == sorted(set(plain))
    assert found["the"][-1] >> 14 == 3  # the title is kept, however often the text has the word
    assert to_binary(found).startswith(len(found).to_bytes(4, "big"))


@pytest.mark.parametrize(
    "word",
    ["x" * 4_091, "running" * 600, "ß" * 3_000, "ab-" * 1_500, "a1" * 2_000, "x" * 70 + "ing"],
)
def test_a_very_long_word_makes_no_term_that_postgresql_refuses(word: str) -> None:
    terms = term_vector(UUID(int=1), filename=word, headings=[word], context=word, text=word)

    assert max(map(len, terms)) <= MAX_TERM_CHARS


def test_a_very_long_name_is_found_under_its_term() -> None:
    name = "." + "Net" * 40

    stored = term_vector(UUID(int=1), filename="", headings=[], context=None, text=name)
    asked = [form for term in parse(name).terms for form in term.forms]

    assert any(form.startswith(".") for form in asked)
    assert set(asked) <= set(stored)


@pytest.mark.parametrize(
    ("text", "is_latin"),
    [
        ("Größe", True), ("7 + 5?", True), ("ท่าเรือ port", False), ("潮汐表", False),
        ("USB-C 充電", True), ("Łódź и порт", False), ("", True),
    ],
)  # fmt: skip
def test_the_script_of_a_question_is_that_of_most_of_its_letters(text: str, is_latin: bool) -> None:
    assert languages.mostly_latin(text) is is_latin


def test_a_query_without_its_operators_is_what_is_embedded() -> None:
    query = parse('"granite bank" liability -rust')
    assert query.text == "granite bank liability"
    assert query.quoted == "('granite' <-> 'bank')"
    assert query.excluded == "('rust')"


@pytest.mark.parametrize("text", ["-", "--", '"', '""', "* ?", "…", "()&|!<->:*'\\"])
def test_a_query_of_punctuation_has_no_terms(text: str) -> None:
    assert parse(text).terms == ()


@pytest.mark.parametrize("text", ["-5", "-rust", '-"granite bank"'])
def test_a_query_that_only_excludes_means_its_words(text: str) -> None:
    query = parse(text)
    assert query.terms
    assert query.excluded is None


def test_a_query_of_function_words_keeps_them() -> None:
    assert [term.forms[0] for term in parse("to be or not to be").terms] == [
        "to",
        "be",
        "or",
        "not",
    ]
    assert [term.forms[0] for term in parse("what is the tide").terms] == ["tide"]


def test_a_long_query_has_a_bounded_number_of_terms_and_no_phrase() -> None:
    query = parse(" ".join(f"word{n}x" for n in range(2_000)))
    assert len(query.terms) == MOST_TERMS
    assert query.sides == ()


def test_a_word_that_stands_twice_counts_more() -> None:
    by_word = {term.forms[0]: term.times for term in parse("tide gauge tide").terms}
    assert by_word == {"tide": 2, "gauge": 1}


def test_one_character_of_a_script_without_spaces_is_a_prefix() -> None:
    assert [term.query for term in parse("潮").terms] == ["'潮':*"]


def test_an_identifier_is_known_as_one() -> None:
    assert any(term.is_identifier for term in parse("reset model NW-17").terms)
    assert not any(term.is_identifier for term in parse("reset the model at 2.5").terms)
    assert not any(term.is_identifier for term in parse("price-determining factors U.S.").terms)
    for name in ("max_upload_bytes", "TideGaugeReader", "vault.example.com", "/opt/bin", "a@b.org"):
        assert parse(name).terms[0].is_identifier
