"""Damaged PDF files that are read all the same."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import WarningCode
from tests.unit.pdf_objects import one_page

LIMITS = ParserLimits(100, 1_000_000)
SHOWN = b"BT /F1 11 Tf 72 750 Td (The visible paragraph stands here.) Tj ET "
WHOLE = one_page(SHOWN)
FONTS = b"/Resources<</Font<</F1 5 0 R>>>>"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE + b"\n" + b"x" * 70_000, id="other bytes behind the end"),
        pytest.param(
            WHOLE.replace(FONTS, b"").replace(b"/Kids[3 0 R]", b"/Kids[3 0 R]" + FONTS),
            id="wrong places of objects",
        ),
    ],
)
def test_a_damaged_file_is_read_with_a_warning(data: bytes) -> None:
    parsed = parse_document(data, filename="x.pdf", limits=LIMITS)
    assert parsed.text == "The visible paragraph stands here."
    assert [warning.code for warning in parsed.warnings] == [WarningCode.REPAIRED]


def test_a_file_that_ends_in_its_first_part_is_refused() -> None:
    first = WHOLE[:200] + b"\nstartxref\n0\n%%EOF\n" + WHOLE[200:420] + b"x" * 70_000
    with pytest.raises(DocumentUnreadable):
        parse_document(first, filename="x.pdf", limits=LIMITS)
