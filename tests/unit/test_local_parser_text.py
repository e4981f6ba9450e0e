"""Plain text, Markdown and HTML: any encoding gives clean text, headings are where they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentRejected, ParserLimitExceeded

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)
GERMAN = "Größe und Übergang: fünf Äpfel für die Bücherei"
RUSSIAN = "Портовый архив хранит журналы во второй комнате слева. " * 3
JAPANESE = "港の事務所は左側の二番目の部屋に台帳を保管しています。" * 3
CHINESE = "港口办公室把账簿存放在左边的第二个房间里。" * 3


def parse(name: str, data: bytes) -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


def outline(parsed: ParsedDocument) -> list[tuple[int, str]]:
    for heading in parsed.headings:
        line = parsed.text[heading.char_start :].split("\n", 1)[0]
        assert line.lstrip("# ").startswith(heading.title.split()[0])
    return [(heading.level, heading.title) for heading in parsed.headings]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "latin-1"),
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        ("naïve café, piñas", "latin-1"),
        ("L'élève a été reçu à l'école", "cp1252"),
        ("price \u2013 \u201cquoted\u201d €5", "cp1252"),
        ("Książka została złożona w urzędzie, półka trzecia", "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "utf-16"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        ("שלום לכולם, right to left \u202bאבג\u202c", "utf-8"),
        ("four bytes: 😀 𝄞 <|endoftext|> <|im_start|>", "utf-8"),
        ("four bytes: 😀 𝄞 <|endoftext|>", "utf-16"),
    ],
)
def test_text_in_any_usual_encoding_is_read(text: str, encoding: str) -> None:
    parsed = parse("x.txt", text.encode(encoding))

    assert parsed.text.strip() == text.strip()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"some\0 NUL\0 bytes in a text that goes on", "some NUL bytes in a text that goes on"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree"),
        ("half a pair \ud83d and the end".encode("utf-16", "surrogatepass"), None),
        (b"\xfe\xff\xd8\x00\xd8\x00\x00e\x00n\x00d", None),
        ("é ü cut at the end: é".encode()[:-1], "é ü cut at the end: \ufffd"),
        ("äöü ".encode() * 10 + b"\xed\xa0\xbd\xed\xb8\x80 end", None),
        (b"\xef\xbb\xbfmark", "mark"),
    ],
)
def test_spoilt_text_becomes_clean_text(data: bytes, expected: str | None) -> None:
    parsed = parse("x.txt", data)

    assert expected is None or parsed.text == expected
    assert "\0" not in parsed.text
    assert ParsedDocument.from_bytes(parsed.to_bytes()) == parsed
    if expected is None:
        assert "\ufffd" in parsed.text
        assert parsed.text.endswith("end")


def test_the_charset_that_a_page_declares_is_believed() -> None:
    page = "<html><meta charset='iso-8859-7'><p>Λιμάνι</p></html>"

    assert parse("x.html", page.encode("iso-8859-7")).text == "Λιμάνι"


@given(st.binary(max_size=400), st.sampled_from([".txt", ".md", ".html", ".eml"]))
def test_any_bytes_become_clean_text_or_are_rejected(content: bytes, extension: str) -> None:
    try:
        parsed = parse(f"x{extension}", content)
    except DocumentRejected:
        return
    parsed.text.encode()
    assert "\0" not in parsed.text
    assert parsed.text.strip()
    assert ParsedDocument.from_bytes(parsed.to_bytes()) == parsed


def test_markdown_is_kept_but_for_underlines_and_its_headings_are_found() -> None:
    source = (
        "Title of *all*\n===\n\n# One ##\ntext\n   ## [Two](http://x/y) `code` \\# sharp\n\n"
        "```python\n# a comment\n````\n# after the fence\n\n- item\n---\n\n"
        "    ```\n    # in an indented fence\n    ```\n\n"
        "Small\n-----\n\n#hashtag\n####### seven\n#\n\n| a |\n| --- |\n\n```inline``` # no\n\n"
        "### Last"
    )

    parsed = parse("x.md", source.encode())

    marked = source.replace("Title of *all*\n===", "# Title of *all*")
    marked = marked.replace("Small\n-----", "## Small")
    assert parsed.text == marked
    assert [(h.level, h.title) for h in parsed.headings] == [
        (1, "Title of all"),
        (1, "One"),
        (2, "Two code # sharp"),
        (1, "after the fence"),
        (2, "Small"),
        (3, "Last"),
    ]
    starts = [marked[h.char_start :].split("\n")[0][:6] for h in parsed.headings]
    assert starts == ["# Titl", "# One ", "## [Tw", "# afte", "## Sma", "### La"]


def test_markdown_front_matter_is_not_a_heading() -> None:
    assert outline(parse("x.md", b"---\ntitle: x\n---\n\n# Real\n")) == [(1, "Real")]


PAGE = """<!DOCTYPE html><html><head><title>Tab title</title><style>p{}</style></head><body>
<nav><a href="/">Home</a></nav><script>var x = "<h1>no</h1>";</script>
<h1>One &amp; <em>two</em></h1><p>a*b*c snake_case 5 &lt; 6 &nbsp; <a href="http://x.y">link</a>
wraps  here<br>broken <img src="data:image/png;base64,iVBOR" alt="a photo"></p><p># no heading</p>
<div><div><h3>Deep</h3>in div</div></div><pre>  # code
  indented</pre><ul><li>one<ul><li>inner</ul><li>two</ul>
<table><caption>Depths</caption><tr><th>Dock<th>m</tr><tr><td>East<td><p>nine</p><p>ten</p></table>
<table><tr><td><h2>Layout</h2><p>first cell</p><td>second cell</table>
<noscript>switch it on</noscript><svg><text>drawn</text></svg>&#1488;😀 &lt;|endoftext|&gt;
"""


def test_html_gives_what_a_reader_sees() -> None:
    parsed = parse("x.html", PAGE.encode())

    assert parsed.text == (
        "Tab title\n\n# One & two\n\n"
        "a*b*c snake_case 5 < 6 link wraps here\nbroken a photo\n\n"
        "# no heading\n\n"
        "### Deep\n\nin div\n\n"
        "```\n  # code\n  indented\n```\n\n"
        "- one\n  - inner\n- two\n\n"
        "Depths\n\n| Dock | m |\n| --- | --- |\n| East | nine ten |\n\n"
        "## Layout\n\nfirst cell\n\nsecond cell\n\n"
        "drawn א😀 <|endoftext|>"
    )
    assert outline(parsed) == [(1, "One & two"), (3, "Deep"), (2, "Layout")]


def test_html_nested_as_deeply_as_mail_is_loses_nothing() -> None:
    page = "<html>" + "<table><tr><td><div>" * 150 + "deep" + "</div></td></tr></table>" * 150

    assert parse("x.html", page.encode()).text == "deep"


def test_xhtml_with_empty_elements_and_named_entities_is_read() -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/><script src='x'/></head><body>{'<a/><p/><div/>' * 3000}"
        "<h2>A&nbsp;&eacute; &amp; b</h2><p>words</p></body></html>"
    )

    parsed = parse("x.html", page.encode())

    assert parsed.text == "## A é & b\n\nwords"
    assert outline(parsed) == [(2, "A é & b")]


def test_a_title_over_the_limit_is_text_and_no_heading() -> None:
    parsed = parse("x.html", f"<html><h1>{'long ' * 101}</h1><h1>short</h1>".encode())

    assert outline(parsed) == [(1, "short")]
    assert parsed.text.startswith("long long")


def test_text_over_the_limit_is_refused() -> None:
    with pytest.raises(ParserLimitExceeded, match="1000000 characters"):
        parse("x.txt", b"x" * 1_000_001)
