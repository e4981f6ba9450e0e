"""Presentations: the order of reading, charts, comments, and what repeats on each slide."""

import io
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.util import Emu, Inches

from ingest.adapters.parsers.local.formats.pptx.positions import ShapeBox, reading_order
from ingest.domain.parse_warning import WarningCode
from tests import samples
from tests.unit.parsing import Parse, page_texts

KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
BLANK = 6
category_data: Any = CategoryChartData
xy_data: Any = XyChartData
"""The library has no types."""


def saved(presentation: Any) -> bytes:
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def box(slide: Any, text: str, left: float, top: float, width: float = 2) -> Any:
    shape = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(1))
    shape.text_frame.text = text
    return shape


@pytest.mark.parametrize(
    ("boxes", "order"),
    [
        ([ShapeBox(0, 50, 10, 10), ShapeBox(0, 0, 10, 10)], [1, 0]),
        ([ShapeBox(60, 0, 30, 10), ShapeBox(0, 1, 30, 10)], [1, 0]),
        ([ShapeBox(60, 20, 30, 90), ShapeBox(0, 20, 30, 40), ShapeBox(0, 70, 30, 40),
          ShapeBox(0, 0, 90, 9)], [3, 1, 2, 0]),
        ([ShapeBox(0, 0, 100, 100), ShapeBox(10, 60, 10, 10), ShapeBox(10, 20, 10, 10)], [0, 2, 1]),
        ([], []),
    ],
)  # fmt: skip
def test_boxes_are_read_from_top_to_bottom_and_side_by_side_from_the_left(
    boxes: list[ShapeBox], order: list[int]
) -> None:
    assert reading_order(boxes) == order


async def test_shapes_come_by_position_also_those_in_groups_and_after_the_title(
    parse: Parse,
) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    box(slide, "third", 1, 6)
    box(slide, "second, right", 5, 4)
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_textbox(0, 0, 100, 100)
    inner.text_frame.text = "first, left in a group"
    group.left, group.top, group.width, group.height = Inches(1), Inches(4), Inches(2), Inches(1)
    slide.shapes.title.text = "Title at the bottom"
    slide.shapes.title.top = Inches(7)

    parsed = await parse("x.pptx", saved(presentation))

    assert page_texts(parsed) == [
        "# Title at the bottom\n\nfirst, left in a group\n\nsecond, right\n\nthird"
    ]


async def test_charts_are_tables_with_the_values_as_shown(parse: Parse) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
    data = category_data(number_format="0%")
    data.categories = ["Samso", "Fyn"]
    data.add_series("2025", (0.25, 0.5))
    data.add_series("2026", (0.3, None))
    size = (Inches(1), Inches(1), Inches(4), Inches(3))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Barrels by island"
    points = xy_data()
    points.add_series("Depth").add_data_point(1.5, 40)
    lower = (Inches(1), Inches(5), Inches(4), Inches(2))
    slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *lower, points)

    parsed = await parse("x.pptx", saved(presentation))

    assert page_texts(parsed)[0].split("\n\n") == [
        "Barrels by island",
        "|  | 2025 | 2026 |\n| --- | --- | --- |\n| Samso | 25% | 30% |\n| Fyn | 50% |  |",
        "|  | Depth |\n| --- | --- |\n| 1.5 | 40 |",
    ]


async def test_comments_of_both_kinds_are_read(parse: Parse) -> None:
    data = samples.pptx("words")
    old = (
        '<p:cmLst xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main">'
        "<p:cm><p:text>ask the harbour master</p:text></p:cm></p:cmLst>"
    )
    new = (
        '<k:cmLst xmlns:k="http://schemas.microsoft.com/office/powerpoint/2018/8/main"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><k:cm><k:replyLst>'
        "<k:reply><k:txBody><a:p><a:r><a:t>he agrees</a:t></a:r></a:p></k:txBody></k:reply>"
        "</k:replyLst><k:txBody><a:p><a:r><a:t>is it so?</a:t></a:r></a:p></k:txBody></k:cm>"
        "</k:cmLst>"
    )
    for number, content in enumerate((old, new)):
        data = samples.replaced(
            data,
            "ppt/slides/_rels/slide1.xml.rels",
            b"</Relationships>",
            f'<Relationship Id="c{number}" Type="{KINDS}comments" '
            f'Target="../comments/c{number}.xml"/></Relationships>',
        )
        data = samples.with_part(data, f"ppt/comments/c{number}.xml", content)

    parsed = await parse("x.pptx", data)

    assert parsed.text.split("\n\n")[-3:] == [
        "Comment: ask the harbour master",
        "Comment: is it so?",
        "Comment: he agrees",
    ]


async def test_formulas_and_raised_numbers_stay_apart(parse: Parse) -> None:
    math = (
        '<a:r><a:rPr baseline="30000"/><a:t>6</a:t></a:r><mc:AlternateContent xmlns:mc='
        '"http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="a14">'
        '<n:m xmlns:n="http://schemas.microsoft.com/office/drawing/2010/main"><m:oMath xmlns:m='
        '"http://schemas.openxmlformats.org/officeDocument/2006/math"><m:f><m:num><m:r><m:t>56'
        "</m:t></m:r></m:num><m:den><m:r><m:t>78</m:t></m:r></m:den></m:f></m:oMath></n:m>"
        "</mc:Choice><mc:Fallback><a:r><a:t>5678</a:t></a:r></mc:Fallback></mc:AlternateContent>"
        "</a:p>"
    )
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
    box(slide, "10", 1, 1)
    data = samples.replaced(saved(presentation), "ppt/slides/slide1.xml", b"</a:p>", math)

    parsed = await parse("x.pptx", data)

    assert parsed.text == "10^6 56/78"


async def test_footers_come_once_and_slide_numbers_never(parse: Parse) -> None:
    presentation = pptx.Presentation()
    for number in (1, 2):
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        box(slide, f"words {number}", 1, 1)
        for kind, text in (("ftr", "Harbour office"), ("sldNum", f"{number}")):
            shape = box(slide, text, 1, 6)
            mark = shape._element.nvSpPr.nvPr.get_or_add_ph()
            mark.set("type", kind)

    parsed = await parse("x.pptx", saved(presentation))

    assert page_texts(parsed) == ["words 1\n\nHarbour office", "words 2"]


async def test_texts_of_a_layout_come_once(parse: Parse) -> None:
    presentation = pptx.Presentation()
    layout = presentation.slide_layouts[BLANK]
    slide = presentation.slides.add_slide(layout)
    shape = box(slide, "Confidential", 1, 6)
    layout.shapes._spTree.append(shape._element)
    box(slide, "one", 1, 1)
    box(presentation.slides.add_slide(layout), "two", 1, 1)

    parsed = await parse("x.pptx", saved(presentation))

    assert page_texts(parsed) == ["one\n\nConfidential", "two"]


async def test_hidden_shapes_are_left_out_with_a_warning_and_pictures_are_counted(
    parse: Parse,
) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
    box(slide, "seen", 1, 1)
    box(slide, "unseen", 1, 3)._element.nvSpPr.cNvPr.set("hidden", "1")
    for top, description in ((4, "The keel"), (5, "fig/keel.jpg")):
        picture = slide.shapes.add_picture(io.BytesIO(samples_png()), Emu(0), Inches(top))
        picture._element.nvPicPr.cNvPr.set("descr", description)

    parsed = await parse("x.pptx", saved(presentation))

    assert parsed.text == "seen\n\nThe keel"
    assert {w.code: w.message for w in parsed.warnings} == {
        WarningCode.HIDDEN_TEXT_LEFT_OUT: "slide 1: a hidden shape with text was left out",
        WarningCode.PART_NOT_READ: "1 picture has no alternative text, "
        "and the text within was not looked for",
    }


def samples_png() -> bytes:
    """A picture of one pixel that the library accepts."""
    import base64

    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )


async def test_a_slide_that_no_one_shows_is_warned_of(parse: Parse) -> None:
    orphan = (
        '<p:sld xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a='
        '"http://schemas.openxmlformats.org/drawingml/2006/main"><a:t>lost words</a:t></p:sld>'
    )

    parsed = await parse(
        "x.pptx", samples.with_part(samples.pptx("words"), "ppt/slides/slide9.xml", orphan)
    )

    assert [w.message for w in parsed.warnings] == [
        "the part 'ppt/slides/slide9.xml' holds text and was not read"
    ]


async def test_a_slide_that_the_file_lacks_does_not_hurt_the_others(parse: Parse) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "The quay"
    lost = '<p:sldIdLst><p:sldId id="300" r:id="rId99"/>'
    data = samples.replaced(saved(presentation), "ppt/presentation.xml", b"<p:sldIdLst>", lost)

    parsed = await parse("x.pptx", data)

    assert parsed.text == "# The quay"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.PART_NOT_READ]


async def test_numbered_paragraphs_keep_their_numbers(parse: Parse) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
    numbered = '<a:pPr lvl="{}"><a:buAutoNum type="{}"{}/></a:pPr>'
    marks = [
        numbered.format(0, "arabicPeriod", ""), numbered.format(1, "alphaLcParenR", ""),
        numbered.format(1, "alphaLcParenR", ""), numbered.format(0, "arabicPeriod", ""), "",
        numbered.format(0, "romanUcPeriod", ' startAt="4"'),
        numbered.format(0, "romanUcPeriod", ' startAt="4"'),
        numbered.format(0, "arabicParenBoth", ""), '<a:pPr><a:buChar char="&#8226;"/></a:pPr>',
    ]  # fmt: skip
    shape = box(slide, "\n".join("word" for _ in marks), 1, 1)
    names = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    for paragraph, mark in zip(shape.text_frame.paragraphs, marks, strict=True):
        if mark:
            made = parse_xml(mark.replace("<a:pPr", f"<a:pPr {names}", 1))
            paragraph._p.insert(0, made)

    parsed = await parse("x.pptx", saved(presentation))

    labels = [block.removesuffix("word").strip() for block in page_texts(parsed)[0].split("\n\n")]
    assert labels == ["1.", "a)", "b)", "2.", "", "IV.", "V.", "(1)", ""]
