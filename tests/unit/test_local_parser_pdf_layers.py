"""Layers of a PDF that are switched off, however the file marks them."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests.unit.pdf_objects import one_page, stream

LIMITS = ParserLimits(100, 1_000_000)
SHOWN = b"BT /F1 11 Tf 72 750 Td (The visible paragraph stands here.) Tj ET "
SECRET = b"BT /F1 11 Tf 72 700 Td (Hidden secret) Tj ET "
FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F1 5 0 R>>%s>>"
OFF = b"/OCProperties<</OCGs[7 0 R]/D<</OFF[7 0 R]>>>>"
LAYER = b"<</Type/OCG/Name(Draft)>>"


def read(data: bytes) -> ParsedDocument:
    return parse_document(data, filename="x.pdf", limits=LIMITS)


@pytest.mark.parametrize(
    ("content", "resources", "catalog", "more"),
    [
        pytest.param(
            SHOWN + b"/X0 Do",
            b"/XObject<</X0 6 0 R>>",
            OFF,
            [stream(SECRET, FORM % b"" + b"/OC 7 0 R"), LAYER],
            id="a form that is a layer",
        ),
        pytest.param(
            SHOWN + b"/X0 Do",
            b"/XObject<</X0 6 0 R>>",
            OFF,
            [
                stream(b"/OC /P0 BDC " + SECRET + b"EMC", FORM % b"/Properties<</P0 7 0 R>>"),
                LAYER,
            ],
            id="a layer inside of a form",
        ),
        pytest.param(
            b"/OC /P0 BDC " + SECRET + b"EMC /OC /P1 BDC " + SHOWN + b"EMC",
            b"/Properties<</P0 6 0 R/P1 7 0 R>>",
            b"/OCProperties<</OCGs[6 0 R 7 0 R]/D<</BaseState/OFF/ON[7 0 R]>>>>",
            [LAYER, LAYER],
            id="two layers of one name",
        ),
    ],
)
def test_text_of_a_layer_that_is_switched_off_is_left_out(
    content: bytes, resources: bytes, catalog: bytes, more: list[bytes]
) -> None:
    parsed = read(one_page(content, resources=resources, catalog=catalog, more=more))
    assert parsed.text == "The visible paragraph stands here."
    assert [warning.code for warning in parsed.warnings] == [WarningCode.HIDDEN_TEXT_LEFT_OUT]


def test_text_of_a_form_that_is_a_layer_that_is_shown_is_kept() -> None:
    form = stream(SECRET, FORM % b"" + b"/OC 7 0 R")
    shown = b"/OCProperties<</OCGs[7 0 R]/D<</ON[7 0 R]>>>>"
    data = one_page(
        SHOWN + b"/X0 Do",
        resources=b"/XObject<</X0 6 0 R>>",
        catalog=shown,
        more=[form, LAYER],
    )
    parsed = read(data)
    assert "Hidden secret" in parsed.text
    assert not parsed.warnings
