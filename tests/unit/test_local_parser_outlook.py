"""OLE files: messages of Outlook and legacy workbooks are read, other legacy files are refused."""

import struct

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.formats.msg import unpack_rtf
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentUnreadable, UnsupportedMediaType
from ingest.domain.media_type import MediaType, detect
from tests.format_samples import msg, ole, rtf, xls
from tests.unit.parsing import outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)
SUBJECT, BODY, HTML, RTF, SENDER, ADDRESS, TO = 0x37, 0x1000, 0x1013, 0x1009, 0xC1A, 0x5D01, 0xE04


def parse(data: bytes, name: str = "x.msg") -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


def test_a_message_has_its_headers_and_its_attachments_are_read() -> None:
    parsed = parse(
        msg(
            {
                SUBJECT: "Dües",
                SENDER: "Ada",
                ADDRESS: "ada@example.org",
                TO: "Bo",
                BODY: "Pay now.",
            },
            attachments=["plan.txt"],
        )
    )

    assert parsed.text == (
        "Subject: Dües\nFrom: Ada <ada@example.org>\nTo: Bo\nAttachment: plan.txt\n\nPay now."
        "\n\n## plan.txt\n\nattached words"
    )
    assert parsed.warnings == ()


def test_html_is_read_rather_than_the_text_made_of_it() -> None:
    page = "<html><body><table><tr><td>a</td><td>b</td></tr></table></body></html>"

    parsed = parse(msg({SUBJECT: "s", BODY: "a b"}, binary={HTML: page.encode()}))

    assert parsed.text == "Subject: s\n\n| a | b |\n| --- | --- |"


def test_a_body_in_rich_text_alone_is_read() -> None:
    rich = rtf(r"only \'e9 here\par")
    stored = struct.pack("<II4sI", len(rich) + 12, len(rich), b"MELA", 0) + rich

    assert parse(msg({SUBJECT: "s"}, binary={RTF: stored})).text.endswith("only é here")


def test_compressed_rich_text_is_unpacked() -> None:
    # The example of the specification, MS-OXRTFCP 4.1.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3"
        "2068656c090020627705b06c647d0a800fa0"
    )

    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack_rtf(packed[:20]) != b""
    assert unpack_rtf(b"LZFu") == b""


def test_a_message_in_a_message_is_read() -> None:
    inner = "__attach_version1.0_#00000000/__substg1.0_3701000D"
    data = ole(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_0037001F": "Outer".encode("utf-16-le"),
            f"{inner}/__properties_version1.0": bytes(24),
            f"{inner}/__substg1.0_0037001F": "Inner".encode("utf-16-le"),
            f"{inner}/__substg1.0_1000001F": "Inner words".encode("utf-16-le"),
        }
    )

    assert parse(data).text == "Subject: Outer\n\nSubject: Inner\n\nInner words"


def test_a_legacy_workbook_shows_values_by_their_formats() -> None:
    rows: list[list[str | float | tuple[float, str]]] = [
        ["name", "value"],
        ["rate", (0.475, "0.0%")],
        ["zip", (7.0, "00000")],
        ["day", (46205.0, "yyyy-mm-dd")],
        ["duration", (1.5, "[h]:mm:ss")],
        ["clock", (0.3125, "h:mm")],
        ["sum", (1234.5, "#,##0.00")],
        ["plain", 12.25],
    ]

    parsed = parse(xls({"Rates": rows, "Empty": []}), "x.xls")

    assert outline(parsed) == [(1, "Rates")]
    for shown in (
        *("rate | 47.5%", "zip | 00007", "day | 2026-07-02", "duration | 36:00:00"),
        *("clock | 7:30", "sum | 1,234.50", "plain | 12.25"),
    ):
        assert f"| {shown} |" in parsed.text
    assert len(parsed.pages) == 2


def test_formats_of_a_legacy_workbook_mean_what_they_do_in_a_new_one() -> None:
    rows: list[list[str | float | tuple[float, str]]] = [
        ["what", "value"],
        ["loss", (-1234.5, "#,##0.00;(#,##0.00)")],
        ["price", (5.5, '"EUR" 0.00')],
        ["share", (0.75, "# ?/?")],
        ["large", (1230000.0, "0.00E+00")],
        ["clock", (0.75, "h:mm AM/PM")],
    ]

    parsed = parse(xls({"Rates": rows}), "x.xls")

    for shown in (
        *("loss | (1,234.50)", "price | EUR 5.50", "share | 3/4", "large | 1.23E+06"),
        "clock | 6:00 PM",
    ):
        assert f"| {shown} |" in parsed.text


def test_a_broken_legacy_workbook_is_refused() -> None:
    data = xls({"S": [["a", "b"]]})

    with pytest.raises(DocumentUnreadable, match="XLS"):
        parse(data.replace(b"\x09\x08\x10\x00", b"\xff\xff\x10\x00"), "x.xls")


@pytest.mark.parametrize("stream", ["WordDocument", "PowerPoint Document"])
def test_legacy_documents_are_refused_with_what_to_do(stream: str) -> None:
    data = ole({stream: bytes(5000), "ObjectPool/__properties_version1.0": bytes(32)})

    with pytest.raises(UnsupportedMediaType, match=r"save it as \.docx or \.pptx"):
        parse(data, "x.msg")


def test_the_content_decides_over_the_name() -> None:
    assert detect(msg({SUBJECT: "s"}), filename="x.xls") is MediaType.MSG
    assert detect(xls({"S": [["a"]]}), filename="x.docx") is MediaType.XLS
