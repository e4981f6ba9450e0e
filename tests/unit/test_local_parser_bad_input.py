"""Every kind of bad document gets its own typed error, and harms no document after it."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from ingest.adapters.parsers.local import LocalParser
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentRejected,
    DocumentUnreadable,
    ParserLimitExceeded,
    TooManyPages,
    UnsupportedMediaType,
)
from ingest.domain.media_type import MediaType
from tests import samples

MIB = 1024**2
DEEP_XML = "<w:sdt>" * 5_000


@pytest.fixture(scope="module")
def parser() -> Iterator[LocalParser]:
    opened = samples.local_parser(max_pages=5, memory_bytes=768 * MIB)
    yield opened
    asyncio.run(opened.close())


async def parse(parser: LocalParser, name: str, data: bytes) -> ParsedDocument:
    return await parser.parse(data, filename=name, media_type=MediaType.TEXT)


LOCK = (
    "<encryption><EncryptedData><CipherData><CipherReference URI='{}'/>"
    "</CipherData></EncryptedData></encryption>"
)
BAD: list[tuple[str, str, bytes, type[DocumentRejected], str]] = [
    ("no bytes", "x.pdf", b"", DocumentEmpty, "no bytes"),
    ("white space", "x.txt", b" \n\t\r\n \xc2\xa0", DocumentEmpty, "no text"),
    ("white space in Markdown", "x.md", b"\n \n", DocumentEmpty, "no text"),
    ("NUL bytes among spaces", "x.txt", b" \0 \0 \n \n \n \n", DocumentEmpty, "no text"),
    ("a page of markup alone", "x.html", b"<html><p> </p><br></html>", DocumentEmpty, "no text"),
    ("a comment alone", "x.html", b"<!-- nothing -->", DocumentEmpty, "no text"),
    ("a PDF without text", "x.pdf", samples.pdf(["", ""]), DocumentEmpty, "no text"),
    ("a blank DOCX", "x.docx", samples.docx(" ", heading=""), DocumentEmpty, "no text"),
    ("a blank PPTX", "x.pptx", samples.pptx(" ", heading=""), DocumentEmpty, "no text"),
    ("a blank XLSX", "x.xlsx", samples.xlsx((None, "")), DocumentEmpty, "no text"),
    ("a blank EPUB", "x.epub", samples.epub(" ", heading=""), DocumentEmpty, "no text"),
    ("a PDF without pages", "x.pdf", samples.empty_pdf(), DocumentUnreadable, "no pages"),
    ("a truncated PDF", "x.pdf", samples.truncated_pdf(), DocumentUnreadable, "truncated"),
    ("a PDF without its end", "x.pdf", samples.pdf(["a"])[:-60], DocumentUnreadable, "truncated"),
    ("a corrupt PDF", "x.pdf", samples.corrupt_pdf(), DocumentUnreadable, "corrupt"),
    ("an encrypted PDF", "x.pdf", samples.encrypted_pdf(), DocumentEncrypted, "password"),
    ("an encrypted DOCX", "x.docx", samples.encrypted_docx(), DocumentEncrypted, "password"),
    ("an encrypted entry", "x.docx", samples.locked_docx(), DocumentEncrypted, "password"),
    (
        "a protected book",
        "x.epub",
        samples.with_part(samples.epub(), "META-INF/encryption.xml", LOCK.format("chapter1.xhtml")),
        DocumentEncrypted,
        "protected",
    ),
    ("a truncated DOCX", "x.docx", samples.docx()[:9000], DocumentUnreadable, "truncated"),
    (
        "a DOCX without its main part",
        "x.docx",
        samples.replaced(samples.docx(), "_rels/.rels", b"/officeDocument", "/nothing"),
        DocumentUnreadable,
        "no main part",
    ),
    (
        "a PPTX that lost a slide",
        "x.pptx",
        samples.replaced(samples.pptx(), "ppt/_rels/presentation.xml.rels", b"slides/", "lost/"),
        DocumentUnreadable,
        "PPTX",
    ),
    (
        "a DOCX of broken XML",
        "x.docx",
        samples.replaced(samples.docx(), "word/document.xml", b"<w:body>", "<w:body"),
        DocumentUnreadable,
        "not well-formed",
    ),
    (
        "an XLSX of broken XML",
        "x.xlsx",
        samples.replaced(samples.xlsx(), "xl/workbook.xml", b"<sheets>", "<sheets"),
        DocumentUnreadable,
        "corrupt",
    ),
    ("text under a PDF's name", "x.pdf", b"just words", DocumentUnreadable, "plain text"),
    ("a recording under a PDF's name", "x.pdf", samples.mp3(), UnsupportedMediaType, "MP3"),
    ("too many PDF pages", "x.pdf", samples.pdf(["a"] * 6), TooManyPages, "6 pages, limit 5"),
    ("too many slides", "x.pptx", samples.pptx(*"abcdef"), TooManyPages, "6 pages, limit 5"),
    ("too many sheets", "x.xlsx", samples.xlsx(sheets=6), TooManyPages, "6 pages, limit 5"),
    ("a ZIP bomb", "x.docx", samples.zip_bomb_docx(MIB * 512), ParserLimitExceeded, "expands to"),
    ("a dense ZIP", "x.docx", samples.zip_bomb_docx(MIB * 64), ParserLimitExceeded, "times"),
    (
        "a DOCX nested too deeply",
        "x.docx",
        samples.replaced(samples.docx(), "word/document.xml", b"<w:body>", f"<w:body>{DEEP_XML}"),
        ParserLimitExceeded,
        "nested",
    ),
    (
        "HTML nested too deeply that holds no text",
        "x.html",
        b"<html>" + b"<div>" * 5_000,
        DocumentEmpty,
        "no text",
    ),
    (
        "a text too long for XML",
        "x.docx",
        samples.docx("long " * 2_100_000),
        ParserLimitExceeded,
        "too long",
    ),
    (
        "an XML entity bomb",
        "x.epub",
        samples.replaced(
            samples.epub(),
            "content.opf",
            b"<package",
            "<!DOCTYPE a ["
            + '<!ENTITY e0 "ha">'
            + "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 64))
            + "]><package x='&e63;'",
        ),
        ParserLimitExceeded,
        "nested",
    ),
]


@pytest.mark.parametrize(
    ("name", "data", "error", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
async def test_a_bad_document_is_refused_by_its_own_error(
    parser: LocalParser, name: str, data: bytes, error: type[DocumentRejected], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        await parse(parser, name, data)

    assert type(caught.value) is error
    assert samples.LOREM in (await parse(parser, "x.txt", samples.text())).text


async def test_every_cut_of_a_pdf_is_refused_or_whole(parser: LocalParser) -> None:
    whole = samples.pdf(["first", "second", "third"])
    expected = await parse(parser, "x.pdf", whole)

    for end in range(10, len(whole), 97):
        try:
            found = await parse(parser, "x.pdf", whole[:end])
        except DocumentRejected:
            continue
        assert found == expected


async def test_a_line_of_a_hundred_megabytes_is_refused_by_the_limit_of_text(
    parser: LocalParser,
) -> None:
    data = b"lorem ipsum " * (100 * MIB // 12)

    with pytest.raises(ParserLimitExceeded, match="longer than the limit of 50000000 characters"):
        await parse(parser, "x.txt", data)


async def test_a_title_of_any_length_is_read_in_no_time(parser: LocalParser) -> None:
    data = b"# x" + b" " * 1_000_000 + b"#y\n\n# " + b"*`[" * 500_000 + b"\n\n# Fine\n"
    started = time.monotonic()

    parsed = await parse(parser, "x.md", data)

    assert [heading.title for heading in parsed.headings] == ["Fine"]
    assert time.monotonic() - started < 10


async def test_a_workbook_that_lies_about_its_size_is_refused_within_the_memory_limit() -> None:
    parser = samples.local_parser(memory_bytes=300 * MIB)
    data = samples.lying_zip_bomb_xlsx(expanded_bytes=600 * MIB)

    with pytest.raises(DocumentUnreadable, match="truncated or corrupt"):
        await parse(parser, "x.xlsx", data)

    assert samples.LOREM in (await parse(parser, "x.xlsx", samples.xlsx())).text
    await parser.close()


async def test_a_document_that_needs_too_much_memory_costs_only_itself() -> None:
    parser = samples.local_parser(memory_bytes=256 * MIB)
    data = b"<html>" + b"<p>hungry</p>" * 3_000_000

    with pytest.raises(ParserLimitExceeded, match="memory"):
        await parse(parser, "x.html", data)

    assert samples.LOREM in (await parse(parser, "x.html", samples.html())).text
    await parser.close()


async def test_a_book_with_protected_fonts_alone_is_read(parser: LocalParser) -> None:
    data = samples.with_part(samples.epub(), "META-INF/encryption.xml", LOCK.format("fonts/a.otf"))

    assert samples.LOREM in (await parse(parser, "x.epub", data)).text
