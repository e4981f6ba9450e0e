"""Files of pictures: every format, many kinds of pixels, and limits."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif
from PIL.Image import Image as Picture

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.ocr import engine
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentUnreadable,
    ParserLimitExceeded,
    TooManyPages,
    UnsupportedMediaType,
)
from ingest.domain.media_type import EXTENSIONS, PICTURES, MediaType, detect, sniff
from ingest.domain.parse_warning import WarningCode
from tests import scans
from tests.unit.parsing import assert_landmarks_are_exact, page_texts

KINDS = ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"]


def parse(data: bytes, *, name: str = "x", options: OcrOptions | None = None) -> ParsedDocument:
    limits = ParserLimits(max_pages=5, max_text_chars=1_000_000, ocr=options or OcrOptions())
    parsed = parse_document(data, filename=name, limits=limits)
    assert_landmarks_are_exact(parsed)
    return parsed


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x", "x.txt", "x.pdf", "x.docx"])
def test_the_first_bytes_of_a_picture_decide(kind: str, name: str) -> None:
    data = scans.file(scans.blank(), kind)

    assert detect(data, filename=name) is MediaType[kind]


def test_every_kind_of_picture_has_an_extension() -> None:
    assert {MediaType[kind] for kind in KINDS} == PICTURES <= set(EXTENSIONS.values())


@pytest.mark.parametrize(
    "text",
    [b"BM is short for a bitmap, " * 9, b"GIF8 pictures are old", b"RIFF and WEBP", b"II* and MM*"],
)
def test_text_that_begins_like_a_picture_is_text(text: bytes) -> None:
    assert sniff(text, filename="x.txt") is MediaType.TEXT


def test_text_under_the_name_of_a_picture_is_refused() -> None:
    with pytest.raises(DocumentUnreadable, match=r"ends in .png but the content is plain text"):
        sniff(b"only words", filename="x.png")


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_of_a_picture_are_read(kind: str) -> None:
    parsed = parse(scans.file(scans.page(), kind))

    assert parsed.text == scans.WORDS
    assert page_texts(parsed) == [scans.WORDS]
    assert codes(parsed) == [WarningCode.TEXT_RECOGNIZED]


def white_on_black() -> Picture:
    return Image.eval(scans.page(), lambda shade: 255 - shade)


def on_glass() -> Picture:
    """Black letters on nothing; what is transparent is black, too."""
    glass = Image.new("RGBA", scans.page().size, (0, 0, 0, 0))
    glass.putalpha(white_on_black())
    return glass


def dark_of_16_bits() -> Picture:
    """Shades from 0 to 2550 of 65,535."""
    return Image.fromarray(np.asarray(scans.page()).astype(np.uint16) * 10)


@pytest.mark.parametrize(
    ("picture", "kind", "options"),
    [
        (white_on_black(), "PNG", {}),
        (on_glass(), "PNG", {}),
        (on_glass(), "WEBP", {"lossless": True}),
        (dark_of_16_bits(), "PNG", {}),
        (dark_of_16_bits(), "TIFF", {}),
        (scans.page().convert("1"), "TIFF", {"compression": "group4"}),
        (scans.page().convert("CMYK"), "JPEG", {}),
        (scans.page().convert("P"), "PNG", {}),
        (scans.page(dpi=80), "PNG", {}),
        (scans.page(dpi=600), "JPEG", {}),
    ],
    ids=[
        "white on black", "transparent", "transparent WebP", "16 bits", "16 bits TIFF", "fax",
        "CMYK", "palette", "screen", "600 dpi",
    ],
)  # fmt: skip
def test_pixels_of_every_kind_are_read(
    picture: Picture, kind: str, options: dict[str, object]
) -> None:
    assert parse(scans.file(picture, kind, **options)).text == scans.WORDS


@pytest.mark.parametrize(("tag", "turned"), [(3, 180), (6, 90), (8, 270)])
def test_a_photo_is_turned_as_the_camera_says(tag: int, turned: int) -> None:
    exif = Exif()
    exif[274] = tag

    data = scans.file(scans.page(turned=turned), "JPEG", exif=exif.tobytes())

    assert parse(data).text == scans.WORDS


def test_each_frame_of_a_tiff_is_a_page() -> None:
    parsed = parse(scans.frames([scans.page(), scans.blank(), scans.page(turned=90)], "TIFF"))

    assert [text.casefold() for text in page_texts(parsed)] == [
        scans.WORDS.casefold(), "", scans.WORDS.casefold(),
    ]  # fmt: skip
    assert [warning.message for warning in parsed.warnings] == [
        "the text of pages 1 and 3 was recognized in pictures (OCR), and may hold errors",
        "page 2 holds no text: nothing was recognized there",
    ]


def test_a_tiff_of_too_many_pages_is_refused() -> None:
    with pytest.raises(TooManyPages, match="6 pages, limit 5"):
        parse(scans.frames([scans.blank(9, 9)] * 6, "TIFF"))


def test_a_small_copy_in_a_tiff_is_no_page() -> None:
    small = scans.page(dpi=80)
    small.encoderinfo = {"tiffinfo": {254: 1}}

    assert page_texts(parse(scans.frames([scans.page(), small], "TIFF"))) == [scans.WORDS]


def test_a_damaged_page_of_a_tiff_costs_itself_alone() -> None:
    noisy = noise()
    data = scans.frames([scans.page(), noisy], "TIFF")
    pixels = noisy.tobytes()[:500]
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        offset = image.tag_v2[273][0]  # type: ignore[attr-defined]

    assert data[offset:].startswith(pixels)
    parsed = parse(data[: offset + 500])

    assert page_texts(parsed) == [scans.WORDS, ""]
    assert parsed.warnings[0].code is WarningCode.PAGE_NOT_READ
    assert "page 2 was not read" in parsed.warnings[0].message


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_is_read_and_the_others_are_told(kind: str) -> None:
    parsed = parse(scans.frames([scans.page(), scans.blank(*scans.page().size)], kind))

    assert parsed.text == scans.WORDS
    assert parsed.warnings[0].code is WarningCode.PART_NOT_READ
    assert "the first of the 2 pictures" in parsed.warnings[0].message


def test_more_pixels_than_the_limit_are_refused_before_they_are_decoded() -> None:
    bomb = scans.file(Image.new("1", (30_000, 20_000)))

    assert len(bomb) < 100_000
    with pytest.raises(ParserLimitExceeded, match="30000 × 20000 pixels, limit 150000000"):
        parse(bomb)


def test_a_picture_of_thirty_thousand_pixels_is_scaled_down() -> None:
    wide = scans.blank(30_000, 1200)
    wide.paste(scans.page(dpi=400).crop((0, 0, 3300, 1200)), (100, 0))

    assert "harbour office" in parse(scans.file(wide)).text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (scans.file(scans.page())[:3000], "truncated or corrupt"),
        (scans.file(scans.page(), "JPEG")[:9000], "truncated or corrupt"),
        (scans.file(scans.page(), "TIFF")[:3000], "truncated or corrupt"),
        (scans.file(scans.page(), "WEBP")[:3000], "truncated or corrupt"),
        (scans.file(scans.page(), "BMP")[:3000], "truncated or corrupt"),
        (b"\x89PNG\r\n\x1a\n\0\0", "truncated or corrupt"),
        (b"GIF89a", "truncated or corrupt"),
        (b"\xff\xd8\xff", "truncated or corrupt"),
        (b"II*\0\xff\xff\xff\xff", "truncated or corrupt"),
    ],
    ids=["PNG", "JPEG", "TIFF", "WebP", "BMP", "PNG head", "GIF head", "JPEG head", "TIFF head"],
)
def test_a_damaged_picture_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(DocumentUnreadable, match=says):
        parse(data)


def noise() -> Picture:
    return Image.fromarray(np.random.default_rng(7).integers(0, 255, (400, 300), np.uint8))


def scrawl() -> Picture:
    """Waves like a pen's, without letters."""
    rows = np.full((1000, 1600), 255, np.uint8)
    xs = np.arange(80, 1500)
    for line in range(10):
        ys = 100 + 85 * line + 25 * np.sin(xs * 0.11 + line) + 10 * np.sin(xs * 0.29)
        for thick in range(4):
            rows[ys.astype(int) + thick, xs] = 30
    return Image.fromarray(rows)


@pytest.mark.parametrize(
    "picture", [scans.blank(), scans.blank(1, 1), noise(), scrawl()],
    ids=["blank", "one pixel", "noise", "scrawl"],
)  # fmt: skip
def test_a_picture_without_words_is_empty(picture: Picture) -> None:
    with pytest.raises(DocumentEmpty, match=r"nothing was recognized there|confidence"):
        parse(scans.file(picture))


@pytest.mark.parametrize("missing", ["tesserocr", "PIL"])
def test_without_the_extra_a_picture_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == missing else name)

    with pytest.raises(UnsupportedMediaType, match=r"a PNG picture.*pip install 'ingest\[ocr\]'"):
        parse(scans.file(scans.page()))


def test_without_a_language_model_a_picture_is_refused_with_its_folder(tmp_path: Path) -> None:
    options = OcrOptions(tessdata=str(tmp_path))

    with pytest.raises(UnsupportedMediaType, match=str(tmp_path)):
        parse(scans.file(scans.page()), options=options)


def test_when_recognition_is_off_a_picture_holds_no_text() -> None:
    with pytest.raises(DocumentEmpty, match="INGEST_OCR") as caught:
        parse(scans.file(scans.page()), options=replace(OcrOptions(), on=False))

    assert caught.value.pages == 1
