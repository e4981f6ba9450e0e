"""Word documents: what stands beside the plain paragraphs, and what a reader must not see.

Over 400 lines because each part of a document is written and read back here.
"""

import io
import zipfile

import docx
import pytest

from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests import samples
from tests.unit.parsing import Parse, outline

KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
SPACES = " ".join(
    f'xmlns:{prefix}="{space}"'
    for prefix, space in {
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
        "v": "urn:schemas-microsoft-com:vml",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "r": KINDS.rstrip("/"),
    }.items()
)


def document(body: str, **parts: tuple[str, str]) -> bytes:
    """A document with this body, and parts of a kind (the keyword) with name and content."""
    data = samples.replaced(
        samples.docx("MARK", heading="Top"),
        "word/document.xml",
        b"<w:p><w:r><w:t>MARK</w:t></w:r></w:p>",
        body,
    )
    data = samples.replaced(data, "word/document.xml", b"<w:body>", f"<w:body {SPACES}>")
    for kind, (name, content) in parts.items():
        link = f'<Relationship Id="{kind}1" Type="{KINDS}{kind}" Target="{name}"/></Relationships>'
        data = samples.replaced(data, "word/_rels/document.xml.rels", b"</Relationships>", link)
        data = samples.with_new_part(data, f"word/{name}", content)
    return data


def run(text: str, properties: str = "") -> str:
    style = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{style}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, properties: str = "") -> str:
    style = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{style}{run(text)}</w:p>"


def word(name: str, content: str) -> str:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<w:{name} xmlns:w="{space}">{content}</w:{name}>'


def body(parsed: ParsedDocument) -> str:
    return parsed.text.removeprefix("# Top").lstrip("\n")


def warned(parsed: ParsedDocument) -> dict[WarningCode, str]:
    return {warning.code: warning.message for warning in parsed.warnings}


def fraction(top: str, bottom: str) -> str:
    return (
        f"<m:f><m:num><m:r><m:t>{top}</m:t></m:r></m:num>"
        f"<m:den><m:r><m:t>{bottom}</m:t></m:r></m:den></m:f>"
    )


def power(base: str, exponent: str) -> str:
    return (
        f"<m:sSup><m:e><m:r><m:t>{base}</m:t></m:r></m:e>"
        f"<m:sup><m:r><m:t>{exponent}</m:t></m:r></m:sup></m:sSup>"
    )


@pytest.mark.parametrize(
    ("math", "shown"),
    [
        (fraction("12", "34"), "12/34"),
        (fraction("a+b", "34"), "(a+b)/34"),
        ("<m:r><m:t>2</m:t></m:r>" + fraction("1", "2"), "2 1/2"),
        (power("x", "23"), "x^23"),
        (power("a+b", "n+1"), "(a+b)^(n+1)"),
        (power("10", "6") + "<m:r><m:t>5</m:t></m:r>", "10^6 5"),
        ("<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/><m:e><m:r><m:t>2</m:t></m:r>"
         "</m:e></m:rad>", "√(2)"),
        ("<m:rad><m:deg><m:r><m:t>3</m:t></m:r></m:deg><m:e><m:r><m:t>x</m:t></m:r></m:e></m:rad>",
         "√[3](x)"),
        ("<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub>"
         "<m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:r><m:t>i</m:t></m:r></m:e></m:nary>",
         "∑_(i=1)^n i"),
        ("<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr><m:e><m:r><m:t>a</m:t>"
         "</m:r></m:e></m:d>", "[a]"),
        ("<m:m><m:mr><m:e><m:r><m:t>1</m:t></m:r></m:e><m:e><m:r><m:t>2</m:t></m:r></m:e></m:mr>"
         "<m:mr><m:e><m:r><m:t>3</m:t></m:r></m:e><m:e><m:r><m:t>4</m:t></m:r></m:e></m:mr></m:m>",
         "[1, 2; 3, 4]"),
    ],
)  # fmt: skip
async def test_formulas_keep_their_numbers_apart(parse: Parse, math: str, shown: str) -> None:
    text = f"<w:p>{run('is 7')}<m:oMath>{math}</m:oMath>{run('9')}</w:p>"

    parsed = await parse("x.docx", document(text))

    assert body(parsed) in {f"is 7 {shown} 9", f"is 7{shown}9", f"is 7 {shown}9", f"is 7{shown} 9"}
    if shown[0].isalnum():
        assert f"7 {shown}" in parsed.text


async def test_raised_and_lowered_numbers_are_not_joined_to_others(parse: Parse) -> None:
    raised = '<w:vertAlign w:val="superscript"/>'
    text = f"<w:p>{run('10')}{run('6', raised)}{run(' hires')}{run('2', raised)}</w:p>"

    parsed = await parse("x.docx", document(text))

    assert body(parsed) == "10^6 hires2"


async def test_of_alternatives_in_a_cell_one_is_read(parse: Parse) -> None:
    choice = f'<mc:Choice Requires="wps">{paragraph("Berth 7")}</mc:Choice>'
    fallback = f"<mc:Fallback>{paragraph('Berth seven')}</mc:Fallback>"
    both = f"<mc:AlternateContent>{choice}{fallback}</mc:AlternateContent>"
    table = f"<w:tbl><w:tr><w:tc>{both}</w:tc><w:tc>{paragraph('free')}</w:tc></w:tr></w:tbl>"

    parsed = await parse("x.docx", document(table))

    assert body(parsed).split("\n")[0] == "| Berth 7 | free |"


async def test_cells_stand_under_their_own_columns(parse: Parse) -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    wide = '<w:gridSpan w:val="2"/>'
    down = '<w:vMerge w:val="restart"/>'
    table = (
        f"<w:tbl><w:tr>{cell('Port', down)}{cell('Grain|Rye')}{cell('Fish')}</w:tr>"
        f"<w:tr>{cell('', '<w:vMerge/>')}{cell('t')}{cell('kg')}</w:tr>"
        f"<w:tr>{cell('no figures', wide)}{cell('77')}</w:tr>"
        f"<w:tr><w:trPr><w:gridBefore w:val='2'/></w:trPr>{cell('78')}</w:tr>"
        f"<w:tr>{cell('short')}</w:tr></w:tbl>"
    )

    parsed = await parse("x.docx", document(table))

    assert body(parsed).split("\n") == [
        "| Port | Grain\\|Rye | Fish |",
        "| --- | --- | --- |",
        "|  | t | kg |",
        "| no figures |  | 77 |",
        "|  |  | 78 |",
        "| short |  |  |",
    ]


NUMBERS = word(
    "numbering",
    """<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="2"/>
<w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/>
<w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl><w:lvl w:ilvl="2"><w:start w:val="1"/>
<w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>
<w:lvlText w:val="&#xF0B7;"/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="9">
<w:lvl w:ilvl="0"><w:start w:val="4"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Article %1"/>
</w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2">
<w:abstractNumId w:val="8"/></w:num><w:num w:numId="3"><w:abstractNumId w:val="9"/></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0">
<w:startOverride w:val="9"/></w:lvlOverride></w:num>""",
)


async def test_numbers_of_clauses_lists_and_headings_are_computed(parse: Parse) -> None:
    def item(text: str, level: int, list_id: int = 1, more: str = "") -> str:
        number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
        return paragraph(text, number + more)

    text = (
        item("Duties", 0) + item("to pay", 1) + item("at once", 2) + item("in cash", 2)
        + item("to serve", 1) + item("Rights", 0) + item("to sail", 1) + item("a point", 0, 2)
        + item("Ends", 0, 3, '<w:outlineLvl w:val="1"/>') + item("Anew", 0, 4)
        + item("plain", 0, 0)
    )  # fmt: skip

    parsed = await parse(
        "x.docx", samples.with_new_part(document(text), "word/numbering.xml", NUMBERS)
    )

    assert body(parsed).split("\n") == [
        "2. Duties",
        "  2.1 to pay",
        "    (a) at once",
        "    (b) in cash",
        "  2.2 to serve",
        "3. Rights",
        "  3.1 to sail",
        "- a point",
        "",
        "## Article IV Ends",
        "",
        "9. Anew",
        "",
        "plain",
    ]
    assert outline(parsed)[1] == (2, "Article IV Ends")


async def test_hidden_text_is_left_out_with_a_warning(parse: Parse) -> None:
    style = (
        '<w:style w:type="character" w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>'
        "</w:styles>"
    )
    styled, shown = '<w:rStyle w:val="Secret"/>', '<w:vanish w:val="0"/>'
    text = (
        f"<w:p>{run('Seen. ')}{run('Hidden itself. ', '<w:vanish/>')}"
        f"{run('Hidden by style. ', styled)}"
        f"{run('Not hidden.', shown)}</w:p>"
    )

    parsed = await parse(
        "x.docx", samples.replaced(document(text), "word/styles.xml", b"</w:styles>", style)
    )

    assert body(parsed) == "Seen. Not hidden."
    assert "hidden text" in warned(parsed)[WarningCode.HIDDEN_TEXT_LEFT_OUT]


async def test_readings_drop_caps_symbols_and_placeholders_leave_words_whole(
    parse: Parse,
) -> None:
    text = (
        f"<w:p><w:r><w:ruby><w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase>"
        f"</w:ruby></w:r>{run('駅は大きい')}</w:p>"
        + paragraph("D", '<w:framePr w:dropCap="drop"/>')
        + paragraph("rake sailed")
        + '<w:p><w:r><w:sym w:font="Symbol" w:char="F062"/></w:r><w:r>'
        '<w:sym w:font="Wingdings" w:char="F0FC"/></w:r></w:p>'
        "<w:p><w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + run("Click here to enter text.")
        + "</w:sdtContent></w:sdt></w:p>"
        '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/>'
        '<w:listEntry w:val="no"/><w:listEntry w:val="yes"/></w:ddList></w:ffData></w:fldChar>'
        "</w:r></w:p>"
    )

    parsed = await parse("x.docx", document(text))

    assert body(parsed).split("\n\n") == [
        "東京駅は大きい (東京: とうきょう)",
        "Drake sailed",
        "β✓",
        "yes",
    ]
    assert not parsed.warnings


async def test_elements_of_a_foreign_namespace_are_left_out(parse: Parse) -> None:
    text = paragraph("real") + (
        '<e:p xmlns:e="http://example.org/e"><e:r><e:t>foreign</e:t></e:r></e:p>'
    )

    parsed = await parse("x.docx", document(text))

    assert body(parsed) == "real"


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich>
<a:p><a:r><a:t>Herring by year</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart>
<c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Tons</c:v></c:pt></c:strCache></c:strRef>
</c:tx><c:cat><c:strRef><c:strCache>
<c:pt idx="0"><c:v>Limfjord</c:v></c:pt><c:pt idx="2"><c:v>Samso</c:v>
</c:pt></c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache><c:formatCode>0%</c:formatCode>
<c:pt idx="0"><c:v>0.25</c:v></c:pt><c:pt idx="2"><c:v>0.5</c:v></c:pt></c:numCache></c:numRef>
</c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""
DIAGRAM = """<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst>
<dgm:pt modelId="2"><dgm:t><a:p><a:r><a:t>second</a:t></a:r></a:p></dgm:t></dgm:pt>
<dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>first</a:t></a:r></a:p></dgm:t></dgm:pt>
<dgm:pt modelId="0" type="doc"/></dgm:ptLst><dgm:cxnLst><dgm:cxn srcId="0" destId="2" srcOrd="1"/>
<dgm:cxn srcId="0" destId="1" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>"""


def graphic(content: str, description: str = "") -> str:
    return (
        f'<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="x" descr="{description}"/>'
        f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></wp:inline></w:drawing>"
        "</w:r></w:p>"
    )


async def test_charts_diagrams_word_art_and_pictures_are_read(parse: Parse) -> None:
    text = (
        graphic('<c:chart r:id="chart1"/>')
        + graphic('<dgm:relIds r:dm="diagramData1"/>')
        + graphic("<pic:pic><a:blip/></pic:pic>", "The lock gate")
        + graphic("<pic:pic><a:blip/></pic:pic>", "C:\\scan.png")
        + '<w:p><w:r><w:pict><v:shape><v:textpath string="Regatta"/></v:shape></w:pict></w:r></w:p>'
    )

    parsed = await parse(
        "x.docx",
        document(text, chart=("chart1.xml", CHART), diagramData=("data1.xml", DIAGRAM)),
    )

    assert body(parsed).split("\n\n") == [
        "Herring by year",
        "|  | Tons |\n| --- | --- |\n| Limfjord | 25% |\n| Samso | 50% |",
        "first",
        "second",
        "The lock gate",
        "Regatta",
    ]
    assert warned(parsed)[WarningCode.PART_NOT_READ].startswith("1 picture has no alternative")


async def test_comments_headers_and_footers_come_last_and_once(parse: Parse) -> None:
    comment = word(
        "comments", f'<w:comment w:id="0" w:author="Solveig">{paragraph("eleven bar")}</w:comment>'
    )
    data = document(
        paragraph("nine bar"),
        comments=("comments.xml", comment),
        header=("header1.xml", word("hdr", paragraph("Contract 4711") + paragraph("7"))),
        footer=("footer1.xml", word("ftr", paragraph("Contract 4711") + paragraph("Secret"))),
    )

    parsed = await parse("x.docx", data)

    assert body(parsed).split("\n\n") == [
        "nine bar",
        "Comment by Solveig: eleven bar",
        "Contract 4711",
        "Secret",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("part.html", "<html><body><p>gyrfalcons</p></body></html>"),
        ("part.txt", "gyrfalcons"),
        ("part.mht", "MIME-Version: 1.0\nContent-Type: text/html\n\n<p>gyrfalcons</p>"),
    ],
)
async def test_imported_parts_stand_at_their_place(parse: Parse, name: str, content: str) -> None:
    text = paragraph("before") + '<w:altChunk r:id="aFChunk1"/>' + paragraph("after")

    parsed = await parse("x.docx", document(text, aFChunk=(name, content)))

    assert body(parsed) == "before\n\ngyrfalcons\n\nafter"


async def test_an_imported_document_is_read_and_one_that_cannot_be_is_warned_of(
    parse: Parse,
) -> None:
    inner = docx.Document()
    inner.add_paragraph("gyrfalcons")
    out = io.BytesIO()
    inner.save(out)
    text = paragraph("before") + '<w:altChunk r:id="aFChunk1"/>'
    marked = document(text, aFChunk=("part.docx", ""))
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(marked)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            read = out.getvalue() if entry.filename == "word/part.docx" else source.read(entry)
            archive.writestr(entry.filename, read)

    parsed = await parse("x.docx", target.getvalue())
    rich = await parse("x.docx", document(text, aFChunk=("part.rtf", "{\\rtf1 words}")))

    assert body(parsed) == "before\n\ngyrfalcons"
    assert "'part.rtf'" in warned(rich)[WarningCode.PART_NOT_READ]


async def test_text_where_none_is_expected_is_warned_of(parse: Parse) -> None:
    data = document(paragraph("seen") + f"<w:p><w:pPr>{run('misplaced')}</w:pPr></w:p>")

    parsed = await parse("x.docx", data)

    assert "9 characters" in warned(parsed)[WarningCode.PART_NOT_READ]


async def test_embedded_files_are_named(parse: Parse) -> None:
    data = document(paragraph("seen"), package=("embeddings/budget.xlsx", "PK"))

    parsed = await parse("x.docx", data)

    assert "'budget.xlsx'" in warned(parsed)[WarningCode.PART_NOT_READ]


async def test_a_formula_between_the_paragraphs_of_a_cell_does_not_repeat_them(
    parse: Parse,
) -> None:
    run = "<w:r><w:t>{}</w:t></w:r>"
    half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    formula = f"<m:oMathPara><m:oMath>{half}</m:oMath></m:oMathPara>"
    cells = (
        f"<w:tc><w:p>{run.format('left')}</w:p>{formula}"
        f"<w:p>{run.format('right')}</w:p></w:tc><w:tc><w:p>{run.format('next')}</w:p></w:tc>"
    )

    parsed = await parse("x.docx", document(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"))

    assert "| left 1/2 right | next |" in parsed.text


async def test_a_formula_between_paragraphs_has_no_marks_of_the_reader(parse: Parse) -> None:
    half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    formula = f"<m:oMath>{half}</m:oMath>"

    parsed = await parse("x.docx", document(f"{formula}<m:oMathPara>{formula}</m:oMathPara>"))

    assert parsed.text == "# Top\n\n1/2\n\n1/2"
