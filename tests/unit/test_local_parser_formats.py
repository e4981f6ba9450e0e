"""Sound documents of all formats: all of the text, exact landmarks, the same every time."""

import io
import zipfile

import pytest

from ingest.domain.document import ParsedDocument
from ingest.domain.media_type import MediaType
from tests import samples
from tests.unit.parsing import Parse, outline, page_texts

SENTENCE = "Locker 40417 in district seven holds the grey ledger & the <spare> key."
FORMATS = {name: data for name, data in samples.one_of_each(SENTENCE)}
PAGED = {
    *("sample.pdf", "sample.pptx", "sample.xlsx"),
    *("sample.xls", "sample.ods", "sample.odp"),
}
SHEETS = {"sample.xlsx", "sample.xls", "sample.ods"}
FLAT = {
    *("sample.txt", "sample.eml", "sample.csv", "sample.tsv", "sample.json", "sample.jsonl"),
    *("sample.msg", "sample.vtt", "sample.srt"),
}


@pytest.mark.parametrize("name", FORMATS)
async def test_the_text_and_the_pages_of_each_format_are_found(parse: Parse, name: str) -> None:
    parsed = await parse(name, FORMATS[name])

    assert SENTENCE in parsed.text
    assert parsed.parser == "local/2"
    assert bool(parsed.pages) is (name in PAGED)


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - FLAT))
async def test_the_heading_of_each_format_with_structure_is_found(parse: Parse, name: str) -> None:
    parsed = await parse(name, FORMATS[name])

    assert outline(parsed) == [(1, "Sheet 1" if name in SHEETS else "Overview")]


@pytest.mark.parametrize("name", FORMATS)
async def test_equal_bytes_give_equal_bytes_also_in_another_process(
    parse: Parse, name: str
) -> None:
    once = await parse(name, FORMATS[name])
    twice = await parse(name, FORMATS[name])
    other = samples.local_parser()
    elsewhere = await other.parse(FORMATS[name], filename=name, media_type=MediaType.TEXT)
    await other.close()

    assert once.to_bytes() == twice.to_bytes() == elsewhere.to_bytes()
    assert ParsedDocument.from_bytes(once.to_bytes()) == once


async def test_pdf_pages_hold_their_own_words_also_when_one_is_blank(parse: Parse) -> None:
    parsed = await parse(
        "x.pdf",
        samples.pdf(
            ["First words", "", "Harbour dues\nThird words are on the last of three pages."]
        ),
    )

    assert page_texts(parsed) == [
        "First words",
        "",
        "# Harbour dues\n\nThird words are on the last of three pages.",
    ]
    assert outline(parsed) == [(1, "Harbour dues")]


async def test_pdf_lines_are_joined_within_sentences_and_kept_between_them(parse: Parse) -> None:
    lines = [
        "The harbour office keeps every ledger of the northern pumping",
        "station in a cupboard.",
        "It is locked.",
    ]

    parsed = await parse("x.pdf", samples.pdf(["Ledgers\n" + "\n".join(lines)]))

    assert page_texts(parsed) == [f"# Ledgers\n\n{lines[0]} station in a cupboard.\nIt is locked."]


async def test_pdf_heading_levels_follow_the_size_of_letters(parse: Parse) -> None:
    parsed = await parse(
        "x.pdf", samples.sized_pdf([(24, "Part"), (16, "Chapter"), (10, "text. " * 20)])
    )

    assert outline(parsed) == [(1, "Part"), (2, "Chapter")]


async def test_pdf_letters_beyond_sixteen_bits_do_not_shift_headings(parse: Parse) -> None:
    parsed = await parse("x.pdf", samples.emoji_pdf())

    assert parsed.text == "😀😀😀 B😀B. " + "B" * 40 + "\n\n# BB"
    assert outline(parsed) == [(1, "BB")]


async def test_epub_chapters_come_in_the_order_of_the_spine_with_their_levels(
    parse: Parse,
) -> None:
    chapters = samples.epub("fin & last")
    data = samples.replaced(
        chapters,
        "chapter1.xhtml",
        b"<body>",
        "<body><a id='x'/><h2>Pre&#769;lude &nbsp;&amp; co</h2><p/>",
    )

    parsed = await parse("x.epub", data)

    assert parsed.text == "Report\n\n## Pre\u0301lude & co\n\n# Overview\n\nfin & last"
    assert outline(parsed) == [(2, "Pre\u0301lude & co"), (1, "Overview")]


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("as_html", [False, True])
async def test_mail_bodies_are_decoded(parse: Parse, encoding: str, as_html: bool) -> None:
    sentence = "Plain words only." if encoding == "7bit" else f"Größe 9 m deep: {SENTENCE}"

    parsed = await parse("x.eml", samples.eml(sentence, as_html=as_html, encoding=encoding))

    assert sentence in parsed.text
    assert parsed.text.startswith("Subject: Overview\nFrom: Ada Registrar <ada@example.org>\n")


async def test_mail_prefers_plain_text_and_reads_text_attachments(parse: Parse) -> None:
    message = samples.message("plain wörds")
    message.add_alternative("<p>html words</p>", subtype="html")
    message.add_attachment(b"payload words", maintype="text", subtype="plain", filename="böx.txt")

    parsed = await parse("x.eml", message.as_bytes())

    assert "plain wörds" in parsed.text
    assert "html words" not in parsed.text
    assert "Attachment: böx.txt" in parsed.text
    assert parsed.text.endswith("## böx.txt\n\npayload words")


async def test_mail_with_a_blank_plain_part_is_read_from_its_html(parse: Parse) -> None:
    message = samples.message(" \n")
    message.add_alternative("<h2>Dues</h2><p>html words</p>", subtype="html")

    parsed = await parse("x.eml", message.as_bytes())

    assert parsed.text.endswith("## Dues\n\nhtml words")


async def test_a_pdf_with_any_name_is_read_as_pdf(parse: Parse) -> None:
    parsed = await parse("x.txt", FORMATS["sample.pdf"])

    assert SENTENCE in parsed.text
    assert len(parsed.pages) == 1


async def test_an_archive_without_compression_is_read(parse: Parse) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(samples.docx(SENTENCE))) as source,
        zipfile.ZipFile(out, "w") as target,
    ):
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))

    parsed = await parse("x.docx", out.getvalue())

    assert SENTENCE in parsed.text
