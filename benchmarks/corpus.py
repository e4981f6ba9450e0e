"""Real files of all nine formats, written from a seed: the corpus of benchmarks and load tests."""

import io
import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from functools import cache
from html import escape

import docx as python_docx
import openpyxl
import pptx as python_pptx
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

Section = tuple[str, Sequence[str]]
"""A heading and its paragraphs."""

_SUBJECTS = [
    "the harbour office",
    "a night-shift engineer",
    "every archived ledger",
    "the northern pumping station",
    "our regional auditor",
    "the translated handbook",
    "a retired surveyor",
    "the ferry schedule",
    "one careful librarian",
    "the second trial batch",
    "a small research vessel",
    "the municipal budget",
    "an unsigned contract",
    "the replacement turbine",
    "this quarter's forecast",
    "the visiting delegation",
]
_VERBS = [
    "confirms",
    "rarely contradicts",
    "was compared with",
    "depends on",
    "quietly replaced",
    "still describes",
    "was moved closer to",
    "took longer than",
    "explains most of",
    "is measured against",
    "had to wait for",
    "outlived",
    "was paid for by",
    "cannot be read without",
    "shares a boundary with",
    "was tested before",
]
_OBJECTS = [
    "the flood records of the lower valley",
    "three independent measurements",
    "a cheaper supplier",
    "the maintenance plan agreed in spring",
    "an old map of the railway",
    "the insurance claim",
    "several hundred handwritten notes",
    "the price of copper wire",
    "a change in the tax law",
    "the results published last autumn",
    "a warehouse on the east quay",
    "the emergency generator",
    "an appendix nobody had numbered",
    "the weather station's archive",
    "the committee's first draft",
]
_TAILS = [
    "",
    ", although nobody had asked for it",
    ", which surprised the inspectors",
    " in roughly four weeks",
    ", and the difference was written down",
    " without any further delay",
    " for the second year running",
    ", as the margin note makes clear",
    " at a cost of about nine thousand euros",
    " before winter",
]


def mixed_corpus(count: int, *, seed: int) -> Iterator[tuple[str, bytes, str]]:
    """Files spread evenly over all nine formats, with 2 to 40 KB of prose each.

    Equal seeds give equal texts and names; a seed's documents are all different.

    Yields:
        Filename, content, and a sentence that occurs in this document alone.
    """
    formats = tuple(_WRITERS.items())
    for number in range(count):
        extension, write = formats[number % len(formats)]
        rng = random.Random(f"{seed}/{number}")
        planted = (
            f"The inspector of district {seed}-{number} keeps the "
            f"{_word(rng)} {_word(rng)} in locker {rng.randrange(10_000, 100_000)}."
        )
        chars = int(2_000 * 20 ** rng.random())
        yield f"report-{seed}-{number:05d}.{extension}", write(prose(rng, chars, planted)), planted


def text_corpus(count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Markdown and plain text in turns, with 2 to 40 KB of prose each: filename and content."""
    for number in range(count):
        rng = random.Random(f"text/{seed}/{number}")
        sections = prose(rng, int(2_000 * 20 ** rng.random()))
        extension, write = ("md", write_markdown) if number % 2 else ("txt", write_text)
        yield f"note-{seed}-{number:05d}.{extension}", write(sections)


def prose(rng: random.Random, chars: int, planted: str = "") -> list[Section]:
    """English-like sections with about this many characters; one holds the planted sentence."""
    sections: list[Section] = []
    written = 0
    while written < chars:
        paragraphs = [_paragraph(rng) for _ in range(rng.randrange(2, 6))]
        sections.append((f"{len(sections) + 1}. {_sentence(rng).rstrip('.')}", paragraphs))
        written += sum(map(len, paragraphs))
    if planted:
        heading, paragraphs_ = rng.choice(sections)
        at = rng.randrange(len(paragraphs_))
        changed = [f"{p} {planted}" if i == at else p for i, p in enumerate(paragraphs_)]
        sections[sections.index((heading, paragraphs_))] = (heading, changed)
    return sections


def write_pdf(sections: Sequence[Section], *, password: str | None = None) -> bytes:
    """A PDF that starts every section on a page of its own, headings in bold 16 point."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True, encrypt=password)
    for heading, paragraphs in sections:
        y = 790.0
        lines = [("Helvetica-Bold", 16, line) for line in _wrap(heading, "Helvetica-Bold", 16)]
        for paragraph in paragraphs:
            lines += [("Helvetica", 10, line) for line in _wrap(paragraph, "Helvetica", 10)]
            lines.append(("Helvetica", 10, ""))
        for font, size, line in lines:
            if y < 60:
                canvas.showPage()
                y = 790.0
            canvas.setFont(font, size)
            canvas.drawString(60, y, line)
            y -= size * 1.3
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def write_docx(sections: Sequence[Section]) -> bytes:
    """A Word document; section headings have style Heading 1."""
    document = python_docx.Document()
    for heading, paragraphs in sections:
        document.add_heading(heading, level=1)
        for paragraph in paragraphs:
            document.add_paragraph(paragraph)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def write_pptx(sections: Sequence[Section]) -> bytes:
    """A presentation with one slide for each section."""
    presentation = python_pptx.Presentation(io.BytesIO(_empty_presentation()))
    for heading, paragraphs in sections:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.placeholders[1].text = "\n".join(paragraphs)
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def write_xlsx(sections: Sequence[Section]) -> bytes:
    """A workbook with one sheet for each section: a number and a paragraph in each row."""
    workbook = openpyxl.Workbook(write_only=True)
    for number, (heading, paragraphs) in enumerate(sections, start=1):
        sheet = workbook.create_sheet(f"Sheet {number}")
        sheet.append(["No", heading])
        for row, paragraph in enumerate(paragraphs, start=1):
            sheet.append([row, paragraph])
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def write_html(sections: Sequence[Section]) -> bytes:
    """A page in HTML 5; section headings are h1."""
    head = "<head><title>Report</title></head>"
    return f"<!DOCTYPE html>\n<html>{head}{_body(sections)}</html>".encode()


def write_markdown(sections: Sequence[Section]) -> bytes:
    """CommonMark; section headings are level 1."""
    return "\n\n".join(f"# {h}\n\n" + "\n\n".join(ps) for h, ps in sections).encode()


def write_text(sections: Sequence[Section]) -> bytes:
    """Plain text in UTF-8."""
    return "\n\n".join(f"{h}\n\n" + "\n\n".join(ps) for h, ps in sections).encode()


def write_epub(sections: Sequence[Section]) -> bytes:
    """A book in EPUB 3 with one chapter for each section."""
    names = [f"chapter{number}" for number in range(1, len(sections) + 1)]
    items = "".join(
        f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in names
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", _EPUB_CONTAINER)
        archive.writestr(
            "content.opf", _EPUB_PACKAGE.format(items=items, spine=spine), zipfile.ZIP_DEFLATED
        )
        for name, section in zip(names, sections, strict=True):
            chapter = _EPUB_CHAPTER.format(body=_body([section]))
            archive.writestr(f"{name}.xhtml", chapter, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_eml(sections: Sequence[Section], *, html: bool = False) -> bytes:
    """A message; its body is plain text, or HTML alone."""
    message = EmailMessage()
    message["Subject"] = sections[0][0]
    message["From"] = "Ada Registrar <ada@example.org>"
    message["To"] = "DatabaseDump <archive@example.org>"
    message["Date"] = "Mon, 02 Mar 2026 09:30:00 +0000"
    if html:
        message.set_content(f"<html>{_body(sections)}</html>", subtype="html")
    else:
        message.set_content(write_text(sections).decode())
    return message.as_bytes()


def _wrap(text: str, font: str, size: int) -> list[str]:
    return list(simpleSplit(text, font, size, 475))


def _body(sections: Sequence[Section]) -> str:
    blocks = "".join(
        f"<h1>{escape(h)}</h1>" + "".join(f"<p>{escape(p)}</p>" for p in ps) for h, ps in sections
    )
    return f"<body>{blocks}</body>"


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3))


def _sentence(rng: random.Random) -> str:
    subject = rng.choice(_SUBJECTS)
    rest = f"{rng.choice(_VERBS)} {rng.choice(_OBJECTS)}{rng.choice(_TAILS)}."
    return f"{subject[0].upper()}{subject[1:]} {rest}"


def _paragraph(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(rng.randrange(3, 8)))


@cache
def _empty_presentation() -> bytes:
    out = io.BytesIO()
    python_pptx.Presentation().save(out)
    return out.getvalue()


_WRITERS: dict[str, Callable[[Sequence[Section]], bytes]] = {
    "pdf": write_pdf,
    "docx": write_docx,
    "pptx": write_pptx,
    "xlsx": write_xlsx,
    "html": write_html,
    "md": write_markdown,
    "txt": write_text,
    "epub": write_epub,
    "eml": write_eml,
}
_EPUB_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
    'full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_EPUB_PACKAGE = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
    'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<dc:identifier id="id">urn:report</dc:identifier><dc:title>Report</dc:title>'
    "<dc:language>en</dc:language></metadata><manifest>{items}</manifest>"
    "<spine>{spine}</spine></package>"
)
_EPUB_CHAPTER = (
    '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
    "<head><title>Chapter</title></head>{body}</html>"
)
