"""Real files for tests: good ones of every format, and bad ones of every kind."""

import io
import struct
import zipfile
from collections.abc import Iterator, Sequence

import openpyxl
from reportlab.pdfgen.canvas import Canvas

from benchmarks import corpus

mixed_corpus = corpus.mixed_corpus

LOREM = "The harbour office keeps its ledgers in the second room on the left."


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


def eml(*paragraphs: str, subject: str = "Overview", as_html: bool = False) -> bytes:
    return corpus.write_eml([(subject, paragraphs or (LOREM,))], html=as_html)


def one_of_each(sentence: str) -> Iterator[tuple[str, bytes]]:
    """Filename and content in all nine formats, each with this sentence."""
    yield "sample.pdf", pdf([f"Overview\n{sentence}"])
    yield "sample.docx", docx(sentence)
    yield "sample.pptx", pptx(sentence)
    yield "sample.xlsx", xlsx(("Note", sentence))
    yield "sample.html", html(sentence)
    yield "sample.md", markdown(sentence)
    yield "sample.txt", text(sentence)
    yield "sample.epub", epub(sentence)
    yield "sample.eml", eml(sentence)


def encrypted_pdf() -> bytes:
    return corpus.write_pdf([("Overview", (LOREM,))], password="harbour")  # noqa: S106 a sample needs one


def truncated_pdf() -> bytes:
    whole = pdf([LOREM] * 3)
    return whole[: len(whole) // 3]


def corrupt_pdf() -> bytes:
    """A PDF whose every object is overwritten; only the first and the last line are left."""
    whole = pdf([LOREM])
    return whole[:9] + bytes(byte ^ 0x5A for byte in whole[9:-7]) + whole[-7:]


def empty_pdf() -> bytes:
    """A well-formed PDF with no pages."""
    objects = (
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n",
    )
    out = bytearray(b"%PDF-1.4\n")
    table = b"xref\n0 3\n0000000000 65535 f \n"
    for entry in objects:
        table += b"%010d 00000 n \n" % len(out)
        out += entry
    start = len(out)
    return bytes(out + table + b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)


def encrypted_docx() -> bytes:
    """The frame of a password-protected Office file: an OLE container with its stream's name."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16xHH", 0x3E, 3)
    return header.ljust(1024, b"\0") + "EncryptedPackage".encode("utf-16-le").ljust(1024, b"\0")


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


def png() -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    )
