"""Texts with mark-up of their own, and subtitles: headings are found, words stay."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from tests.unit.parsing import assert_landmarks_are_exact, outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(text: str, name: str) -> ParsedDocument:
    parsed = parse_document(text.encode(), filename=name, limits=LIMITS)
    assert_landmarks_are_exact(parsed)
    return parsed


def test_rst_levels_follow_the_order_of_the_adornments() -> None:
    parsed = parse(
        "=====\nQuay\n=====\nRopes\n~~~~~\n\nwords\n\nKnots\n-----\n\nmore\n\nBerths\n~~~~~~\n",
        "x.rst",
    )

    assert outline(parsed) == [(1, "Quay"), (2, "Ropes"), (3, "Knots"), (2, "Berths")]
    assert "=" not in parsed.text


def test_rst_rules_tables_and_code_are_no_titles() -> None:
    table = "=====  =====\nA      B\n=====  =====\n1      2\n=====  =====\n\n"
    text = f"{table}code::\n\n    Title\n    =====\n\n----\n\nend"

    parsed = parse(text, "x.rst")

    assert outline(parsed) == []
    assert parsed.text == text


def test_asciidoc_titles_have_two_forms_and_are_none_in_listings() -> None:
    parsed = parse(
        "= Quay\n:toc:\n\n== Ropes ==\n\nwords\n\n----\n== no title\n----\n\n"
        "Knots\n~~~~~\n\nmore\n",
        "x.adoc",
    )

    assert outline(parsed) == [(1, "Quay"), (2, "Ropes"), (3, "Knots")]
    assert "----\n== no title\n----" in parsed.text


def test_org_headlines_stand_below_the_title_and_are_none_in_blocks() -> None:
    parsed = parse(
        "#+TITLE: Quay\n* Ropes\nwords\n** TODO Knots :tag:\n#+begin_example\n* no headline\n"
        "#+end_example\n#+begin_src sh\n* Berths\n",
        "x.org",
    )

    assert outline(parsed) == [*((1, "Quay"), (2, "Ropes"), (3, "TODO Knots :tag:"), (2, "Berths"))]


def test_latex_sections_accents_tables_and_comments() -> None:
    parsed = parse(
        r"""\documentclass{article}\title{The \emph{quay}}
\begin{document}\maketitle
\section[short]{Stra\ss e \& {caf\'e}} % a comment
Words of 50\% and \textbf{bold \emph{both}}\footnote{a note}, see $x^{2} \% y$.
\begin{tabular}{l|r}\hline a & b \\ \multicolumn{2}{c}{wide} \\ 1 & 2 \\ \end{tabular}
\begin{verbatim}
\section{no section} % kept
\end{verbatim}
\end{document} ignored""",
        "x.tex",
    )

    assert outline(parsed) == [(1, "The quay"), (2, "Straße & café")]
    assert r"Words of 50% and bold both (a note), see $x^{2} \% y$." in parsed.text
    assert "| a | b |\n| --- | --- |\n| wide |  |\n| 1 | 2 |" in parsed.text
    assert "```\n\\section{no section} % kept\n```" in parsed.text
    assert "a comment" not in parsed.text
    assert "ignored" not in parsed.text


def test_subtitles_have_no_numbers_and_one_time_for_a_paragraph() -> None:
    cues = "1\n00:00:01,000 --> 00:00:02,500\n<i>Moor</i> the\n{\\an8}ship\n\n"
    cues += "2\n00:00:02,600 --> 00:00:04,000\n7\n\n"
    later = "3\n01:02:03,000 --> 01:02:04,000\nat dawn.\n"

    assert parse(cues + later, "x.srt").text == "[00:00:01] Moor the ship 7\n\n[01:02:03] at dawn."


def test_subtitles_name_their_speakers_and_leave_out_notes() -> None:
    parsed = parse(
        "WEBVTT - a title\n\nNOTE internal\n\nSTYLE\n::cue {}\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n"
        "<v Ada>Who &amp; where?</v>\n\n00:02.500 --> 00:03.000\n<v.loud Bo>Here!\n",
        "talk.vtt",
    )

    assert parsed.text == "[00:00:01] Ada: Who & where?\n\n[00:00:02] Bo: Here!"


def test_captions_that_roll_are_read_once_and_said_twice_stays_twice() -> None:
    rolling = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nmoor the ship\n\n"
        "00:02.000 --> 00:03.000\nmoor the ship\nat dawn\n\n00:05.000 --> 00:06.000\nNo.\n\n"
        "00:06.000 --> 00:07.000\nNo.\n"
    )

    assert parse(rolling, "x.vtt").text == "[00:00:01] moor the ship at dawn No. No."


def test_whether_captions_roll_is_told_by_milliseconds() -> None:
    rolls = (
        "1\n00:00:01,000 --> 00:00:01,980\nmoor the ship\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nmoor the ship\nat dawn\n"
    )
    waits = (
        "1\n00:00:01,000 --> 00:00:02,100\nNo.\nNever.\n\n"
        "2\n00:00:02,900 --> 00:00:03,000\nNever.\n"
    )

    assert parse(rolls, "x.srt").text == "[00:00:01] moor the ship at dawn"
    assert parse(waits, "x.srt").text == "[00:00:01] No. Never. Never."


@pytest.mark.parametrize("name", ["x.rst", "x.adoc", "x.org", "x.tex", "x.srt", "x.vtt"])
def test_plain_prose_under_these_names_keeps_its_words(name: str) -> None:
    words = "The quay is closed.\n\nIt opens on Monday; dues are 5 EUR."

    assert parse(words, name).text == words


@pytest.mark.parametrize(
    ("name", "repeated"),
    [
        ("x.tex", "\\begin{verbatim}word "),
        ("x.tex", "\\[ word "),
        ("x.tex", "$ word\n\n"),
        ("x.tex", "\\begin{tabular}{l} word "),
        ("x.srt", "1\n00:00:01,000 --> 00:00:02,000\nword\n\n"),
        ("x.adoc", "word\n--\n"),
        ("x.org", "#+begin_src\n* word\n"),
    ],
)
def test_marks_without_an_end_lose_no_word_however_often_they_come(
    name: str, repeated: str
) -> None:
    assert parse(repeated * 20_000, name).text.count("word") == 20_000
