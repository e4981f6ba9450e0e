"""What stands beside the text of a PDF: forms, pinned files, comments."""

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests.unit.pdf_objects import one_page, stream

LIMITS = ParserLimits(100, 1_000_000)
SHOWN = b"BT /F1 11 Tf 72 750 Td (The visible paragraph stands here.) Tj ET "
FIELD = b"<</Type/Annot/Subtype/Widget/Rect[10 10 100 30]%s>>"


def read(data: bytes) -> ParsedDocument:
    return parse_document(data, filename="x.pdf", limits=LIMITS)


def test_chosen_options_are_read_as_they_are_shown_and_all_of_them() -> None:
    data = one_page(
        SHOWN,
        page=b"/Annots[6 0 R 7 0 R]",
        catalog=b"/AcroForm<</Fields[6 0 R 7 0 R]>>",
        more=[
            FIELD % b"/FT/Ch/T(hues)/Ff 2097152/Opt[(red)(green)(blue)]/V[(red)(blue)]",
            FIELD % b"/FT/Ch/Ff 131072/T(land)/Opt[[(de)(Germany)][(fr)(France)]]/V(fr)",
        ],
    )
    text = read(data).text
    assert "hues: red, blue" in text
    assert "land: France" in text


def test_files_that_are_pinned_to_a_page_are_read_or_named_with_a_warning() -> None:
    data = one_page(
        SHOWN,
        page=b"/Annots[6 0 R 7 0 R]",
        more=[
            b"<</Type/Annot/Subtype/FileAttachment/Rect[10 10 30 30]/FS 8 0 R/Contents(A list)>>",
            b"<</Type/Annot/Subtype/FileAttachment/Rect[10 50 30 70]/FS 9 0 R>>",
            b"<</Type/Filespec/F(ledger.txt)/UF(ledger.txt)/EF<</F 10 0 R>>>>",
            b"<</Type/Filespec/F(plan.dwg)/UF(plan.dwg)/EF<</F 10 0 R>>>>",
            stream(b"ninety-one sextants", b"/Type/EmbeddedFile"),
        ],
    )
    parsed = read(data)
    assert "Attachment: ledger.txt\n\nninety-one sextants" in parsed.text
    assert "Comment: A list" in parsed.text
    assert "Attachment: plan.dwg" in parsed.text
    assert [(one.code, "plan.dwg" in one.message) for one in parsed.warnings] == [
        (WarningCode.ATTACHMENT_NOT_READ, True)
    ]


def test_a_comment_with_rich_text_alone_is_read() -> None:
    rich = b"(<body><p>Eleven bar</p><p>at &amp; above</p></body>)"
    data = one_page(
        SHOWN,
        page=b"/Annots[6 0 R]",
        more=[b"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/T(Bo)/RC%s>>" % rich],
    )
    assert "Comment: Bo: Eleven bar at & above" in read(data).text


def test_values_of_an_xfa_form_are_read_with_a_warning() -> None:
    form = (
        b"<x:datasets xmlns:x='http://www.xfa.org/schema/xfa-data/1.0/'><x:data><form>"
        b"<LastName>Quistgaard</LastName><Empty/></form></x:data></x:datasets>"
    )
    data = one_page(
        b"BT /F1 11 Tf 72 750 Td (Please wait...) Tj ET",
        catalog=b"/NeedsRendering true/AcroForm<</Fields[]/XFA[(datasets)6 0 R]>>",
        more=[stream(form)],
    )
    parsed = read(data)
    assert "LastName: Quistgaard" in parsed.text
    assert "Empty" not in parsed.text
    assert [warning.code for warning in parsed.warnings] == [WarningCode.PART_NOT_READ]
