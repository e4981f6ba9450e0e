"""Real files for tests: good ones of every format, and bad ones of every kind."""

import io
import struct
import zipfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.message import EmailMessage
from html import escape

import openpyxl
from reportlab.pdfgen.canvas import Canvas

from benchmarks import corpus
from ingest.adapters.parsers.local import LocalParser
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from tests import format_samples

LOREM = "The harbour office keeps its ledgers in the second room on the left."


def local_parser(
    *,
    max_pages: int = 5000,
    max_text_chars: int = 50_000_000,
    timeout: float = 60.0,
    memory_bytes: int = 2 * 1024**3,
    processes: int = 1,
    ocr: OcrOptions | None = None,
) -> LocalParser:
    """A parser with the limits of production, the time limit in seconds."""
    return LocalParser(
        max_pages=max_pages,
        max_text_chars=max_text_chars,
        timeout=timedelta(seconds=timeout),
        memory_bytes=memory_bytes,
        processes=processes,
        ocr=ocr,
    )


def pdf(pages: Sequence[str]) -> bytes:
    """One page for each text; a page's first line is its heading when more lines follow."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for text in pages:
        first, *rest = text.split("\n")
        canvas.setFont("Helvetica-Bold" if rest else "Helvetica", 18 if rest else 10)
        canvas.drawString(60, 780, first)
        canvas.setFont("Helvetica", 10)
        for number, line in enumerate(rest):
            canvas.drawString(60, 750 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def sized_pdf(lines: Sequence[tuple[int, str]]) -> bytes:
    """One page; each line in letters of its own size."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    y = 780
    for size, line in lines:
        canvas.setFont("Helvetica", size)
        canvas.drawString(20, y, line)
        y -= 2 * size
    canvas.save()
    return out.getvalue()


def emoji_pdf() -> bytes:
    """Letter A is an emoji: a line of body with some, then "BB" in large letters."""
    letters = (
        b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange "
        b"2 beginbfchar <41> <D83DDE00> <42> <0042> endbfchar endcmap"
    )
    words = b"BT /F 8 Tf 20 700 Td (AAA BAB. " + b"B" * 40 + b") Tj /F 24 Tf 0 -60 Td (BB) Tj ET"
    return _pdf_file(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(letters), letters),
    )


def docx(*paragraphs: str, heading: str = "Overview") -> bytes:
    return corpus.write_docx([(heading, paragraphs or (LOREM,))])


def pptx(*slides: str, heading: str = "Overview") -> bytes:
    """One slide for each text, all under the same title."""
    return corpus.write_pptx([(heading, [text]) for text in slides or (LOREM,)])


def xlsx(*rows: Sequence[object], sheets: int = 1) -> bytes:
    """The rows on every sheet."""
    workbook = openpyxl.Workbook(write_only=True)
    for number in range(1, sheets + 1):
        sheet = workbook.create_sheet(f"Sheet {number}")
        for row in rows or (("Place", LOREM),):
            sheet.append(list(row))
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def html(*paragraphs: str, heading: str = "Overview") -> bytes:
    return corpus.write_html([(heading, paragraphs or (LOREM,))])


def markdown(*paragraphs: str, heading: str = "Overview") -> bytes:
    return corpus.write_markdown([(heading, paragraphs or (LOREM,))])


def text(*paragraphs: str) -> bytes:
    return "\n\n".join(paragraphs or (LOREM,)).encode()


def epub(*paragraphs: str, heading: str = "Overview") -> bytes:
    return corpus.write_epub([(heading, paragraphs or (LOREM,))])


def message(text: str, *, subtype: str = "plain", encoding: str | None = None) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = "Overview"
    made["From"] = "Ada Registrar <ada@example.org>"
    made.set_content(text, subtype=subtype, cte=encoding)
    return made


def eml(*paragraphs: str, as_html: bool = False, encoding: str | None = None) -> bytes:
    words = paragraphs or (LOREM,)
    if as_html:
        body = "".join(f"<p>{escape(word)}</p>" for word in words)
        return message(body, subtype="html", encoding=encoding).as_bytes()
    return message("\n\n".join(words), encoding=encoding).as_bytes()


def one_of_each(sentence: str) -> Iterator[tuple[str, bytes]]:
    """Filename and content in all formats, each with this sentence."""
    yield "sample.pdf", pdf([f"Overview\n{sentence}"])
    yield "sample.docx", docx(sentence)
    yield "sample.pptx", pptx(sentence)
    yield "sample.xlsx", xlsx(("Note", sentence))
    yield "sample.html", html(sentence)
    yield "sample.md", markdown(sentence)
    yield "sample.txt", text(sentence)
    yield "sample.epub", epub(sentence)
    yield "sample.eml", eml(sentence)
    yield from format_samples.one_of_each(sentence)


def encrypted_pdf() -> bytes:
    return corpus.write_pdf([("Overview", (LOREM,))], password="harbour")  # noqa: S106 a sample needs one


def truncated_pdf() -> bytes:
    whole = pdf([LOREM] * 3)
    return whole[: len(whole) // 3]


def corrupt_pdf() -> bytes:
    """A PDF whose every object is overwritten; only its first line and its end are left."""
    whole = pdf([LOREM])
    end = whole.rindex(b"startxref")
    return whole[:9] + bytes(byte ^ 0x5A for byte in whole[9:end]) + whole[end:]


def empty_pdf() -> bytes:
    """A well-formed PDF with no pages."""
    return _pdf_file(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>")


def _pdf_file(*objects: bytes) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size, start = len(objects) + 1, len(out)
    return bytes(
        out
        + b"xref\n0 %d\n" % size
        + table
        + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)
    )


def replaced(archive: bytes, part: str, old: bytes, new: str) -> bytes:
    """The same archive with bytes of one part replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == part:
                assert old in data
                data = data.replace(old, new.encode())
            target.writestr(entry, data)
    return out.getvalue()


def with_part(archive: bytes, part: str, content: str) -> bytes:
    """The same archive with one more part."""
    out = io.BytesIO(archive)
    with zipfile.ZipFile(out, "a") as target:
        target.writestr(part, content)
    return out.getvalue()


def with_new_part(archive: bytes, part: str, content: str) -> bytes:
    """The archive with a part that replaces one of the same name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            if entry.filename != part:
                target.writestr(entry.filename, source.read(entry))
        target.writestr(part, content)
    return out.getvalue()


def encrypted_docx() -> bytes:
    """The frame of a password-protected Office file: an OLE container with its stream's name."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16xHH", 0x3E, 3)
    return header.ljust(1024, b"\0") + "EncryptedPackage".encode("utf-16-le").ljust(1024, b"\0")


def locked_docx() -> bytes:
    """A Word document in a ZIP archive whose every entry is marked as encrypted."""
    locked = bytearray(docx())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + flags] |= 1
            at = locked.find(mark, at + 1)
    return bytes(locked)


def legacy_doc() -> bytes:
    """The frame of a Word 97 file."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16xHH", 0x3E, 3)
    return header.ljust(1024, b"\0") + "WordDocument".encode("utf-16-le").ljust(1024, b"\0")


def zip_bomb_docx(expanded_bytes: int = 2 * 1024**3) -> bytes:
    """A small Word document whose text expands a thousandfold."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx())) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            if entry.filename != "word/document.xml":
                target.writestr(entry.filename, source.read(entry))
        before, after = source.read("word/document.xml").split(b"Overview")
        with target.open("word/document.xml", "w", force_zip64=True) as part:
            part.write(before)
            for _ in range(expanded_bytes // 1024**2):
                part.write(b"bomb" * 256 * 1024)
            part.write(after)
    return out.getvalue()


def lying_zip_bomb_xlsx(expanded_bytes: int = 1024**3) -> bytes:
    """As above, but the archive's directory claims that its sheet is tiny."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx())) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                target.writestr(entry.filename, source.read(entry))
        with target.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(b"<worksheet><sheetData><row><c t='inlineStr'><is><t>")
            for _ in range(expanded_bytes // 1024**2):
                part.write(b"bomb" * 256 * 1024)
            part.write(b"</t></is></c></row></sheetData></worksheet>")
        target.getinfo("xl/worksheets/sheet1.xml").file_size = 1000
    return out.getvalue()


def mp3() -> bytes:
    """The start of a recording, which no parser reads."""
    return b"ID3\x04\x00\x00\x00\x00\x0f\x76" + b"\xff\xfb\x90\x64\x01\x02\x03\x04" * 6
