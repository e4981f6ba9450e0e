"""What Word, PowerPoint and Excel files hold and show, and what of it is read."""

import datetime
import io

import docx
import openpyxl
import pptx
from pptx.util import Inches

from tests import samples
from tests.unit.parsing import Parse, outline, page_texts


def rich_docx() -> bytes:
    document = docx.Document()
    document.add_heading("Handbook & <rules>", 0)
    document.add_heading("A *starred* heading # one", 1)
    document.add_heading("Deep_er", 3)
    paragraph = document.add_paragraph("Tab\there & there <x> a*b*c snake_case_name ")
    paragraph.add_run("bold").bold = True
    document.add_paragraph("# not a heading")
    document.add_paragraph("first point", style="List Bullet")
    document.add_paragraph("second point", style="List Number")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ["a|b", "c & d", "two\nlines", "x"], strict=True):
        cell.text = text
    document.add_paragraph("line\nbreak, emoji 😀 שלום <|endoftext|>")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


async def test_docx_keeps_every_character_lists_tables_and_heading_levels(parse: Parse) -> None:
    parsed = await parse("x.docx", rich_docx())

    assert parsed.text == (
        "# Handbook & <rules>\n\n"
        "# A *starred* heading # one\n\n"
        "### Deep_er\n\n"
        "Tab\there & there <x> a*b*c snake_case_name bold\n\n"
        "# not a heading\n\n"
        "- first point\n1. second point\n\n"
        "| a\\|b | c & d |\n| --- | --- |\n| two lines | x |\n\n"
        "line\nbreak, emoji 😀 שלום <|endoftext|>"
    )
    assert outline(parsed) == [
        (1, "Handbook & <rules>"),
        (1, "A *starred* heading # one"),
        (3, "Deep_er"),
    ]


ODD_WORDS = """
<w:sdt><w:sdtContent><w:p><w:r><w:t>in a control</w:t></w:r></w:p></w:sdtContent></w:sdt>
<w:p><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins><w:del><w:r><w:delText>deleted</w:delText></w:r>
</w:del><w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom></w:p>
<w:p><w:r><w:instrText>HYPERLINK</w:instrText></w:r><w:smartTag><w:r><w:t>well</w:t>
<w:noBreakHyphen/><w:t>known</w:t></w:r></w:smartTag></w:p>
<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs><w:outlineLvl w:val="1"/></w:pPr>
<w:r><w:t>Outlined</w:t></w:r></w:p>
<w:p><w:r><mc:AlternateContent
 xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice>
<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback>
<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:Fallback>
</mc:AlternateContent></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>outer</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r>
<w:t>left</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>right</w:t></w:r></w:p></w:tc></w:tr>
</w:tbl></w:tc></w:tr></w:tbl>
"""


async def test_docx_shows_what_word_shows(parse: Parse) -> None:
    data = samples.replaced(
        samples.docx("MARK"),
        "word/document.xml",
        b"<w:p><w:r><w:t>MARK</w:t></w:r></w:p>",
        ODD_WORDS,
    )

    parsed = await parse("x.docx", data)

    assert parsed.text.split("\n\n")[1:] == [
        "in a control",
        "inserted",
        "well-known",
        "## Outlined",
        "boxed",
        "outer",
        "| left | right |\n| --- | --- |",
    ]


FOOTNOTES = """<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:footnote w:type="separator"><w:p><w:r><w:t>a line</w:t></w:r></w:p></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/><w:t>see the annex</w:t></w:r></w:p></w:footnote>
</w:footnotes>"""


async def test_docx_footnotes_come_last(parse: Parse) -> None:
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    data = samples.replaced(
        samples.docx("words"),
        "word/_rels/document.xml.rels",
        b"</Relationships>",
        f'<Relationship Id="n" Type="{relation}" Target="/word/notes.xml"/></Relationships>',
    )

    parsed = await parse("x.docx", samples.with_part(data, "word/notes.xml", FOOTNOTES))

    assert parsed.text == "# Overview\n\nwords\n\nsee the annex"


async def test_docx_heading_styles_are_known_by_name_in_any_language(parse: Parse) -> None:
    data = samples.replaced(
        samples.docx(), "word/styles.xml", b'w:styleId="Heading1"', 'w:styleId="berschrift1"'
    )
    data = samples.replaced(data, "word/document.xml", b'w:val="Heading1"', 'w:val="berschrift1"')

    parsed = await parse("x.docx", data)

    assert outline(parsed) == [(1, "Overview")]


async def test_pptx_slides_are_pages_with_titles_tables_groups_and_notes(parse: Parse) -> None:
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Opening"
    first.placeholders[1].text = "one & two\nthree"
    first.notes_slide.notes_text_frame.text = "say it slowly"
    second = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = second.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for cell, text in zip(table.iter_cells(), ["Dock", "Depth", "East", "9 m"], strict=True):
        cell.text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "grouped"
    out = io.BytesIO()
    presentation.save(out)

    parsed = await parse("x.pptx", out.getvalue())

    assert page_texts(parsed) == [
        "# Opening\n\none & two\n\nthree\n\nsay it slowly",
        "grouped\n\n| Dock | Depth |\n| --- | --- |\n| East | 9 m |",
    ]


async def test_xlsx_sheets_are_pages_also_empty_ones(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    first = workbook.active
    first.title = "Dues & fees"
    first.append(["Name", "Amount", "Day"])
    first.append(["a|b & c", 1.5, datetime.date(2026, 1, 2)])
    first.append([None, None, None])
    first.append(["two\nlines", True, None])
    workbook.create_sheet("Empty")
    workbook.create_sheet("Last")["C5"] = "lonely"
    out = io.BytesIO()
    workbook.save(out)

    parsed = await parse("x.xlsx", out.getvalue())

    first_page, empty, last = page_texts(parsed)
    assert first_page.split("\n") == [
        "# Dues & fees",
        "",
        "| Name | Amount | Day |",
        "| --- | --- | --- |",
        "| a\\|b & c | 1.5 | 2026-01-02 |",
        "| two lines | TRUE |  |",
    ]
    assert empty == ""
    assert "lonely" in last
    assert outline(parsed) == [(1, "Dues & fees"), (1, "Last")]
