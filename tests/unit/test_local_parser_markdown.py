"""Markdown and logs: what only looks like a heading is none, encoded data is left out."""

import base64
import random

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParseInvalid
from ingest.domain.parse_quality import check_text
from ingest.domain.parse_warning import WarningCode

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)
DATA = base64.b64encode(random.Random(5).randbytes(3000)).decode()
LINES = "\n".join(DATA[start : start + 76] for start in range(0, len(DATA), 76))


def parse(text: str, name: str = "x.md") -> ParsedDocument:
    return parse_document(text.encode(), filename=name, limits=LIMITS)


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: x\n\n# a comment\n---\n",
        "---\n# a comment\ntitle: x\ntags:\n  - one\n---\n",
        '+++\ntitle = "x"\n# a comment\n+++\n',
        "---\ntitle: x\n...\n",
        "<!--\n# commented out\n\n## and this\n-->\n",
        "<!-- # one line -->\n",
        "<pre>\n# no heading\n\n# nor this\n</pre>\n",
        "<script>\n# no heading\n</script>\n",
        "<div align=center>\n# no heading\n</div>\n\n",
        "<details open>\nText\n---\n</details>\n\n",
        "```\n<!--\n```\n",
        "<?php\n# no heading\n?>\n",
    ],
)
def test_settings_comments_and_html_are_no_headings(front: str) -> None:
    parsed = parse(f"{front}# Real\n\nText\n")

    assert [h.title for h in parsed.headings] == ["Real"]
    assert parsed.text[parsed.headings[0].char_start :].startswith("# Real")
    assert parsed.text == f"{front}# Real\n\nText"


@pytest.mark.parametrize(
    "start",
    [
        "---\n\nTitle\n---\n",
        "text <!-- a --> more\n# Title\n",
        "a\n<b>\n# Title\n",
        "<br>\n\n# Title\n",
    ],
)
def test_a_rule_or_a_tag_in_the_text_hides_no_heading(start: str) -> None:
    assert [h.title for h in parse(start).headings] == ["Title"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Before ![a chart](data:image/png;base64,{DATA}) after", "Before [image: a chart] after"),
        (f"Before ![](<data:image/png;base64,{DATA}> 'title') after", "Before [image] after"),
        (f"[chart]: data:image/svg+xml;charset=utf-8;base64,{DATA}", "[chart]: [image]"),
        (f"Key {DATA} end", "Key [data] end"),
        (f"Key\n{LINES}\nend", "Key\n[data]\nend"),
        (f"Key\n{LINES}\nsome words", "Key\n[data]\nsome words"),
    ],
)
@pytest.mark.parametrize("name", ["x.md", "x.txt"])
def test_encoded_data_becomes_a_mark_with_a_warning(text: str, expected: str, name: str) -> None:
    parsed = parse(text, name)

    assert parsed.text == expected
    assert [w.code for w in parsed.warnings] == [WarningCode.DATA_LEFT_OUT]


@pytest.mark.parametrize(
    "text", ["needle " + "x" * 5000 + " tail", "ACGT" * 400, "0123456789" * 60, "a/" * 900]
)
def test_long_words_are_kept(text: str) -> None:
    assert parse(text, "x.txt").text == text
    assert parse(text).warnings == ()


def test_the_colours_of_a_terminal_are_removed() -> None:
    log = (
        "\x1b[1;32mok\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b(B\x1b[Kdone\n"
        "N\bNA\bAM\bME\bE and _\bi_\bt\n"
    )

    parsed = parse(log, "build.log")

    assert parsed.text == "ok link done\nNAME and it"
    check_text(parsed)


def test_never_more_than_all_characters_are_unreadable() -> None:
    parsed = ParsedDocument("\x1c\x1d\x1e\x1f\x0b\x01\x02", (), (), "local/2")

    with pytest.raises(ParseInvalid, match="100% of its characters"):
        check_text(parsed)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# Sound {#sound .wide}", "Sound"),
        ("# See [Fog (sea)](https://example.org/Fog_(sea)) now", "See Fog (sea) now"),
        ("# See [the log][log]", "See the log"),
        ("# Set {a} and [b]", "Set {a} and [b]"),
    ],
)
def test_a_title_has_no_marks_of_links_and_names(line: str, title: str) -> None:
    assert [heading.title for heading in parse(line).headings] == [title]
