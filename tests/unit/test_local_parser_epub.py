"""EPUB: a chapter that cannot be read costs only itself."""

import io
import zipfile

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty
from ingest.domain.parse_warning import WarningCode
from tests import samples

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)
CONTAINER = "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
PNG = ("p.png", "image/png", PICTURE)


def chapter(words: str) -> bytes:
    return f"<html><head><title>t</title></head><body><p>{words}</p></body></html>".encode()


def book(
    *items: tuple[str, str, bytes | None], hrefs: dict[str, str] | None = None, separator: str = "/"
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"META-INF{separator}container.xml", CONTAINER)
        manifest = "".join(
            f"<item id='i{n}' href='{(hrefs or {}).get(name, name)}' media-type='{kind}'/>"
            for n, (name, kind, _) in enumerate(items)
        )
        spine = "".join(f"<itemref idref='i{n}'/>" for n in range(len(items)))
        archive.writestr(
            f"OEBPS{separator}book.opf",
            "<package xmlns:dc='http://purl.org/dc/elements/1.1/'><metadata>"
            "<dc:title>The Lightship</dc:title><dc:creator>Ada</dc:creator></metadata>"
            f"<manifest>{manifest}</manifest><spine>{spine}</spine></package>",
        )
        for name, _, data in items:
            if data is not None:
                archive.writestr(f"OEBPS{separator}{name}", data)
    return out.getvalue()


def parse(data: bytes, name: str = "x.epub") -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


XHTML = "application/xhtml+xml"


def test_title_and_author_come_first() -> None:
    assert parse(book(("a.xhtml", XHTML, chapter("gulls")))).text == "The Lightship\nAda\n\ngulls"


def test_a_missing_chapter_and_a_picture_are_skipped_with_warnings() -> None:
    data = book(
        ("a.xhtml", XHTML, chapter("gulls")),
        ("b.xhtml", XHTML, None),
        PNG,
        ("q.xhtml", XHTML, PICTURE),
        ("c.xhtml", XHTML, chapter("seals")),
    )

    parsed = parse(data)

    assert parsed.text.endswith("gulls\n\nseals")
    assert [(w.code, w.message) for w in parsed.warnings] == [
        (WarningCode.PAGE_NOT_READ, "chapter 2 of the book (b.xhtml) is missing"),
        (
            WarningCode.PAGE_WITHOUT_TEXT,
            "chapter 3 of the book (p.png) is a picture and holds no text",
        ),
        (
            WarningCode.PAGE_WITHOUT_TEXT,
            "chapter 4 of the book (q.xhtml) is a picture and holds no text",
        ),
    ]


def test_a_damaged_chapter_is_skipped_with_a_warning() -> None:
    data = book(("a.xhtml", XHTML, chapter("gulls")), ("b.xhtml", XHTML, chapter("seals " * 99)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo("OEBPS/b.xhtml")
    start = info.header_offset + 30 + len(info.filename) + 5
    damaged = data[:start] + b"\xff" * 20 + data[start + 20 :]

    parsed = parse(damaged)

    assert "gulls" in parsed.text
    assert [w.message for w in parsed.warnings] == ["chapter 2 of the book (b.xhtml) is damaged"]


@pytest.mark.parametrize("href", ["a%20b.xhtml#part", "A%20B.xhtml", "a b.xhtml", "./a%20b.xhtml"])
def test_references_are_followed_however_they_are_written(href: str) -> None:
    data = book(("a b.xhtml", XHTML, chapter("rays")), hrefs={"a b.xhtml": href})

    assert parse(data).text.endswith("rays")
    assert parse(data).warnings == ()


def test_a_book_without_a_list_of_chapters_is_read_in_the_order_of_names() -> None:
    data = book(
        ("b.xhtml", XHTML, chapter("seals")),
        ("a.xhtml", XHTML, chapter("gulls")),
        hrefs={"a.xhtml": "x", "b.xhtml": "y"},
    )

    parsed = parse(data)

    assert parsed.text.endswith("gulls\n\nseals")
    assert [w.code for w in parsed.warnings] == [WarningCode.REPAIRED]


def test_a_book_of_pictures_is_empty() -> None:
    with pytest.raises(DocumentEmpty):
        parse(book(PNG))


def test_a_book_with_backslashes_in_its_names_is_read_under_any_name() -> None:
    data = book(("a.xhtml", XHTML, chapter("eels")), separator="\\")

    assert parse(data, "x.zip").text.endswith("eels")


def test_an_office_file_with_backslashes_in_its_names_is_read() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(samples.xlsx(("Note", "ropes")))) as source,
        zipfile.ZipFile(out, "w") as target,
    ):
        for entry in source.infolist():
            name = entry.filename
            if name.startswith("xl/"):
                name = name.replace("/", "\\")
            target.writestr(name, source.read(entry))

    assert "ropes" in parse(out.getvalue(), "x.xlsx").text


def test_a_drawing_in_the_spine_with_text_is_read() -> None:
    drawn = b'<svg xmlns="http://www.w3.org/2000/svg"><text>Chart of the sound</text></svg>'

    parsed = parse(book(("a.svg", "image/svg+xml", drawn)))

    assert parsed.text.endswith("\n\nChart of the sound")
    assert parsed.warnings == ()


def test_a_description_with_tags_is_read_without_them() -> None:
    data = samples.replaced(
        book(("a.xhtml", "application/xhtml+xml", chapter("words"))),
        "OEBPS/book.opf",
        b"</metadata>",
        "<dc:description>&lt;p&gt;A <![CDATA[<b>sea</b>]]> story&lt;/p&gt;</dc:description>"
        "</metadata>",
    )

    assert parse(data).text == "The Lightship\nAda\nA sea story\n\nwords"
